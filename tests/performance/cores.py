"""How busy the cores are while a task is trained.

``python -m tests.performance.cores`` trains the first run of every model of ``phantom`` by the command, in a clone,
prints the table and puts it into docs/performance.md. Needs ``breastmnist.npz``, which one of them is pretrained on.
Run nothing else meanwhile.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from tabulate import tabulate

from benchmark import params
from pipelines.listed import cells
from tests.performance import page

ROOT = Path(__file__).parents[2]
TASK = "phantom"


def main() -> None:
    """Train, and ask the system which share of the time its cores had work."""
    command = ["-m", "pipelines.train", "--task", TASK, "--run", "0", "--into", "trained"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), folder], check=True)
        for stage in ("fetch", "split"):
            subprocess.run([sys.executable, "-m", f"pipelines.{stage}", "--task", TASK], cwd=folder, check=True)
        began = time.perf_counter()
        psutil.cpu_percent()  # the share is taken from here on
        subprocess.run([sys.executable, *command], cwd=folder, check=True)
        busy, seconds = psutil.cpu_percent() / 100, time.perf_counter() - began
    runs = len(cells(params.load(), [TASK], None))
    row = [TASK, runs, psutil.cpu_count(), f"{seconds / 60:.1f} min", f"{busy:.1%}"]
    page.put({"cores": tabulate([row], ["task", "runs", "cores", "time", "busy"], tablefmt="github")})


if __name__ == "__main__":
    main()
