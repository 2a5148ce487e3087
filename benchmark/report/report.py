"""The report: one HTML page, complete in itself, made from what the other stages wrote.

It holds the papers' tables beside ours, the audit, the figures, and how each number was made. Nothing is computed here;
what is missing is named with the command that makes it.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from benchmark import evidence
from benchmark.audit.claims import HEADLINE
from benchmark.audit.page import counted, readings, sections
from benchmark.audit.papers import QUALITY, Paper, Table
from benchmark.audit.wording import SCOPE, VERDICTS
from benchmark.cost.records import Costs, costs_of_task, kept_shares
from benchmark.params import Params
from benchmark.report.tables import OVER_IMAGES, SENTINEL, about, headings_of, remarks

TEMPLATE = Path(__file__).with_name("report.html.j2")
OTHER_TABLES = ("models", "pareto", "cost", "masks")
CAPTIONS = {  # first word of a figure's name → what it shows
    "audit": (
        "Gaps in accuracy that the papers claim, and what was measured. An interval is that of its pair alone; a "
        "verdict is corrected for all pairs that a paper claims, so that an interval beside 0 need not make one."
    ),
    "accuracy": "Measured accuracy of a table's systems with its interval; black marks: what the paper prints.",
    "confusion": "Confusion matrix over all runs.",
    "curves": "Accuracy and loss on training and validation images over epochs; thin lines: single runs.",
    "learning": "Accuracy over the number of training images.",
    "explanations": "Grad-CAM and last feature map over test images and, of EMANet, the tokens that its mask keeps.",
    "robustness": (
        "Accuracy on corrupted images, and how much of the balanced accuracy beyond chance is kept: only for models "
        "that are 0.1 above chance without corruption. Means over runs. The audit tests another "
        "measure: the accuracy under corruption less that without it."
    ),
    "cost": "Accuracy against latency and against multiply-accumulates, at the task's own input size.",
    "reliability": "Accuracy over confidence with 95 % intervals of bins; a calibrated model lies on the diagonal.",
}

OVER_TASKS = (
    f"In a table over tasks each cell is the mean over runs [{OVER_IMAGES}]. Where a paper names no images, its "
    "numbers compare with no column; gaps between rows may."
)

Rows = list[list[Any]]


@dataclass(frozen=True)
class Shown:
    """A table as it is shown: its title, headings, cells, and the notes below it."""

    title: str
    headings: list[str]
    rows: Rows
    notes: list[str]


@dataclass(frozen=True)
class Cell:
    """A cell of a paper's table: what was measured, what the paper prints, and the id of how it was made."""

    text: str
    printed: str
    made: str


@dataclass(frozen=True)
class Task:
    """What the stages before wrote of one task, as far as they did; ``rows`` are the models of the tables."""

    name: str
    settings: Params
    rows: list[str]

    @property
    def folder(self) -> Path:
        """Where the task's evidence lies."""
        return evidence.TASKS / self.name

    @cached_property
    def manifest(self) -> dict[str, Any] | None:
        """What the images are; None if nobody fetched them yet."""
        path = self.folder / "manifest.json"
        return evidence.read_json(path) if path.exists() else None

    @property
    def about(self) -> str | None:
        """What the images are, and how they are split; None if nobody fetched them yet."""
        return about(self.settings, self.name, self.manifest) if self.manifest else None

    @property
    def of(self) -> Any:
        """The task as params.yaml has it."""
        return self.settings.task(self.name)

    @property
    def shown(self) -> list[str]:
        """The models that the page names: those with evidence, and the other rows of the papers."""
        return list(dict.fromkeys([*self.models, *self.rows]))

    @property
    def links(self) -> dict[str, str]:
        """Return model → the id of how its numbers were made."""
        return {model: self.made(model) for model in self.models}

    @cached_property
    def models(self) -> list[str]:
        """The models that have evidence, in the order of params.yaml."""
        return [model for model in self.settings.models if evidence.runs_of(self.name, model)]

    @cached_property
    def provenance(self) -> dict[str, list[dict[str, Any]]]:
        """Return model → how each of its runs was made."""
        return {
            model: [
                evidence.read_json(evidence.run_folder(self.name, model, run) / evidence.PROVENANCE)
                for run in evidence.runs_of(self.name, model)
            ]
            for model in self.models
        }

    @cached_property
    def costs(self) -> list[Costs]:
        """What models cost, one item per condition."""
        return costs_of_task(self.settings, self.name, kept_shares(self.folder / "runs"))

    def lost(self, model: str) -> list[Path]:
        """Return the files of a model's runs that should be there and are not."""
        folders = sorted((self.folder / "runs" / model).glob("run-*"))
        files = [folder / name for folder in folders for name in (evidence.PROVENANCE, "predictions.csv")]
        return [path for path in files if not path.exists()]

    def table(self, name: str) -> Shown | None:
        """Return one of the task's tables; None if it was not made."""
        path = self.folder / "tables" / f"{name}.md"
        return read_table(path) if path.exists() else None

    def figures(self) -> list[tuple[str, str, str]]:
        """Return name, caption and data of each figure."""
        return [drawn(path) for path in sorted((self.folder / "figures/svg").glob("*.svg"))]

    def undrawn(self, proposed: Sequence[str]) -> list[tuple[str, str]]:
        """Return which figures of the proposed models are not there, each group with the command that it lacks."""
        drawn, found = {name for name, _, _ in self.figures()}, []
        for model in proposed:
            sizes = [
                name
                for name, of in self.settings.models.items()
                if of.train_parts and of.of == model and not self.settings.misfit(self.name, name)
            ]
            for kinds, needed in ((("curves", "confusion", "explanations"), [model]), (("learning",), sizes)):
                missing = [name for kind in kinds if (name := f"{kind}_{model}") not in drawn]
                if missing and needed:
                    untrained = " ".join(name for name in needed if name not in self.models)
                    command = f"grid --task {self.name} --model {untrained}"
                    command = command if untrained else f"figures --task {self.name}"
                    found.append((", ".join(missing), f"python -m pipelines.{command}"))
        return found

    def remarks(self, model: str) -> list[str]:
        """Return what must be said of a model here."""
        return remarks(self.settings, self.name, model)

    def made(self, model: str) -> str:
        """Return the id of how a model's numbers were made."""
        return f"made-{self.name}-{model}"


