"""Kills, Ctrl-C and SIGTERM at moments of whole commands, with their worker processes."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark import evidence
from benchmark.evidence import provenance
from tests.faults.forks import errors_of
from tests.faults.rows import EVERY, Row

LINE = "stopped; the same command goes on from here"
RUNS = Path("results/tasks/phantom/runs")
TRAIN = ("train", "--task", "phantom")
KILLS = 100 if EVERY else 8
HANGS_S = 240
COMMANDS = [
    ("fetch", "--task", "phantom"),
    ("split", "--task", "phantom"),
    (*TRAIN, "--model", "knn", "--force"),
    ("cost", "--shape", "tiny", "--force"),
    ("tables", "--task", "phantom"),
    ("figures", "--task", "phantom"),
    ("audit",),
    ("report",),
    ("score", "--task", "phantom"),
    ("docs",),
    ("verify", "--task", "phantom", "--model", "knn"),
    ("verify", "--static"),
]
EARLY = (0.03, 0.06, 0.1, 0.2, 0.3)  # s; a program that has not begun yet cannot say anything


def start(folder, *words):
    call = [sys.executable, "-m", f"pipelines.{words[0]}", *words[1:]]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        call,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def said_by(process):
    """Return what a process said until nobody has its standard error open any more; None if somebody keeps it."""
    try:
        return process.communicate(timeout=HANGS_S)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None


def results(folder):
    """Return path → content of each file of the runs that must come out the same."""
    paths = sorted((folder / RUNS).glob("*/*/*"))
    return {path.relative_to(folder): path.read_bytes() for path in paths if path.name in evidence.DETERMINISTIC}


def make_stale(folder):
    """Give every run other bytes and other inputs, whole, so it is trained again."""
    for run in (folder / RUNS).glob("*/run-*"):
        facts = evidence.read_json(run / evidence.PROVENANCE)
        for path in (run / name for name in evidence.DETERMINISTIC):
            if path.exists():
                path.write_bytes(path.read_bytes() + b"old\n")
        facts["inputs"]["code"] = "0" * 64
        provenance.write(run, facts)


def is_wrong(folder, before, after):
    """Whether a file is neither old nor new, or a cell is made of both."""
    now = results(folder)
    for cell in (folder / RUNS).iterdir():
        of_cell = [path for path in now if (folder / path).is_relative_to(cell)]
        if of_cell and not any(all(known.get(path) == now[path] for path in of_cell) for known in (before, after)):
            return True
    return False


@pytest.mark.long
def test_random_kills_of_training(pipeline):
    after, drawn = results(pipeline), random.Random(0)
    make_stale(pipeline)
    before = results(pipeline)
    row = Row("kill -9, training", "of the command or of a worker, at a random moment", seen="of a worker: one line")
    began, finished, of_workers = time.monotonic(), 0, 0
    assert said_by(process := start(pipeline, *TRAIN)) is not None
    assert process.returncode == 0
    longest, told = time.monotonic() - began, []
    while row.times < KILLS or (not (finished and of_workers) and row.times < 5 * KILLS):
        if results(pipeline) == after:
            finished += 1
            make_stale(pipeline)
        process = start(pipeline, *TRAIN)
        time.sleep(drawn.uniform(0.2, longest))
        victim = next(iter(_workers(process.pid)), process.pid) if row.times % 3 == 1 else process.pid
        is_hit = process.poll() is None
        row.times += is_hit
        of_workers += is_hit and victim != process.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        said = said_by(process)
        row.left += said is None
        row.wrong += is_wrong(pipeline, before, after)
        told += [said] if process.returncode not in (0, -signal.SIGKILL) else []
    assert said_by(start(pipeline, *TRAIN)) is not None
    row.lost = len(set(after) - set(results(pipeline)))
    row.other_bytes = sum(results(pipeline).get(path) != content for path, content in after.items())
    row.leave()
    assert finished and of_workers
    assert (row.lost, row.wrong, row.other_bytes, row.left) == (0, 0, 0, 0)
    assert all(len(errors_of(said or "")) == 1 and "Traceback" not in said for said in told), told


def _workers(pid):
    """Return the workers: children of the server that the command forks them from."""
    return [worker for child in _children(pid) for worker in _children(child)]


def _children(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_signals_at_moments_of_every_command(made, tmp_path, number):
    folder, drawn = tmp_path / "copy", random.Random(1)
    shutil.copytree(made, folder)
    after, name = results(folder), signal.Signals(number).name
    rows = {
        "first": Row(f"{name}, any command", "in its first 0.3 s"),
        "later": Row(f"{name}, any command", "after its first 0.3 s"),
    }
    early = EARLY if EVERY else EARLY[-1:]
    faulty, silent, ended = [], 0, 0
    for index, words in enumerate(COMMANDS if EVERY else COMMANDS[::4]):
        began = time.monotonic()
        whole = said_by(process := start(folder, *words))
        assert process.returncode == 0, whole
        lasts = time.monotonic() - began
        later = [drawn.uniform(0.3, lasts) for _ in range(5 if EVERY else 1)]
        for moment in [*early[index % 2 :], *later]:
            row = rows["first" if moment in early else "later"]
            process = start(folder, *words)
            time.sleep(moment)
            if number == signal.SIGINT:
                os.killpg(process.pid, number)  # as a terminal does
            else:
                process.send_signal(number)
            at = time.monotonic()
            said = said_by(process)
            took = time.monotonic() - at
            row.times += 1
            row.left += said is None
            row.wrong += is_wrong(folder, after, after)
            status = process.returncode
            lines = [line for line in (said or "").splitlines() if "done; about" not in line and "taken up" not in line]
            if status == 0:
                ended += 1
            elif status == -number and not lines:
                silent += 1
            elif status != 128 + number or lines != [LINE] or took > 5:
                faulty.append((words, round(moment, 2), status, round(took, 1), lines))
    for row in rows.values():
        row.lost = len(set(after) - set(results(folder)))
        row.other_bytes = sum(results(folder).get(path) != content for path, content in after.items())
        row.seen = f"“{LINE}”, status {128 + number}"
    if silent:
        rows["first"].seen += f"; {silent} times nothing, as Python itself was still starting"
    if ended:
        rows["later"].seen += f"; {ended} times the command had ended before"
    for row in rows.values():
        row.leave()
    assert not faulty, (len(faulty), faulty)
    assert sum(row.times for row in rows.values()) > ended + silent
    assert all((row.lost, row.wrong, row.other_bytes, row.left) == (0, 0, 0, 0) for row in rows.values())
