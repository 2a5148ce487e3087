"""Make the report: one HTML page with tables, audit and figures."""

from pathlib import Path

from benchmark import evidence
from benchmark.audit import papers
from benchmark.params import load
from pipelines import Parser, run

RESULTS = Path("results")
PAGE, FIGURES = RESULTS / "report.html", RESULTS / "figures"


def main() -> None:
    """Write ``results/report.html``, and the figure of the audit below ``results/figures/``."""
    Parser("report", __doc__).parse_args()
    params, all_papers = load(), papers.load_all()
    papers.check(all_papers, params)
    from benchmark.report import page, tables
    from benchmark.report.figures.audit import gaps
    from benchmark.report.figures.style import save

    path = RESULTS / "audit.json"
    records = evidence.read_json(path) if path.exists() else None
    save({"audit": gaps(records or [])}, Path("scratch/report/figures"), FIGURES)
    saving = tables.attention_table(params)
    evidence.replace_text(PAGE, page.render(params, all_papers, records, FIGURES / "svg/audit.svg", saving))
    print(f"{PAGE}: {PAGE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
