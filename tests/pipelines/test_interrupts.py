"""Ctrl-C, SIGTERM and kills, whenever they come: one line, the right status, and nothing hangs or is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark import evidence
from tests.conftest import ROOT

LINE = "stopped; the same command goes on from here\n"
COMMANDS = {
    "train": ("train", "--task", "phantom", "--model", "knn", "svm", "--force"),
    "tables": ("tables", "--task", "phantom"),
    "audit": ("audit",),
}


@pytest.fixture
def start(workplace):
    """Return a function that starts a command in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def begin(*words):
        call = [sys.executable, "-m", f"pipelines.{words[0]}", *words[1:]]
        return subprocess.Popen(call, cwd=workplace, env=environment, stderr=subprocess.PIPE, text=True)

    return begin


def wait_until_it_hears(process):
    """Wait for a command to hear SIGTERM, which Python by itself does not: before that Python is starting."""
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
        if caught >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.005)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_stopped_while_it_starts_says_one_line(start, number, status):
    process = start("tables", "--task", "fantom")
    time.sleep(0.2)
    process.send_signal(number)
    assert (process.communicate(timeout=20)[1], process.returncode) == (LINE, status)


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_twenty_moments_of_a_command(start, small, name, number, status):
    stopped = 0
    for moment in range(20):
        process = start(*COMMANDS[name])
        wait_until_it_hears(process)
        time.sleep(0.3 * moment)
        process.send_signal(number)
        said = process.communicate(timeout=30)[1]
        lines = [line for line in said.splitlines(keepends=True) if "done; about" not in line]
        assert process.returncode in (0, 2, status)  # 0 and 2: it had ended before
        if process.returncode == status:
            stopped += 1
            assert lines == [LINE], moment
    assert stopped


@pytest.mark.long
def test_kills_of_the_command_alone_leave_no_process_and_no_broken_evidence(start, workplace, small):
    assert start(*COMMANDS["train"]).wait(timeout=120) == 0
    before = {path.name: path.read_bytes() for path in evidence.run_folder("phantom", "knn", 0).glob("*.csv")}
    killed = 0
    for moment in range(10):
        process = start(*COMMANDS["train"])
        time.sleep(1 + 0.5 * moment)
        process.kill()
        process.communicate(timeout=20)  # ends when nobody has standard error open any more: no orphan
        killed += process.returncode == -signal.SIGKILL
    assert killed
    assert start(*COMMANDS["train"]).wait(timeout=120) == 0
    assert before == {path.name: path.read_bytes() for path in evidence.run_folder("phantom", "knn", 0).glob("*.csv")}


@pytest.mark.long
def test_a_worker_that_is_killed_at_any_time_hangs_nothing(start, workplace, small):
    killed = 0
    for moment in range(12):
        process = start(*COMMANDS["train"])
        time.sleep(1.5 + 0.25 * moment)
        for worker in _grandchildren(process.pid)[:1]:
            os.kill(worker, signal.SIGKILL)
            killed += 1
        said = process.communicate(timeout=60)[1]
        assert process.returncode in (0, 1)
        assert "Traceback" not in said
    assert killed


def _grandchildren(pid):
    """Return the workers: children of the server that the command forks them from."""
    children = [_children(child) for child in _children(pid)]
    return [worker for of_child in children for worker in of_child]


def _children(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
