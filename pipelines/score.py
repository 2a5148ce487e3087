"""Compute the metrics of a task's runs anew from their predictions; `dvc commit` then records them."""

from benchmark import evidence, params
from benchmark.evidence import metrics
from pipelines import Parser, run


def main() -> None:
    """Write ``metrics.json`` of every run of a task."""
    parser = Parser("score", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    name = parser.parse_args().task
    params.load().task(name)
    changed = 0
    for path in sorted((evidence.TASKS / name / "runs").glob("*/run-*/predictions.csv")):
        _, labels, probabilities = evidence.read_predictions(path)
        before, scores = path.with_name("metrics.json"), metrics.score(labels, probabilities)
        changed += evidence.read_json(before) != scores
        evidence.write_json(before, scores)
    print(f"{name}: metrics of {changed} runs changed")


if __name__ == "__main__":
    run(main)
