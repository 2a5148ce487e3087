"""Worker processes and the server that they are forked from."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

BLOCKED = """
import re
from multiprocessing import forkserver
from pathlib import Path

from benchmark import workers

with workers.pool(1, ["json"]):
    status = Path(f"/proc/{forkserver._forkserver._forkserver_pid}/status").read_text()
print(int(re.search(r"SigBlk:\\s*(\\w+)", status)[1], 16))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says what a process blocks")
def test_the_server_of_workers_hears_no_interrupt_while_it_imports():
    done = subprocess.run([sys.executable, "-c", BLOCKED], cwd=ROOT, check=True, capture_output=True, text=True)
    assert int(done.stdout) & 1 << signal.SIGINT - 1
