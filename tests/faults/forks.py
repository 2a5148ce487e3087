"""Commands in forks of this process, which has imported everything already: a trial takes little more than its work."""

import gc
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.injection import Fault

TIMEOUT = 120
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status (negative: by that signal; None: it hung), what it said, operations counted."""

    status: int | None
    said: str
    count: int

    @property
    def last_line(self) -> str:
        """What it said last."""
        return (self.said.splitlines() or [""])[-1]


def forked(work: Callable[[], object], folder: Path, fault: Fault | None = None) -> Ended:
    """Do ``work`` in a fork, inside ``folder``; a hang ends after two minutes."""
    folder, said = folder.resolve(), folder.resolve().parent / f"{folder.name}.said"
    counted = folder.parent / f"{folder.name}.count"
    gc.freeze()  # a collection in the fork would copy all that is imported
    pid = os.fork()
    if not pid:
        _work_and_end(work, folder, fault, said, counted)
    gc.unfreeze()
    status, since = None, time.monotonic()
    while time.monotonic() - since < TIMEOUT:
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(code)
            break
        time.sleep(0.005)
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    count = int(counted.read_text()) if counted.exists() else 0
    counted.unlink(missing_ok=True)
    return Ended(status, said.read_text(encoding="utf-8", errors="replace"), count)


def _work_and_end(work, folder, fault, said, counted):
    """Work in the child, and end it without a word of what the parent has open."""
    status = 1
    try:
        os.chdir(folder)
        with said.open("w") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False, buffering=1)
        if fault:
            fault.install()
        status = work() or 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        if fault:
            counted.write_text(str(fault.count))
        sys.stdout.flush()
        os._exit(status)


def errors_of(said: str) -> list[str]:
    """Return the lines that say why a command ended, and those of a traceback."""
    return [line for line in said.splitlines() if re.match(r"error: |Traceback|stopped; |  File ", line)]
