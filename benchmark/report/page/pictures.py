"""The figures on the page: as many as fit are on the page itself, the others are links to their files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmark.audit.papers import Paper
from benchmark.params import Params
from benchmark.report.names import label
from benchmark.report.page.task_results import link
from benchmark.report.task_files import TaskFiles

MOST_BYTES = 1_250_000  # what all figures on the page may take
CAPTIONS = {  # kind of a figure → what is to be seen; the kinds in order of worth
    "audit": "Gaps in accuracy that the papers claim, beside the measured ones with 95 % intervals",
    "samples": "Six images, spread over the classes",
    "duplicates": "Near-duplicates: pairs of images that were joined, with the correlation of their pixels",
    "confusion": "Confusion matrix over all runs: the proposed network beside its best rival",
    "explanations": "What the answers rest on, of the trained and of the untrained network: maps over test images, and "
    "the tokens kept where it masks",
    "curves": "Accuracy and loss on training and validation images over epochs; thin lines: single runs",
    "learning": "Accuracy over the number of training images",
    "cost": "Accuracy against what a model costs",
    "corruptions": "One test image under every corruption, from weak to strong",
    "reliability": "Accuracy over confidence; a calibrated model lies on the diagonal",
    "robustness": "Accuracy on corrupted images over the strength of the corruption",
    "accuracy": "Accuracy of a table's systems with 95 % intervals",
}
OF_IMAGES = ("samples", "duplicates")


@dataclass(frozen=True)
class Picture:
    """A figure: its name, what is to be seen, the address of its file, and its data URI where it is on the page."""

    kind: str
    name: str
    caption: str
    file: str
    data: str


def pictures(
    params: Params, papers: Sequence[Paper], gaps: Path, tasks: Sequence[TaskFiles]
) -> dict[str, list[Picture]]:
    """Return the figures of each task, and under an empty name that of the audit.

    Kinds of more worth come first, of one kind smaller files; what does not fit into :data:`MOST_BYTES` has no data.
    Those of images that another task has too come last.
    """
    owners = {gaps: ""} if gaps.exists() else {}
    owners |= {path: task.name for task in tasks for path in task.figures()}
    seen = _of_images_seen_before(tasks)
    left, data = MOST_BYTES, {}
    for path in sorted(owners, key=lambda path: (path in seen, _rank(path), path.stat().st_size, path)):
        uri = _data(path)
        if len(uri) <= left:
            left -= len(uri)
            data[path] = uri
    subjects = {name: label(params, name) for name in params.models}
    subjects |= {name: f"{paper.short_cite}, {table.place}" for paper in papers for name, table in paper.tables.items()}
    made: dict[str, list[Picture]] = {name: [] for name in ("", *(task.name for task in tasks))}
    for path, name in sorted(owners.items(), key=lambda owner: _rank(owner[0])):
        made[name].append(_picture(path, name, subjects, data.get(path, "")))
    return made


def _picture(path: Path, task: str, subjects: dict[str, str], data: str) -> Picture:
    """Return a figure, named by its file: its kind and, after an underscore, a model or table."""
    kind, _, subject = path.stem.partition("_")
    about = [subjects.get(subject, subject)] if subject else []
    name = ", ".join([kind, *about, *([task] if kind in OF_IMAGES else [])])
    of = ", ".join([*about, *([task] if task else [])])
    return Picture(kind, name, CAPTIONS.get(kind, kind) + (f": {of}" if of else ""), link(path), data)


def _of_images_seen_before(tasks: Sequence[TaskFiles]) -> set[Path]:
    """Return the figures of images alone of all tasks but the first of each source."""
    sources: set[str] = set()
    repeated = set()
    for task in tasks:
        if (source := task.protocol.source.name) in sources:
            repeated |= {path for path in task.figures() if _kind(path) in OF_IMAGES}
        sources.add(source)
    return repeated


def _data(path: Path) -> str:
    return f"data:image/svg+xml,{quote(path.read_bytes(), safe=' /=:;,()+')}"  # shorter than base64


def _kind(path: Path) -> str:
    return path.stem.partition("_")[0]


def _rank(path: Path) -> int:
    kinds = [*CAPTIONS]
    return kinds.index(_kind(path)) if _kind(path) in kinds else len(kinds)