def read_table(path: Path) -> Shown:
    """Return a table of Markdown, as :mod:`benchmark.report.tables` writes them."""
    title, table, *notes = path.read_text(encoding="utf-8").strip().split("\n\n")
    cells = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.split("\n")
    ]
    return Shown(title.strip("*"), cells[0], cells[2:], notes)


def drawn(path: Path) -> tuple[str, str, str]:
    """Return name, caption and data URI of a figure (SVG)."""
    data = quote(path.read_bytes(), safe=" /=:;,()+")  # shorter than base64, and far shorter once packed
    kind, _, rest = path.stem.partition("_")
    return path.stem, f"{rest}: {CAPTIONS.get(kind, '')}".removeprefix(": "), f"data:image/svg+xml,{data}"


def beside(paper: Paper, table: Table, name: str, task: Task) -> Shown | None:
    """Return a paper's table with what was measured on a task; None if that table was not made.

    Rows that the paper does not have (the leakage sentinel) come last. A table that was made before the paper's file
    got its rows or columns of today counts as not made.
    """
    ours, kept = task.table(name), table.on(task.name)
    if ours is None or kept is None:
        return None
    of_paper = [row[0] for row in ours.rows if row[0] in paper.systems]
    if of_paper != list(kept.rows) or ours.headings != headings_of(kept):
        return None
    lines: Rows = []
    for system, model, runs, *cells in ours.rows:
        printed = kept.rows.get(system, [""] * len(kept.columns))
        found = []
        for column, cell, value in zip(kept.columns, cells, printed, strict=True):
            made = task.made(model) if column.measure in QUALITY else f"cost-{task.name}"
            found.append(Cell(cell.removesuffix(f"({value})").strip(), value, made))
        lines.append([system, model, runs, *found])
    return Shown(ours.title, ours.headings, lines, ours.notes)


def over_tasks(paper: Paper, name: str, table: Table, tasks: Sequence[Task]) -> Shown | None:
    """Return the first quality measure of a paper's table, a column a task that has evidence.

    None for a table whose columns name their tasks, without such a measure, or made on no task.
    """
    places = [place for place, column in enumerate(table.columns) if column.measure in QUALITY]
    found = [(task, made) for task in tasks if task.models and (made := beside(paper, table, name, task))]
    if not places or not found or any(column.task for column in table.columns):
        return None
    lines: Rows = []
    for same_row in zip(*(made.rows for _, made in found), strict=True):
        system, model, _, *_ = same_row[0]
        cells = [row[3 + places[0]] for row in same_row]
        lines.append([system, model, cells[0].printed, *(replace(cell, printed="") for cell in cells)])
    used = [task for task, _ in found]
    headings = ["System", "Model", "Paper", *(task.name for task in used)]
    title = f"{paper.cite}, {table.place}: {table.columns[places[0]].heading}"
    rows = {system: model for system, model, *_ in lines}
    return Shown(title, headings, lines, _remarks(rows, used))


def _remarks(rows: dict[str, str], tasks: Sequence[Task]) -> list[str]:
    """Return what sets rows apart, each remark once, with the tasks that it concerns if it does not concern all."""
    found: dict[tuple[str, str], list[str]] = {}
    for system, model in rows.items():
        for task in tasks:
            for remark in task.remarks(model):
                found.setdefault((system, remark), []).append(f"`{task.name}`")
    return [
        f"{system}{'' if len(names) == len(tasks) else ' on ' + ', '.join(names)}: {remark}."
        for (system, remark), names in found.items()
    ]


