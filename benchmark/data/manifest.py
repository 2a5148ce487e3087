"""What is known of the images of a task: the manifest, and a table with one row per image."""

from typing import Any

import numpy as np
import pandas as pd

from benchmark.data import PARTS, Images, duplicates
from benchmark.errors import BadInput
from benchmark.params import Params, Task

OTHER_CORRELATIONS = (0.99, 0.97, 0.95, 0.93, 0.9)


def describe(images: Images, task: Task, params: Params) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the manifest of the images of a task and their table: id, label, official part, cluster, digest."""
    lowest = min(params.duplicates.pixel_correlation, *OTHER_CORRELATIONS)
    near, correlation = duplicates.pairs(images, params.duplicates.model_copy(update={"pixel_correlation": lowest}))
    joined = near[correlation >= params.duplicates.pixel_correlation]
    cluster = duplicates.clusters(len(images), np.concatenate([joined, _within_groups(images.groups)]))
    samples = pd.DataFrame(
        {
            "sample_id": images.ids,
            "label": images.labels,
            "official": images.official,
            "cluster": cluster,
            "digest": images.digests,
        }
    )
    source = task.source
    manifest = {
        "source": source.name,
        "title": source.title,
        "licence": source.licence,
        "kind": source.kind,
        "synthetic": task.synthetic,
        "digest": images.digest,
        "native_size": task.native_size,
        "channels": images.pixels.shape[3],
        "classes": images.classes,
        "images": len(images),
        "images_by_class": _counts(samples, images.classes),
        "images_by_official_part": {
            part: _counts(samples[samples["official"] == part], images.classes)
            for part in PARTS
            if part in images.official
        },
        "groups": len(set(images.groups) - {""}),
        "duplicates": _duplicates(samples, joined, params)
        | {"near_by_pixel_correlation": [_at(images, near[correlation >= r], r) for r in OTHER_CORRELATIONS]},
    }
    return manifest, samples


def check(images: Images, manifest: dict[str, Any], task: str) -> None:
    """Refuse images that are not those of the manifest, with :class:`BadInput`."""
    if images.digest != manifest["digest"]:
        raise BadInput(
            f"{task}: the images have digest {images.digest[:12]}, its manifest says {manifest['digest'][:12]}; "
            f"restore the data, or make a new manifest with `dvc repro --force fetch@{task}`"
        )


def _counts(samples: pd.DataFrame, classes: list[str]) -> dict[str, int]:
    return {name: int((samples["label"] == label).sum()) for label, name in enumerate(classes)}


def _within_groups(groups: list[str]) -> np.ndarray:
    """Return pairs (P × 2) that join each image of a source's group to the group's first."""
    first: dict[str, int] = {}
    rows = [(first.setdefault(group, index), index) for index, group in enumerate(groups) if group]
    return np.array(rows, int).reshape(-1, 2)


def _duplicates(samples: pd.DataFrame, joined: np.ndarray, params: Params) -> dict[str, Any]:
    """Count duplicates inside the source and across its own split; clusters include the source's groups."""
    sizes = samples["cluster"].value_counts()
    parts = samples["official"].to_numpy()
    across = {}
    for first, second in (("train", "test"), ("train", "validation"), ("validation", "test")):
        if {first, second} <= set(parts):
            across[f"{second}_images_with_a_twin_in_{first}"] = {
                how: int(
                    (
                        samples["official"].eq(second)
                        & samples[key].isin(samples.loc[samples["official"].eq(first), key])
                    ).sum()
                )
                for how, key in (("exact", "digest"), ("near", "cluster"))
            }
    return {
        "threshold": params.duplicates.model_dump(),
        "exact_copies": int(samples["digest"].duplicated().sum()),
        "near_pairs": len(joined),
        "clusters": len(sizes),
        "largest_cluster": int(sizes.max()),
        "images_in_shared_clusters": int(sizes[sizes > 1].sum()),
        "clusters_of_two_classes": int((samples.groupby("cluster")["label"].nunique() > 1).sum()),
        "across_official_split": across,
    }


def _at(images: Images, joined: np.ndarray, correlation: float) -> dict[str, Any]:
    """Return what another threshold would find, so a reader can judge the one in use; ``joined`` are its pairs."""
    sizes = np.bincount(duplicates.clusters(len(images), joined))
    mixed = int((images.labels[joined[:, 0]] != images.labels[joined[:, 1]]).sum())
    return {
        "pixel_correlation": correlation,
        "pairs": len(joined),
        "pairs_of_two_classes": mixed,
        "clusters": len(sizes),
        "largest_cluster": int(sizes.max()),
    }
