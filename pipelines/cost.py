"""Measure what the models of a task cost; nothing else should run meanwhile."""

import time
from typing import Any

from benchmark import evidence, params
from benchmark.errors import BadInput
from benchmark.training import runs
from pipelines import Parser, module_of, run


def main() -> int:
    """Write ``cost.json`` of a task; return 1 if ``--verify`` finds other ratios."""
    parser = Parser("cost", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="the conditions to measure")
    parser.add_argument("--verify", action="store_true", help="write nothing; compare the ratios with cost.json's")
    args = parser.parse_args()
    path = evidence.TASKS / args.task / "cost.json"
    settings = params.load()
    settings.task(args.task)
    if args.verify and not path.exists():
        raise BadInput(f"{path}: missing; --verify compares with it, so that there must be a measurement")
    known = evidence.read_json(path)["conditions"] if path.exists() else []
    if args.verify and not any(of["device"] == args.device for of in known):
        raise BadInput(f"{path}: holds no costs of {args.device}; --device must be one that was measured")
    measured = _measured(settings, args.task, args.device)
    if args.verify:
        return _compared(known, measured, settings.timing.precise)
    others = [of for of in known if of["device"] != args.device]
    evidence.write_json(path, {"conditions": sorted([*measured, *others], key=lambda of: of["device"])})
    return 0


def _measured(settings: params.Params, task: str, device: str) -> list[dict[str, Any]]:
    """Return the conditions of a device: the task's own input size, and the papers'."""
    import torch

    from benchmark.cost import cost

    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("--device: no CUDA device here; it must be cpu on this machine")
    listed = evidence.TASKS / task / "inventory.json"
    if not listed.exists():
        raise BadInput(f"{listed}: missing; make it by `python -m pipelines.inventory --task {task}`")
    trained = evidence.read_json(listed)
    # A model that learns from fewer images costs what the whole one does; one that is told the lesion serves nobody.
    names = [
        model
        for model, of in settings.models.items()
        if (model in trained and not of.train_parts and not of.lesion) or model in settings.stages.cost.untrained
    ]
    if not names:
        raise BadInput(f"{listed}: no model has evidence; train one by `python -m pipelines.grid --task {task}`")
    shares = {model: trained.get(model, {}).get("kept_share") for model in names}
    models = [runs.Run(task, model, 0, module_of(settings, model)) for model in shares]
    dataset = runs.dataset_of(settings, models[0])
    found, how = [], settings.timing
    for size in dict.fromkeys((dataset.task.input_size, cost.PAPERS_SIZE)):
        subjects = cost.subjects(settings, models, dataset, shares, size, device)
        start = time.monotonic()
        where = f"{task}, {device}, {size} px"
        print(f"{where}: {len(subjects)} models", flush=True)

        def on_block(done: int, where: str = where, start: float = start) -> None:
            print(f"{where}: block {done} of {how.least} to {how.most}, {time.monotonic() - start:.0f} s", flush=True)

        found.append(cost.condition(subjects, dataset.images.pixels.shape[3], size, device, how, on_block))
        for model, of in found[-1]["models"].items():
            low, high = of["latency_ratio_interval"]
            told = f"{of['latency_ms']:.2f} ms, {of['latency_ratio']:.2f} [{low:.2f}, {high:.2f}] times"
            print(f"{where}: {model}: {told} {found[-1]['reference']}'s, {of['throughput_per_s']:.0f} images/s")
    return found


def _compared(known: list[dict[str, Any]], measured: list[dict[str, Any]], precise: float) -> int:
    """Say where ratios of latency differ by more than ``precise`` and by more than their intervals allow."""
    total = near = apart = 0
    for new in measured:
        where = f"{new['device']}, {new['input'][1]} px"
        old = next((of["models"] for of in known if (of["device"], of["input"]) == (new["device"], new["input"])), {})
        for model in [model for model in new["models"] if model in old]:
            total += 1
            one, other = (of[model]["latency_ratio"] for of in (old, new["models"]))
            (low, high), (least, most) = (of[model]["latency_ratio_interval"] for of in (old, new["models"]))
            if abs(other / one - 1) <= precise:
                near += 1
            elif low > most or least > high:
                apart += 1
                print(f"{where}: {model}: {one:.3f} [{low:.3f}, {high:.3f}], now {other:.3f} [{least:.3f}, {most:.3f}]")
    allowed = total - near - apart
    print(f"{total} ratios of latency: {near} within {100 * precise:.0f} %, {allowed} within intervals, {apart} apart")
    return 1 if apart else 0


if __name__ == "__main__":
    run(main)
