"""The papers' tables, made anew from evidence, and one of all models: CSV, Markdown, LaTeX.

Metrics are computed from the predictions, so that a change to a metric needs no training.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tabulate import tabulate

from benchmark import evidence
from benchmark.audit import answers, papers
from benchmark.audit.answers import Answers
from benchmark.audit.papers import QUALITY, Column, Paper, Table
from benchmark.cost.records import Costs
from benchmark.evidence import metrics
from benchmark.params import SIZES, Params
from benchmark.statistics import Ratio, resampled

LATEX = (
    {"\\": r"\textbackslash{}", "±": r"$\pm$", "“": "``", "”": "''", "–": "--"}
    | {c: f"\\{c}" for c in "&%$#_{}"}
    | {"^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
)
SENTINEL, SENTINEL_ROW = "one_nn", "1-NN on pixels"
OF_MASKS = {
    "kept_share": "Tokens kept (%)",
    "on_lesion": "Of kept tokens, on the lesion (%)",
    "chance": "By chance (%)",
    "lesion_kept": "Of the lesion's tokens, kept (%)",
}
OF_COSTS = {  # measure → heading, scale, digits
    "params": ("Parameters (millions)", 1e-6, 2),
    "macs": ("MACs (millions)", 1e-6, 1),
    "kept_share": ("Tokens kept (%)", 100, 0),
    "memory_mib": ("Tensors (MiB)", 1, 1),
    "size_mib": ("Size (MiB)", 1, 1),
    "latency_ms": ("Time (ms)", 1, 2),
    "end_to_end_ms": ("End to end (ms)", 1, 2),
    "throughput_per_s": ("Images a second", 1, 0),
}
SUMMARY = ("accuracy", "balanced_accuracy", "f1_macro", "auc", "ece")
OVER_IMAGES = "95 % interval over test images and runs"
SYNTHETIC = "Synthetic images: a smoke test. No verdict on a paper rests on this table."


@dataclass(frozen=True)
class Found:
    """What the evidence of one task says: model → scores of each run and its masks, and what the task is.

    ``answers`` holds the same runs image by image, and what models cost; ``best_epochs`` the epoch of each run, from 1,
    whose weights are tested, of models that learn in epochs.
    """

    task: str
    answers: Answers
    scores: dict[str, list[dict[str, float]]]
    masks: dict[str, list[dict[str, float]]]
    manifest: dict[str, Any]
    best_epochs: dict[str, list[int]]

    def cost(self, model: str) -> dict[str, Any]:
        """Return what a model costs at the task's own input size; nothing if that was not measured."""
        return self.answers.costs[0].models.get(model, {}) if self.answers.costs else {}


def find(params: Params, task: str, runs: Path | None = None) -> Found:
    """Read the evidence of ``task``; ``runs`` is the folder of its runs, if not the committed one."""
    folder = evidence.TASKS / task
    manifest = evidence.read_json(folder / "manifest.json")
    scores: dict[str, list[dict[str, float]]] = {}
    for path in sorted((runs or folder / "runs").glob("*/run-*/predictions.csv")):
        _, labels, probabilities = evidence.read_predictions(path)
        scores.setdefault(path.parts[-3], []).append(metrics.score(labels, probabilities))
    masks: dict[str, list[dict[str, float]]] = {}
    for path in sorted((runs or folder / "runs").glob("*/run-*/masks.csv")):
        masks.setdefault(path.parts[-3], []).append(metrics.of_masks(pd.read_csv(path)))
    best: dict[str, list[int]] = {}
    for path in sorted((runs or folder / "runs").glob("*/run-*/history.csv")):
        if len(history := pd.read_csv(path)) > 1:
            by = params.recipe(task, path.parts[-3]).best_epoch_by
            of_epochs = history[f"validation_{by}"] * (-1 if by == "loss" else 1)
            best.setdefault(path.parts[-3], []).append(int(of_epochs.argmax()) + 1)
    answered = answers.load(params, task, papers.rows(papers.load_all()), runs)
    return Found(task, answered, scores, masks, manifest, best)


