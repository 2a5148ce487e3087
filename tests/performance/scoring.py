"""How tables, audit and report grow with the number of runs.

``python -m tests.performance.scoring`` prints the table and puts it into docs/performance.md. More runs are copies of
the committed ones, as evidence of further models. It takes the code as it was last committed.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ruamel.yaml import YAML
from tabulate import tabulate

from benchmark.evidence import PROVENANCE
from tests.performance import page
from tests.performance.sizes import measured

ROOT = Path(__file__).parents[2]
TIMES = (1, 3, 9)


def workplace(folder: Path, times: int) -> int:
    """Clone this repository into ``folder``, with each model there ``times`` times; return the number of runs."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    yaml, path = YAML(), folder / "params.yaml"
    everything = yaml.load(path)
    for name, entry in list(everything["models"].items()):
        for copy in range(1, times):
            everything["models"][f"{name}_copy{copy}"] = {"of": name} | entry | {"label": f"{name}, copy {copy}"}
    yaml.dump(everything, path)
    for cell in [path for path in folder.glob("results/tasks/*/runs/*") if path.is_dir()]:
        for copy in range(1, times):
            of_copy = cell.with_name(f"{cell.name}_copy{copy}")
            shutil.copytree(cell, of_copy)
            for facts in of_copy.glob(f"*/{PROVENANCE}"):
                facts.write_text(json.dumps(json.loads(facts.read_text()) | {"model": of_copy.name}))
    return len(list(folder.glob(f"results/tasks/*/runs/*/*/{PROVENANCE}")))


def main() -> None:
    """Measure each number of copies, print the table and write it into the page."""
    rows = []
    for times in TIMES:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "retable")
            runs = workplace(place, times)
            tasks = [path.parent.name for path in sorted(place.glob("results/tasks/*/runs"))]
            calls = [[sys.executable, "-m", "pipelines.tables", "--task", task] for task in tasks]
            tables = f"import subprocess\nfor call in {calls}: subprocess.run(call, check=True)"
            commands = {
                "tables of all tasks": ["-c", tables],
                "audit": ["-m", "pipelines.audit"],
                "report": ["-m", "pipelines.report"],
            }
            rows.append([f"{runs:,}", *(measured(place, command) for command in commands.values())])
            print(*rows[-1], sep=" | ", flush=True)
    page.put({"scoring": tabulate(rows, ["runs", *commands], tablefmt="github")})


if __name__ == "__main__":
    main()
