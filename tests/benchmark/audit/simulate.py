"""How often the audit is wrong, and how often it finds what is there, over simulated papers.

``python -m tests.benchmark.audit.simulate --papers 4000`` prints, for each design, the share of papers with a false
verdict in a family, with its upper 95 % bound, where all models are equally good (*null*) and where the proposed one is
ahead by just the margin (*margin*); and the power at gaps of 4 and 8 points. It takes about an hour on one core.
"""

import argparse
from collections import Counter
from collections.abc import Iterator

import numpy as np
from scipy import optimize, special, stats

from benchmark.audit.claims import HEADLINE, QualityClaim
from benchmark.audit.judge import Judge
from benchmark.audit.papers import Paper
from tests.benchmark.audit.judging import PAPER, SYSTEMS, accuracy_claims, papers, rename
from tests.benchmark.audit.simulator import ONE_CLASS, RUNS_DIFFER, SIZES, SPREAD, answers, class_effect
from tests.conftest import ROOT

ADAPTIVE = papers.load(ROOT / "papers/adaptive.yaml")
ESTIMATORS = ("random_forest", "knn", "svm", "naive_bayes")
EVEN = 0.85  # accuracy of all models but the proposed one
AHEAD = {"supported", "supported in part", "mixed"}
BEHIND = {"contradicted", "contradicted in part", "mixed"}
SMALL = {"no difference", "no difference in part"}


def _unsteady(unsteady: str) -> dict:
    """One model's runs vary 3.5 times as much as those of the others."""
    return {"runs_differ": tuple(0.35 if model == unsteady else 0.1 for model in SYSTEMS)}


DESIGNS = {  # name → the paper, the sizes of its sources, and how answers are drawn
    "three runs": (PAPER, ["brain-mri"], {}),
    "six runs": (PAPER, ["breastmnist"], {}),
    "own split": (PAPER, ["brain-mri"], {"official": True}),
    "one unsteady rival": (PAPER, ["brain-mri"], _unsteady("cnn")),
    "the proposed model unsteady": (PAPER, ["brain-mri"], _unsteady("emanet")),
    "estimators among networks": (ADAPTIVE, ["brain-mri"], {"estimators": ESTIMATORS}),
    "models that differ by class": (
        PAPER,
        ["brain-mri"],
        {"shares": (0.3, 0.3, 0.25, 0.15), "classes_differ": 0.8},
    ),
    "few images of four classes": (PAPER, ["breastmnist"], {"shares": (0.5, 0.25, 0.15, 0.1), "classes_differ": 0.8}),
    "three sources": (PAPER, list(SIZES), {}),
    "three sources, estimators": (ADAPTIVE, list(SIZES), {"estimators": ESTIMATORS}),
}

Verdicts = list[tuple[QualityClaim, str]]


def skills(paper: Paper, gap: float, drawn: dict) -> dict[str, float]:
    """Return the skills (logits) at which the proposed model is better by ``gap``, and all others are equally good."""
    models = list(dict.fromkeys(paper.systems.values()))
    return {
        model: _skill(EVEN + gap * (model == paper.proposed), model, index, drawn) for index, model in enumerate(models)
    }


def _skill(accuracy: float, model: str, index: int, drawn: dict) -> float:
    """Return the skill whose expected accuracy over classes, images, clusters and runs is ``accuracy``."""
    runs_differ = drawn.get("runs_differ", RUNS_DIFFER)
    of_runs = 0.0 if model in drawn.get("estimators", ()) else runs_differ[index % len(runs_differ)]
    shares = np.array(drawn.get("shares", ONE_CLASS))
    effects = class_effect(index, np.arange(len(shares)), len(shares), drawn.get("classes_differ", 0.0))
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)
    sd = np.sqrt(sum(one**2 for one in SPREAD.values()) + of_runs**2)

    def expected(skill: float) -> float:
        of_classes = special.expit(skill + effects[:, None] + sd * nodes) @ weights / weights.sum()
        return float(shares @ of_classes)

    return optimize.brentq(lambda skill: expected(skill) - accuracy, 0, 20)


def simulate(design: str, count: int, gap: float, seed: int = 11) -> Iterator[Verdicts]:
    """Yield the verdicts on ``count`` papers whose proposed model is better than its rivals by ``gap`` (a share)."""
    paper, sizes, drawn = DESIGNS[design]
    paper = paper.model_copy(update={"readings": []})
    claims, random = accuracy_claims(paper), np.random.default_rng(seed)
    drawn_skills = skills(paper, gap, drawn)
    for _ in range(count):
        judge = Judge(paper, claims, [rename(answers(random, drawn_skills, size, **drawn), size) for size in sizes])
        yield [(claim, judge.decide(claim).verdict) for claim in claims]


def false_at_null(claim: QualityClaim, verdict: str) -> bool:
    """Whether a verdict is false where all models are equally good."""
    return verdict in (BEHIND if claim.rule == "same" else AHEAD | BEHIND)


def false_at_margin(claim: QualityClaim, verdict: str) -> bool:
    """Whether a verdict is false where the proposed model is ahead of all others by just the margin."""
    if HEADLINE not in claim.families:
        return False
    return verdict in (AHEAD if claim.rule == "same" else SMALL | BEHIND)


def false_families(simulated: Iterator[Verdicts], is_false) -> Counter:
    """Return family → the number of papers with a false verdict in it."""
    return Counter(
        family
        for verdicts in simulated
        for family in {claim.family for claim, verdict in verdicts if is_false(claim, verdict)}
    )


def upper_bound(count: int, papers_drawn: int) -> float:
    """Return the upper bound of a share, with 95 % on one side (Wilson)."""
    return stats.binomtest(count, papers_drawn).proportion_ci(0.90, "wilson").high


def power(design: str, count: int, gap: float) -> tuple[float, float]:
    """Return how often a pair of the headline, and the claim to be the best of all, is supported at a ``gap``."""
    headline = [
        (claim, verdict)
        for verdicts in simulate(design, count, gap)
        for claim, verdict in verdicts
        if claim.family == "headline" and claim.rule == "better"
    ]
    shown = {
        several: [verdict == "supported" for claim, verdict in headline if (len(claim.pairs) > 1) == several]
        for several in (False, True)
    }
    return float(np.mean(shown[False])), float(np.mean(shown[True]))


def main() -> None:
    """Print a table over the designs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=4000)
    parser.add_argument("--design", choices=DESIGNS, nargs="+", default=list(DESIGNS))
    args = parser.parse_args()
    print("| design | family | false at null | false at margin |\n| --- | --- | ---: | ---: |")
    powers = []
    for design in args.design:
        margin = DESIGNS[design][0].margin
        counts = [
            false_families(simulate(design, args.papers, gap), is_false)
            for gap, is_false in ((0.0, false_at_null), (margin, false_at_margin))
        ]
        for family in ("headline", "order"):
            cells = [
                f"{100 * of[family] / args.papers:.1f} %, at most {100 * upper_bound(of[family], args.papers):.1f} %"
                for of in counts
            ]
            print(f"| {design} | {family} | {' | '.join(cells)} |", flush=True)
        shown = [share for gap in (0.04, 0.08) for share in power(design, max(args.papers // 10, 50), gap)]
        powers.append(f"| {design} | " + " | ".join(f"{100 * share:.0f} %" for share in shown) + " |")
    print("\n| design | pair, 4 points | best of all | pair, 8 points | best of all |")
    print("| --- | ---: | ---: | ---: | ---: |")
    print("\n".join(powers))


if __name__ == "__main__":
    main()
