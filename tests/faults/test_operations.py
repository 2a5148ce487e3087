"""A kill, or a full disk, at every file operation by which a command puts results in place; then the command again."""

import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import sklearn.metrics  # noqa: F401  (what forks need is imported before them)

import pipelines
from benchmark import evidence, params
from benchmark.cost import measure, saving
from benchmark.evidence import provenance
from benchmark.report.figures import audit as audit_figure  # noqa: F401
from benchmark.report.figures import drawing
from benchmark.report.page import render  # noqa: F401
from benchmark.training import engine, networks  # noqa: F401
from benchmark.training.corruptions import corruption_digests
from benchmark.training.runs import inputs
from pipelines import audit, cost, docs, fetch, figures, listed, report, score, split, tables, train
from tests.faults.forks import KILLED, Ended, errors_of, forked
from tests.faults.injection import Fault
from tests.faults.rows import EVERY, Row
from tests.pipelines.repository import bytes_below

MOST, FEW = 160, 6  # operations of each command: in all, and in the short form; a figure is written in hundreds
TASK = Path("results/tasks/phantom")
CELL = TASK / "runs/knn"


@dataclass(frozen=True)
class Stage:
    """A command whose outputs are put in place: one by one, or, below ``whole`` folders, all at once."""

    main: Callable
    words: tuple[str, ...]
    outputs: tuple[str, ...]
    whole: tuple[str, ...] = ()
    prepare: Callable[[Path], None] | None = None
    replace: Callable[[], None] = lambda: None

    def work(self) -> None:
        """Do what ``python -m pipelines.STAGE`` does."""
        self.replace()
        sys.argv = ["stage", *self.words]
        pipelines.run(self.main)


def few_figures():
    for name in ("curves", "confusion", "learning", "accuracy", "robustness", "explained", "example"):
        setattr(drawing, name, lambda *_: None)


def no_clock():
    """Have measurements of cost give what the records say: what is tested is how they are written."""
    recorded = {path.stem: evidence.read_json(path) for path in Path("../reference/results/costs/tiny").glob("*.json")}
    measure.Session.measure = lambda self, models, progress: ({model: recorded[model] for model in models}, {})
    saving.record = lambda *_: recorded["attention-part"]


def finished_in_scratch(folder: Path) -> None:
    """Leave the trained runs of a cell in scratch, and stale ones, whole, among the evidence."""
    with contextlib.chdir(folder):
        for run in listed.cell(params.load(), "phantom", "knn"):
            key = engine._key(run, (inputs(run), corruption_digests()))
            shutil.copytree(run.folder, Path("scratch/runs/phantom/knn", f"run-{run.number}-{key}"))
            facts = evidence.read_json(run.folder / evidence.PROVENANCE)
            for path in run.folder.iterdir():
                path.write_bytes(path.read_bytes() + b"old\n")
            facts["inputs"]["code"] = "0" * 64
            provenance.write(run.folder, facts)


ON_PHANTOM = ("--task", "phantom")
STAGES = {
    "placing a cell": Stage(
        train.main, (*ON_PHANTOM, "--model", "knn"), (f"{CELL}/*/*",), (str(CELL),), finished_in_scratch
    ),
    "fetch": Stage(fetch.main, ON_PHANTOM, (f"{TASK}/manifest.json", f"{TASK}/samples.csv")),
    "split": Stage(split.main, ON_PHANTOM, (f"{TASK}/split.csv",)),
    "cost": Stage(cost.main, ("--shape", "tiny", "--force"), ("results/costs/tiny/*",), (), None, no_clock),
    "tables": Stage(
        tables.main, ON_PHANTOM, (f"{TASK}/tables/*", f"{TASK}/summary/*"), (f"{TASK}/tables", f"{TASK}/summary")
    ),
    "figures": Stage(figures.main, ON_PHANTOM, (f"{TASK}/figures/*/*",), (f"{TASK}/figures",), None, few_figures),
    "audit": Stage(audit.main, (), ("results/audit.*", "results/audit/*")),
    "report": Stage(report.main, (), ("results/report.html", "results/figures/*/*"), ("results/figures",)),
    "score": Stage(score.main, ON_PHANTOM, (f"{CELL}/*/metrics.json",)),
    "docs": Stage(docs.main, (), tuple(map(str, docs.PAGES))),
}


