"""Train the models of some tasks: what has changed, side by side, on every core or on a Ray cluster."""

from collections.abc import Callable
from pathlib import Path

from benchmark import evidence, params
from benchmark.audit import papers
from benchmark.errors import BadInput, NotHere
from benchmark.evidence import placing
from benchmark.params import Params
from benchmark.training import cells as training
from benchmark.training import local, untrained
from benchmark.training.engine import Engine
from benchmark.training.runs import Run, inputs
from pipelines import Parser, dvc_lock, run
from pipelines.fetch import fetch
from pipelines.listed import cells
from pipelines.split import split


def main() -> None:
    """Bring the evidence of tasks up to date; a task without manifest or split is fetched and split first."""
    parser = Parser("train", __doc__, "--task phantom --model emanet cnn")
    parser.add_argument("--task", nargs="+", required=True, help="tasks of params.yaml")
    parser.add_argument("--model", nargs="+", help="models of params.yaml; all that list the task, if not given")
    parser.add_argument("--force", action="store_true", help="train what is up to date too")
    parser.add_argument("--into", type=Path, help="leave what is trained below this folder, not among the evidence")
    parser.add_argument("--run", nargs="+", type=int, help="with --into: numbers of runs; all, if not given")
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="what places runs; local by default"
    )
    parser.add_argument(
        "--address", help="with --engine ray: the cluster to join, as HOST:PORT; this machine, if not given"
    )
    parser.add_argument("--plan", action="store_true", help="print what would be trained, and train nothing")
    args = parser.parse_args()
    if args.run and not args.into:
        raise BadInput("--run: goes with --into only; the evidence of a model on a task is replaced as a whole")
    if args.address and args.engine != "ray":
        raise BadInput("--address: goes with --engine ray only")
    engine = _engine(args.engine, args.address)
    asked = params_file()
    loaded = params.load()
    dvc_lock.check(loaded)
    wanted = cells(loaded, args.task, args.model)
    for task in dict.fromkeys(args.task):
        if not (evidence.TASKS / task / "manifest.json").exists():
            fetch(loaded, task)
        if not (evidence.TASKS / task / "split.csv").exists():
            split(loaded, task)
    chosen = [one for runs in wanted for one in runs if not args.run or one.number in args.run]
    if args.run and not chosen:
        most = max(len(runs) for runs in wanted) - 1
        raise BadInput(f"--run: no run {args.run[0]}; it must be 0 to {most}")
    if args.plan:
        from benchmark.training import plan

        todo = [one for one in chosen if args.into or args.force or not training.is_up_to_date(one)]
        print(plan.text(loaded, todo, len(chosen)))
        if todo and not args.into:
            print("`dvc repro` afterwards records them, and trains nothing")
        return
    if args.into:
        training.train_into(chosen, args.into, engine)
        print(f"{len(chosen)} runs trained into {args.into}")
        return
    trained = training.train_cells(wanted, args.force, still_wanted(asked), engine)
    total = sum(len(runs) for runs in wanted)
    print(f"{', '.join(args.task)}: {len(trained)} of {total} runs trained; the others were up to date")
    _explain_untrained(wanted, trained)
    for task in dict.fromkeys(args.task):
        placing.keep(evidence.TASKS / task / "runs")
        placing.keep(evidence.TASKS / task / "untrained")
    _name_stale_corruptions(wanted)
    _name_unlisted(loaded, args.task)


def _explain_untrained(cells_up_to_date: list[list[Run]], trained: list[Run]) -> None:
    """Leave what Grad-CAM shows of the proposed networks before any training, where that is out of date."""
    proposed = papers.proposed(papers.load_all())
    for first, *_ in cells_up_to_date:
        if first.model.name not in proposed or not untrained.has_maps(first):
            continue
        if first in trained or not untrained.is_current(first):
            try:
                untrained.write(first)
            except NotHere as error:
                print(f"{'-'.join(first.cell)}: Grad-CAM of the untrained network is not made: {error}")


def _engine(name: str, address: str | None) -> Engine:
    if name == "local":
        return local.outcomes
    from benchmark.training import on_ray

    return on_ray.engine(address)


def still_wanted(asked: bytes) -> Callable[[Run], bool]:
    """Return what says whether params.yaml, as it is then, still asks for a run by the same inputs.

    ``asked`` is the file as it was when the runs were asked for: while it is the same, it need not be parsed for each.
    """

    def is_wanted(run: Run) -> bool:
        if params_file() == asked:
            return True
        loaded = params.load()
        if run.task.name not in loaded.tasks or run.model.name not in loaded.models:
            return False
        return any(inputs(one) == inputs(run) and one.number == run.number for one in cells_of(loaded, run))

    return is_wanted


def params_file() -> bytes:
    """Return params.yaml as it is; nothing if it cannot be read."""
    try:
        return params.FILE.read_bytes()
    except OSError:
        return b""


def cells_of(loaded: Params, run: Run) -> list[Run]:
    """Return the runs of the same task and model by other parameters."""
    return cells(loaded, [run.task.name], [run.model.name])[0]


def _name_stale_corruptions(cells_up_to_date: list[list[Run]]) -> None:
    """Say whose robustness.csv is not by the corruptions as they are now; it is the only file that they decide."""
    for runs in cells_up_to_date:
        if stale := sorted({name for one in runs for name in training.stale_corruptions(one)}):
            task, model = runs[0].cell
            command = f"python -m pipelines.train --task {task} --model {model} --force"
            print(f"{task}-{model}: robustness is stale under {', '.join(stale)}; `{command}` makes it anew")


def _name_unlisted(loaded: Params, tasks: list[str]) -> None:
    """Say which models have evidence on a task that no longer lists them."""
    for task in tasks:
        for folder in sorted((evidence.TASKS / task / "runs").glob("*")):
            if folder.is_dir() and folder.name not in loaded.cells(task):
                print(f"{folder}: params.yaml does not list {task} for this model; delete the folder, or list the task")


if __name__ == "__main__":
    run(main)
