"""What the page's script needs: the values of each run, which test images it has right, and the gap of every pair."""

import base64
import json
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from benchmark import evidence
from benchmark.audit import answers
from benchmark.audit.answers import Answers
from benchmark.evidence import metrics
from benchmark.params import Params
from benchmark.report.names import label
from benchmark.report.page.task_results import link
from benchmark.report.task_files import TaskFiles

FILES = (*evidence.DETERMINISTIC, evidence.PROVENANCE)
Json = dict[str, Any]


def run_data(params: Params, tasks: Sequence[TaskFiles], rows: Sequence[str]) -> str:
    """Return the data as JSON that can stand inside an HTML element; ``rows`` are the models of the papers' tables."""
    commits: dict[str, int] = {}
    content = {
        "measures": [[name, entry.heading, entry.unit, entry.scale, entry.digits] for name, entry in _measures()],
        "files": FILES,
        "labels": {model: label(params, model) for model in params.models},
        "tasks": {task.name: _task(params, task, rows, commits) for task in tasks if task.models},
        "commits": commits,
    }
    content["commits"] = [*commits]
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _measures() -> list[tuple[str, metrics.Measure]]:
    return [(name, metrics.measure(name)) for name in metrics.METRICS_JSON]


def _task(params: Params, task: TaskFiles, rows: Sequence[str], commits: dict[str, int]) -> Json:
    answered = answers.load(params, task.name, rows)
    models = [model for model in task.models if model in answered.values]
    images: list[Json] = []
    return {
        "classes": (task.manifest or {}).get("classes", []),
        "models": {model: _model(task, model, answered, commits) for model in task.models},
        "order": models,
        "images": {run: _images(task, models, run, images) for run in sorted(answered.labels)},
        "lists": images,
        "gaps": _gaps(answered, models),
    }


def _model(task: TaskFiles, model: str, answered: Answers, commits: dict[str, int]) -> Json:
    """Return runs and records of cost of a model: per run its number, scores, files, commit, day, seconds and bits."""
    right = answered.values.get(model, {}).get("accuracy", {})
    runs = [_run(task.name, model, run, right.get(run["run"]), commits) for run in task.provenance[model]]
    return {"runs": runs, "costs": [link(path) for path in task.cost_records(model)]}


def _run(task: str, model: str, run: Json, right: np.ndarray | None, commits: dict[str, int]) -> list[Any]:
    folder = evidence.run_folder(task, model, run["run"])
    scores = evidence.read_json(folder / "metrics.json") if (folder / "metrics.json").exists() else {}
    values = [float(f"{scores[name]:.5g}") if scores.get(name) is not None else None for name, _ in _measures()]
    files = [index for index, name in enumerate(FILES) if (folder / name).exists()]
    commit = commits.setdefault(run["commit"] or "none", len(commits))
    return [run["run"], values, files, commit, run["started"][:10], round(run["seconds"]), _bits(right)]


def _bits(right: np.ndarray | None) -> str:
    """Return which test images are right, a bit each, as base64."""
    return "" if right is None else base64.b64encode(np.packbits(right.astype(bool)).tobytes()).decode()


def _images(task: TaskFiles, models: Sequence[str], run: int, images: list[Json]) -> int:
    """Return the place in ``images`` of the names and classes of a run's test images; runs may share one."""
    model = next(model for model in models if run in evidence.runs_of(task.name, model))
    path = evidence.run_folder(task.name, model, run) / "predictions.csv"
    ids, labels, _ = evidence.read_predictions(path)
    tested = {"ids": ids, "labels": labels.tolist()}
    if tested not in images:
        images.append(tested)
    return images.index(tested)


def _gaps(answered: Answers, models: Sequence[str]) -> list[list[int] | int]:
    """Return, of each two models in order, the gap in accuracy and its bounds in tenths of a point; 0 without any."""
    gaps: list[list[int] | int] = []
    for first, second in combinations(models, 2):
        gap = answered.gap(first, second, "accuracy")
        known = gap and gap.runs > 1
        gaps.append([round(1000 * value) for value in (gap.estimate.value, *gap.interval())] if known else 0)
    return gaps
