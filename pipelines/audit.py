"""Audit every claim of every paper against the evidence, or look at one claim, at predictions, or at bare scores."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark import evidence
from benchmark import params as parameters
from benchmark.audit import answers, claims, page, papers, predictions, reported, wording_scores
from benchmark.audit.judge import Judge
from benchmark.audit.papers import Paper
from benchmark.audit.records import as_json
from benchmark.audit.wording import SCOPE
from benchmark.errors import BadInput, closest
from benchmark.params import Params
from pipelines import Parser, run

RESULTS = Path("results")
DETAILS = RESULTS / page.DETAILS


def main() -> None:
    """Write ``results/audit.{json,csv,md}`` and ``results/audit/``, or print what was asked for."""
    parser = Parser("audit", __doc__, "--claim emanet_table1/accuracy/emanet-above-cnn")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--claim", metavar="ID", help="print one claim in full")
    asked.add_argument("--predictions", type=Path, metavar="FILE", help="compare a predictions file with the evidence")
    asked.add_argument("--score", metavar="TEXT", help='what bare scores imply: "accuracy=96.75, n=400"')
    parser.add_argument("--task", help="with --predictions: the task with the test images")
    parser.add_argument("--logits", action="store_true", help="with --predictions: p0, p1, … are logits")
    args = parser.parse_args()
    if bool(args.predictions) != bool(args.task):
        raise BadInput("--predictions and --task go together; both must be given")
    if args.logits and not args.predictions:
        raise BadInput("--logits goes with --predictions; both must be given")
    if args.score is not None:
        print("\n".join(wording_scores.findings(reported.examine(_scores(args.score)))))
        return
    params, all_papers = parameters.load(), papers.load_all()
    papers.check(all_papers, params)
    if args.predictions:
        compared = predictions.compare(params, args.task, args.predictions, papers.rows(all_papers), args.logits)
        print(page.comparison(compared), SCOPE, sep="\n")
    elif args.claim is not None:
        print(page.full(_record(params, all_papers, args.claim)))
    else:
        _write(all_papers, all_records(params, all_papers))


def _write(all_papers: list[Paper], records: list[dict[str, Any]]) -> None:
    written = texts(all_papers, records)
    for path, text in written.items():
        evidence.replace_text(path, text)
    for path in set(DETAILS.glob("*")) - set(written):  # of a paper that is gone
        path.unlink()
    print(page.summary(all_papers, records), f"All claims: {RESULTS / page.INDEX}", sep="\n")


def texts(all_papers: list[Paper], records: list[dict[str, Any]]) -> dict[Path, str]:
    """Return path → text of the files of the audit."""
    return {
        RESULTS / "audit.json": evidence.json_text(records),
        RESULTS / "audit.csv": pd.DataFrame(map(_flat, records)).to_csv(index=False),
        RESULTS / page.INDEX: page.page(all_papers, records),
    } | {DETAILS / f"{paper.name}.md": page.details(paper, records) for paper in all_papers}


def all_records(params: Params, all_papers: list[Paper]) -> list[dict[str, Any]]:
    """Return the records of all papers."""
    tasks = _answers(params, all_papers)
    return [as_json(record) for paper in all_papers for record in Judge(paper, claims.of_paper(paper), tasks).records()]


def _record(params: Params, all_papers: list[Paper], name: str) -> dict[str, Any]:
    """Return the record of one claim; :class:`BadInput` if there is none of this name."""
    owners = {claim.name: (paper, claim) for paper in all_papers for claim in claims.of_paper(paper)}
    if name not in owners:
        hint = closest(name, list(owners), "results/audit.csv lists all")
        raise BadInput(f"--claim: no claim {name!r}; {hint}")
    paper, claim = owners[name]
    return as_json(Judge(paper, claims.of_paper(paper), _answers(params, all_papers)).record(claim))


def _answers(params: Params, all_papers: list[Paper]) -> list[answers.Answers]:
    return [answers.load(params, task, papers.rows(all_papers)) for task in params.open_tasks]


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as a row: lines joined, and objects as JSON, each in a column of its own."""
    joined = {key: "; ".join(record[key]) for key in ("reason", "scope")}
    return {
        key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in (record | joined).items()
    }


def _scores(text: str) -> dict[str, str]:
    """Return name → number of scores as given to ``--score``."""
    pairs = [part.split("=") for part in text.split(",")]
    if any(len(pair) != 2 for pair in pairs):
        raise BadInput(f'--score: {text!r}; it must look like "accuracy=96.75, n=400"')
    names = [name.strip() for name, _ in pairs]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"--score: {repeated[0]} is given twice; it must be given once")
    return {name.strip(): value.strip() for name, value in pairs}


if __name__ == "__main__":
    run(main)
