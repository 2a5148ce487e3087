"""Kills while DVC writes dvc.lock: what is left is refused with the command that mends it, and nothing is trained."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.faults.forks import KILLED, forked
from tests.faults.injection import Fault
from tests.faults.rows import EVERY, Row
from tests.pipelines.repository import bytes_below, call, stale, started

MENDS = "`git checkout dvc.lock` brings it back"
TRIALS = 60 if EVERY else 5


@pytest.mark.long
def test_kills_while_dvc_writes_its_lock(pipeline, tmp_path):
    from dvc.cli import main as dvc

    def commit():
        return dvc(["commit", "--force", "--quiet", "split@phantom", "tables@phantom"])

    with (pipeline / "dvc.lock").open("a") as file:
        file.write("# as committed, but for this line\n")
    before, lock = bytes_below(pipeline / "results"), (pipeline / "dvc.lock").read_bytes()
    times = started(pipeline)
    start, folder = tmp_path / "start", tmp_path / "trial"
    shutil.copytree(pipeline, start)
    shutil.copytree(start, folder)
    count = forked(commit, folder, Fault(folder.resolve(), name="dvc.lock")).count
    shutil.rmtree(folder)
    assert count
    row = Row("kill -9, around dvc.lock", f"at {TRIALS} of {count} operations on it", seen="nothing")
    faulty, refused = [], 0
    for number in sorted({1 + index * (count - 1) // (TRIALS - 1) for index in range(TRIALS)}):
        shutil.copytree(start, folder)
        ended = forked(commit, folder, Fault(folder.resolve(), "kill", number, name="dvc.lock"))
        row.times += 1
        train = call(folder, sys.executable, "-m", "pipelines.train", "--task", "phantom", check=False)
        if train.returncode:
            refused += MENDS in train.stderr
            call(folder, "git", "checkout", "-q", "dvc.lock")
            train = call(folder, sys.executable, "-m", "pipelines.train", "--task", "phantom", check=False)
        row.lost += not set(before) <= set(bytes_below(folder / "results"))
        row.other_bytes += bytes_below(folder / "results") != before
        row.left += ended.status is None
        is_right = ended.status == KILLED and "0 of 6 runs trained" in train.stdout
        is_right = is_right and started(folder) == times
        if not is_right:
            faulty.append((number, ended, train.stdout, train.stderr))
        shutil.rmtree(folder)
    row.seen = f"{refused} times, as the next command starts: “{MENDS}”; no run was trained again"
    row.leave()
    assert not faulty, (len(faulty), faulty[:2])
    assert (row.lost, row.wrong, row.other_bytes, row.left) == (0, 0, 0, 0)
    assert Path(pipeline / "dvc.lock").read_bytes() == lock
    assert stale(pipeline) == set()
