"""Make the papers' tables of a task from its evidence."""

import shutil
from pathlib import Path

from benchmark import evidence
from benchmark.audit import papers
from benchmark.params import load
from benchmark.report import renderings, result_table, results, tables
from pipelines import Parser, run


def main() -> None:
    """Write ``tables/`` and ``summary/`` of a task, and print the tables."""
    parser = Parser("tables", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    task = parser.parse_args().task
    params = load()
    sealed = params.task(task).sealed
    papers.check(papers.load_all(), params)
    if sealed:
        print(f"{task} is sealed: {sealed}")
    measured = results.read(params, task) if params.cells(task) and not sealed else None
    made = tables.make(params, measured) if measured else {}
    finished = Path("scratch/tables", task)
    shutil.rmtree(finished, ignore_errors=True)
    for name, table in made.items():
        result_table.write(finished / "tables" / f"{name}.json", table)
        for kind, text in renderings.all_kinds(table).items():
            evidence.replace_text(finished / "tables" / f"{name}.{kind}", text)
    for model, means in tables.summary(measured).items() if measured else ():
        evidence.write_json(finished / "summary" / f"{model}.json", means)
    for part in ("tables", "summary"):
        evidence.keep(finished / part)
        evidence.swap(finished / part, evidence.TASKS / task / part)
    for _, table in sorted(made.items()):
        print(renderings.markdown(table))


if __name__ == "__main__":
    run(main)
