"""Whether evidence can be reproduced: on this machine, on another one, and with another version of the code."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmark import evidence
from benchmark.errors import BadInput, one_line
from benchmark.evidence import differences, provenance
from benchmark.evidence.digests import code_digest
from benchmark.params import Bands, Model, Task
from benchmark.training import cells, local
from benchmark.training.bands import Part, parts
from benchmark.training.corruptions import corruption_digests
from benchmark.training.origin import code_at
from benchmark.training.runs import PROTOCOL, Run, inputs, with_imports

SCRATCH = Path("scratch/reproduction")
UNSHOWN = ("data", "split", "weights", "pretraining")  # by training on synthetic images
UP_TO_DATE = """
from benchmark import params
from benchmark.training.cells import is_up_to_date
from pipelines.listed import cells
loaded = params.load()
for runs in cells(loaded, loaded.tasks, None):
    print(*(run.folder for run in runs if is_up_to_date(run)), sep="\\n")
"""  # said by the code of the base


@dataclass(frozen=True)
class Outcome:
    """How the runs of one cell came out: how many of ``runs`` with the ``same`` bytes, and which files differ.

    ``elsewhere`` says what the evidence claims to be made on, if not on the kind of processor and the versions of here.
    ``parts`` then says how far it differs, part by part.
    """

    cell: str
    runs: int
    same: int
    files: tuple[str, ...]
    elsewhere: str | None
    parts: tuple[Part, ...]

    @property
    def exact(self) -> bool:
        """Whether every byte agrees."""
        return self.same == self.runs

    @property
    def passed(self) -> bool:
        """Whether every byte agrees, or, on another processor or other versions, every part lies within its band."""
        return self.exact or (self.elsewhere is not None and all(part.within for part in self.parts))

    def __str__(self) -> str:
        text = f"{self.cell}: {self.same} of {self.runs} runs came out the same, byte for byte"
        if self.exact:
            return text
        text += f"; not the same: {', '.join(self.files)}"
        if self.elsewhere is None:
            return f"{text}; on the same kind of processor and versions, every byte must agree"
        told = [f"{text}; bytes could not be compared, because the evidence says it was made on {self.elsewhere}"]
        for within, heading in ((False, "more than another processor may change"), (True, "within what it may")):
            if some := [part.what for part in self.parts if part.within == within]:
                told.append(f"{heading}: {'; '.join(some)}")
        return "\n  ".join(told)


def compare(todo: list[Run], bands: Bands, one: Path, other: Path) -> list[Outcome]:
    """Compare runs below two folders, cell by cell; ``one`` contains what they must come out as.

    On the same kind of processor with the same versions every byte must agree. Elsewhere rounding differs, and training
    amplifies it, so single images change class; :mod:`benchmark.training.bands` says how far each file may differ.
    """
    first_runs = {run.cell: run for run in todo}.values()
    return [_compare_cell([run for run in todo if run.cell == first.cell], bands, one, other) for first in first_runs]


def _compare_cell(runs: list[Run], bands: Bands, one: Path, other: Path) -> Outcome:
    folders = [run.folder.relative_to(evidence.TASKS) for run in runs]
    pairs = [(one / folder, other / folder) for folder in folders]
    differing = [differences.differing_files(*pair) for pair in pairs]
    model = runs[0].model
    elsewhere = next(filter(None, (_elsewhere(*pair) for pair in pairs)), None)
    compared = ()
    if any(differing) and elsewhere:
        peers = _cells_of_kind(one / folders[0].parent, model.kind)
        compared = tuple(parts(pairs, peers, getattr(bands, model.kind)))
    return Outcome(
        cell="-".join(runs[0].cell),
        runs=len(runs),
        same=sum(not files for files in differing),
        files=tuple(name for name in evidence.DETERMINISTIC if any(name in files for files in differing)),
        elsewhere=elsewhere,
        parts=compared,
    )


def _elsewhere(one: Path, other: Path) -> str | None:
    """Return what the evidence in ``one`` says it was made on, if another kind of machine or versions than ``other``.

    Device and threads are params.yaml's and the code's, not the machine's: a claim of others excuses nothing.
    """
    claimed, here = map(provenance.read, (one, other))
    if all(_stack(claimed)[key] == value for key, value in _stack(here).items()):
        return None
    changed = [
        f"{name} {version}" for name, version in claimed["versions"].items() if here["versions"].get(name) != version
    ]
    return ", ".join([claimed["machine"].get("processor", "an unnamed processor"), *changed])


def _stack(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what decides whether bytes must agree."""
    machine = facts["machine"]
    return {key: machine.get(key) for key in ("kind", "system", "accelerator")} | {"versions": facts["versions"]}


