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
    params.task(task)
    papers.check(papers.load_all(), params)
    measured = results.read(params, task)
    made = tables.make(params, measured)
    finished = Path("scratch/tables", task)
    shutil.rmtree(finished, ignore_errors=True)
    for name, table in made.items():
        result_table.write(finished / "tables" / f"{name}.json", table)
        for kind, text in renderings.all_kinds(table).items():
            evidence.replace_text(finished / "tables" / f"{name}.{kind}", text)
    for model, means in tables.summary(measured).items():
        evidence.write_json(finished / "summary" / f"{model}.json", means)
    for part in ("tables", "summary"):
        (finished / part).mkdir(parents=True, exist_ok=True)
        evidence.swap(finished / part, evidence.TASKS / task / part)
    for _, table in sorted(made.items()):
        print(renderings.markdown(table))


if __name__ == "__main__":
    run(main)
