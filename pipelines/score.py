"""Compute ``metrics.json`` of a task's runs anew from their predictions; `dvc commit` then records it."""

from benchmark import evidence
from benchmark.evidence import metrics
from benchmark.evidence.checks import same_scores
from benchmark.params import load
from pipelines import Parser, run


def main() -> None:
    """Write ``metrics.json`` of every run of a task."""
    parser = Parser("score", __doc__, "--task brain-mri")
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    task = parser.parse_args().task
    load().task(task)
    changed = 0
    for predictions in sorted((evidence.TASKS / task / "runs").glob("*/run-*/predictions.csv")):
        _, labels, probabilities = evidence.read_predictions(predictions)
        path, scores = predictions.with_name("metrics.json"), metrics.score(labels, probabilities)
        written = evidence.read_json(path) if path.exists() else {}
        if not same_scores(written, scores):
            evidence.write_json(path, scores)
            changed += 1
    print(f"{task}: metrics of {changed} {'run' if changed == 1 else 'runs'} changed")


if __name__ == "__main__":
    run(main)
