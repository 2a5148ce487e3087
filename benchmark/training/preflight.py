"""What a machine must offer before training starts, told at once and not after hours of it."""

import errno
import multiprocessing
import os
import re
import shutil
import subprocess
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import ScalarEvent

from benchmark import data, evidence
from benchmark.errors import BadInput
from benchmark.params import Params
from benchmark.training.corruptions import CORRUPTIONS
from benchmark.training.runs import Run, read_split

CHECKPOINTS = 500_000_000  # bytes, for those of the runs side by side


def check(todo: list[Run], scratch: Path, target: Path | None) -> None:
    """Raise :class:`BadInput` if ``todo`` cannot be trained below ``scratch``, or not be renamed to ``target``."""
    require_images(todo)
    _require_workers()
    scratch.mkdir(parents=True, exist_ok=True)
    if target:
        _require_renaming(scratch, target)
    _require_room(todo, scratch)


def require_images(todo: list[Run]) -> None:
    """Raise :class:`BadInput` if the images of a run, or those that its first weights are trained on, are not here."""
    for task in {one.name: one for run in todo for one in (run.task, run.pretraining) if one}.values():
        data.load(task, evidence.read_json(evidence.TASKS / task.name / "manifest.json")["digest"])


def _require_workers() -> None:
    try:
        multiprocessing.get_context("forkserver").Lock()
    except (OSError, ImportError) as error:
        raise BadInput(f"/dev/shm: {error}; it must be writable, since worker processes share locks there") from None


def _require_renaming(scratch: Path, target: Path) -> None:
    """Raise :class:`BadInput` if finished work below ``scratch`` cannot be put in place by a rename."""
    probe, placed = (folder / f".probe-{os.getpid()}" for folder in (scratch, target))
    try:
        target.mkdir(parents=True, exist_ok=True)
        probe.mkdir()
        probe.rename(placed)
        placed.rmdir()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        right = "both must be writable, and lie on one file system, since finished evidence is put in place by a rename"
        raise BadInput(f"{scratch}, {target}: {error.strerror}; {right}") from None
    finally:
        for folder in (probe, placed):
            if folder.exists():
                folder.rmdir()


def _require_room(todo: list[Run], scratch: Path) -> None:
    """Raise :class:`BadInput` if there is no room for checkpoints, corrupted test images and HOG features."""
    sets = {(run.task.name, run.number if run.task.split == "pooled" else 0): run for run in todo}
    with_hog = {key: run for key, run in sets.items() if any(_shares_hog(run, other) for other in todo)}
    needed = CHECKPOINTS + sum(map(_corrupted_bytes, sets.values())) + sum(map(_hog_bytes, with_hog.values()))
    free = shutil.disk_usage(scratch).free
    if free < needed:
        raise BadInput(f"{scratch}: {free / 1e9:.1f} GB are free on its disk; training needs {needed / 1e9:.1f} GB")


def _corrupted_bytes(run: Run) -> int:
    channels = evidence.read_json(evidence.TASKS / run.task.name / "manifest.json")["channels"] + run.model.lesion
    strengths = sum(len(kind.strengths) for kind in CORRUPTIONS.values())
    return len(read_split(run)[1]["test"]) * channels * run.task.input_size**2 * strengths


def _shares_hog(run: Run, other: Run) -> bool:
    return other.model.features == "hog" and other.task is run.task


def _hog_bytes(run: Run) -> int:
    """Return the size of the features of all images, and of the test images under each corruption."""
    rows = read_split(run)[1]
    strengths = sum(len(kind.strengths) for kind in CORRUPTIONS.values())
    blocks = max(run.task.input_size // 8 - 1, 0) ** 2
    return (sum(map(len, rows.values())) + strengths * len(rows["test"])) * blocks * 36 * 4


def check_lock(params: Params, path: Path = Path("dvc.lock")) -> None:
    """Raise :class:`BadInput` if ``dvc.lock`` is broken or was cut, as by a kill while DVC wrote it.

    DVC would then hold everything that it lacks for stale.
    """
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    stages = _stages(text)
    cut = not text.endswith("\n") or not _is_lock(text) or any(map(_is_cut, stages.values()))
    lost = set(_stages(_committed(path))) - set(stages)
    if cut or any(_is_defined(params, name) for name in lost):
        raise BadInput(f"{path}: is broken or was cut; `git checkout {path}` brings it back, then start again")


def _is_lock(text: str) -> bool:
    try:
        values = {event.value for event in YAML(typ="safe").parse(text) if isinstance(event, ScalarEvent)}
    except YAMLError:
        return False
    return {"schema", "stages"} <= values


def _is_defined(params: Params, name: str) -> bool:
    """Whether dvc.yaml defines a stage, for a task or shape that there is."""
    stage, _, key = name.partition("@")
    defined = re.findall(r"^  (\w+):$", Path("dvc.yaml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return stage in defined and key in {"", *params.tasks, *params.costs}


def _is_cut(stage: str) -> bool:
    return "    outs:\n" not in stage or stage.count("    - path: ") != stage.count("      size: ")


def _stages(text: str) -> dict[str, str]:
    """Return stage → its lines in a lock file."""
    parts = re.split(r"^  (\S+):\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _committed(path: Path) -> str:
    try:
        return subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
