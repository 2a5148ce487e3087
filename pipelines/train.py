"""Train one cell, task × model: all its runs, side by side."""

from benchmark import params
from benchmark.training import cells
from pipelines import Parser, module_of, run


def main() -> None:
    """Bring the evidence of one cell up to date."""
    parser = Parser("train", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    parser.add_argument("--model", required=True, help="a model of params.yaml")
    args = parser.parse_args()
    settings = params.load()
    settings.task(args.task)
    settings.model(args.model)
    wanted = cells.runs_of_cell(settings, args.task, args.model, module_of(settings, args.model))
    cells.train_cells(settings, [wanted], force=True)  # a stage with nothing to do was asked for by `dvc repro --force`


if __name__ == "__main__":
    run(main)
