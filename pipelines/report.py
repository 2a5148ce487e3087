"""Make the report: one HTML page with tables, audit and figures."""

from pathlib import Path
from typing import Any

from benchmark import evidence
from benchmark.audit import papers
from benchmark.audit.papers import Paper
from benchmark.params import Params, load
from pipelines import Parser, run

RESULTS = Path("results")
PAGE, FIGURES = RESULTS / "report.html", RESULTS / "figures"


def main() -> None:
    """Write ``results/report.html``, and the figure of the audit below ``results/figures/``."""
    Parser("report", __doc__).parse_args()
    params, all_papers = load(), papers.load_all()
    papers.check(all_papers, params)
    from benchmark.report.figures.audit import gaps
    from benchmark.report.figures.style import save
    from benchmark.report.figures.svg import text_of

    save({"audit": text_of(gaps(records() or [], all_papers, params))}, Path("scratch/report/figures"), FIGURES)
    evidence.replace_text(PAGE, text(params, all_papers))
    print(f"{PAGE}: {PAGE.stat().st_size / 1e6:.1f} MB")


def records() -> list[dict[str, Any]] | None:
    """Return the records of the audit; None if there is none yet."""
    path = RESULTS / "audit.json"
    return evidence.read_json(path, list) if path.exists() else None


def text(params: Params, all_papers: list[Paper]) -> str:
    """Return the page."""
    from benchmark.report import tables
    from benchmark.report.page.render import render

    saving = tables.attention_table(params)
    return render(params, all_papers, records(), FIGURES / "svg/audit.svg", saving)


if __name__ == "__main__":
    run(main)
