"""Whether evidence comes out again: on this machine, on another one, and with another version of the code."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scipy import stats

from benchmark import evidence
from benchmark.errors import BadInput
from benchmark.params import EstimatorBand, NetworkBand, Params
from benchmark.training import cells, runs
from benchmark.training.runs import Run

SCRATCH = Path("scratch/reproduction")


@dataclass(frozen=True)
class Outcome:
    """How the runs of one cell came out, and how far they may differ on another processor."""

    cell: str
    differences: tuple[evidence.Difference, ...]
    same_stack: bool
    band: NetworkBand | EstimatorBand

    @property
    def same(self) -> int:
        """How many runs came out the same, byte for byte."""
        return sum(not difference.files for difference in self.differences)

    @property
    def exact(self) -> bool:
        """Whether every byte agrees."""
        return self.same == len(self.differences)

    @property
    def mean_probability(self) -> float:
        """By how much a probability differs, on average; infinite if the images are others."""
        return sum(difference.mean_probability for difference in self.differences) / len(self.differences)

    @property
    def changed_labels(self) -> float:
        """For what share of the images the class differs."""
        return sum(difference.changed_labels for difference in self.differences) / len(self.differences)

    @property
    def gained(self) -> int:
        """How many images, over all runs, only the second has right."""
        return sum(difference.gained for difference in self.differences)

    @property
    def lost(self) -> int:
        """How many images, over all runs, only the first has right."""
        return sum(difference.lost for difference in self.differences)

    @property
    def mcnemar(self) -> float:
        """The p-value of exact McNemar's test of equal accuracy, over the images of all runs."""
        apart = self.lost + self.gained
        return stats.binomtest(self.lost, apart).pvalue if apart else 1.0

    @property
    def passed(self) -> bool:
        """Whether every byte agrees, or, on another processor or other versions, the cell lies within its band."""
        if self.exact:
            return True
        if self.same_stack or not math.isfinite(self.mean_probability):
            return False
        if isinstance(self.band, NetworkBand):
            return self.mcnemar >= self.band.mcnemar
        return self.mean_probability <= self.band.mean_probability and self.changed_labels <= self.band.changed_labels

    def __str__(self) -> str:
        text = f"{self.cell}: {self.same} of {len(self.differences)} runs came out the same, byte for byte"
        if self.exact:
            return text
        where = "the same kind of processor and versions" if self.same_stack else "another processor or other versions"
        if not math.isfinite(self.mean_probability):
            return f"{text}; on {where}, the test images or their labels are others"
        return (
            f"{text}; on {where}, per image, a probability differs by {self.mean_probability:.4f} on average and the "
            f"class for {100 * self.changed_labels:.1f} %; {self.lost} images are now wrong, "
            f"{self.gained} now right, McNemar's p {self.mcnemar:.2g} "
            f"({'within' if self.passed else 'outside'} what is allowed)"
        )


def compare(params: Params, todo: list[Run], one: Path, other: Path) -> list[Outcome]:
    """Compare runs below two folders, cell by cell; ``one`` holds what they must come out as.

    On the same kind of processor with the same versions every byte must agree. Elsewhere rounding differs, and training
    amplifies it, so that single images change class: a network's accuracy must not be shown to differ. An estimator is
    not trained by steps that amplify; its predictions must agree, image by image. ``other_processor`` of params.yaml
    says how far.
    """
    outcomes = []
    for task, model in dict.fromkeys((run.task, run.model) for run in todo):
        folders = [run.folder.relative_to(evidence.TASKS) for run in todo if (run.task, run.model) == (task, model)]
        differences = tuple(evidence.compare(one / folder, other / folder) for folder in folders)
        same_stack = all(_stack(one / folder) == _stack(other / folder) for folder in folders)
        band = getattr(params.other_processor, params.model(model).kind)
        outcomes.append(Outcome(f"{task}-{model}", differences, same_stack, band))
    return outcomes


def with_base(params: Params, base: str, listed: list[Run]) -> list[Outcome]:
    """Train a sample of ``listed`` with the code of commit ``base`` and with this one, here, and compare.

    The sample is run 0 of every cell of synthetic tasks, and of the quickest network and estimator of each other task.
    """
    with _checkout(base) as tree:
        known = [run for run in listed if run.run == 0 and (tree / run.folder / evidence.PROVENANCE).exists()]
        if not known:
            raise BadInput(f"{base}: no evidence of a listed cell there; it must be a commit that holds some")
        sample = _sample(params, known)
        here, there = SCRATCH / "this", SCRATCH / "base"
        for task in dict.fromkeys(run.task for run in sample):
            models = [run.model for run in sample if run.task == task]
            _grid(tree, task, models, there)
        cells.train_into(params, sample, here)
        return compare(params, sample, there, here)


def restamp(params: Params, base: str, listed: list[Run]) -> int:
    """Note in the provenance of runs that did not change since ``base`` that their inputs are now these.

    The commit that trained them stays. Return how many were noted.
    """
    count = 0
    for run in listed:
        path = run.folder / evidence.PROVENANCE
        call = ["git", "diff", "--quiet", base, "--", str(run.folder)]
        if not path.exists() or subprocess.run(call, check=False).returncode:
            continue
        known, now = evidence.read_json(path), runs.inputs(params, run)
        if known["inputs"] != now:
            evidence.write_json(path, known | {"inputs": now, "same_bytes_as": _git("rev-parse", base)})
            count += 1
    return count


def _sample(params: Params, known: list[Run]) -> list[Run]:
    sample = [run for run in known if params.task(run.task).synthetic]
    for task in dict.fromkeys(run.task for run in known if not params.task(run.task).synthetic):
        for kind in ("network", "estimator"):
            cells_ = [run for run in known if run.task == task and params.model(run.model).kind == kind]
            sample += sorted(cells_, key=lambda run: evidence.read_json(run.folder / evidence.PROVENANCE)["seconds"])[
                :1
            ]
    return sample


def _grid(tree: Path, task: str, models: list[str], into: Path) -> None:
    """Train run 0 of some cells with the code in ``tree``."""
    environment = dict(os.environ)
    environment["RETABLE_DATA"] = str(Path(os.environ.get("RETABLE_DATA") or "data").resolve())
    if mirror := os.environ.get("RETABLE_MIRROR"):
        environment["RETABLE_MIRROR"] = str(Path(mirror).resolve())
    call = [sys.executable, "-m", "pipelines.grid", "--task", task, "--model", *models, "--run", "0"]
    done = subprocess.run([*call, "--into", str(into.resolve())], cwd=tree, env=environment, check=False)
    if done.returncode:
        raise BadInput(f"the base could not train {task}; what it said stands above")


@contextmanager
def _checkout(base: str) -> Iterator[Path]:
    """Check a commit out into a folder of its own, for a while."""
    tree = (SCRATCH / "checkout").resolve()
    _git("worktree", "prune")
    try:
        _git("worktree", "add", "--force", "--detach", str(tree), base)
        yield tree
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(tree)], capture_output=True, check=False)


def _git(*call: str) -> str:
    done = subprocess.run(["git", *call], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        raise BadInput(f"git {call[0]}: {reason}; --base must name a commit of this repository")
    return done.stdout.strip()


def _stack(folder: Path) -> str:
    """Return what decides whether bytes must agree: kind of processor, device, threads, versions."""
    known = evidence.read_json(folder / evidence.PROVENANCE)
    return json.dumps([known[key] for key in ("machine", "device", "threads", "versions")], sort_keys=True)
