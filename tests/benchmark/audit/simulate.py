"""How often the audit is wrong, and how often it finds what is there, over simulated papers.

``python -m tests.benchmark.audit.simulate --papers 4000`` prints, for each design, the share of papers with a false
verdict in a family (with its upper 95 % bound), and the power at gaps of 4 and 8 points. It takes minutes.
"""

import argparse
from collections import Counter
from collections.abc import Iterable

import numpy as np
from scipy import stats

from tests.benchmark.audit.judging import PAPER, SYSTEMS, accuracy_claims, judge, papers, rename
from tests.benchmark.audit.simulator import SIZES, answers
from tests.conftest import ROOT

ADAPTIVE = papers.load(ROOT / "papers/adaptive.yaml")
ESTIMATORS = ("random_forest", "knn", "svm", "naive_bayes")
SHOWN = {"supported", "contradicted", "mixed", "supported in part", "contradicted in part"}
SMALL = {"no difference", "no difference in part"}
UNSTEADY = tuple(0.35 if model == "cnn" else 0.1 for model in SYSTEMS)

DESIGNS = {  # name → the paper, the sizes of its sources, and how answers are drawn
    "three runs": (PAPER, ["brain-mri"], {}),
    "six runs": (PAPER, ["breastmnist"], {}),
    "own split": (PAPER, ["brain-mri"], {"official": True}),
    "one unsteady model": (PAPER, ["brain-mri"], {"runs_differ": UNSTEADY}),
    "estimators among networks": (ADAPTIVE, ["brain-mri"], {"estimators": ESTIMATORS}),
    "three sources": (PAPER, list(SIZES), {}),
    "three sources, estimators": (ADAPTIVE, list(SIZES), {"estimators": ESTIMATORS}),
}
POINTS = {0: 3.0, 4: 3.49, 8: 4.2}  # gap in points → skill of the proposed model (logits), where the others have 3


def simulate(design: str, count: int, skill: float = 3.0, margin: float | None = None, seed: int = 11):
    """Yield the records of ``count`` papers on accuracy; rivals are equally good, the proposed model has ``skill``."""
    paper, sizes, drawn = DESIGNS[design]
    paper = paper.model_copy(update={"readings": [], "margin": margin or paper.margin})
    claims, random = accuracy_claims(paper), np.random.default_rng(seed)
    skills = dict.fromkeys(paper.systems.values(), 3.0) | {paper.proposed: skill}
    for _ in range(count):
        yield judge(paper, claims, [rename(answers(random, skills, size, **drawn), size) for size in sizes])


def false_families(papers_of_records: Iterable[list], wrong: set[str]) -> Counter:
    """Return family → the number of papers in which it has one of the ``wrong`` verdicts."""
    return Counter(
        family
        for records in papers_of_records
        for family in {record["family"] for record in records if record["verdict"] in wrong}
    )


def upper_bound(count: int, papers_drawn: int) -> float:
    """Return the upper bound of a share, with 95 % on one side (Wilson)."""
    return stats.binomtest(count, papers_drawn).proportion_ci(0.90, "wilson").high


def power(design: str, count: int, points: int) -> tuple[float, float, float]:
    """Return the mean gap, and how often a pair of the headline, and the best of all, is supported."""
    gaps, pairs, best = [], [], []
    for records in simulate(design, count, POINTS[points]):
        headline = [record for record in records if record["family"] == "headline"]
        pairs += [record["verdict"] == "supported" for record in headline if record["kind"] == "order"]
        best += [record["verdict"] == "supported" for record in headline if record["kind"] == "best"]
        gaps += [pair["gap"] for pair in headline[0]["numbers"]["tasks"][0]["pairs"]]
    return float(np.mean(gaps)), float(np.mean(pairs)), float(np.mean(best))


def main() -> None:
    """Print a table over the designs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=4000)
    parser.add_argument("--design", choices=DESIGNS, nargs="+", default=list(DESIGNS))
    args = parser.parse_args()
    for design in args.design:
        wrong = false_families(simulate(design, args.papers), SHOWN)
        for family, count in sorted(wrong.items()) or [("any", 0)]:
            bound = upper_bound(count, args.papers)
            print(
                f"{design}: {family}: {100 * count / args.papers:.1f} % false, at most {100 * bound:.1f} %", flush=True
            )
        for points in (4, 8):
            gap, pairs, best = power(design, max(args.papers // 10, 50), points)
            shown = f"pairs {100 * pairs:.0f} %, best of all {100 * best:.0f} %"
            print(f"{design}: gap of {100 * gap:.1f} points: {shown}", flush=True)


if __name__ == "__main__":
    main()
