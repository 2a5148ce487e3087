"""The report: one HTML page, complete in itself, made from what the other stages wrote.

It contains the papers' tables beside ours, the audit, the figures, and how each number was made. Nothing is computed
here; what is missing is named with the command that makes it.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from benchmark.audit.claims import HEADLINE
from benchmark.audit.page import counted, readings, sections
from benchmark.audit.papers import Paper
from benchmark.audit.wording import SCOPE, VERDICTS
from benchmark.params import Params
from benchmark.report.over_tasks import MEANING, made_table, over_tasks
from benchmark.report.result_table import ResultColumn, ResultTable, Row
from benchmark.report.task_files import TaskFiles, all_tasks

TEMPLATE = Path(__file__).with_name("page.html.j2")
OTHER_TABLES = ("models", "classes", "pareto", "cost", "masks")
CAPTIONS = {  # kind of a figure → what it shows
    "audit": (
        "Gaps in accuracy that the papers claim, and what was measured. An interval is that of its pair alone; a "
        "verdict is corrected for all pairs that a paper claims, so an interval beside 0 need not make one."
    ),
    "accuracy": "Measured accuracy of a table's systems with its interval; black marks: what the paper prints.",
    "confusion": "Confusion matrix over all runs.",
    "curves": "Accuracy and loss on training and validation images over epochs; thin lines: single runs.",
    "learning": "Accuracy over the number of training images.",
    "explanations": "Grad-CAM and last feature map over test images and, of EMANet, the tokens that its mask keeps.",
    "robustness": (
        "Accuracy on corrupted images, and how much of the balanced accuracy beyond chance is kept: only for models "
        "that are 0.1 above chance without corruption. Means over runs. The audit tests another "
        "measure: the accuracy under corruption minus that without it."
    ),
    "cost": "Accuracy against latency and against multiply-accumulates, at the task's own input size.",
    "duplicates": (
        "Near-duplicates, training image beside test image where the source has a split of its own: half of them the "
        "least alike that were joined, the others with two labels or turned, where there are any. r: correlation of "
        "the pixels at 32 × 32, the left image turned as it says."
    ),
    "reliability": "Accuracy over confidence with 95 % intervals of bins; a calibrated model lies on the diagonal.",
}
WIDE = ("audit", "robustness", "cost", "reliability", "explanations", "duplicates")


@dataclass(frozen=True)
class Cell:
    """A cell of a table on the page: its text, what a paper prints there, and the id of what a click opens."""

    text: str
    printed: str = ""
    opens: str = ""


@dataclass(frozen=True)
class PageTable:
    """A table on the page."""

    title: str
    headings: list[str]
    rows: list[list[Cell]]
    notes: list[str]


@dataclass(frozen=True)
class Drawing:
    """A figure on the page: its caption, its image as a data URI, and whether it takes the whole width."""

    caption: str
    data: str
    wide: bool


def render(
    params: Params,
    papers: Sequence[Paper],
    records: list[dict[str, Any]] | None,
    gaps: Path,
    saving: ResultTable | None,
) -> str:
    """Return the page; ``records`` are those of the audit, None if there is none yet.

    ``gaps`` is the figure of the audit, ``saving`` the table of what EMANet's mask saves, None if it was not measured.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"code": _code, "anchor": _anchor, "commit": _commit}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    tasks = all_tasks(params, papers)
    page = template.render(
        scope=SCOPE,
        over_tasks=MEANING,
        verdicts=VERDICTS,
        papers=[_paper_section(paper, records or [], tasks) for paper in papers],
        cites={paper.name: paper.cite for paper in papers},
        audited=records is not None,
        parts=[(title, [_claim(record) for record in own]) for title, own in sections(records or []) if own],
        tasks=tasks,
        drawings={task.name: [drawing(path) for path in task.figures()] for task in tasks},
        other_tables={task.name: _other_tables(task) for task in tasks},
        missing_tables={task.name: _missing_tables(task) for task in tasks},
        saving=saving and page_table(saving),
        gaps=drawing(gaps),
        machines=_machines(tasks),
        proposed=[paper.proposed for paper in papers if paper.proposed],
    )
    return _sealed(page)


def page_table(table: ResultTable, opens: Callable[[Row, ResultColumn], str] = lambda row, column: "") -> PageTable:
    """Return a table as the page shows it; ``opens`` returns the id of what a click on a cell opens, or nothing."""
    rows = [
        [Cell(column.text(row), row.get(column.printed) or "", opens(row, column)) for column in table.columns]
        for row in table.rows
    ]
    return PageTable(table.title, [column.title for column in table.columns], rows, table.notes)


def drawing(path: Path) -> Drawing:
    """Return a figure whose file (SVG) is named after its kind and, after an underscore, its subject."""
    data = quote(path.read_bytes(), safe=" /=:;,()+")  # shorter than base64, and far shorter once packed
    kind, _, subject = path.stem.partition("_")
    caption = f"{subject}: {CAPTIONS.get(kind, '')}" if subject else CAPTIONS.get(kind, "")
    return Drawing(caption, f"data:image/svg+xml,{data}", kind in WIDE)


