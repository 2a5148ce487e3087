"""The part on costs: how long each model takes beside a reference, at each input shape, with intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.cost.records import Costs
from benchmark.params import Params
from benchmark.report.names import label
from benchmark.report.page.task_results import Bar
from benchmark.report.task_files import TaskFiles

LEAST, MOST = 1 / 8, 32  # the ratios at the ends of the drawn scale


@dataclass(frozen=True)
class CostCell:
    """What a model costs under one condition: times the reference with its interval, drawn, milliseconds and MACs."""

    ratio: str
    interval: str
    bar: Bar | None
    milliseconds: str
    macs: str


@dataclass(frozen=True)
class CostColumn:
    """A condition: input size, what models ran on, how they were measured, and the task whose kept shares count."""

    shape: str
    title: str
    machine: str
    how: str
    task: str


@dataclass(frozen=True)
class CostRow:
    """A model with its parameters in millions, and a cell per condition, None where it was not measured."""

    label: str
    model: str
    parameters: str
    cells: list[CostCell | None]


@dataclass(frozen=True)
class CostRatios:
    """The ratios to ``reference``: of the papers' rows, and of the other models."""

    reference: str
    columns: list[CostColumn]
    rows: list[CostRow]
    others: list[CostRow]


def cost_ratios(params: Params, tasks: Sequence[TaskFiles]) -> CostRatios | None:
    """Return what models cost at every shape; None if nothing was measured.

    A masked network costs what it does at the share of tokens that it keeps on the first task of that input size, if
    there is one, else on the first that refers to the shape.
    """
    conditions: dict[tuple[str, ...], tuple[TaskFiles, Costs]] = {}
    measured_on = [(task, costs) for task in tasks for costs in task.costs]
    for task, costs in sorted(measured_on, key=lambda pair: pair[1].size != pair[0].protocol.input_size):
        conditions.setdefault((costs.shape, costs.condition, *costs.models), (task, costs))
    if not conditions:
        return None
    columns = [_column(task, costs) for task, costs in conditions.values()]
    all_costs = [costs for _, costs in conditions.values()]
    papers_rows = {model for task in tasks for model in task.rows}
    measured = [model for model in params.models if any(model in costs.models for costs in all_costs)]
    rows = {model: _row(params, model, all_costs) for model in measured}
    return CostRatios(
        label(params, all_costs[0].reference),
        columns,
        [row for model, row in rows.items() if model in papers_rows],
        [row for model, row in rows.items() if model not in papers_rows],
    )


def _column(task: TaskFiles, costs: Costs) -> CostColumn:
    return CostColumn(costs.shape, f"{costs.size} px", costs.machine, costs.how, task.name)


def _row(params: Params, model: str, all_costs: Sequence[Costs]) -> CostRow:
    cells = [_cell(costs.models.get(model)) for costs in all_costs]
    counts = [costs.models[model].get("params") for costs in all_costs if model in costs.models]
    counted = sorted(count / 1e6 for count in counts if count)  # a ViT has more for larger images
    millions = " to ".join(dict.fromkeys(f"{count:.2f}" for count in (counted[0], counted[-1]))) if counted else ""
    return CostRow(label(params, model), model, millions, cells)


def _cell(measured: dict | None) -> CostCell | None:
    if not measured:
        return None
    ratio, (low, high) = measured["latency_ratio"], measured["latency_ratio_interval"]
    exact = low == high
    return CostCell(
        f"{ratio:.2f}",
        "" if exact else f"[{low:.2f}, {high:.2f}]",
        Bar(*map(_place, (low, ratio, high))),
        f"{measured['latency_ms']:.2f}",
        f"{measured['macs'] / 1e6:,.1f}" if measured.get("macs") else "",
    )


def _place(ratio: float) -> float:
    """Return where a ratio lies on the drawn logarithmic scale, as per cent of its width."""
    share = (math.log(ratio) - math.log(LEAST)) / (math.log(MOST) - math.log(LEAST))
    return round(100 * min(max(share, 0), 1), 1)
