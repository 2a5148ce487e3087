"""What is known of the images of a task: the manifest, and a table with one row per image."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from benchmark.data import PARTS, Images, duplicates
from benchmark.data.duplicates import Choice, Pairs
from benchmark.errors import BadInput
from benchmark.params import Params, Task

NAMED = 20  # copies with different labels
GROUPS = {  # what names the groups of a source of this kind
    "folder": "`group_pattern` of the source, or by `groups: patient_id` for DICOM files",
    "table": "a column `group` among `columns` of the source",
    "npz": "train_groups, val_groups and test_groups in its file",
}
SHOWN = 8  # pairs in the task's figure


def describe(images: Images, task: Task, params: Params) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the manifest of the images of a task and their table: id, label, official part, cluster, digest.

    :class:`BadInput` if near-duplicates cannot be found, and no groups stand in for them (see :func:`missed`).
    """
    choice = duplicates.choose(images, params.duplicates)
    cluster = duplicates.clusters(len(images), np.concatenate([choice.joined, _within_groups(images.groups)]))
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
        **({"skipped_files": images.skipped} if images.skipped else {}),
        "images_by_class": _counts(samples, images.classes),
        "images_by_official_part": {
            part: _counts(samples[samples["official"] == part], images.classes)
            for part in PARTS
            if part in images.official
        },
        "groups": len(set(images.groups) - {""}),
        "duplicates": _duplicates(samples, choice, params),
    }
    missed(images, task, manifest)
    return manifest, samples


def check(images: Images, manifest: dict[str, Any], task: str) -> None:
    """Refuse images that are not those of the manifest, with :class:`BadInput`."""
    if images.digest != manifest["digest"]:
        raise BadInput(
            f"{task}: the images have digest {images.digest[:12]}, its manifest says {manifest['digest'][:12]}; "
            f"restore the data, or make a new manifest with `dvc repro --force fetch@{task}`"
        )


def missed(images: Images, task: Task, manifest: dict[str, Any]) -> str | None:
    """Return words on near-duplicates that are not found, since too many pairs look alike; None if there are not.

    :class:`BadInput` if none at all are found for that reason, and some image has no group in their place: the images
    would be split as if they had no near-duplicates.
    """
    found, unnamed = manifest["duplicates"], images.groups.count("")
    least = found["threshold"]["pixel_correlation"]
    given_up = [
        step["threshold"]
        for step in found["thresholds"]["pixels"]
        if step["threshold"] >= least and step["pairs"] is None
    ]
    if not given_up:
        return None
    many = f"at a correlation of {given_up[-1]:g} there are more than {duplicates.MOST_PER_IMAGE} pairs an image"
    by = GROUPS.get(task.source.kind, "groups in a file of arrays, a source of kind npz")
    advice = f"; {unnamed} images have no group: name what belongs together by {by}" if unnamed else ""
    if found["chosen"]["pixels"] is not None or found["chosen"]["residuals"] is not None:
        return f"near-duplicates may be missed: {many}{advice}"
    if unnamed:
        raise BadInput(f"{task.source.name}: {many}, and no threshold tells copies from lookalikes{advice}")
    return f"no near-duplicates are found, groups alone stay together: {many}, and no threshold fits"


def _counts(samples: pd.DataFrame, classes: list[str]) -> dict[str, int]:
    return {name: int((samples["label"] == label).sum()) for label, name in enumerate(classes)}


def _within_groups(groups: list[str]) -> np.ndarray:
    """Return pairs (P × 2) that join each image of a source's group to the group's first."""
    first: dict[str, int] = {}
    rows = [(first.setdefault(group, index), index) for index, group in enumerate(groups) if group]
    return np.array(rows, int).reshape(-1, 2)


def _duplicates(samples: pd.DataFrame, choice: Choice, params: Params) -> dict[str, Any]:
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
        "chosen": choice.thresholds,
        "exact_copies": int(samples["digest"].duplicated().sum()),
        "near_pairs": len(choice.near),
        "turned_pairs": int((choice.near.turn > 0).sum()),
        "clusters": len(sizes),
        "largest_cluster": int(sizes.max()),
        "images_in_shared_clusters": int(sizes[sizes > 1].sum()),
        "clusters_of_two_classes": int((samples.groupby("cluster")["label"].nunique() > 1).sum()),
        "across_official_split": across,
        "pairs_of_two_classes": _of_two_classes(samples, choice),
        "thresholds": {name: [_rounded(asdict(step)) for step in steps] for name, steps in choice.steps.items()},
        "shown": _shown(samples, choice.near),
    }


def _of_two_classes(samples: pd.DataFrame, choice: Choice) -> dict[str, Any]:
    """Count the pairs of copies, exact and near, whose labels differ, and name the first of them."""
    labels, ids = samples["label"].to_numpy(), samples["sample_id"].to_numpy()
    differ = {how: pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]] for how, pairs in _pairs_of(choice).items()}
    named = np.concatenate(list(differ.values()))[:NAMED]
    return {how: len(pairs) for how, pairs in differ.items()} | {"named": ids[named].tolist()}


def _pairs_of(choice: Choice) -> dict[str, np.ndarray]:
    return {"exact": choice.copies, "near": choice.near.joined}


def _shown(samples: pd.DataFrame, near: Pairs) -> list[dict[str, Any]]:
    """Return the near pairs that tell most, for pictures: train beside test first, where the source has a split.

    Half of them have two labels or are turned, as far as there are any; the others are the least alike that were
    joined, by which the threshold can be judged. No image is shown twice.
    """
    labels, parts = samples["label"].to_numpy(), samples["official"].to_numpy()
    beside = (parts[near.joined] == "test").any(1) & (parts[near.joined] != "test").any(1)
    differ, turned = labels[near.first] != labels[near.second], near.turn > 0
    by_distance = np.lexsort((near.correlation, ~beside))
    special = [*by_distance[differ[by_distance]], *by_distance[(turned & ~differ)[by_distance]]]
    chosen = _apart(near, special, [], SHOWN // 2)
    chosen = _apart(near, by_distance, chosen, SHOWN)
    return [_pair(samples, near, index) for index in by_distance if index in chosen]


def _apart(near: Pairs, order: Sequence[int], chosen: list[int], most: int) -> list[int]:
    """Return ``chosen`` pairs and more of them, in ``order``, up to ``most``, that share no image."""
    chosen = list(chosen)
    shown = {image for index in chosen for image in near.joined[index]}
    for index in order:
        if len(chosen) < most and not shown & set(near.joined[index]):
            chosen.append(index)
            shown |= set(near.joined[index])
    return chosen


def _pair(samples: pd.DataFrame, near: Pairs, index: int) -> dict[str, Any]:
    """Return what is shown of a pair, the image of the training part first."""
    images, turn = near.joined[index], int(near.turn[index])
    order = ("", *PARTS)  # a source without a split of its own has no parts
    first, second = (order.index(samples["official"][image]) for image in images)
    if second < first:
        images, turn = images[::-1], (-turn % 4 if turn < 4 else turn)  # mirrored ones are turned back by the same
    rows = samples.iloc[images]
    return {
        "images": rows["sample_id"].tolist(),
        "labels": rows["label"].tolist(),
        "parts": rows["official"].tolist(),
        "first_is": duplicates.TURNS[turn],
        "correlation": round(float(near.correlation[index]), 4),
        "of_residuals": round(float(near.residual[index]), 4),
    }


def _rounded(step: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in step.items()}
