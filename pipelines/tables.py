"""Make the papers' tables of a task from its evidence."""

import shutil
from pathlib import Path

from benchmark import evidence
from benchmark.audit import papers
from benchmark.evidence import placing
from benchmark.params import Params, load
from benchmark.report import renderings, result_table, results, tables
from pipelines import Parser, run


def main() -> None:
    """Write ``tables/`` and ``summary/`` of a task, and print the tables."""
    parser = Parser("tables", __doc__, "--task brain-mri")
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    task = parser.parse_args().task
    params = load()
    papers.check(papers.load_all(), params)
    if sealed := params.task(task).sealed:
        print(f"{task} is sealed: {sealed}")
    finished = Path("scratch/tables", task)
    shutil.rmtree(finished, ignore_errors=True)
    made = texts(params, task)
    for path, text in made.items():
        evidence.replace_text(finished / path, text)
    for part in ("tables", "summary"):
        placing.keep(finished / part)
        placing.swap(finished / part, evidence.TASKS / task / part)
    for path in sorted(path for path in made if path.endswith(".md")):
        print(made[path])


def texts(params: Params, task: str) -> dict[str, str]:
    """Return path → text of the files below ``tables/`` and ``summary/`` of a task; none of a sealed one."""
    if params.task(task).sealed or not params.cells(task):
        return {}
    measured = results.read(params, task)
    made = {}
    for name, table in tables.make(params, measured).items():
        kinds = {"json": result_table.json_text(table)} | renderings.all_kinds(table, f"{task}-{name}")
        made |= {f"tables/{name}.{kind}": text for kind, text in kinds.items()}
    means = tables.summary(measured)
    return made | {f"summary/{model}.json": evidence.json_text(of_model) for model, of_model in means.items()}


if __name__ == "__main__":
    run(main)
