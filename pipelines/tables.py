"""Make the papers' tables of a task from its evidence."""

import shutil
from pathlib import Path

from benchmark import evidence, params
from benchmark.audit import papers
from benchmark.report import tables
from pipelines import Parser, run


def main() -> None:
    """Write ``tables/`` and ``summary/`` of a task."""
    parser = Parser("tables", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    name = parser.parse_args().task
    settings = params.load()
    settings.task(name)
    papers.check(papers.load_all(), settings)
    found = tables.find(settings, name)
    finished = Path("scratch/tables", name)
    shutil.rmtree(finished, ignore_errors=True)
    for file, text in tables.build(settings, found).items():
        evidence.replace_text(finished / "tables" / file, text)
    for model, means in tables.summary(found).items():
        evidence.write_json(finished / "summary" / f"{model}.json", means)
    for part in ("tables", "summary"):
        (finished / part).mkdir(parents=True, exist_ok=True)
        evidence.swap(finished / part, evidence.TASKS / name / part)
    for path in sorted((evidence.TASKS / name / "tables").glob("*.md")):
        print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(main)
