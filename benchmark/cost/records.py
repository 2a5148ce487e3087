"""What models cost, as measured: read from evidence, without torch.

``results/costs/SHAPE/MODEL.json`` is the record of one model at one input shape of params.yaml, on one device. A record
belongs to no task: tasks refer to it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import evidence
from benchmark.evidence import metrics
from benchmark.params import Params
from benchmark.statistics import Ratio, ratio

COSTS = Path("results/costs")
ATTENTION = "attention-part"  # a hyphen, which no model's name has
HALF = 0.5  # the share of its tokens that a mask is taken to keep where no run says

Record = dict[str, Any]


@dataclass(frozen=True)
class Costs:
    """What models cost under one condition: model → measure → number.

    ``size`` is the input size in pixels, ``machine`` what the models ran on, ``how`` how they were measured,
    ``reference`` the model that ratios of latency are to, and ``shape`` the name of the input shape in params.yaml.
    ``kept`` is what a model's masks kept on the task, and its ``kept_share`` the measured share that is nearest to it.
    """

    size: int
    machine: str
    models: dict[str, dict[str, Any]]
    how: str = ""
    reference: str = ""
    shape: str = ""
    kept: dict[str, float] = field(default_factory=dict)

    @property
    def condition(self) -> str:
        """Say under which condition the costs were measured."""
        return f"{self.size} px, one image at a time, {self.machine}"

    def ratio(self, first: str, second: str, measure: str) -> Ratio | None:
        """Return the ratio of two models' costs with its interval; None where one has none.

        What is counted, not timed, has no spread.
        """
        costs = [self.models.get(model, {}) for model in (first, second)]
        if not all(measures.get(measure) for measures in costs):
            return None
        if measure == "latency_ms":
            return ratio(_quotients(*(measures["latency_ratio_blocks"] for measures in costs)))
        return Ratio(*(costs[0][measure] / costs[1][measure],) * 3)


def _quotients(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Return the quotient of two models' ratios in each block; of models measured apart, in as many as both have."""
    blocks = min(len(first), len(second))
    quotients: list[float] = np.divide(first[:blocks], second[:blocks]).tolist()
    return quotients


def kept_shares(runs: Path) -> dict[str, float]:
    """Return model → the share of tokens that its mask kept of the test images, the mean over ``runs``'s runs."""
    shares: dict[str, list[float]] = {}
    for path in sorted(runs.glob("*/run-*/masks.csv")):
        shares.setdefault(path.parts[-3], []).append(
            metrics.mask_scores(evidence.read_table(path, "kept"))["kept_share"]
        )
    return {model: sum(of_runs) / len(of_runs) for model, of_runs in shares.items()}


def costs_of_task(params: Params, task: str, kept: dict[str, float]) -> list[Costs]:
    """Return what models cost on a task, one item per condition; none where its own size was not measured.

    The first is at the task's own input size, on its device if that was measured. The shapes that no task has on the
    same device (224 px on the CPU) belong to all tasks. ``kept`` has the share of tokens that a model's masks kept; the
    measured share nearest to it counts, or to a half where it is not known.
    """
    protocols = {(each.device, each.input_size) for each in params.tasks.values()}
    protocol, shapes = params.task(task), params.costs
    own = sorted(
        (name for name in shapes if shapes[name].size == protocol.input_size),
        key=lambda name: shapes[name].device != protocol.device,
    )
    others = [name for name in shapes if name not in own and (shapes[name].device, shapes[name].size) not in protocols]
    first, rest = ([one for name in names for one in _conditions(params, name, kept)] for names in (own, others))
    return first + rest if first else []


def _conditions(params: Params, shape: str, kept: dict[str, float]) -> list[Costs]:
    """Return the costs at one shape, those of each machine, torch and reference apart; most models first."""
    groups: dict[str, dict[str, Record]] = {}
    for model in params.models:
        path = COSTS / shape / f"{model}.json"
        if path.exists():
            record = evidence.read_json(path)
            beside = json.dumps([record["machine"], record["versions"]["torch"], record["reference"]])
            groups.setdefault(beside, {})[model] = record
    return [_costs(shape, records, kept) for records in sorted(groups.values(), key=len, reverse=True)]


def _costs(shape: str, records: dict[str, Record], kept: dict[str, float]) -> Costs:
    record = next(iter(records.values()))
    reference = record["reference"]["model"]
    models = {model: nearest(each["measures"], kept.get(model, HALF)) for model, each in records.items()}
    if reference in models:
        models = _relative_to(models, reference)
    return Costs(record["input"][1], machine(record), models, _how(records), reference, shape, kept)


def nearest(measures: list[dict[str, Any]], share: float = HALF) -> dict[str, Any]:
    """Return the measures at the kept share that is nearest to ``share``; a model without a mask has one item alone."""
    return min(measures, key=lambda each: abs((each["kept_share"] or 0.0) - share))


def attention_records(params: Params) -> list[Record]:
    """Return the records of what EMANet's mask saves in its attention part, one per input shape that has one."""
    paths = [COSTS / shape / f"{ATTENTION}.json" for shape in params.costs]
    return [evidence.read_json(path) for path in paths if path.exists()]


def _relative_to(models: dict[str, dict[str, Any]], reference: str) -> dict[str, dict[str, Any]]:
    """Return the measures with ratios of latency to the reference at the share that it keeps here."""
    beside = models[reference]["latency_ratio_blocks"]
    relative = {}
    for model, measures in models.items():
        blocks = _quotients(measures["latency_ratio_blocks"], beside)
        to_reference = ratio(blocks)
        relative[model] = measures | {
            "latency_ratio": to_reference.value,
            "latency_ratio_interval": [to_reference.low, to_reference.high],
            "latency_ratio_blocks": blocks,
        }
    return relative


def machine(record: Record) -> str:
    """Return what a record was measured on: a thread of a processor, or an accelerator."""
    machine = record["machine"]
    return f"one thread of {machine['processor']}" if record["device"] == "cpu" else machine["accelerator"]


def _how(records: dict[str, Record]) -> str:
    """Say how costs were measured."""
    record = next(iter(records.values()))
    blocks = span([each["blocks"] for each in records.values()])
    return (
        f"{record['precision']}, {record['layout']}, torch {record['versions']['torch']}; models in turn, in "
        f"random order, in {blocks} blocks with copies of their own; images a second in batches of "
        f"{record['batch']}; models as built for `{record['images']}`, estimators fitted to its training images"
    )


def span(counts: Sequence[int]) -> str:
    """Return the least and the largest of some counts, as a text."""
    return " to ".join(str(count) for count in sorted({min(counts), max(counts)}))
