"""Measure what models cost at an input shape; nothing else should run meanwhile."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from benchmark import evidence, params
from benchmark.cost.records import ATTENTION, COSTS, Record, nearest
from benchmark.errors import BadInput, closest
from benchmark.evidence import placing
from pipelines import Parser, run
from pipelines.listed import code_of

if TYPE_CHECKING:
    from benchmark.cost.measure import Session


def main() -> int:
    """Write a record of each model that has none or whose code or parameters changed.

    Return 1 if ``--verify`` finds other ratios.
    """
    parser = Parser("cost", __doc__, "--shape cpu-64 --model emanet cnn")
    parser.add_argument("--shape", required=True, help="an input shape of costs in params.yaml")
    parser.add_argument("--model", nargs="+", help="measure these models alone, beside the reference")
    parser.add_argument("--force", action="store_true", help="measure what is up to date, too")
    parser.add_argument("--verify", action="store_true", help="write nothing; compare the ratios with the records'")
    args = parser.parse_args()
    session = _session(params.load(), args.shape)
    for model in args.model or []:
        if model not in session.runs:
            right = (
                f"it must have evidence on a task of that size, or stand under costs.{args.shape}.also in params.yaml"
            )
            hint = closest(model, list(session.runs), right)
            raise BadInput(f"--model: {model!r} is not measured at {args.shape}; {hint}")
    chosen = args.model or list(session.runs)
    if args.verify:
        return _verify(session, chosen)
    for path in (COSTS / args.shape).glob("*.json"):
        if path.stem not in (*session.runs, ATTENTION):
            path.unlink()
            print(f"{path}: removed; this model is not measured here")
    _update(session, [model for model in chosen if args.force or not session.is_current(model)])
    if not args.model:
        _update_attention(session, args.force)
    return 0


def _session(loaded: params.Params, name: str) -> "Session":
    """Return the models that are measured at a shape."""
    shape, reference = loaded.shape(name), loaded.timing.reference
    from benchmark.cost.measure import Session
    from benchmark.cost.subjects import models_at
    from benchmark.training.runs import resolve

    models = models_at(loaded, shape)
    if reference not in models:
        raise BadInput(f"params.yaml: timing.reference: {reference} is not measured itself; it must be a model that is")
    runs = {model: resolve(loaded, shape.images, model, 0, code_of(loaded, model)) for model in models}
    return Session(name, shape, loaded.timing, runs)


def _update(session: "Session", models: list[str]) -> None:
    """Measure models and write their records; say whose MACs are not counted, and what cannot run."""
    if not models:
        print(f"{session.name}: every record is up to date")
        return
    if not session.has_device:
        print(f"{session.name}: no CUDA device here; a machine that has one must measure {', '.join(models)}")
        placing.keep(COSTS / session.name)  # an output of the stage, which must be there
        return
    models = _with_images(session, models, "measured")
    if not models:
        placing.keep(COSTS / session.name)
        return
    records, failures = session.measure(models, partial(_progress, session))
    reasons = {model: f"cannot run at this shape ({why})" for model, why in failures.items()}
    for model in failures:
        session.path(model).unlink(missing_ok=True)
    for model, record in records.items():
        evidence.write_json(session.path(model), record)
        print(f"{session.name}: {model}: {_summary(record)}")
        if why := record["measures"][0].get("not_counted"):
            reasons[model] = f"MACs are not counted: {why}"
    for why in dict.fromkeys(reasons.values()):
        print(f"{session.name}: {', '.join(model for model in reasons if reasons[model] == why)}: {why}")


def _with_images(session: "Session", models: list[str], what: str) -> list[str]:
    """Leave out estimators whose images are not at hand, and say that they are not ``what``."""
    if lacking := session.lacking_images(models):
        why = f"the images of {session.shape.images} are not at hand"
        print(f"{session.name}: {', '.join(lacking)}: not {what}, since {why}")
    return [model for model in models if model not in lacking]


def _update_attention(session: "Session", force: bool) -> None:
    """Measure what EMANet's mask saves in its attention part, if that record is out of date."""
    from benchmark.cost import saving

    path = session.path(ATTENTION)
    if session.has_device and (force or not saving.is_current(path, session.shape)):
        evidence.write_json(path, saving.record(session.shape, session.limits, partial(_progress, session)))


def _progress(session: "Session", what: str) -> Callable[[int], None]:
    """Print what is measured; return a function that prints how many blocks are done, and how long it still takes."""
    start, limits = time.monotonic(), session.limits
    print(f"{session.name}: {what}", flush=True)

    def on_block(done: int) -> None:
        passed = time.monotonic() - start
        left = passed / done * (limits.most - done)
        blocks = f"block {done} of {limits.least} to {limits.most}"
        print(f"{session.name}: {blocks}, {passed:.0f} s; at most about {left / 60:.1f} min left", flush=True)

    return on_block


def _summary(record: Record) -> str:
    measures = nearest(record["measures"])
    low, high = measures["latency_ratio_interval"]
    times = f"{measures['latency_ratio']:.2f} [{low:.2f}, {high:.2f}] times {record['reference']['model']}'s"
    return f"{measures['latency_ms']:.2f} ms, {times}, {measures['throughput_per_s']:.0f} images/s"


def _verify(session: "Session", models: list[str]) -> int:
    """Measure again; say where ratios differ by more than ``precise`` and by more than their intervals allow."""
    recorded = {model: evidence.read_json(path) for model in models if (path := session.path(model)).exists()}
    if not recorded:
        raise BadInput(f"{COSTS / session.name}: no record of these models; --verify compares with records")
    if not session.has_device:
        raise BadInput(f"--shape: no CUDA device here; {session.name} must be verified on a machine that has one")
    models = _with_images(session, list(recorded), "verified")
    if not models:
        return 1
    again, failures = session.measure(models, partial(_progress, session))
    for model, why in failures.items():
        print(f"{session.name}: {model}: no longer runs at this shape ({why})")
    total = near = apart = 0
    for model, record in again.items():
        for new in record["measures"]:
            old = nearest(recorded[model]["measures"], new["kept_share"] or 0.0)
            total += 1
            first, second = old["latency_ratio"], new["latency_ratio"]
            (low, high), (least, most) = old["latency_ratio_interval"], new["latency_ratio_interval"]
            if abs(second / first - 1) <= session.limits.precise:
                near += 1
            elif low > most or least > high:
                apart += 1
                kept = "" if new["kept_share"] is None else f", {100 * new['kept_share']:.0f} % kept"
                was, now = f"{first:.3f} [{low:.3f}, {high:.3f}]", f"{second:.3f} [{least:.3f}, {most:.3f}]"
                print(f"{session.name}: {model}{kept}: {was}, now {now}")
    within = f"{near} within {100 * session.limits.precise:.0f} %, {total - near - apart} within intervals"
    print(f"{session.name}: {total} ratios of latency: {within}, {apart} apart")
    return 1 if apart or failures else 0


if __name__ == "__main__":
    run(main)
