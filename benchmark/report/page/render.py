"""The page as a whole: the data of its parts, laid out by templates, and sealed."""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from benchmark.audit.papers import Paper, rows
from benchmark.audit.wording import COUNTED, SCOPE, VERDICTS
from benchmark.params import Params
from benchmark.report.headline import Record
from benchmark.report.page.claim_list import KINDS, claim_lines
from benchmark.report.page.cost_plot import panels
from benchmark.report.page.cost_ratios import cost_ratios
from benchmark.report.page.facts import facts
from benchmark.report.page.notes_once import notes_once
from benchmark.report.page.pictures import pictures
from benchmark.report.page.run_data import run_data
from benchmark.report.page.sources import sources
from benchmark.report.page.task_results import initials, task_results
from benchmark.report.page.verdicts import MARKS, paper_verdicts
from benchmark.report.result_table import ResultTable
from benchmark.report.task_files import TaskFiles, all_tasks

TEMPLATES = Path(__file__).with_name("templates")


def render(
    params: Params,
    papers: Sequence[Paper],
    records: Sequence[Record] | None,
    gaps: Path,
    saving: ResultTable | None,
) -> str:
    """Return the page; ``records`` are those of the audit, None if there is none yet.

    ``gaps`` is the figure of the audit, ``saving`` the table of what EMANet's mask saves, None if it was not measured.
    """
    tasks = all_tasks(params, papers)
    notes = notes_once(tasks)
    proposing = [paper for paper in papers if paper.proposed]
    page = (
        _environment()
        .get_template("page.html.j2")
        .render(
            style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
            script=Markup((TEMPLATES / "script.js").read_text(encoding="utf-8")),
            data=Markup(run_data(params, tasks, rows(papers))),
            facts=facts(params, tasks),
            audited=records is not None,
            papers=papers,
            verdicts=[paper_verdicts(params, paper, records or []) for paper in reversed(proposing)],
            claims=claim_lines(params, papers, records or [], notes),
            claim_names={record["claim"] for record in records or []},
            kinds=KINDS,
            tasks=tasks,
            initials=initials(papers),
            results={task.name: task_results(params, papers, task, notes) for task in tasks},
            costs=cost_ratios(params, tasks),
            cost_panels=panels(params, tasks, [paper.proposed for paper in proposing]),
            saving=saving,
            sources=sources(tasks),
            pictures=pictures(params, papers, gaps, tasks),
            notes=notes.all(params, tasks),
            machines=_machines(tasks),
            proposed=[paper.proposed for paper in proposing],
            scope=SCOPE,
            counted=COUNTED,
            meanings=VERDICTS,
            marks=MARKS,
        )
    )
    return _sealed(page)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"code": _code, "anchor": _anchor}
    return environment


def _machines(tasks: Sequence[TaskFiles]) -> list[tuple[str, str, int]]:
    """Return processor, versions and number of runs of each kind of machine that the evidence was made on."""
    counts: Counter[tuple[str, str]] = Counter()
    for run in (run for task in tasks for runs in task.provenance.values() for run in runs):
        machine, versions = run["machine"], run["versions"]
        where = [machine["processor"], machine["system"], machine.get("accelerator", run["device"])]
        packages = [f"{name} {versions[name]}" for name in ("python", "torch", "scikit-learn") if name in versions]
        counts[", ".join(where), ", ".join(packages)] += 1
    return [(machine, versions, runs) for (machine, versions), runs in counts.most_common()]


def _anchor(text: str) -> str:
    """Return an id for a name: what is no letter, digit or dash becomes a dash."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text)


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
        text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        policy.append(f"{directive} 'sha256-{digest}'")
    return page.replace("POLICY", "; ".join(policy), 1)
