"""Times of many models, taken so that their ratios can be trusted.

Models are called in turn, in random order, lap after lap, so that a drift of the machine meets all alike; and each call
is followed by one of a reference, so that their ratio is of the same moment. Laps come in blocks, and each block has
copies of the models of its own: where a model lies in memory moves its time by some per cent, which no number of
repeats in one place shows (Kalibera & Jones 2013, doi 10.1145/2464157.2464160).
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from benchmark.params import Timing
from benchmark.statistics import ratio

LARGE = 3  # blocks of throughput, whose calls are long
LAPS = 30  # at most, of a block; one at least

KINDS = ("latency", "end_to_end", "throughput")

Calls = dict[str, Callable[[], Any]]  # of each model
Times = dict[str, list[list[float]]]  # of each model, block and lap (ms)


def measure(
    build: Callable[[], dict[str, Calls]],
    device: str,
    reference: str,
    how: Timing,
    on_block: Callable[[int], None],
) -> dict[str, Times]:
    """Return kind → times of calls, on one thread; under ``ratio`` those of latency to the ``reference``'s.

    ``build`` copies the models and returns kind → calls. There are blocks until every ratio is precise, or no more may
    be taken. ``on_block`` hears how many are done.
    """
    taken: dict[str, Times] = {kind: {} for kind in (*KINDS, "ratio")}
    shuffle = random.Random(0)
    with one_thread(), torch.inference_mode():
        for block in range(how.most):
            for kind, calls in build().items():
                if kind == "throughput" and block >= LARGE:
                    continue
                beside = calls[reference] if kind == "latency" else None
                # The last step of end_to_end waits for the labels anyway.
                clock = _by_events if device == "cuda" and kind != "end_to_end" else _by_clock
                times, ratios = _laps(calls, beside, clock, how.seconds, shuffle)
                for name in calls:
                    taken[kind].setdefault(name, []).append(times[name])
                    if beside:
                        taken["ratio"].setdefault(name, []).append([1.0] if name == reference else ratios[name])
            on_block(block + 1)
            if block + 1 >= how.least and _widest(taken["ratio"]) <= how.precise:
                break
    return taken


@contextmanager
def one_thread() -> Iterator[None]:
    """Have torch and the libraries of the estimators work on one thread for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


def medians(times: Times, name: str) -> list[float]:
    """Return the median of each block."""
    return [statistics.median(laps) for laps in times[name]]


def _widest(ratios: Times) -> float:
    """Return half the width of the widest interval of a ratio to the reference, as a share of the ratio."""
    return max(ratio(medians(ratios, name)).half_width for name in ratios)


def _laps(
    calls: Calls,
    beside: Callable[[], Any] | None,
    clock: Callable[[Callable[[], Any]], float],
    seconds: float,
    shuffle: random.Random,
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return the times of one block (ms), and their ratios to those of ``beside``, which is called after each.

    Each timed call follows one of the same model, as when it serves image by image.
    """
    order = list(calls)
    taken: dict[str, list[float]] = {name: [] for name in calls}
    ratios: dict[str, list[float]] = {name: [] for name in calls}
    if beside:
        beside()
    end = time.perf_counter() + seconds
    for lap in range(LAPS):
        if lap and time.perf_counter() > end:
            break
        shuffle.shuffle(order)
        for name in order:
            calls[name]()
            taken[name].append(clock(calls[name]))
            if beside:
                beside()
                ratios[name].append(taken[name][-1] / clock(beside))
    return taken, ratios


def _by_clock(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def _by_events(call: Callable[[], Any]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)
