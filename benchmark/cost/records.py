"""What models cost, as measured: read from evidence, without torch."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark import evidence
from benchmark.statistics import Ratio, ratio


@dataclass(frozen=True)
class Costs:
    """What models cost under one condition: model → measure → number.

    ``size`` is the input size in pixels, ``machine`` what the models ran on, ``how`` how they were measured, and
    ``reference`` the model that ratios of latency are to.
    """

    size: int
    machine: str
    models: dict[str, dict[str, Any]]
    how: str = ""
    reference: str = ""

    @property
    def condition(self) -> str:
        """Say under which condition the costs were measured."""
        return f"{self.size} px, one image at a time, {self.machine}"

    def ratio(self, first: str, second: str, measure: str) -> Ratio | None:
        """Return the ratio of two models' costs with its interval; None where one has none.

        What is counted, not timed, has no spread.
        """
        costs = [self.models.get(model, {}) for model in (first, second)]
        if not all(of.get(measure) for of in costs):
            return None
        if measure == "latency_ms":
            return ratio(np.divide(*(of["latency_ratio_blocks"] for of in costs)))
        return Ratio(*(costs[0][measure] / costs[1][measure],) * 3)


def costs_of_task(task: str) -> list[Costs]:
    """Return what models cost on ``task``, a condition each; the first is the input size of the task itself."""
    path = evidence.TASKS / task / "cost.json"
    conditions = evidence.read_json(path)["conditions"] if path.exists() else []
    return [Costs(of["input"][1], _machine(of), of["models"], _how(of), of["reference"]) for of in conditions]


def _machine(measured: dict[str, Any]) -> str:
    machine = measured["machine"]
    return f"one thread of {machine['processor']}" if measured["device"] == "cpu" else machine["accelerator"]


def _how(measured: dict[str, Any]) -> str:
    """Say how costs were measured."""
    return (
        f"{measured['precision']}, {measured['layout']}, torch {measured['versions']['torch']}; models in turn, in "
        f"random order, in {measured['blocks']} blocks with copies of their own; images a second in batches of "
        f"{measured['batch']}"
    )
