"""Split the images of a task: which part each belongs to."""

import argparse

import pandas as pd

from benchmark import evidence, params, splits
from benchmark.errors import BadInput
from pipelines import run


def main() -> None:
    """Write ``split.csv`` of a task, from its manifest's table of images alone."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.split", description=__doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    name = parser.parse_args().task
    settings = params.load()
    task, shares = settings.task(name), settings.pooled_split
    path = evidence.TASKS / name / "samples.csv"
    if not path.exists():
        raise BadInput(f"{path}: missing; make it with `dvc repro fetch@{name}`")
    samples = pd.read_csv(path, dtype={"sample_id": str, "digest": str})
    classes = evidence.read_json(evidence.TASKS / name / "manifest.json")["classes"]
    named = samples.assign(label=samples["label"].map(dict(enumerate(classes))))
    part = splits.deal(named, shares.parts, name)
    if task.split == "official":
        part = splits.official(samples, part, shares, task.keep_leaks)
    split = samples[["sample_id", "label", "cluster"]].assign(part=part)
    evidence.replace_text(evidence.TASKS / name / "split.csv", split.to_csv(index=False))
    rows = splits.of_run(split, task, shares, 0)
    counts = ", ".join(f"{len(index)} {part}" for part, index in rows.items())
    print(f"{name}: {split['cluster'].nunique()} clusters; run 0 has {counts}")


if __name__ == "__main__":
    run(main)
