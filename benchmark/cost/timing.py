"""Times of many subjects, taken in a way that lets their ratios be trusted.

Subjects are called in turn, in random order, lap after lap: a drift of the machine then meets all alike. Each call is
followed by one of a reference: their ratio is of the same moment. Laps come in blocks, and each block has its own
copies of the subjects: where a model lies in memory moves its time by some per cent, which no number of repeats in one
place shows (Kalibera & Jones 2013, doi 10.1145/2464157.2464160).
"""

import random
import statistics
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from benchmark.params import Timing
from benchmark.statistics import ratio

THROUGHPUT_BLOCKS = 3  # whose calls are long
LAPS = 30  # of a block, at most; at least one

KINDS = ("latency", "end_to_end", "throughput")

Calls = dict[Hashable, Callable[[], Any]]  # one per subject
Times = dict[Hashable, list[list[float]]]  # of each subject, block and lap (ms)


def measure(
    build: Callable[[], dict[str, Calls]],
    device: str,
    reference: Hashable,
    timing: Timing,
    on_block: Callable[[int], None],
) -> dict[str, Times]:
    """Return kind → times of calls, on one thread; under ``ratio`` those of latency to the ``reference``'s.

    ``build`` copies the subjects and returns kind → calls. There are blocks until every ratio is precise, or no more
    may be taken. ``on_block`` hears how many are done.
    """
    times: dict[str, Times] = {kind: {} for kind in (*KINDS, "ratio")}
    shuffle = random.Random(0)
    with one_thread(), torch.inference_mode():
        for block in range(timing.most):
            for kind, calls in build().items():
                if kind == "throughput" and block >= THROUGHPUT_BLOCKS:
                    continue
                beside = calls[reference] if kind == "latency" else None
                # The last step of end_to_end waits for the labels anyway.
                clock = _by_events if device == "cuda" and kind != "end_to_end" else _by_clock
                laps, ratios = _laps(calls, beside, clock, timing.seconds, shuffle)
                for subject in calls:
                    times[kind].setdefault(subject, []).append(laps[subject])
                    if beside:
                        own = [1.0] if subject == reference else ratios[subject]
                        times["ratio"].setdefault(subject, []).append(own)
            on_block(block + 1)
            if block + 1 >= timing.least and _widest(times["ratio"]) <= timing.precise:
                break
    return times


@contextmanager
def one_thread() -> Iterator[None]:
    """Have torch and the libraries of the estimators work on one thread for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def compute_in_float32() -> None:
    """Have CUDA compute in float32, as a CPU does, not in TF32, for the rest of the process."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def medians(times: Times, subject: Hashable) -> list[float]:
    """Return the median of each block."""
    return [statistics.median(laps) for laps in times[subject]]


def _widest(ratios: Times) -> float:
    """Return half the width of the widest interval of a ratio to the reference, as a share of the ratio."""
    return max(ratio(medians(ratios, subject)).half_width for subject in ratios)


def _laps(
    calls: Calls,
    beside: Callable[[], Any] | None,
    clock: Callable[[Callable[[], Any]], float],
    seconds: float,
    shuffle: random.Random,
) -> tuple[dict[Hashable, list[float]], dict[Hashable, list[float]]]:
    """Return the times of one block (ms), and their ratios to those of ``beside``, which is called after each.

    Each timed call follows one of the same subject, as when it serves image by image.
    """
    order = list(calls)
    times: dict[Hashable, list[float]] = {subject: [] for subject in calls}
    ratios: dict[Hashable, list[float]] = {subject: [] for subject in calls}
    if beside:
        beside()
    end = time.perf_counter() + seconds
    for lap in range(LAPS):
        if lap and time.perf_counter() > end:
            break
        shuffle.shuffle(order)
        for subject in order:
            calls[subject]()
            times[subject].append(clock(calls[subject]))
            if beside:
                beside()
                ratios[subject].append(times[subject][-1] / clock(beside))
    return times, ratios


def _by_clock(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def _by_events(call: Callable[[], Any]) -> float:
    """Return the time of a call on a CUDA device (ms), by the device's own clock, launches included."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)