def summary(found: Found) -> dict[str, dict[str, float]]:
    """Return model → the number of its runs, and the means over them and the costs that ``dvc metrics`` is to show."""
    return {
        model: {"runs": len(rows)}
        | {name: float(np.mean([row[name] for row in rows])) for name in SUMMARY}
        | {name: cost for name in papers.COST if (cost := found.cost(model).get(name)) is not None}
        for model, rows in found.scores.items()
    }


def build(params: Params, found: Found) -> dict[str, str]:
    """Return file name → text of the tables: of every paper, of all models, of masks and costs where there are any."""
    files = {}
    for paper in papers.load_all():
        for name, table in paper.tables.items():
            if kept := table.on(found.task):
                files |= _written(name, *_of_paper(params, found, paper, kept))
    files |= _written("models", *_of_models(params, found))
    if found.masks:
        files |= _written("masks", *_of_masks(params, found))
    if found.answers.costs:
        files |= _written("cost", *_of_costs(params, found))
    if found.answers.costs and found.scores:
        files |= _written("pareto", *_of_pareto(params, found))
    return files


def _written(
    name: str, title: str, headings: list[str], rows: list[list[str]], plain: list[dict[str, Any]], notes: list[str]
) -> dict[str, str]:
    """Return one table in three formats; ``rows`` are for people, ``plain`` are for programs."""
    for_markdown = [[cell.replace("|", "\\|") for cell in cells] for cells in [headings, *rows]]
    for_latex = [[_latex(cell) for cell in cells] for cells in [headings, *rows]]
    markdown = tabulate(for_markdown[1:], for_markdown[0], tablefmt="github", disable_numparse=True)
    latex = tabulate(for_latex[1:], for_latex[0], tablefmt="latex_raw", disable_numparse=True)
    return {
        f"{name}.csv": pd.DataFrame(plain).to_csv(index=False, float_format=evidence.DIGITS),
        f"{name}.md": "\n\n".join([f"**{title}**", markdown, *notes]) + "\n",
        f"{name}.tex": "\n".join([*(f"% {note}" for note in [title, *notes]), latex]) + "\n",
    }


def _of_paper(params: Params, found: Found, paper: Paper, table: Table) -> tuple[Any, ...]:
    """Return the parts of a paper's table: its rows in its order, then the leakage sentinel."""
    printed = {system: (paper.systems[system], values) for system, values in table.rows.items()}
    printed[SENTINEL_ROW] = (SENTINEL, [None] * len(table.columns))
    plain, rows = [], []
    for system, (model, values) in printed.items():
        row: dict[str, Any] = {"system": system, "model": model, "runs": len(found.scores.get(model, []))}
        cells = [system, model, str(row["runs"])]
        for column, value in zip(table.columns, values, strict=True):
            numbers, shown = _cell(params, found, model, column)
            row |= numbers | {f"{column.measure}_printed": value}
            cells.append(f"{shown} ({value})" if value else shown)
        plain.append(row)
        rows.append(cells)
    headings = headings_of(table)
    meaning = f"Each cell: mean over runs [{OVER_IMAGES}] (the paper's number)."
    models = {system: model for system, (model, _) in printed.items()}
    notes = _notes(params, found, models, meaning, [column.measure for column in table.columns])
    return f"{paper.cite}, {table.place}, on `{found.task}`", headings, rows, plain, notes