def _cells_of_kind(cell: Path, kind: str) -> list[list[Path]]:
    """Return the runs of a cell, then those of each other cell of the same kind of model beside it."""
    by_model: dict[Path, list[Path]] = {cell: []}
    for path in sorted(cell.parent.glob(f"*/run-*/{evidence.PROVENANCE}")):
        folder = path.parent
        if (folder / "explanations.json").exists() == (kind == "network"):
            by_model.setdefault(folder.parent, []).append(folder)
    return [*by_model.values()]


@dataclass(frozen=True)
class Base:
    """A commit that was compared with: the ``models`` of it, and the folders of runs that were up to date there."""

    commit: str
    models: frozenset[str]
    up_to_date: frozenset[str]


def with_base(base: str, runs: list[Run], bands: Bands) -> tuple[list[Outcome], Base]:
    """Train run 0 of all models of synthetic tasks with this code, and compare with the code of commit ``base``.

    What comes out as the base's evidence, byte for byte, is what the base does. Where it does not, as on another kind
    of processor, the base is trained here too; that is kept in scratch under its commit, and taken up again.
    """
    commit = _commit(base)
    here, there = SCRATCH / "this", SCRATCH / commit
    with _checkout(commit) as tree:
        sample = [
            run
            for run in runs
            if run.task.synthetic and run.number == 0 and (tree / run.folder / evidence.PROVENANCE).exists()
        ]
        if not sample:
            raise BadInput(f"{base}: no evidence of a listed model on synthetic images; it must be a commit with some")
        up_to_date = _up_to_date_at(base, tree)
        cells.train_into(sample, here, local.outcomes)
        for run in sample:
            folder = run.folder.relative_to(evidence.TASKS)
            if not differences.differing_files(tree / run.folder, here / folder):
                shutil.copytree(tree / run.folder, there / folder, dirs_exist_ok=True)
        for task in {run.task.name for run in sample}:
            models = [run.model.name for run in sample if run.task.name == task and not _trained(there, run)]
            if models:
                _train_base(tree, task, models, there)
    compared = frozenset(run.model.name for run in sample)
    return compare(sample, bands, there, here), Base(commit, compared, up_to_date)


def restamp(base: Base, runs: list[Run], synthetic: Task) -> tuple[int, list[str]]:
    """Note in the provenance of runs that are what they were at ``base`` that their inputs are now these.

    The evidence must have been up to date then; images, split and protocol must be the same as then; the code is what
    :func:`with_base` has compared, on the task ``synthetic``. The file of a model that it did not compare must be as it
    was. The commit that trained a run stays. Return how many were noted, and why others were not.
    """
    known = _params_of(base.commit)
    count, reasons = 0, []
    for run in runs:
        facts, now = provenance.read(run.folder), inputs(run)
        if facts["inputs"] == now and provenance.is_whole(run.folder):
            continue
        if reason := _no_restamp(base, known, run, facts, now, synthetic):
            reasons.append(f"{run}: {reason}")
            continue
        stamp = {"inputs": now, "robustness": corruption_digests()}
        provenance.write(run.folder, facts | stamp | {"same_bytes_as": base.commit})
        count += 1
    return count, reasons


