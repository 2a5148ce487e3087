"""The page that the tables of measurements are put into."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from benchmark.evidence import provenance
from pipelines import docs

PAGE = Path("docs/performance.md")


def put(tables: Mapping[str, str]) -> None:
    """Print tables by the names of their places, and put them into the page with date, processor and version."""
    print(*tables.values(), sep="\n")
    when = f"{date.today()}, {provenance.machine()['processor']}, torch {provenance.versions()['torch']}:\n"
    made = {name: [when, f"{table}\n"] for name, table in tables.items()}
    PAGE.write_text(docs.filled(PAGE.read_text(encoding="utf-8"), made, "make benchmark"), encoding="utf-8")