def _of_models(params: Params, found: Found) -> tuple[Any, ...]:
    """Return the parts of the table of every model that has evidence, in the order of params.yaml."""
    names = {"accuracy": "Accuracy (%)", "f1_macro": "F1 (%)", "auc": "AUC", "macs": "MACs", "latency_ms": "Time (ms)"}
    columns = [Column(heading=heading, measure=measure) for measure, heading in names.items()]
    plain, rows = [], []
    models = [model for model in params.models if model in found.scores]
    for model in models:
        row: dict[str, Any] = {"model": model, "runs": len(found.scores[model])}
        row["params"] = found.cost(model).get("params")
        cells = [model, str(row["runs"]), "" if row["params"] is None else f"{row['params'] / 1e6:.2f}"]
        for column in columns:
            numbers, shown = _cell(params, found, model, column)
            row |= numbers
            cells.append(shown)
        row["best_epochs"] = ", ".join(map(str, found.best_epochs.get(model, [])))
        plain.append(row)
        rows.append([*cells, row["best_epochs"]])
    headings = ["Model", "Runs", "Parameters (millions)", *(_heading(c.heading, c.measure) for c in columns)]
    headings.append("Best epoch of each run")
    meaning = (
        f"Each cell: mean over runs [{OVER_IMAGES}]. Best epoch: that whose weights are tested, by validation; where "
        "it is near the last one, more epochs may have helped."
    )
    notes = _notes(params, found, dict(zip(models, models, strict=True)), meaning, list(names))
    return f"All models with evidence, on `{found.task}`", headings, rows, plain, notes


def _of_masks(params: Params, found: Found) -> tuple[Any, ...]:
    """Return the parts of the table of what masks keep and, where lesions are known, how well they agree with them."""
    measures = [name for name in OF_MASKS if any(name in rows[0] for rows in found.masks.values())]
    models = [model for model in params.models if model in found.masks]
    ratio = found.answers.test_to_train
    plain, rows = [], []
    for model in models:
        row: dict[str, Any] = {"model": model, "runs": len(found.masks[model])}
        cells = [model, str(row["runs"])]
        for name in measures:
            mean, low, high = resampled([of_run[name] for of_run in found.masks[model]], ratio).of_share()
            row |= {name: mean, f"{name}_low": low, f"{name}_high": high}
            cells.append(_shown(name, mean, low, high))
        low = min(of_run["kept_share_min"] for of_run in found.masks[model])
        high = max(of_run["kept_share_max"] for of_run in found.masks[model])
        row |= {"kept_share_min": low, "kept_share_max": high}
        plain.append(row)
        rows.append([*cells, f"{100 * low:.0f} to {100 * high:.0f}"])
    headings = ["Model", "Runs", *(OF_MASKS[name] for name in measures), "Kept of one image (%)"]
    meaning = "Each cell: mean over runs [95 % interval over runs]; last column: from the least to the most."
    if "on_lesion" in measures:
        meaning += " Lesion: over the images that have one; chance: the share of all their tokens that touch it."
    notes = _notes(params, found, dict(zip(models, models, strict=True)), meaning, [])
    return f"What the masks keep, on `{found.task}`", headings, rows, plain, notes


def _of_costs(params: Params, found: Found) -> tuple[Any, ...]:
    """Return the parts of the table of what models cost, a row a model and condition."""
    plain, rows = [], []
    for costs in found.answers.costs:
        for model, of in costs.models.items():
            low, high = of["latency_ratio_interval"]
            first, third = of["latency_quartiles"]
            numbers = {name: of.get(name) for name in OF_COSTS} | {"latency_ratio": of["latency_ratio"]}
            numbers |= {"latency_q1": first, "latency_q3": third, "ratio_low": low, "ratio_high": high}
            plain.append({"model": model, "condition": costs.condition} | numbers)
            rows.append(
                [model, f"{costs.size} px"]
                + [_scaled(of.get(name), scale, digits) for name, (_, scale, digits) in OF_COSTS.items()]
                + [f"{first:.2f} to {third:.2f}", f"{of['latency_ratio']:.2f} [{low:.2f}, {high:.2f}]"]
            )
    reference, precise = found.answers.costs[0].reference, params.timing.precise
    headings = ["Model", "Input", *(heading for heading, _, _ in OF_COSTS.values()), "Quartiles (ms)"]
    headings.append(f"Times {reference} [95 % interval]")
    notes = [SYNTHETIC] if params.task(found.task).synthetic else []
    notes += [
        "Time: median of one image, preprocessing aside; end to end: from the uint8 image to the label. Tensors: the "
        "most memory that weights and maps take for one image. Size: that of the weights, or of a pickled estimator.",
        "A model that masks its tokens is held to the share that it kept of test images once trained, or to half of "
        "them where it was not trained. Estimators have no MACs or parameters that would compare.",
        f"Times {reference}: each call beside one of {reference}, the median over blocks. Verdicts rest on it; the "
        "quotient of two times in the table differs, since the machine was not equally fast in all blocks. Images a "
        "second are of the first blocks alone, so that they do not compare with the time to a tenth.",
        *(f"{costs.condition}: {costs.how}; {_precision(costs, precise)}." for costs in found.answers.costs),
    ]
    return f"What models cost, on `{found.task}`", headings, rows, plain, notes


