"""The papers' tables, made anew from evidence: CSV, Markdown, LaTeX, and a summary for ``dvc metrics``.

Metrics are computed from the predictions, so that a change to a metric needs no training.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tabulate import tabulate

from benchmark import evidence, metrics, papers
from benchmark.papers import QUALITY, Paper, Table
from benchmark.params import Params
from benchmark.statistics import interval

LATEX = (
    {"\\": r"\textbackslash{}", "±": r"$\pm$", "“": "``", "”": "''", "–": "--"}
    | {c: f"\\{c}" for c in "&%$#_{}"}
    | {"^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
)
SYNTHETIC = "Synthetic images: a smoke test. No verdict on a paper rests on this table."


@dataclass(frozen=True)
class Found:
    """What the evidence of one task says: model → scores of each run, model → cost, and what the task is."""

    task: str
    scores: dict[str, list[dict[str, float]]]
    cost: dict[str, dict[str, float | None]]
    manifest: dict[str, Any]


def find(params: Params, task: str, runs: Path | None = None) -> Found:
    """Read the evidence of ``task``; ``runs`` is the folder of its runs, if not the committed one."""
    folder = evidence.TASKS / task
    scores: dict[str, list[dict[str, float]]] = {}
    for path in sorted((runs or folder / "runs").glob("*/run-*/predictions.csv")):
        _, labels, probabilities = evidence.read_predictions(path)
        scores.setdefault(path.parts[-3], []).append(metrics.score(labels, probabilities))
    cost = folder / "cost.json"
    return Found(
        task,
        scores,
        evidence.read_json(cost)["models"] if cost.exists() else {},
        evidence.read_json(folder / "manifest.json"),
    )


def summary(found: Found) -> dict[str, dict[str, float]]:
    """Return model → the mean of each measure over its runs, and the number of runs."""
    return {
        model: {"runs": len(rows)} | {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        for model, rows in found.scores.items()
    }


def build(params: Params, found: Found) -> dict[str, str]:
    """Return file name → text of every table of every paper."""
    files = {}
    for paper in papers.load_all():
        for name, table in paper.tables.items():
            files |= {f"{name}.{kind}": text for kind, text in _render(params, found, paper, table).items()}
    return files


def _render(params: Params, found: Found, paper: Paper, table: Table) -> dict[str, str]:
    plain, rows = [], []
    for system, printed in table.rows.items():
        model = paper.systems[system]
        row: dict[str, Any] = {"system": system, "model": model, "runs": len(found.scores.get(model, []))}
        cells = [system, model, row["runs"]]
        for column, value in zip(table.columns, printed, strict=True):
            mean, low, high = _measured(params, found, model, column.measure)
            row |= {column.measure: mean}
            if column.measure in QUALITY:
                row |= {f"{column.measure}_low": low, f"{column.measure}_high": high}
            row[f"{column.measure}_printed"] = value
            shown = _shown(column.measure, mean, low, high)
            if mean is None and model in found.cost and column.measure in found.cost[model]:
                shown = "not counted"
            cells.append(f"{shown} ({value})")
        plain.append(row)
        rows.append(cells)
    headings = ["System", "Model", "Runs", *(_heading(column.heading, column.measure) for column in table.columns)]
    latex_rows = [[_latex(str(cell)) for cell in cells] for cells in rows]
    notes = _notes(params, found, paper, table)
    markdown = tabulate(rows, headings, tablefmt="github", disable_numparse=True)
    latex = tabulate(latex_rows, [_latex(h) for h in headings], tablefmt="latex_raw", disable_numparse=True)
    return {
        "csv": pd.DataFrame(plain).to_csv(index=False, float_format=evidence.DIGITS),
        "md": "\n\n".join([f"**{paper.cite}, {table.place}, on `{found.task}`**", markdown, *notes]) + "\n",
        "tex": "\n".join([*(f"% {note}" for note in notes), latex]) + "\n",
    }


def _measured(params: Params, found: Found, model: str, measure: str) -> tuple[float | None, ...]:
    """Return mean and bounds of a quality measure over runs, or a cost with no bounds; None without evidence."""
    if measure not in QUALITY:
        return found.cost.get(model, {}).get(measure), None, None
    if model not in found.scores:
        return None, None, None
    values = [row[measure] for row in found.scores[model]]
    return interval(values, params.task(found.task), params.pooled_split)


def _shown(measure: str, mean: float | None, low: float | None, high: float | None) -> str:
    if mean is None:
        return "no evidence"
    if measure == "macs":
        return f"{mean / 1e6:.1f}"
    if measure == "latency_ms":
        return f"{mean:.2f}"
    scale, digits = (1, 3) if measure == "auc" else (100, 1)
    bounds = "" if low is None or np.isnan(low) else f" [{scale * low:.{digits}f}, {scale * high:.{digits}f}]"
    return f"{scale * mean:.{digits}f}{bounds}"


def _heading(heading: str, measure: str) -> str:
    return f"{heading} (millions of MACs)" if measure == "macs" else heading


def _notes(params: Params, found: Found, paper: Paper, table: Table) -> list[str]:
    """Say what the numbers are, and what they are not."""
    task, known = params.task(found.task), found.manifest
    notes = [SYNTHETIC] if task.synthetic else []
    disjoint = task.runs * params.pooled_split.test <= params.pooled_split.parts
    scope = (
        "split 70/15/15 by clusters of near-duplicates"
        + ("; each run tests on other images" if disjoint else "; runs share test images")
        if task.split == "pooled"
        else "the source's own split; every run tests on the same images"
    )
    notes.append(
        f"{known['title']}: {known['images']} images, {len(known['classes'])} classes, "
        f"input {task.input_size} × {task.input_size} px; {scope}."
    )
    notes.append(
        "Each cell: mean over runs [95 % interval] (the paper's number). "
        "Precision, recall and F1 are means over classes; the paper does not say which mean it took."
    )
    if any(column.measure not in QUALITY for column in table.columns):
        notes.append(
            "MACs: multiply-accumulates of one image. Time: median latency of one image, batch 1, one CPU thread, "
            "preprocessing aside; the paper names no hardware."
        )
    missing = [system for system in table.rows if paper.systems[system] not in found.scores]
    if missing:
        notes.append(f"No evidence yet: {', '.join(missing)}.")
    return notes


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)
