"""What runs held at most, and what the next ones are expected to hold."""

import mmap
import re
from pathlib import Path

import pytest

from benchmark.evidence import provenance
from benchmark.training import memory, plan


def bytes_held():
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text()).group(1))


def test_what_a_block_held_at_most_is_noted_with_its_evidence(small, run_of, leave):
    run = run_of("knn")
    with memory.recorded(run.folder):
        leave(run, run.folder)
        before = bytes_held()
        with mmap.mmap(-1, 240_000_000) as fresh:  # an array may reuse memory that was freed
            for at in range(0, len(fresh), mmap.PAGESIZE):
                fresh[at] = 1
    peak = provenance.read(run.folder)["peak_memory"]
    assert peak > before + 200_000_000
    with memory.recorded(run.folder):
        leave(run, run.folder)
    assert provenance.read(run.folder)["peak_memory"] < peak - 100_000_000
    assert provenance.is_whole(run.folder)


def test_a_block_that_fails_leaves_no_record(tmp_path):
    with pytest.raises(ValueError, match="it"), memory.recorded(tmp_path):
        raise ValueError("it")
    assert not list(tmp_path.iterdir())


def test_a_run_is_expected_to_hold_what_the_largest_of_its_cell_held(small, edit, run_of, leave):
    edit("tasks.phantom.runs", 3)
    assert memory.expected(run_of("knn")) == 1.0e9
    assert memory.expected(run_of("cnn")) == 2.5e9
    for number, peak in enumerate((400_000_000, 700_000_000, None)):
        leave(run_of("knn", number), run_of("knn", number).folder, peak_memory=peak)
    assert memory.expected(run_of("knn", 2)) == 700_000_000
    assert "in about 0.7 GB of memory" in plan.text(small, [run_of("knn", 2)], 3)


def test_of_runs_one_after_the_other_the_largest_says_how_much_memory_is_needed(small, run_of, monkeypatch):
    monkeypatch.setattr(plan, "side_by_side", lambda runs: 1)
    assert "in about 2.5 GB of memory" in plan.text(small, [run_of("knn"), run_of("cnn"), run_of("svm")], 3)
