"""The notes below a table: what its numbers and images are, and what sets rows apart."""

from collections.abc import Iterable
from typing import Any

from benchmark.params import Params
from benchmark.report.results import Results

OVER_IMAGES = "95 % interval over test images and runs"
SYNTHETIC = "Synthetic images: a smoke test. No verdict on a paper rests on this table."


def notes(params: Params, results: Results, models: dict[str, str], meaning: str, measures: Iterable[str]) -> list[str]:
    """Return the notes of a table of ``measures``; ``models`` maps the names of its rows to models."""
    lines = [SYNTHETIC] if params.task(results.task).synthetic else []
    lines.append(f"{about(params, results.task, results.manifest)}.")
    if {"f1_macro", "precision_macro"} & set(measures):
        meaning += " Precision, recall and F1 are means over classes; the papers do not say which mean they use."
    lines.append(meaning)
    if {"macs", "latency_ms"} & set(measures):
        lines.append(_cost_note(results, masking=any(model in results.masks for model in models.values())))
    missing = [row for row, model in models.items() if model not in results.scores]
    if missing:
        lines.append(f"No evidence yet: {', '.join(missing)}.")
    for row, model in models.items():
        if row_remarks := remarks(params, results.task, model):
            lines.append(f"{row}: {'; '.join(row_remarks)}.")
    return lines


def _cost_note(results: Results, masking: bool) -> str:
    """Say what the columns of costs show, or that costs were not measured and which command does it."""
    costs = results.answers.costs
    if not costs:
        return (
            "Costs at this input size were not measured; `dvc repro cost` measures the sizes that stand under `costs` "
            "in params.yaml."
        )
    note = (
        "MACs: multiply-accumulates of one image. Time: median latency of one image, batch 1, on "
        f"{costs[0].machine}, preprocessing aside; the papers name no hardware."
    )
    if masking:
        note += " Networks that mask: at the measured share of tokens nearest to the one that they keep once trained."
    return note


def about(params: Params, name: str, manifest: dict[str, Any]) -> str:
    """Say what the images of a task are, how they are split, and whether their patients are known."""
    task = params.task(name)
    largest = max(manifest["images_by_class"].values()) / manifest["images"]
    unnamed = "" if manifest["groups"] or task.synthetic else "; the source does not name its patients"
    return (
        f"{manifest['title']}: {manifest['images']} images, {len(manifest['classes'])} classes, {100 * largest:.0f} % "
        f"in the largest; input size {task.pixels}; networks are trained for {task.recipe.epochs} epochs; "
        f"{params.split(name)}{unnamed}"
    )


def remarks(params: Params, task: str, model: str) -> list[str]:
    """Return what sets a row apart: notes, other first weights, fewer images, and what deviates from the recipe."""
    lines = [params.notes[row] for row in (model, f"{task}-{model}") if row in params.notes]
    entry = params.models.get(model)
    if not entry:
        return lines
    if entry.pretraining:
        lines.append(f"initial weights: trained on the task {entry.pretraining}")
    elif entry.init and entry.init != "scratch":
        lines.append(f"initial weights: {entry.init.removeprefix('file:')}")
    if entry.train_parts:
        lines.append(f"learns from {entry.train_parts} of {params.pooled_split.train} training parts")
    if entry.recipe:
        lines.append("deviates from the recipe: " + ", ".join(_leaves(entry.recipe)))
    return lines


def _leaves(values: dict[str, Any], before: str = "") -> list[str]:
    """Return each value of a nested dict as ``key.key value``."""
    return [
        line
        for key, value in values.items()
        for line in (_leaves(value, f"{before}{key}.") if isinstance(value, dict) else [f"{before}{key} {value}"])
    ]
