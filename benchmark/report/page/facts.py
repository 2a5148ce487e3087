"""What the first screen says of the evidence as a whole: on which images it rests, how new it is, and its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.params import Params
from benchmark.report.task_files import TaskFiles
from benchmark.version import version

RESULTS = Path("results")
FILES = ("audit.md", "audit.csv", "audit.json")


@dataclass(frozen=True)
class Facts:
    """``limits`` is one line; ``date`` (ISO) and ``commit`` are those of the newest run, empty without any."""

    limits: str
    version: str
    date: str
    commit: str
    files: list[str]


def facts(params: Params, tasks: Sequence[TaskFiles]) -> Facts:
    """Return what the first screen says of the evidence."""
    runs = [run for task in tasks for of_model in task.provenance.values() for run in of_model]
    newest = max(runs, key=lambda run: (run["started"], run["commit"] or ""), default=None)
    real = [task for task in tasks if task.models and task.manifest and not task.protocol.synthetic]
    return Facts(
        limits=_limits(params, real) if real else "No run on real images has evidence yet.",
        version=version(),
        date=newest["started"][:10] if newest else "",
        commit=(newest["commit"] or "")[:10] if newest else "",
        files=[name for name in FILES if (RESULTS / name).exists()],
    )


def _limits(params: Params, real: Sequence[TaskFiles]) -> str:
    sources = {task.protocol.source.name for task in real}
    images = _span([task.manifest["images"] for task in real])
    sizes = _span([task.protocol.input_size for task in real])
    devices = sorted(
        {_device(run) for task in real for of_model in task.provenance.values() for run in of_model}, reverse=True
    )
    runs = _span([task.protocol.runs for task in real])
    return (
        f"Limits: {len(sources)} public sources of {images} images, seen at {sizes} px; {runs} runs of each model, on "
        f"{' or '.join(devices)}; the papers' own images are not published, and no verdict is about them."
    )


def _device(run: dict[str, Any]) -> str:
    return "one CPU thread" if run["device"] == "cpu" else "a GPU"


def _span(numbers: Sequence[int]) -> str:
    return " to ".join(f"{number:,}" for number in sorted({min(numbers), max(numbers)}))
