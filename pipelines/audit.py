"""Audit every claim of every paper against the evidence, or look at one claim, at predictions, at a bare score."""

import json
from pathlib import Path

import pandas as pd

from benchmark import evidence, params
from benchmark.audit import answers, audit, audit_page, claims, papers, reported
from benchmark.errors import BadInput, closest
from pipelines import Parser, run

RESULTS = Path("results")


def main() -> None:
    """Write ``results/audit.{json,csv,md}``, or print what was asked for."""
    parser = Parser("audit", __doc__)
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--claim", metavar="ID", help="print one claim in full")
    asked.add_argument("--predictions", type=Path, metavar="FILE", help="set a predictions file beside the evidence")
    asked.add_argument("--score", metavar="TEXT", help='what can be said of bare scores: "accuracy=96.75, n=400"')
    parser.add_argument("--task", help="with --predictions: the task whose test images it is about")
    args = parser.parse_args()
    if bool(args.predictions) != bool(args.task):
        raise BadInput("--predictions and --task go together; both must be given")
    if args.score is not None:
        print("\n".join(reported.bare(_scores(args.score))))
        return
    settings, known = params.load(), papers.load_all()
    papers.check(known, settings)
    if args.predictions:
        print(answers.beside(settings, args.task, args.predictions, papers.rows(known)), audit_page.SCOPE, sep="\n")
        return
    records = _records(settings, known)
    if args.claim is not None:
        names = [record["claim"] for record in records]
        if args.claim not in names:
            raise BadInput(
                f"--claim: no claim {args.claim!r}; {closest(args.claim, names, 'results/audit.csv lists all')}"
            )
        print(audit_page.full(records[names.index(args.claim)]))
        return
    evidence.write_json(RESULTS / "audit.json", records)
    evidence.replace_text(RESULTS / "audit.csv", pd.DataFrame(map(_flat, records)).to_csv(index=False))
    evidence.replace_text(RESULTS / "audit.md", audit_page.page(known, records))
    print(audit_page.summary(known, records), f"All claims: {RESULTS / 'audit.md'}", sep="\n")


def _records(settings: params.Params, known: list[papers.Paper]) -> list[dict]:
    tasks = [answers.load(settings, task, papers.rows(known)) for task in settings.tasks]
    return [record for paper in known for record in audit.judge(paper, claims.of_paper(paper), tasks)]


def _flat(record: dict) -> dict:
    """Return a record as a row: sentences joined, numbers as JSON, in a column of their own."""
    joined = {key: "; ".join(record[key]) for key in ("reason", "scope")}
    return {
        key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in (record | joined).items()
    }


def _scores(text: str) -> dict[str, str]:
    pairs = [part.split("=") for part in text.split(",")]
    if any(len(pair) != 2 for pair in pairs):
        raise BadInput(f'--score: {text!r}; it must read like "accuracy=96.75, n=400"')
    names = [name.strip() for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"--score: {twice[0]} stands there twice; it must stand there once")
    return {name.strip(): value.strip() for name, value in pairs}


if __name__ == "__main__":
    run(main)
