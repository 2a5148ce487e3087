"""How times are taken: every model alike, in blocks, until their ratios are precise."""

import time
from collections import Counter

import pytest
import torch

from benchmark import timing
from benchmark.params import Timing


def measured(calls, least=6, most=6, seconds=0.0, precise=0.03):
    """Return the times of ``calls`` (of latency), the copies that were made, and what was heard."""
    copies, heard = [], []

    def build():
        copies.append(calls)
        return {"latency": calls}

    how = Timing(least=least, most=most, seconds=seconds, precise=precise)
    return timing.measure(build, "cpu", next(iter(calls)), how, heard.append), copies, heard


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
    laps = [order[start : start + 24][::4] for start in range(6, len(order) - 24, 24)]
    assert len({tuple(lap) for lap in laps[:8]}) > 3


def test_a_slower_model_takes_longer():
    taken, _, _ = measured({"quick": lambda: time.sleep(0.001), "slow": lambda: time.sleep(0.004)}, seconds=0.05)
    assert 0.9 < min(timing.medians(taken["latency"], "quick")) < min(timing.medians(taken["latency"], "slow"))
    assert taken["ratio"]["quick"] == [[1.0]] * 6
    assert all(2 < block < 5 for block in timing.medians(taken["ratio"], "slow"))


def test_each_timed_call_follows_one_of_the_same_model_and_is_followed_by_the_reference():
    order = []
    measured({"a": lambda: order.append("a"), "b": lambda: order.append("b")})
    of_a_block = len(order) // 6
    for block in (order[start : start + of_a_block] for start in range(0, len(order), of_a_block)):
        calls = "".join(block[2:])  # two that warm up
        assert {calls[start : start + 4] for start in range(0, len(calls), 4)} == {"aaaa", "bbaa"}


def test_blocks_end_once_the_ratios_are_precise():
    calm = {"one": lambda: time.sleep(0.002), "other": lambda: time.sleep(0.002)}
    assert len(measured(calm, 8, 20, 0.0, precise=0.5)[2]) == 8
    assert len(measured(calm, 8, 10, 0.0, precise=1e-9)[2]) == 10


def test_what_is_not_latency_is_measured_in_the_first_blocks_alone():
    called = Counter()

    def build():
        return {kind: {"one": lambda kind=kind: called.update([kind])} for kind in timing.KINDS}

    how = Timing(least=6, most=6, seconds=0.0, precise=0.5)
    taken = timing.measure(build, "cpu", "one", how, lambda done: None)
    assert {kind: len(times["one"]) for kind, times in taken.items()} == {
        "latency": 6,
        "ratio": 6,
        "end_to_end": timing.OTHERS,
        "throughput": timing.OTHERS,
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
