"""Where the evidence of runs comes from: whether it was made from today's inputs by the code that it names."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmark import evidence
from benchmark.evidence import checks, provenance, repository
from benchmark.evidence.checks import Check
from benchmark.evidence.digests import sources_digest
from benchmark.training.corruptions import CORRUPTIONS, corruption_digests
from benchmark.training.runs import Run, code_files, inputs, read_split

DIGESTS = "benchmark/evidence/digests.py"  # before this file, the digest of code was another one
STRENGTHS = {name: (kind.unit, kind.strengths) for name, kind in CORRUPTIONS.items()}
Test = Callable[[Check, Run], None]


def checks_of_task(task: str, runs: list[Run]) -> list[Check]:
    """Return the checks of the evidence of a task; ``runs`` are all that params.yaml asks for."""
    made = [run for run in runs if run.folder.exists()]
    folders = [run.folder for run in made]
    of_each: dict[str, Test] = {
        "runs are whole": _is_whole,
        "runs were made from today's inputs": _inputs_are_todays,
        "runs name a commit and its code": _code_is_the_commits,
        "runs fit the split": _fits_split,
        "metrics follow from predictions": lambda c, run: checks.metrics_follow(c, run.folder, bool(run.task.sealed)),
        "robustness fits": lambda c, run: checks.robustness_fits(c, run.folder, STRENGTHS),
        "histories fit": lambda c, run: checks.history_fits(c, run.folder, _epochs(run)),
        "explanations and masks are of test images": _names_test_images,
    }
    return [
        _asked_for(task, runs),
        *(_of_each(about, test, made) for about, test in of_each.items()),
        _no_twins(folders),
    ]


def _of_each(about: str, test: Test, runs: Iterable[Run]) -> Check:
    check = Check(about)
    for run in runs:
        with check.reading(run.folder):
            test(check, run)
    return check


def _asked_for(task: str, runs: list[Run]) -> Check:
    """Expect all runs that params.yaml asks for, and no others."""
    check, wanted = Check("runs are those of params.yaml"), {run.folder for run in runs}
    for run in runs:
        check.expect(run.folder.exists(), f"{run.folder}: missing; params.yaml asks for it, so it must be there")
    for folder in sorted(set((evidence.TASKS / task / "runs").glob("*/*")) - wanted):
        check.expect(False, f"{folder}: params.yaml asks for no such run; it must not be there")
    return check


def _no_twins(folders: list[Path]) -> Check:
    check = Check("no run is another's")
    checks.no_run_is_anothers(check, folders)
    return check


def _is_whole(check: Check, run: Run) -> None:
    if provenance.is_whole(run.folder):
        check.expect(True, "")
        return
    recorded = _facts(run).get("files", {})
    present = provenance.file_digests(run.folder)
    wrong = [name for name in {**recorded, **present} if recorded.get(name) != present.get(name)]
    what = f"{wrong[0]} is not the file that was written" if wrong else "lacks files"
    check.expect(False, f"{run.folder}: {what}; it must have the digest that {evidence.PROVENANCE} names")


def _inputs_are_todays(check: Check, run: Run) -> None:
    facts, now = _facts(run), inputs(run)
    robustness = corruption_digests()
    names = {"task": run.task.name, "model": run.model.name, "run": run.number, "device": run.task.device, "threads": 1}
    pairs = [(key, facts.get(key), value) for key, value in names.items()]
    pairs += [
        (f"inputs: {key}", facts.get("inputs", {}).get(key), now.get(key)) for key in facts.get("inputs", now) | now
    ]
    pairs += [(f"robustness: {key}", facts.get("robustness", {}).get(key), value) for key, value in robustness.items()]
    wrong = next(((key, was, is_now) for key, was, is_now in pairs if was != is_now), None)
    told = wrong and f"{wrong[0]} is {_short(wrong[1])}; it must be {_short(wrong[2])}, today's"
    check.expect(not wrong, f"{run.folder / evidence.PROVENANCE}: {told}")


def _code_is_the_commits(check: Check, run: Run) -> None:
    """Expect that the commit exists and that its code has the digest that was recorded.

    A run whose code was shown to do the same (`verify --base`) carries ``same_bytes_as``: its files, and the commit
    that trained it, must be what they were at that commit.
    """
    if not repository.is_here():
        if not check.skipped:
            check.skipped.append("commits: this is no git repository")
        return
    facts, path = _facts(run), run.folder / evidence.PROVENANCE
    commit, base = facts.get("commit"), facts.get("same_bytes_as")
    for name, value in {"commit": commit, "same_bytes_as": base or commit}.items():
        if not (isinstance(value, str) and repository.has_commit(value)):
            check.expect(False, f"{path}: {name} is {value}; it must be a commit of this repository")
            return
    if base:
        check.expect(*_same_as_at(base, run, facts))
    elif (recorded := facts.get("inputs", {}).get("code")) != (then := code_at(commit, code_files(run))):
        check.expect(False, f"{path}: code is {_short(recorded)}; it must be {_short(then)}, {commit}'s")
    else:
        check.expect(True, "")


def _same_as_at(base: str, run: Run, facts: dict[str, Any]) -> tuple[bool, str]:
    """Return whether a run has the files and the origin that it had at commit ``base``, and what to say if not."""
    then = repository.files_at(base, evidence.TASKS / run.task.name / "runs")
    for path in (run.folder / name for name in evidence.DETERMINISTIC):
        if (path.read_bytes() if path.exists() else None) != then.get(str(path)):
            return False, f"{path}: is not what it was at {base}, which {evidence.PROVENANCE} names; it must be"
    path = run.folder / evidence.PROVENANCE
    if str(path) not in then:
        return False, f"{path}: there was no such run at {base}, which it names; there must have been"
    before = json.loads(then[str(path)])
    for key in ("commit", "started", "device", "machine", "versions"):
        if facts.get(key) != before.get(key):
            return False, f"{path}: {key} is {facts.get(key)}; it must be {before.get(key)}, as at {base}"
    return True, ""


def code_at(commit: str, code: list[Path]) -> str | None:
    """Return the digest that the code in some files had at a commit; None where a file was not there."""
    files = repository.files_at(commit, Path("benchmark")) | repository.files_at(commit, Path("baselines"))
    paths = list(map(str, code))
    if DIGESTS not in files or any(path not in files for path in paths):
        return None
    return sources_digest(tuple((path, files[path].decode()) for path in paths))


def _fits_split(check: Check, run: Run) -> None:
    split, rows = read_split(run)
    test = split.iloc[rows["test"]]
    checks.predictions_fit(check, run.folder, test["sample_id"].tolist(), test["label"].to_numpy())
    counts, recorded = {name: len(index) for name, index in rows.items()}, _facts(run).get("images")
    path = run.folder / evidence.PROVENANCE
    check.expect(recorded == counts, f"{path}: images are {recorded}; they must be {counts}")


def _names_test_images(check: Check, run: Run) -> None:
    split, rows = read_split(run)
    test = split.iloc[rows["test"]]
    checks.images_are_of_the_test_split(check, run.folder, test["sample_id"].tolist(), test["label"].to_numpy())
    path = run.folder / "explanations.json"
    is_network = run.model.kind == "network"
    check.expect(path.exists() == is_network, f"{path}: a network must have it, an estimator must not")


def _epochs(run: Run) -> int:
    return run.recipe.epochs if run.model.kind == "network" else 1


def _facts(run: Run) -> dict[str, Any]:
    return provenance.read(run.folder)


def _short(value: Any) -> str:
    return str(value)[:12] if isinstance(value, str) else str(value)
