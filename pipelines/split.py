"""Split the images of a task: which part each belongs to."""

import numpy as np
import pandas as pd

from benchmark import evidence
from benchmark.data import splits
from benchmark.errors import BadInput
from benchmark.params import Params, PooledSplit, load
from pipelines import Parser, run

POINTS = 0.02  # how far the shares of a pooled split may be off
OWN_VALIDATION = "; name the source's validation part, and none is dealt"


def main() -> None:
    """Write ``split.csv`` of a task, from its table of images alone."""
    parser = Parser("split", __doc__, "--task brain-mri")
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    split(load(), parser.parse_args().task)


def split(params: Params, name: str) -> None:
    """Split the images of a task."""
    table = made(params, name)
    evidence.replace_text(evidence.TASKS / name / "split.csv", table.to_csv(index=False))
    rows = splits.of_run(table, params.task(name), params.pooled_split, 0)
    counts = ", ".join(f"{len(index)} {subset}" for subset, index in rows.items())
    left_out = (table["part"] == "left_out").sum()
    print(
        f"{name}: {table['cluster'].nunique()} clusters; run 0 has {counts}"
        + (f"; {left_out} left out, since their clusters reach into another part" if left_out else "")
    )


def made(params: Params, name: str) -> pd.DataFrame:
    """Return the split of a task's images; :class:`BadInput` if a part of a run lacks a class, or is far off its share.

    It names the cluster at fault.
    """
    task, shares = params.task(name), params.pooled_split
    path = evidence.TASKS / name / "samples.csv"
    if not path.exists():
        raise BadInput(f"{path}: missing; make it with `dvc repro fetch@{name}`")
    samples = evidence.read_table(path, "label", "official", "cluster", sample_id=str, digest=str)
    described = evidence.manifest(name)
    classes, grouped = described["classes"], bool(described["groups"])
    named = samples.assign(label=samples["label"].map(dict(enumerate(classes))))
    official, validated = task.split == "official", "validation" in set(samples["official"])
    part = None if official and validated else _dealt(named, shares, name, grouped, official)
    if official:
        part = splits.official(samples, part, shares, task.keep_leaks)
    table = samples[["sample_id", "label", "cluster"]].assign(part=part)
    for number in range(task.runs):
        rows = splits.of_run(table, task, shares, number)
        for subset, index in rows.items():
            if missing := set(classes) - set(named["label"].iloc[index]):
                raise BadInput(
                    f"{name}: the {subset} images of run {number} contain none of class {min(missing)!r}; every part "
                    f"of a run must contain every class (split: {task.split})"
                    + _at_fault(named[named["label"] == min(missing)], grouped, official)
                    + (OWN_VALIDATION if official and not validated and subset == "validation" else "")
                )
        if not official:
            _check_shares(name, named, rows, shares, number, grouped)
    return table


def _dealt(named: pd.DataFrame, shares: PooledSplit, name: str, grouped: bool, official: bool) -> np.ndarray:
    """Return the part of each image; what has too few clusters is refused, with the cluster at fault.

    Of an official split the parts are dealt for validation alone, by the same rule: fewer clusters would give it
    another share, of one or two patients a class.
    """
    try:
        return splits.deal(named, shares.parts, name)
    except BadInput as error:
        in_error = [f"class {label} has " in str(error) for label in named["label"]]
        at_fault = _at_fault(named[in_error], grouped, official)
        raise BadInput(f"{error}{at_fault}{OWN_VALIDATION if official else ''}") from None


def _check_shares(
    name: str, named: pd.DataFrame, rows: dict[str, np.ndarray], shares: PooledSplit, number: int, grouped: bool
) -> None:
    """Refuse a run of which a part is off its share by more than two points, and by more than one image per part."""
    parts_of = {"train": shares.train, "validation": shares.validation, "test": shares.test}
    fits = []
    for subset, parts in parts_of.items():
        off = abs(len(rows[subset]) - len(named) * parts / shares.parts)
        fits.append(off <= max(POINTS * len(named), min(parts, shares.parts - parts)))
    if all(fits):
        return
    found = "/".join(f"{100 * len(rows[subset]) / len(named):.0f}" for subset in parts_of)
    wanted = "/".join(f"{100 * parts / shares.parts:.0f}" for parts in parts_of.values())
    raise BadInput(
        f"{name}: run {number} has {found} % in training, validation and test; it must have {wanted}, within two points"
        f"{_at_fault(named, grouped, official=False)}"
    )


def _at_fault(images: pd.DataFrame, grouped: bool, official: bool) -> str:
    """Return words on the largest cluster of some images, and on what can be done; none if no two are in a cluster.

    Where images are ``grouped``, a cluster contains all images of a group, such as a patient's.
    """
    sizes = images["cluster"].value_counts()
    if sizes.empty or sizes.iloc[0] < 2:
        return ""
    example = images.loc[images["cluster"] == sizes.index[0], "sample_id"].iloc[0]
    said = f"; at fault: a cluster of {sizes.iloc[0]} images, such as {example!r}"
    if grouped:
        otherwise = "" if official else ", or `split: official`"
        return f"{said}: all images of a group, as of a patient, are in one; take more groups{otherwise}"
    return f"{said}; leave copies out of the source, or raise duplicates.pixel_correlation"


if __name__ == "__main__":
    run(main)