class Trials:
    """The states in which a command is started: the ``old`` outputs in place, and what it makes of them, ``new``."""

    def __init__(self, stage: Stage, made: Path, folder: Path) -> None:
        self.stage, self.folder, self.start = stage, folder, folder / "start"
        (folder / "reference").mkdir()
        for name in ("results", "papers", "docs"):
            shutil.copytree(made / name, folder / "reference" / name)
        for name in ("params.yaml", "dvc.yaml", "dvc.lock", "README.md"):
            shutil.copy(made / name, folder / "reference")
        for name in ("benchmark", "baselines"):
            (folder / "reference" / name).symlink_to(made / name)
        if not stage.prepare:  # what is trained is there already
            assert forked(stage.work, folder / "reference").status == 0
        shutil.copytree(folder / "reference", self.start, symlinks=True)
        if stage.prepare:
            stage.prepare(self.start)
        else:
            for path in self.outputs(self.start):
                path.write_bytes(self.old(path.read_bytes()))
        self.before, self.after = self.bytes_of(self.start), self.bytes_of(folder / "reference")
        assert self.before != self.after

    def old(self, content: bytes) -> bytes:
        """Return other content, which is still of its kind where a command reads it."""
        with contextlib.suppress(ValueError):
            if isinstance(read := json.loads(content), dict):
                return json.dumps(read | {"old": 1}).encode()
        for name in (name for names in docs.PAGES.values() for name in names):  # pages are filled between marks
            mark = docs.END.format(name).encode()
            content = content.replace(mark, b"old\n" + mark)
        return content if b"old\n" in content else content + b"\n"

    def outputs(self, folder: Path) -> list[Path]:
        return [path for pattern in self.stage.outputs for path in folder.glob(pattern) if path.is_file()]

    def bytes_of(self, folder: Path) -> dict[Path, bytes]:
        """Return path → content of all that a reader of the repository sees."""
        below = {Path("results") / path: content for path, content in bytes_below(folder / "results").items()}
        return below | {path: (folder / path).read_bytes() for path in docs.PAGES}

    @contextlib.contextmanager
    def trial(self):
        folder = self.folder / "trial"
        shutil.copytree(self.start, folder, symlinks=True)
        yield folder
        shutil.rmtree(folder)

    def operations(self) -> int:
        with self.trial() as folder:
            ended = forked(self.stage.work, folder, Fault(folder.resolve()))
            assert ended.status == 0, ended.said
            assert self.same(folder)
            return ended.count

    def same(self, folder: Path) -> bool:
        return self.bytes_of(folder) == self.after

    def others(self, folder: Path) -> list[str]:
        return [str(path) for path, content in self.bytes_of(folder).items() if self.after.get(path) != content]

    def is_lost(self, folder: Path) -> bool:
        return not set(self.after) <= set(self.bytes_of(folder))

    def is_wrong(self, folder: Path) -> bool:
        """Whether a file is neither the old nor the new one, or a folder that is replaced whole is of both."""
        states = {
            path: {number for number, known in enumerate((self.before, self.after)) if known.get(path) == content}
            for path, content in self.bytes_of(folder).items()
            if path.suffix != ".part"
        }
        if not all(states.values()):
            return True
        for whole in map(Path, self.stage.whole):
            of_folder = [state for path, state in states.items() if path.is_relative_to(whole)]
            if of_folder and not set.intersection(*of_folder):
                return True
        return False


def points(count: int) -> list[int]:
    """Return at which operations a fault is injected: at each, or, of very many, evenly spread."""
    return [*range(1, count + 1, max(1, -(-count // (MOST if EVERY else FEW))))]


def one_line_at_most(ended: Ended) -> bool:
    return len(errors_of(ended.said)) <= 1 and "Traceback" not in ended.said


@pytest.mark.long
@pytest.mark.parametrize("kind", ["kill", "full"])
@pytest.mark.parametrize("name", STAGES)
def test_a_fault_at_every_file_operation(made, tmp_path, name, kind):
    trials, faulty = Trials(STAGES[name], made, tmp_path), []
    count = trials.operations()
    chosen = points(count)
    share = "each" if len(chosen) == count else len(chosen)
    where = (
        f"at {share} of {count} file operations" if kind == "kill" else f"from {share} of {count} file operations on"
    )
    row = Row(
        f"{'kill -9' if kind == 'kill' else 'full disk'}, {name}", where, seen="nothing" if kind == "kill" else ""
    )
    for number in chosen:
        with trials.trial() as folder:
            ended = forked(trials.stage.work, folder, Fault(folder.resolve(), kind, number))
            row.times += 1
            row.wrong += (wrong := trials.is_wrong(folder))
            if kind == "full" and ended.status == 1:
                row.seen = ended.last_line.replace(str(folder.resolve()) + "/", "")
            expected = ended.status == KILLED if kind == "kill" else ended.status in (0, 1) and one_line_at_most(ended)
            again = forked(trials.stage.work, folder)
            row.lost += trials.is_lost(folder)
            row.other_bytes += not trials.same(folder)
            row.left += ended.status is None or again.status is None
            if wrong or not expected or again.status != 0 or not trials.same(folder):
                faulty.append((number, ended, again, trials.others(folder)))
    row.leave()
    assert not faulty, (len(faulty), faulty[:3])
