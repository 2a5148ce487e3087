"""Train many cells at once: every core stays busy until the last run."""

from pathlib import Path

from benchmark import evidence, params
from benchmark.errors import BadInput
from benchmark.training import cells
from pipelines import Parser, module_of, run
from pipelines.fetch import fetch
from pipelines.split import split

STAGES = "stages of params.yaml whose models are meant; all, if not given"


def main() -> None:
    """Bring the evidence of all listed cells of some tasks up to date; fetch and split a task that was not yet."""
    parser = Parser("grid", __doc__)
    parser.add_argument("--task", nargs="+", required=True, help="tasks of params.yaml")
    parser.add_argument(
        "--model", nargs="+", help="models of params.yaml; all that some stage lists for the task, if not given"
    )
    parser.add_argument("--stage", nargs="+", choices=params.TRAINING, default=params.TRAINING, help=STAGES)
    parser.add_argument("--into", type=Path, help="leave what is trained below this folder, not among the evidence")
    parser.add_argument("--run", nargs="+", type=int, help="with --into: numbers of runs; all, if not given")
    args = parser.parse_args()
    if args.run and not args.into:
        raise BadInput("--run: goes with --into only; the evidence of a cell is replaced as a whole")
    settings = params.load()
    wanted = []
    for task in dict.fromkeys(args.task):
        settings.task(task)
        for model in dict.fromkeys(args.model or settings.cells(task, args.stage)):
            settings.model(model)
            wanted.append(cells.runs_of_cell(settings, task, model, module_of(settings, model)))
    if not wanted:
        raise BadInput(
            f"params.yaml: stages list no model for {', '.join(args.task)}; list some, or name them by --model"
        )
    for task in dict.fromkeys(args.task):
        if not (evidence.TASKS / task / "manifest.json").exists():
            fetch(settings, task)
        if not (evidence.TASKS / task / "split.csv").exists():
            split(settings, task)
    if args.into:
        todo = [one for cell in wanted for one in cell if not args.run or one.run in args.run]
        cells.train_into(settings, todo, args.into)
    else:
        cells.train_cells(settings, wanted, force=False)
        listed = [stage for cell in wanted if (stage := settings.listing(cell[0].task, cell[0].model))]
        if listed:
            print(f"so that DVC knows: dvc commit -f {' '.join(listed)}")


if __name__ == "__main__":
    run(main)
