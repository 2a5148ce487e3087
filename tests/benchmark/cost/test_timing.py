"""How times are taken: every model alike, in blocks, until their ratios are precise."""

import random
from collections import Counter

import pytest
import torch

from benchmark.cost import timing
from benchmark.params import Timing


def measured(calls, least=6, most=6, seconds=0.0, precise=0.03):
    """Return the times of ``calls`` (of latency), the copies that were made, and what was heard."""
    copies, heard = [], []

    def build():
        copies.append(calls)
        return {"latency": calls}

    limits = Timing(reference="emanet", least=least, most=most, seconds=seconds, precise=precise)
    return timing.measure(build, "cpu", next(iter(calls)), limits, heard.append), copies, heard


def test_all_models_are_called_equally_often_and_each_block_has_copies_of_its_own():
    called = Counter()
    calls = {name: lambda name=name: called.update([name]) for name in ("one", "other", "third")}
    taken, copies, heard = measured(calls, 6, 6, 0.0)
    assert len(copies) == 6
    assert heard == [1, 2, 3, 4, 5, 6]
    assert called["other"] == called["third"]
    assert all(len(blocks) == 6 for blocks in taken["latency"].values())


def test_the_order_differs_from_lap_to_lap():
    order = []
    calls = {str(number): lambda number=number: order.append(number) for number in range(6)}
    measured(calls, 6, 6, 0.05)
    laps = [order[start : start + 24][::4] for start in range(1, len(order) - 24, 24)]
    assert len({tuple(lap) for lap in laps[:8]}) > 3


@pytest.fixture
def passes(monkeypatch):
    """Return what makes a call that takes some seconds, or drawn ones, by a clock that nothing else moves."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def takes(seconds):
        def call():
            now[0] += seconds() if callable(seconds) else seconds

        return call

    return takes


def test_a_slower_model_takes_longer(passes):
    taken, _, _ = measured({"quick": passes(0.001), "slow": passes(0.004)}, seconds=0.05)
    assert timing.medians(taken["latency"], "quick") == pytest.approx([1] * 6)
    assert timing.medians(taken["latency"], "slow") == pytest.approx([4] * 6)
    assert taken["ratio"]["quick"] == [[1.0]] * 6
    assert timing.medians(taken["ratio"], "slow") == pytest.approx([4] * 6)


def test_a_block_has_laps_until_its_seconds_are_over_and_one_at_least(passes):
    calls = {"one": passes(0.01), "other": passes(0.01)}  # each lap has four calls of each
    assert {len(block) for block in measured(calls, seconds=0.0)[0]["latency"]["one"]} == {1}
    assert {len(block) for block in measured(calls, seconds=0.2)[0]["latency"]["one"]} == {3}
    assert {len(block) for block in measured(calls, seconds=9.0)[0]["latency"]["one"]} == {timing.LAPS}


def test_each_timed_call_follows_one_of_the_same_model_and_is_followed_by_the_reference():
    order = []
    measured({"a": lambda: order.append("a"), "b": lambda: order.append("b")})
    of_a_block = len(order) // 6
    for block in (order[start : start + of_a_block] for start in range(0, len(order), of_a_block)):
        calls = "".join(block[1:])  # the reference warms up
        assert {calls[start : start + 4] for start in range(0, len(calls), 4)} == {"aaaa", "bbaa"}


def test_blocks_end_once_the_ratios_are_precise(passes):
    drawn = random.Random(0)
    calls = {"one": passes(0.002), "other": passes(lambda: drawn.uniform(0.0019, 0.0021))}
    assert len(measured(calls, 8, 20, 0.0, precise=0.1)[2]) == 8
    assert len(measured(calls, 8, 10, 0.0, precise=1e-9)[2]) == 10


def test_throughput_is_measured_in_the_first_blocks_alone():
    called = Counter()

    def build():
        return {kind: {"one": lambda kind=kind: called.update([kind])} for kind in timing.KINDS}

    limits = Timing(reference="emanet", least=6, most=6, seconds=0.0, precise=0.5)
    taken = timing.measure(build, "cpu", "one", limits, lambda done: None)
    assert {kind: len(times["one"]) for kind, times in taken.items()} == {
        "latency": 6,
        "ratio": 6,
        "end_to_end": 6,
        "throughput": timing.THROUGHPUT_BLOCKS,
    }


@pytest.mark.parametrize("threads", [1, 2])
def test_one_thread_works_while_it_is_timed_and_the_count_comes_back(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    seen = []
    measured({"one": lambda: seen.append(torch.get_num_threads())})
    assert set(seen) == {1}
    assert torch.get_num_threads() == threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_on_cuda_its_own_events_time_all_but_what_ends_on_the_processor(monkeypatch, device):
    clocks = Counter()
    for clock in ("_by_clock", "_by_events"):
        monkeypatch.setattr(timing, clock, lambda call, clock=clock: clocks.update([(clock, call.kind)]) or 1.0)

    class Call:
        def __init__(self, kind):
            self.kind = kind

        def __call__(self):
            pass

    limits = Timing(reference="emanet", least=6, most=6, seconds=0.0, precise=0.5)
    timing.measure(lambda: {kind: {"one": Call(kind)} for kind in timing.KINDS}, device, "one", limits, print)
    other = "_by_events" if device == "cuda" else "_by_clock"
    assert set(clocks) == {("_by_clock", "end_to_end"), (other, "latency"), (other, "throughput")}
