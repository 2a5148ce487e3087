"""What params.yaml asks for: the cells, task × model, with all their runs."""

from collections.abc import Iterable
from pathlib import Path

from benchmark.errors import BadInput
from benchmark.params import Params
from benchmark.training.runs import Run, resolve


def code_of(params: Params, model: str) -> Path:
    """Return the file that contains a model's factory: one of the proposed networks, or a baseline."""
    name = params.model(model).of or model
    for folder in ("benchmark/models", "baselines"):
        if (path := Path(folder, f"{name}.py")).exists():
            return path
    raise BadInput(f"baselines/{name}.py: missing; model {model!r} of params.yaml needs this file")


def cell(params: Params, task: str, model: str) -> list[Run]:
    """Return all runs that params.yaml asks of a task and a model."""
    code = code_of(params, model)
    return [resolve(params, task, model, number, code) for number in range(params.task(task).runs)]


def cells(params: Params, tasks: Iterable[str], models: Iterable[str] | None) -> list[list[Run]]:
    """Return the cells of some tasks: of some models, or, for None, of all that have evidence there."""
    chosen = [(task, model) for task in dict.fromkeys(tasks) for model in models or params.cells(task)]
    return [cell(params, task, model) for task, model in dict.fromkeys(chosen)]