def _no_restamp(
    base: Base, known: dict[str, Any], run: Run, facts: dict[str, Any], now: dict[str, str], synthetic: Task
) -> str | None:
    """Return why the evidence of a run cannot be noted as made from today's inputs, if it cannot."""
    if subprocess.run(["git", "diff", "--quiet", base.commit, "--", str(run.folder)], check=False).returncode:
        return f"its evidence is not that of {base.commit}"
    if str(run.folder) not in base.up_to_date:
        return f"its evidence was not up to date at {base.commit}"
    if run.model.name not in base.models and not _has_model_of(base.commit, run):
        return f"it was not compared, and {run.code} or what it imports is not what it was at {base.commit}"
    if changed := [name for name in UNSHOWN if facts["inputs"].get(name) != now.get(name)]:
        return f"its {' and '.join(changed)} changed"
    if key := _changed_key(known, run, synthetic):
        return f"{key} is not what it was at {base.commit}"
    return None


def _has_model_of(commit: str, run: Run) -> bool:
    """Whether the files of the model of ``run`` have the code that they had at a commit."""
    paths = with_imports(run.code)
    return code_digest(paths) == code_at(commit, paths)


def _up_to_date_at(base: str, tree: Path) -> frozenset[str]:
    """Return the folders of the runs that the code in ``tree`` calls up to date."""
    done = subprocess.run([sys.executable, "-c", UP_TO_DATE], cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        why = one_line(done.stderr.strip().splitlines()[-1])
        raise BadInput(f"{base}: its code cannot say which evidence was up to date ({why}); it must be a later commit")
    return frozenset(done.stdout.split())


def _changed_key(known: dict[str, Any], run: Run, synthetic: Task) -> str | None:
    """Return the first key of the protocol, the recipe or the model that differs from ``known``, an older params.yaml.

    A key that it lacks must have the value that it has on ``synthetic``, a task that was trained again.
    """
    for key, name in (("tasks", run.task.name), ("models", run.model.name)):
        if name not in known[key]:
            return f"{key}.{name}"
    task, model = known["tasks"][run.task.name], known["models"][run.model.name]
    common = synthetic.recipe.model_dump() | task["recipe"]
    pairs = [(key, task.get(key), getattr(run.task, key)) for key in PROTOCOL]
    pairs += [(f"recipe.{key}", common[key], value) for key, value in run.task.recipe.model_dump().items()]
    entry, defaults = run.model.model_dump(), {key: field.default for key, field in Model.model_fields.items()}
    about = {key for key, field in Model.model_fields.items() if field.exclude}  # what decides no run
    keys = [key for key in entry | model if key not in about]
    pairs += [(f"models.{key}", model.get(key, defaults.get(key)), entry.get(key)) for key in keys]
    return next((key for key, then, value in pairs if then != value), None)


def _trained(folder: Path, run: Run) -> bool:
    return provenance.is_whole(folder / run.folder.relative_to(evidence.TASKS))


def _train_base(tree: Path, task: str, models: list[str], into: Path) -> None:
    """Train run 0 of some models with the code in ``tree``."""
    environment = dict(os.environ)
    environment["RETABLE_DATA"] = str(Path(os.environ.get("RETABLE_DATA") or "data").resolve())
    if mirror := os.environ.get("RETABLE_MIRROR"):
        environment["RETABLE_MIRROR"] = str(Path(mirror).resolve())
    call = [sys.executable, "-m", "pipelines.train", "--task", task, "--model", *models, "--run", "0"]
    done = subprocess.run([*call, "--into", str(into.resolve())], cwd=tree, env=environment, check=False)
    if done.returncode:
        raise BadInput(f"the base could not train {task}; what it said stands above")


def _params_of(base: str) -> dict[str, Any]:
    """Return params.yaml as it was at a commit."""
    return YAML(typ="safe").load(_git("show", f"{base}:params.yaml"))


@contextmanager
def _checkout(base: str) -> Iterator[Path]:
    """Check a commit out into a folder of its own; it is deleted in the end."""
    tree = (SCRATCH / "checkout").resolve()
    _git("worktree", "prune")
    try:
        _git("worktree", "add", "--force", "--detach", str(tree), base)
        yield tree
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(tree)], capture_output=True, check=False)


def _commit(base: str) -> str:
    return _git("rev-parse", "--verify", f"{base}^{{commit}}")


def _git(*call: str) -> str:
    done = subprocess.run(["git", *call], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        raise BadInput(f"git {call[0]}: {reason}; --base must name a commit of this repository")
    return done.stdout.strip()