def _precision(costs: Costs, precise: float) -> str:
    """Say how well ratios are known: the widest interval's half width, and how many are ``precise`` or better."""
    halves = {
        model: Ratio(of["latency_ratio"], *of["latency_ratio_interval"]).half_width
        for model, of in costs.models.items()
        if model != costs.reference
    }
    if not halves:
        return "one model alone"
    widest = max(halves, key=halves.get)
    within = sum(half <= precise for half in halves.values())
    return (
        f"{within} of {len(halves)} ratios are known to ±{100 * precise:.0f} %, the widest, that of {widest}, to "
        f"±{100 * halves[widest]:.0f} %"
    )


def _scaled(value: float | None, scale: float, digits: int) -> str:
    return "" if value is None else f"{value * scale:.{digits}f}"


def _of_pareto(params: Params, found: Found) -> tuple[Any, ...]:
    """Return the parts of the table of accuracy against cost: the papers' rows, and other sizes of them."""
    sizes = [model for stage in SIZES for model in getattr(params.stages, stage).model]
    means = {
        model: estimate
        for model in params.models
        if model in [*found.answers.rows, *sizes] and (estimate := found.answers.mean(model, "accuracy"))
    }
    fronts = {
        measure: on_front({model: (of.value, found.cost(model).get(measure)) for model, of in means.items()})
        for measure in ("macs", "latency_ms")
    }
    plain, rows = [], []
    for model in sorted(means, key=lambda model: found.cost(model).get("latency_ms") or np.inf):
        mean, low, high = means[model].of_share()
        row: dict[str, Any] = {"model": model, "accuracy": mean, "accuracy_low": low, "accuracy_high": high}
        cells = [model, _shown("accuracy", mean, low, high)]
        for measure, front in fronts.items():
            value = found.cost(model).get(measure)
            row |= {measure: value, f"front_{measure}": model in front}
            counted = "not counted" if measure in found.cost(model) else "no evidence"
            cells += [counted if value is None else _shown(measure, value, None, None), "yes" if model in front else ""]
        plain.append(row)
        rows.append(cells)
    headings = ["Model", "Accuracy (%)", "MACs (millions)", "On the front", "Time (ms)", "On the front"]
    meaning = (
        f"Accuracy: mean over runs [{OVER_IMAGES}]. On the Pareto front: no other model is at least as accurate for "
        "less, by the means alone, so that neighbours may change places."
    )
    notes = _notes(params, found, dict(zip(means, means, strict=True)), meaning, ["macs"])
    return f"Accuracy against cost, on `{found.task}`", headings, rows, plain, notes


def on_front(points: dict[str, tuple[float, float | None]]) -> set[str]:
    """Return the models that no other one dominates: more accurate for the same, or as accurate for less."""
    known = {model: (value, cost) for model, (value, cost) in points.items() if cost is not None}

    def dominated(model: str) -> bool:
        value, cost = known[model]
        return any(one >= value and other <= cost and (one, other) != (value, cost) for one, other in known.values())

    return {model for model in known if not dominated(model)}


