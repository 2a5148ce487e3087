"""Make the report: one HTML page with tables, audit and figures."""

from pathlib import Path

from benchmark import evidence, params
from benchmark.audit import papers
from benchmark.cost.records import attention_table
from pipelines import Parser, audit, run

PAGE, FIGURES = audit.RESULTS / "report.html", audit.RESULTS / "figures"


def main() -> None:
    """Write ``results/report.html``, and the figure of the audit below ``results/figures/``."""
    Parser("report", __doc__).parse_args()
    settings, known = params.load(), papers.load_all()
    papers.check(known, settings)
    from benchmark.report import figures, report

    path = audit.RESULTS / "audit.json"
    records = evidence.read_json(path) if path.exists() else None
    figures.save({"audit": figures.of_audit(records or [])}, Path("scratch/report/figures"), FIGURES)
    saving = attention_table(settings)
    evidence.replace_text(PAGE, report.render(settings, known, records, FIGURES / "svg/audit.svg", saving))
    print(f"{PAGE}: {PAGE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
