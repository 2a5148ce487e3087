"""Train again and compare: with the committed evidence, or, by --base, two versions of the code on this machine.

By --static nothing is trained: all that is derived from runs is made again, and where runs come from is checked.
"""

import random
import shutil
import sys

from benchmark import evidence, params
from benchmark.audit import papers
from benchmark.errors import BadInput, NotHere, closest
from benchmark.params import Params
from benchmark.training import cells as training
from benchmark.training import local, preflight, reproduction
from benchmark.training.runs import Run
from pipelines import Parser, run
from pipelines.listed import cell


def main() -> int:
    """Return 0 if everything came out as it must, else 1."""
    parser = Parser("verify", __doc__, "--task phantom --model knn --run 0")
    parser.add_argument("--task", nargs="+", help="tasks of params.yaml; all, if not given")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--model", nargs="+", help="models of params.yaml; all with evidence, if not given")
    chosen.add_argument("--paper", nargs="+", help="papers of papers/: the models of their tables' rows")
    parser.add_argument("--run", nargs="+", type=int, help="numbers of runs; all with evidence, if not given")
    parser.add_argument("--random", type=int, metavar="N", help="of these, N models on tasks, drawn at random")
    parser.add_argument(
        "--base",
        metavar="REV",
        help="a commit whose evidence is up to date: does this code do the same on synthetic images?",
    )
    parser.add_argument("--static", action="store_true", help="check all evidence without any training")
    args = parser.parse_args()
    loaded = params.load()
    if args.static:
        if args.task or args.model or args.paper or args.run or args.base or args.random is not None:
            raise BadInput("--static checks all evidence; it goes with no other option")
        return _check_without_training(loaded)
    runs = _with_evidence(loaded, args.task, _models_of(args.paper) if args.paper else args.model, args.run)
    if args.random is not None:
        runs = _drawn(runs, args.random)
    base = None
    if args.base:
        outcomes, base = reproduction.with_base(args.base, runs, loaded.other_processor)
    else:
        again = reproduction.SCRATCH / "again"
        shutil.rmtree(again, ignore_errors=True)
        training.train_into(runs, again, local.outcomes)
        outcomes = reproduction.compare(runs, loaded.other_processor, evidence.TASKS, again)
        if not (args.model or args.run or args.random):
            for task in dict.fromkeys(one.task.name for one in runs if not one.task.sealed):
                _show_tables(loaded, task)
    print("\n".join(str(outcome) for outcome in outcomes))
    if not all(outcome.exact if base else outcome.passed for outcome in outcomes):
        print(f"error: did not come out as it must; what came out lies in {reproduction.SCRATCH}", file=sys.stderr)
        return 1
    if base:
        synthetic = next(one.task for one in runs if one.task.synthetic)
        count, reasons = reproduction.restamp(base, runs, synthetic)
        print("\n".join(reasons))
        print(f"This code does what {args.base} does; {count} runs now say so. `dvc commit --force` records it.")
    else:
        print(_told(outcomes))
    shutil.rmtree(reproduction.SCRATCH)
    return 0


def _models_of(names: list[str]) -> list[str]:
    """Return the models of the rows of some papers."""
    by_name = {paper.name: paper for paper in papers.load_all()}
    for name in names:
        if name not in by_name:
            raise BadInput(f"--paper: no paper {name!r}; {closest(name, list(by_name))}")
    return papers.rows([by_name[name] for name in names])


def _told(outcomes: list[reproduction.Outcome]) -> str:
    """Say how all cells together came out; each passed."""
    same, runs = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("same", "runs"))
    if same == runs:
        all_runs = f"All {runs} runs" if runs > 1 else "The run"
        return f"{all_runs} came out as committed, byte for byte."
    return (
        f"{same} of {runs} runs came out as committed, byte for byte. The others' bytes could not be compared: "
        "their evidence says that it was made elsewhere; what differs is within what another processor may change."
    )


def _check_without_training(loaded: Params) -> int:
    """Check the whole chain; print each failure, what was not checked, and a count per check. Return 1 on a failure."""
    from pipelines.static_checks import run_all

    checks = run_all(loaded)
    for check in checks:
        for failure in check.failures:
            print(f"{check.about}: {failure}")
        for skipped in check.skipped:
            print(f"not checked: {skipped}")
    width = max(len(check.about) for check in checks)
    for check in checks:
        print(f"{check.about:{width}} {check.count - len(check.failures):6} of {check.count}")
    if not any(check.failures for check in checks):
        return 0
    print("what is derived is made again by `dvc repro` and `make docs`, a run by `train --force`", file=sys.stderr)
    return 1


def _with_evidence(
    loaded: Params, tasks: list[str] | None, models: list[str] | None, numbers: list[int] | None
) -> list[Run]:
    for model in models or []:
        loaded.model(model)
    every = [
        one
        for task in dict.fromkeys(tasks or loaded.tasks)
        for model in dict.fromkeys(models or loaded.cells(task))
        if tasks or model in loaded.cells(task)
        for one in cell(loaded, task, model)
        if (one.folder / evidence.PROVENANCE).exists()
    ]
    runs = [one for one in every if not numbers or one.number in numbers]
    if not runs:
        has = {one.number for one in every}
        known = f"; there are runs {min(has)} to {max(has)}" if has else ""
        raise BadInput(f"no evidence of such runs{known}; train them first, or name others")
    return runs


def _drawn(runs: list[Run], count: int) -> list[Run]:
    """Return the runs of some cells, drawn at random; a cell whose images are not here is named, and another drawn."""
    by_cell = {cell: [one for one in runs if one.cell == cell] for cell in sorted({one.cell for one in runs})}
    if not 1 <= count <= len(by_cell):
        raise BadInput(f"--random: {count}; it must be from 1 to {len(by_cell)}, how many there are")
    drawn, missing = [], ""
    for one_cell in random.sample(list(by_cell.values()), len(by_cell)):
        if len(drawn) == count:
            break
        try:
            preflight.require_images(one_cell)
            drawn.append(one_cell)
        except NotHere as error:
            missing = str(error)
            print(f"not checked: {'-'.join(one_cell[0].cell)}: {missing}")
    if len(drawn) < count:
        raise BadInput(f"--random: {count}; the images of {len(drawn)} of {len(by_cell)} models are here: {missing}")
    return [one for one_cell in drawn for one in one_cell]


def _show_tables(loaded: Params, task: str) -> None:
    """Make the tables anew from the runs just trained, with the committed costs, and print them."""
    from benchmark.report import renderings, results, tables

    again = results.read(loaded, task, reproduction.SCRATCH / "again" / task / "runs")
    for table in tables.make(loaded, again).values():
        print(renderings.markdown(table))


if __name__ == "__main__":
    run(main)
