"""Parts, groups and rotations: which images a run trains, validates and tests on.

Clusters of near-duplicates, joined with the source's own groups, are dealt into parts as wholes. Run K tests on parts
3K, 3K+1, 3K+2 (of 20), validates on the next three and trains on the others.
"""

import numpy as np
import pandas as pd

from benchmark.data import PARTS
from benchmark.errors import BadInput
from benchmark.params import PooledSplit, Task


def deal(samples: pd.DataFrame, parts: int, source: str) -> np.ndarray:
    """Return the part (int, 0 to ``parts`` - 1) of each row of ``samples``, stratified and never dividing a cluster.

    ``samples`` has the columns ``label``, ``cluster`` and ``digest``. Clusters go, the largest first, each to the part
    that has the fewest images of its class; among equals a digest of the cluster decides, so neither the order of
    files nor their names matter. :class:`BadInput` if a class has fewer clusters than there are parts.
    """
    clusters = samples.groupby("cluster").agg(
        label=("label", lambda labels: labels.mode().iloc[0]), size=("label", "size"), digest=("digest", "min")
    )
    for label, count in clusters["label"].value_counts().items():
        if count < parts:
            raise BadInput(
                f"{source}: class {label} has {count} clusters of near-duplicates; {parts} parts need at least {parts}"
            )
    of_class = {label: np.zeros(parts, int) for label in clusters["label"].unique()}
    total = np.zeros(parts, int)
    part_of = {}
    for cluster, row in clusters.sort_values(["size", "digest"], ascending=[False, True]).iterrows():
        turn = np.roll(np.arange(parts), int(row["digest"][:8], 16) % parts)
        part = min(range(parts), key=lambda p: (of_class[row["label"]][p], total[p], turn[p]))
        of_class[row["label"]][part] += row["size"]
        total[part] += row["size"]
        part_of[cluster] = part
    return samples["cluster"].map(part_of).to_numpy()


def official(samples: pd.DataFrame, parts: np.ndarray, shares: PooledSplit, keep_leaks: bool) -> np.ndarray:
    """Return ``train``, ``validation``, ``test`` or ``left_out`` for each row, as the source splits its images.

    A source without validation part gives the first parts of its training images to it. Unless ``keep_leaks``,
    training and validation images whose cluster reaches into the test split are left out, then training images whose
    cluster reaches into validation.
    """
    subset = samples["official"].to_numpy().astype(object)
    if "validation" not in subset:
        subset[(subset == "train") & (parts < shares.validation)] = "validation"
    if not keep_leaks:
        clusters = samples["cluster"].to_numpy()
        for kept, leaking in (("test", ("train", "validation")), ("validation", ("train",))):
            leaks = np.isin(clusters, clusters[subset == kept]) & np.isin(subset, leaking)
            subset[leaks] = "left_out"
    return subset


def of_run(
    split: pd.DataFrame, task: Task, shares: PooledSplit, run: int, train_parts: int | None = None
) -> dict[str, np.ndarray]:
    """Return the row numbers of ``train``, ``validation`` and ``test`` for run ``run`` (0, 1, …) of ``task``.

    Of a pooled split, ``train_parts`` takes the first so many of the training parts; fewer lie within more.
    """
    if task.split == "official":
        subset = split["part"].to_numpy()
    else:
        turned = (split["part"].astype(int).to_numpy() - shares.test * run) % shares.parts
        held_out = shares.test + shares.validation
        subset = np.where(turned < shares.test, "test", np.where(turned < held_out, "validation", "train"))
        subset[turned >= held_out + (train_parts or shares.train)] = "unused"
    return {name: np.flatnonzero(subset == name) for name in PARTS}
