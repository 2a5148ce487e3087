"""Split the images of a task: which part each belongs to."""

import pandas as pd

from benchmark import evidence
from benchmark.data import splits
from benchmark.errors import BadInput
from benchmark.params import Params, load
from pipelines import Parser, run


def main() -> None:
    """Write ``split.csv`` of a task, from its table of images alone."""
    parser = Parser("split", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    split(load(), parser.parse_args().task)


def split(params: Params, name: str) -> None:
    """Split the images of a task."""
    table = made(params, name)
    evidence.replace_text(evidence.TASKS / name / "split.csv", table.to_csv(index=False))
    rows = splits.of_run(table, params.task(name), params.pooled_split, 0)
    counts = ", ".join(f"{len(index)} {subset}" for subset, index in rows.items())
    print(f"{name}: {table['cluster'].nunique()} clusters; run 0 has {counts}")


def made(params: Params, name: str) -> pd.DataFrame:
    """Return the split of a task's images; :class:`BadInput` if a part of a run lacks a class."""
    task, shares = params.task(name), params.pooled_split
    path = evidence.TASKS / name / "samples.csv"
    if not path.exists():
        raise BadInput(f"{path}: missing; make it with `dvc repro fetch@{name}`")
    samples = evidence.read_table(path, "label", "official", "cluster", sample_id=str, digest=str)
    classes = evidence.read_json(evidence.TASKS / name / "manifest.json")["classes"]
    named = samples.assign(label=samples["label"].map(dict(enumerate(classes))))
    validated = "validation" in set(samples["official"])
    part = None if task.split == "official" and validated else splits.deal(named, shares.parts, name)
    if task.split == "official":
        part = splits.official(samples, part, shares, task.keep_leaks)
    table = samples[["sample_id", "label", "cluster"]].assign(part=part)
    for number in range(task.runs):
        rows = splits.of_run(table, task, shares, number)
        for subset, index in rows.items():
            if missing := set(classes) - set(named["label"].iloc[index]):
                raise BadInput(
                    f"{name}: the {subset} images of run {number} contain none of class {min(missing)!r}; "
                    f"every part of a run must contain every class (split: {task.split})"
                )
    return table


if __name__ == "__main__":
    run(main)
