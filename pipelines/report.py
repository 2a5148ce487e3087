"""Make the report: one HTML page with tables, audit and figures."""

import shutil
from pathlib import Path

from benchmark import evidence, papers, params
from pipelines import Parser, audit, run, saving

PAGE, FIGURES = audit.RESULTS / "report.html", audit.RESULTS / "figures"


def main() -> None:
    """Write ``results/report.html``, and the figure of the audit below ``results/figures/``."""
    Parser("report", __doc__).parse_args()
    settings, known = params.load(), papers.load_all()
    papers.check(known, settings)
    from benchmark import figures, report

    path = audit.RESULTS / "audit.json"
    records = evidence.read_json(path) if path.exists() else None
    finished = Path("scratch/report/figures")
    shutil.rmtree(finished, ignore_errors=True)
    for kind in figures.KINDS:
        (finished / kind).mkdir(parents=True)
    figures.save(figures.of_audit(records or []), finished, "audit")
    evidence.swap(finished, FIGURES)
    evidence.replace_text(PAGE, report.render(settings, known, records, FIGURES / "svg/audit.svg", saving.PAGE))
    print(f"{PAGE}: {PAGE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