def render(
    settings: Params, papers: Sequence[Paper], records: list[dict[str, Any]] | None, forest: Path, saving: Any
) -> str:
    """Return the page; ``records`` are those of the audit, None if there is none yet.

    ``forest`` is the figure of the audit, ``saving`` has title, headings, rows and notes of
    what EMANet's mask saves, None if that was not measured.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"code": _code, "anchor": _anchor, "commit": _commit}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    tasks = all_tasks(settings, papers)
    page = template.render(
        scope=SCOPE,
        over_tasks=OVER_TASKS,
        verdicts=VERDICTS,
        papers=[_of_paper(paper, records or [], tasks) for paper in papers],
        cites={paper.name: paper.cite for paper in papers},
        audited=records is not None,
        parts=[(title, [_of_claim(record) for record in own]) for title, own in sections(records or []) if own],
        tasks=tasks,
        other_tables={task.name: [found for name in OTHER_TABLES if (found := task.table(name))] for task in tasks},
        missing_tables={task.name: [name for name in ("models", "cost") if not task.table(name)] for task in tasks},
        saving=Shown(*saving) if saving else None,
        forest=drawn(forest),
        machines=_machines(tasks),
        proposed=[paper.proposed for paper in papers if paper.proposed],
    )
    return _sealed(page)


def all_tasks(settings: Params, papers: Sequence[Paper]) -> list[Task]:
    """Return all tasks, those with synthetic images last."""
    names = sorted(settings.tasks, key=lambda name: settings.task(name).synthetic)
    return [Task(name, settings, _rows(papers, name)) for name in names]


def _rows(papers: Sequence[Paper], task: str) -> list[str]:
    """Return the models of the tables that a task can fill."""
    tables = [(paper, found) for paper in papers for table in paper.tables.values() if (found := table.on(task))]
    return [*(paper.systems[system] for paper, table in tables for system in table.rows), SENTINEL]


def _of_paper(paper: Paper, records: Sequence[dict[str, Any]], tasks: Sequence[Task]) -> dict[str, Any]:
    """Return what the page says of one paper: its verdicts, counted, and its tables on each task."""
    own = [record for record in records if record["paper"] == paper.name]
    headline = sorted(
        (record for record in own if record["family"] == HEADLINE), key=lambda one: one["kind"] == "order"
    )
    tables = []
    for name, table in paper.tables.items():
        on_tasks = [(task, beside(paper, table, name, task)) for task in tasks if table.on(task.name)]
        tables.append(
            {
                "title": f"{table.place}: {table.title}",
                "models": [paper.systems[system] for system in table.rows],
                "over_tasks": over_tasks(paper, name, table, tasks),
                "made": [(task, found) for task, found in on_tasks if found and task.models],
                "missing": [task for task, found in on_tasks if not (found and task.models)],
            }
        )
    named = {"name": paper.name, "title": paper.title, "cite": paper.cite, "choices": paper.choices}
    said = {"counts": counted(own), "headline": headline, "readings": readings(paper, own) if own else []}
    return named | said | {"tables": tables}


def _of_claim(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of the audit with its numbers as a table: a row a pair of models, or a row a value."""
    found: list[dict[str, Any]] = []
    for task in record["numbers"].get("tasks", []):
        of_task = {key: value for key, value in task.items() if not isinstance(value, list)}
        if task.get("synthetic"):
            of_task.pop("verdict", None)  # there is none on synthetic images
        inner = task.get("pairs") or task.get("ratios") or [{}]
        found += [of_task | {key: value for key, value in one.items() if key != "verdict"} for one in inner]
    names = list(dict.fromkeys(key for row in found for key, value in row.items() if value not in (None, {})))
    shown = [[_number(row.get(name)) for name in names] for row in found]
    verdict = record["verdict"] or "described"
    return record | {"verdict": verdict, "columns": [name.replace("_", " ") for name in names], "rows": shown}


def _number(value: Any) -> str:
    """Return a value of the audit as text, numbers to four digits."""
    if isinstance(value, list):
        return " against ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_number(of)}" for name, of in value.items())
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _machines(tasks: Sequence[Task]) -> list[tuple[str, str, int]]:
    """Return processor, versions and number of runs of each kind of machine that the evidence was made on."""
    found: Counter[tuple[str, str]] = Counter()
    for of_run in (of_run for task in tasks for runs in task.provenance.values() for of_run in runs):
        machine, versions = of_run["machine"], of_run["versions"]
        known = ", ".join(
            f"{name} {versions[name]}" for name in ("python", "torch", "scikit-learn") if name in versions
        )
        found[f"{machine['processor']}, {machine['system']}, {of_run['device']}", known] += 1
    return [(machine, known, runs) for (machine, known), runs in found.most_common()]


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
    """Return a text in which what stands between backticks is set as code."""
    parts: Iterable[str] = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def _sealed(page: str) -> str:
    """Return the page with a policy under which nothing is loaded, and only its own style and script work."""
    policy = ["default-src 'none'", "img-src data:"]
    for tag, what in (("style", "style-src"), ("script", "script-src")):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        policy.append(f"{what} 'sha256-{digest}'")
    return page.replace("POLICY", "; ".join(policy), 1)
