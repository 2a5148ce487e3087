"""Tables that the tests of faults leave, and ``python -m tests.faults.rows``, which puts them into the page."""

import json
import math
import os
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmark import params
from pipelines import docs

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reliability.md"
LEFT = ROOT / "scratch/faults"  # `make test-faults` empties it first
EVERY = os.environ.get("FAULTS") == "every"  # `make test-faults`; else a few of each, for `make test-long`
HEADINGS = [
    "fault",
    "how it is injected",
    "times",
    "lost",
    "wrong",
    "other bytes",
    "orphans, hangs",
    "what a person sees",
]


@dataclass
class Row:
    """One fault: how often it was injected, and how often something was lost, wrong, other bytes, or left running."""

    fault: str
    injected: str
    times: int = 0
    lost: int = 0
    wrong: int = 0
    other_bytes: int = 0
    left: int = 0
    seen: str = ""

    def leave(self) -> None:
        """Print the row, and keep it for the page."""
        values = [str(value).replace("|", "\\|") for value in asdict(self).values()]
        print(" | ".join(values))
        _keep(re.sub(r"\W+", "-", f"row {self.fault} {self.injected}"[:60]), json.dumps(values))


def leave_table(name: str, headings: list[str], rows: list[list[object]]) -> None:
    """Print a table of the page, and keep it for the page."""
    text = _table(headings, rows)
    print(text)
    _keep(name, text)


def _keep(name: str, text: str) -> None:
    LEFT.mkdir(parents=True, exist_ok=True)
    (LEFT / name).write_text(text, encoding="utf-8")


def _table(headings: list[str], rows: list[list[object]]) -> str:
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in [headings, ["---"] * len(headings), *rows])


def _odds() -> str:
    """Return the chance that some cells, drawn at random, meet at least one of some forged ones."""
    loaded = params.load(ROOT / "params.yaml")
    count, forged = sum(len(loaded.cells(task)) for task in loaded.tasks), (1, 5, 20)
    rows = [
        [drawn, *(f"{100 * (1 - math.comb(count - some, drawn) / math.comb(count, drawn)):.1f} %" for some in forged)]
        for drawn in (1, 5, 10, 20, 50)
    ]
    return _table([f"drawn of {count}", *(f"{some} forged" for some in forged)], rows)


def main() -> None:
    """Print the tables and put them between their marks in the page."""
    rows = sorted(json.loads(path.read_text(encoding="utf-8")) for path in LEFT.glob("row-*"))
    tables = {"faults": _table(HEADINGS, rows), "odds": _odds()}
    tables |= {path.name: path.read_text(encoding="utf-8") for path in LEFT.glob("[!r]*")}
    print(*tables.values(), sep="\n")
    page, made = PAGE.read_text(encoding="utf-8"), {name: [text] for name, text in tables.items()}
    PAGE.write_text(docs.filled(page, made, "make test-faults"), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
