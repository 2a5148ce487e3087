"""The part on images and leaks: what each source contains, class by class and part by part, and its duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.report.task_files import TaskFiles

PARTS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}


@dataclass(frozen=True)
class SourceTask:
    """A task on a source: size, split, and the numbers of training, validation and test images of its first run."""

    name: str
    pixels: str
    split: str
    images: str


@dataclass(frozen=True)
class SourceImages:
    """A source: title, licence, images by class and part (headings and rows), duplicates in words, and its tasks."""

    name: str
    title: str
    licence: str
    synthetic: bool
    headings: list[str]
    rows: list[list[str]]
    duplicates: list[str]
    tasks: list[SourceTask]
    missing: list[str]


def sources(tasks: Sequence[TaskFiles]) -> list[SourceImages]:
    """Return what is known of each source, in the order of its first task."""
    by_source: dict[str, list[TaskFiles]] = {}
    for task in tasks:
        by_source.setdefault(task.protocol.source.name, []).append(task)
    return [_source(name, of_source) for name, of_source in by_source.items()]


def _source(name: str, tasks: Sequence[TaskFiles]) -> SourceImages:
    fetched = [task for task in tasks if task.manifest]
    source = tasks[0].protocol.source
    described = next((task.manifest for task in sorted(fetched, key=lambda task: not task.models)), None)
    headings, rows = _by_class(described) if described else ([], [])
    return SourceImages(
        name,
        described["title"] if described else source.title,
        source.licence,
        source.kind == "phantom",
        headings,
        rows,
        _duplicates(described) if described else [],
        [_task(task) for task in tasks],
        [task.name for task in tasks if not task.manifest],
    )


def _by_class(manifest: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return a row per class with its numbers of images: all, and in each part of the source's own split."""
    parts = manifest.get("images_by_official_part") or {}
    if len(parts) == 1:  # the source has no split
        parts = {}
    headings = ["class", "images", *(f"own split: {PARTS.get(part, part)}" for part in parts)]
    rows = [
        [name, f"{count:,}", *(f"{of_part.get(name, 0):,}" for of_part in parts.values())]
        for name, count in manifest.get("images_by_class", {}).items()
    ]
    totals = [sum(of_part.values()) for of_part in parts.values()]
    return headings, [*rows, ["all", f"{manifest.get('images', 0):,}", *(f"{total:,}" for total in totals)]]


def _duplicates(manifest: dict[str, Any]) -> list[str]:
    """Say how many images resemble others, and how many test images of the source's own split leak into training."""
    found = manifest.get("duplicates") or {}
    if "clusters" not in found:
        return []
    lines = [
        f"{_count(found['exact_copies'], 'exact copy', 'exact copies')} and "
        f"{_count(found['near_pairs'], 'pair', 'pairs')} of near-duplicates; "
        f"{found['clusters']:,} clusters, the largest of {_count(found['largest_cluster'], 'image', 'images')}"
    ]
    twins = (found.get("across_official_split") or {}).get("test_images_with_a_twin_in_train")
    if twins:
        lines.append(
            f"Of the source's own test images, {twins['near']:,} have a near-duplicate among its training images and "
            f"{twins['exact']:,} an exact copy"
        )
    if pairs := (found.get("pairs_of_two_classes") or {}).get("near"):
        lines.append(_count(pairs, "pair of near-duplicates has", "pairs of near-duplicates have") + " two labels")
    return lines


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _task(task: TaskFiles) -> SourceTask:
    runs = [run for of_model in task.provenance.values() for run in of_model if run["run"] == 0]
    images = runs[0]["images"] if runs else {}
    counts = " / ".join(f"{images[part]:,}" for part in ("train", "validation", "test") if part in images)
    return SourceTask(task.name, task.protocol.pixels, task.params.split(task.name), counts)