def _cell(params: Params, found: Found, model: str, column: Column) -> tuple[dict[str, float | None], str]:
    """Return the numbers of a cell, for programs, and how it is shown."""
    mean, low, high = _measured(params, found, model, column.measure)
    numbers = {column.measure: mean}
    if column.measure in QUALITY:
        numbers |= {f"{column.measure}_low": low, f"{column.measure}_high": high}
    if mean is None and column.measure in found.cost(model):
        return numbers, "not counted"
    return numbers, _shown(column.measure, mean, low, high)


def _measured(params: Params, found: Found, model: str, measure: str) -> tuple[float | None, ...]:
    """Return mean and bounds of a quality measure over runs, or a cost with no bounds; None without evidence."""
    if measure not in QUALITY:
        return found.cost(model).get(measure), None, None
    estimate = found.answers.mean(model, measure)
    return estimate.of_share() if estimate else (None, None, None)


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


def headings_of(table: Table) -> list[str]:
    """Return the headings of a paper's table as it is made here."""
    return ["System", "Model", "Runs", *(_heading(column.heading, column.measure) for column in table.columns)]


def _heading(heading: str, measure: str) -> str:
    return f"{heading} (millions of MACs)" if measure == "macs" else heading


def _notes(params: Params, found: Found, models: dict[str, str], meaning: str, measures: list[str]) -> list[str]:
    """Say what the numbers are, and what they are not; ``models`` maps the names of rows to models."""
    notes = [SYNTHETIC] if params.task(found.task).synthetic else []
    notes.append(f"{about(params, found.task, found.manifest)}.")
    if "f1_macro" in measures or "precision_macro" in measures:
        meaning += " Precision, recall and F1 are means over classes; the papers do not say which mean they took."
    notes.append(meaning)
    if "macs" in measures or "latency_ms" in measures:
        masking = any(model in found.masks for model in models.values())
        notes.append(
            "MACs: multiply-accumulates of one image. Time: median latency of one image, batch 1, one CPU thread, "
            "preprocessing aside; the papers name no hardware."
            + (" Networks that mask are held to the share of tokens that they keep once trained." if masking else "")
        )
    missing = [row for row, model in models.items() if model not in found.scores]
    if missing:
        notes.append(f"No evidence yet: {', '.join(missing)}.")
    for row, model in models.items():
        if said := remarks(params, found.task, model):
            notes.append(f"{row}: {'; '.join(said)}.")
    return notes


def about(params: Params, name: str, manifest: dict[str, Any]) -> str:
    """Say what the images of a task are, how they are split, and whether their patients are known."""
    task = params.task(name)
    largest = max(manifest["images_by_class"].values()) / manifest["images"]
    unnamed = "" if manifest["groups"] or task.synthetic else "; the source does not name its patients"
    return (
        f"{manifest['title']}: {manifest['images']} images, {len(manifest['classes'])} classes, {100 * largest:.0f} % "
        f"in the largest; shown at {task.pixels}; networks learn for {task.recipe.epochs} epochs; "
        f"{params.split(name)}{unnamed}"
    )


def remarks(params: Params, task: str, model: str) -> list[str]:
    """Return what sets a row apart: notes, other first weights, fewer images, and what deviates from the recipe."""
    found = [params.notes[row] for row in (model, f"{task}-{model}") if row in params.notes]
    entry = params.models.get(model)
    if entry and entry.init and not entry.init.startswith("scratch"):
        found.append(f"first weights: {entry.init.replace('task:', 'trained on the task ').replace('file:', '')}")
    if entry and entry.train_parts:
        found.append(f"learns from {entry.train_parts} of {params.pooled_split.train} training parts")
    if entry and entry.recipe:
        found.append("deviates from the recipe: " + ", ".join(_flat(entry.recipe)))
    return found


def _flat(values: dict[str, Any], before: str = "") -> list[str]:
    return [
        line
        for key, value in values.items()
        for line in (_flat(value, f"{before}{key}.") if isinstance(value, dict) else [f"{before}{key} {value}"])
    ]


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)
