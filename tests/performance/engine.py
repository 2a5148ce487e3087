"""What placing runs costs besides the runs: time and memory of the command, by the number of runs.

``python -m tests.performance.engine`` prints the table and puts it into docs/performance.md. Runs are simulated, each
the evidence of one k-NN, copied; or they are small k-NN, trained by an engine. It takes the code as it was last
committed.
"""

import contextlib
import io
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ruamel.yaml import YAML
from tabulate import tabulate

from benchmark import params
from benchmark.evidence import provenance
from benchmark.training import cells as training
from benchmark.training import local, on_ray
from benchmark.training.cells import Cell
from benchmark.training.runs import inputs
from pipelines.fetch import fetch
from pipelines.listed import cells
from pipelines.split import split
from pipelines.train import params_file, still_wanted
from tests.performance import page

ROOT = Path(__file__).parents[2]
RUNS = 6  # of a model
ROWS = [
    *(("simulated", count) for count in (120, 360, 1080, 3240)),
    *((name, count) for name in ("local", "ray") for count in (120, 1080)),
]


def workplace(folder: Path, models: int) -> None:
    """Clone this repository into ``folder``, with one task of 90 synthetic images and some copies of one model."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    yaml, path = YAML(), folder / "params.yaml"
    everything = yaml.load(path)
    task = everything["tasks"]["phantom"]
    task["source"]["images_per_class"] = 30
    everything["tasks"] = {"phantom": task | {"runs": RUNS}}
    knn = {"kind": "estimator", "features": "pixels", "of": "knn", "tasks": ["phantom"]}
    emanet = everything["models"]["emanet"] | {"tasks": []}  # the reference of costs
    everything["models"] = {"emanet": emanet} | {f"knn_{index}": knn for index in range(models)}
    everything["costs"], everything["notes"] = {}, {}
    yaml.dump(everything, path)
    shutil.rmtree(folder / "results")


def simulated(template: Path, spent: list[float]):
    """Return an engine whose runs are copies of ``template``; it appends the seconds that it takes to ``spent``."""

    def engine(waiting, folders, shared, tell):
        for run in waiting:
            began = time.perf_counter()
            shutil.copytree(template, folders[run])
            facts = provenance.read(folders[run]) | {"model": run.model.name, "run": run.number, "inputs": inputs(run)}
            provenance.write(folders[run], facts)
            spent.append(time.perf_counter() - began)
            yield run, None

    return engine


def engine_of(name: str, template: Path, spent: list[float]):
    """Return an engine; a simulated one appends the seconds of its runs to ``spent``."""
    if name == "simulated":
        return simulated(template, spent)
    return on_ray.engine(None) if name == "ray" else local.outcomes


def trained(wanted: list[Cell]) -> float:
    """Return the seconds that the runs themselves took, side by side."""
    seconds = [provenance.read(run.folder)["seconds"] for runs in wanted for run in runs]
    return sum(seconds) / local.side_by_side([run for runs in wanted for run in runs])


def measured(name: str, count: int) -> list[str]:
    """Place ``count`` runs by a command of its own; return its row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "retable")
        workplace(place, count // RUNS)
        call = [sys.executable, "-m", "tests.performance.engine", name, str(count)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(call, cwd=place, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    seconds, peak = map(float, done.stdout.split())
    return [name, f"{count:,}", f"{seconds:.1f} s", f"{1000 * seconds / count:.0f} ms", f"{peak:.2f} GiB"]


def place(name: str) -> None:
    """Place all runs of the workplace by an engine; print the seconds besides the runs, and the most memory in GiB."""
    loaded, spent = params.load(), []
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        fetch(loaded, "phantom")
        split(loaded, "phantom")
        wanted = cells(loaded, ["phantom"], None)
        training.train_into(wanted[0][:1], Path("template"), local.outcomes)
        began = time.perf_counter()
        template = Path("template/phantom/runs") / wanted[0][0].model.name / "run-0"
        training.train_cells(wanted, False, still_wanted(params_file()), engine_of(name, template, spent))
    elapsed = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(elapsed - (sum(spent) if name == "simulated" else trained(wanted)), peak)


def main() -> None:
    """Measure every engine and number of runs, print the table and write it into the page."""
    if sys.argv[1:]:
        place(sys.argv[1])
        return
    rows = []
    for name, count in ROWS:
        rows.append(measured(name, count))
        print(*rows[-1], sep=" | ", flush=True)
    page.put(
        {"engine": tabulate(rows, ["engine", "runs", "besides the runs", "for each", "memory"], tablefmt="github")}
    )


if __name__ == "__main__":
    main()