def _other_tables(task: TaskFiles) -> list[PageTable]:
    """Return the tables of a task that are no paper's; the name of a model opens how its numbers were made."""

    def opens(row: Row, column: ResultColumn) -> str:
        return task.made(row["model"]) if column.field == "model" and row["model"] in task.models else ""

    return [page_table(table, opens) for name in OTHER_TABLES if (table := task.table(name))]


def _missing_tables(task: TaskFiles) -> list[str]:
    """Return the tables that evidence allows and that were not made."""
    possible = ["models", "cost"] if task.costs else ["models"]
    return [name for name in possible if not task.table(name)]


def _paper_section(paper: Paper, records: Sequence[dict[str, Any]], tasks: Sequence[TaskFiles]) -> dict[str, Any]:
    """Return what the page says of one paper: its verdicts, counted, and its tables on each task."""
    own = [record for record in records if record["paper"] == paper.name]
    headline = [record for record in own if record["family"] == HEADLINE]
    return {
        "name": paper.name,
        "title": paper.title,
        "cite": paper.cite,
        "choices": paper.choices,
        "counts": counted(own),
        "headline": sorted(headline, key=lambda record: record["kind"] == "order"),
        "readings": readings(paper, own) if own else [],
        "tables": [_paper_table(paper, name, tasks) for name in paper.tables],
    }


def _paper_table(paper: Paper, name: str, tasks: Sequence[TaskFiles]) -> dict[str, Any]:
    """Return what the page says of one table: over tasks, on each task, and on which tasks it was not made yet."""
    table = paper.tables[name]
    on_tasks = [(task, made_table(paper, name, task)) for task in tasks if table.on(task.name)]
    over = over_tasks(paper, name, tasks)
    by_heading = {task.name: task for task in tasks}

    def opens_over_tasks(row: Row, column: ResultColumn) -> str:
        task = by_heading.get(column.heading)
        return task.made(row["model"]) if task else ""

    return {
        "title": f"{table.place}: {table.title}",
        "models": [paper.systems[system] for system in table.rows],
        "over_tasks": over and page_table(over, opens_over_tasks),
        "made": [_on_task(made, task) for task, made in on_tasks if made and task.models],
        "missing": [task for task, made in on_tasks if not (made and task.models)],
    }


def _on_task(made: ResultTable, task: TaskFiles) -> PageTable:
    """Return a paper's table on a task; each number opens how it was made."""
    quality = {column.field for column in made.columns if column.low}

    def opens(row: Row, column: ResultColumn) -> str:
        if not column.printed:
            return ""
        return task.made(row["model"]) if column.field in quality else f"cost-{task.name}"

    return page_table(made, opens)


def _claim(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of the audit with its numbers as a table: one row per pair of models, or one per value."""
    rows: list[dict[str, Any]] = []
    for task in record["numbers"].get("tasks", []):
        shared = {key: value for key, value in task.items() if not isinstance(value, list)}
        if task.get("synthetic"):
            shared.pop("verdict", None)  # there is none on synthetic images
        for numbers in task.get("pairs") or task.get("ratios") or [{}]:
            rows.append(shared | {key: value for key, value in numbers.items() if key != "verdict"})
    names = list(dict.fromkeys(key for row in rows for key, value in row.items() if value not in (None, {})))
    cells = [[_text(row.get(name)) for name in names] for row in rows]
    verdict = record["verdict"] or "described"
    return record | {"verdict": verdict, "columns": [name.replace("_", " ") for name in names], "rows": cells}


def _text(value: Any) -> str:
    """Return a value of the audit as text, numbers to four digits."""
    if isinstance(value, list):
        return " against ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items())
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _machines(tasks: Sequence[TaskFiles]) -> list[tuple[str, str, int]]:
    """Return processor, versions and number of runs of each kind of machine that the evidence was made on."""
    counts: Counter[tuple[str, str]] = Counter()
    for run in (run for task in tasks for runs in task.provenance.values() for run in runs):
        machine, versions = run["machine"], run["versions"]
        packages = [f"{name} {versions[name]}" for name in ("python", "torch", "scikit-learn") if name in versions]
        counts[f"{machine['processor']}, {machine['system']}, {run['device']}", ", ".join(packages)] += 1
    return [(machine, versions, runs) for (machine, versions), runs in counts.most_common()]


def _anchor(text: str) -> str:
    """Return an id for a name: what is no letter, digit or dash becomes a dash."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text)


def _commit(name: str | None) -> str:
    """Return the start of a commit's name, and whether the code had changes that were not in it."""
    if name is None:
        return "none"
    digest, changed, _ = name.partition("+changes")
    return digest[:10] + changed


def _code(text: str) -> Markup:
    """Return a text in which the parts between backticks are set as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(text.split("`"))
    )


def _sealed(page: str) -> str:
    """Return the page with a policy under which nothing is loaded, and only its own style and script work."""
    policy = ["default-src 'none'", "img-src data:"]
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        text = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        policy.append(f"{directive} 'sha256-{digest}'")
    return page.replace("POLICY", "; ".join(policy), 1)
