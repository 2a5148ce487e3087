"""Train again and compare: with the committed evidence, or, by --base, two versions of the code on this machine."""

import shutil
import sys
from collections.abc import Iterable

from benchmark import evidence, params
from benchmark.errors import BadInput
from benchmark.report import renderings, results, tables
from benchmark.training import cells, reproduction
from pipelines import Parser, module_of, run


def main() -> int:
    """Return 0 if everything came out as it must, else 1."""
    parser = Parser("verify", __doc__)
    parser.add_argument("--task", nargs="+", help="tasks of params.yaml; all with evidence, if not given")
    parser.add_argument(
        "--stage", nargs="+", choices=params.TRAINING, help="stages of params.yaml; all with evidence, if not given"
    )
    parser.add_argument("--model", nargs="+", help="models of params.yaml; all with evidence, if not given")
    parser.add_argument("--run", nargs="+", type=int, help="numbers of runs; all with evidence, if not given")
    parser.add_argument(
        "--base", metavar="REV", help="a commit whose evidence is up to date: does this code do the same?"
    )
    args = parser.parse_args()
    settings = params.load()
    known = _with_evidence(settings, args.task, args.stage, args.model, args.run)
    shutil.rmtree(reproduction.SCRATCH, ignore_errors=True)
    if args.base:
        outcomes = reproduction.with_base(settings, args.base, known)
    else:
        cells.train_into(settings, known, reproduction.SCRATCH)
        outcomes = reproduction.compare(settings, known, evidence.TASKS, reproduction.SCRATCH)
        if not (args.model or args.run):
            for task in dict.fromkeys(one.task for one in known):
                _show_tables(settings, task)
    print("\n".join(str(outcome) for outcome in outcomes))
    if not all(outcome.passed for outcome in outcomes):
        print(f"error: did not come out as it must; what came out lies in {reproduction.SCRATCH}", file=sys.stderr)
        return 1
    if args.base:
        count = reproduction.restamp(settings, args.base, known)
        print(f"This code does what {args.base} does; {count} runs now say so. `dvc commit` records it.")
    else:
        exact = all(outcome.exact for outcome in outcomes)
        print(f"The evidence came out as committed{'' if exact else ', within what another processor may change'}.")
    shutil.rmtree(reproduction.SCRATCH)
    return 0


def _with_evidence(
    settings: params.Params,
    tasks: list[str] | None,
    stages: Iterable[str] | None,
    models: list[str] | None,
    numbers: list[int] | None,
) -> list[cells.Run]:
    for name in tasks or []:
        settings.task(name)
    for name in models or []:
        settings.model(name)
    listed = [
        one
        for task in tasks or settings.tasks
        for model in (settings.cells(task, stages or params.TRAINING) if stages or not models else models)
        if not models or model in models
        for one in cells.runs_of_cell(settings, task, model, module_of(settings, model))
        if (one.folder / evidence.PROVENANCE).exists() and (not numbers or one.run in numbers)
    ]
    if not listed:
        raise BadInput(
            "no committed evidence of such runs; runs must be made, and, if models are not named, stand under stages"
        )
    return listed


def _show_tables(settings: params.Params, task: str) -> None:
    """Make the tables anew from the runs just trained, with the committed costs, and print them."""
    trained = results.read(settings, task, reproduction.SCRATCH / task / "runs")
    of_papers = set(settings.cells(task, params.ROWS)) & set(trained.scores)
    for name, table in tables.make(settings, trained).items():
        if of_papers or name in ("models", "masks"):
            print(renderings.markdown(table))


if __name__ == "__main__":
    run(main)
