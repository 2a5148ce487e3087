"""Train many cells at once: every core stays busy until the last run. `dvc commit` then records them."""

import argparse

from benchmark import cells, params
from benchmark.errors import BadInput
from pipelines import module_of, run


def main() -> None:
    """Bring the evidence of all listed cells of some tasks up to date."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.grid", description=__doc__)
    parser.add_argument("--task", nargs="+", required=True, help="tasks of params.yaml")
    parser.add_argument(
        "--model", nargs="+", help="models of params.yaml; all that are listed for the task, if not given"
    )
    args = parser.parse_args()
    settings = params.load()
    wanted = []
    for task in args.task:
        settings.task(task)
        for model in args.model or settings.cells(task):
            settings.model(model)
            wanted.append(cells.runs_of_cell(settings, task, model, module_of(model)))
    if not wanted:
        raise BadInput(
            f"params.yaml: stages list no model for {', '.join(args.task)}; list some, or name them by --model"
        )
    cells.train_cells(settings, wanted)


if __name__ == "__main__":
    run(main)
