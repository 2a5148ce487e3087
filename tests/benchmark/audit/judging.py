"""A paper to judge by simulated answers, and what to look at in its records."""

from dataclasses import replace

import numpy as np

from benchmark.audit import claims, papers
from benchmark.audit.claims import QualityClaim
from benchmark.audit.judge import Judge
from benchmark.audit.records import as_json
from benchmark.cost.records import Costs
from tests.conftest import ROOT

PAPER = papers.load(ROOT / "papers/emanet.yaml")
SYSTEMS = list(PAPER.systems.values())


CLAIMS = claims.of_paper(PAPER)  # the simulator draws right and wrong answers alone: other measures have no evidence
EVEN = dict.fromkeys(SYSTEMS, 2.0)
AHEAD = EVEN | {"emanet": 4.0}
BEST = "emanet/best-accuracy"
OVER_CNN = "emanet_table1/accuracy/emanet-above-cnn"


def accuracy_claims(paper):
    """The claims on accuracy between systems of a paper's tables."""
    return [
        claim
        for claim in claims.of_paper(paper)
        if isinstance(claim, QualityClaim)
        and claim.measure == "accuracy"
        and set(claim.models) <= set(paper.systems.values())
    ]


TESTED = accuracy_claims(PAPER)


def rename(task, name, source=None, synthetic=False):
    return replace(task, task=name, source=source or name, synthetic=synthetic)


def judge(paper, claims, tasks):
    return [as_json(record) for record in Judge(paper, claims, tasks).records()]


def judged(*tasks, known=CLAIMS, paper=PAPER):
    return {record["claim"]: record for record in judge(paper, known, tasks)}


def quality_claim(name, pair, rule="better", measure="accuracy", families=(claims.ORDER,)):
    return QualityClaim(
        name=name,
        paper="x",
        place="p",
        kind="order",
        says="s",
        rule=rule,
        measure=measure,
        pairs=(pair,),
        families=families,
    )


def why(record):
    return "; ".join(record["reason"])


def where(record):
    return "; ".join(record["scope"])


def priced(size=64, kept=None, **models):
    """Costs under one condition; of a latency (ms), blocks that differ by up to 1 %. ``kept``: what masks kept."""
    spread = np.array([0.99, 0.995, 1.0, 1.0, 1.005, 1.01, 1.0, 1.0])
    for seed, of in enumerate(models.values()):
        if "latency_ms" in of:
            of["latency_ratio_blocks"] = list(of["latency_ms"] * np.random.default_rng(seed).permutation(spread))
    return Costs(size, "a machine", models, shape=f"cpu-{size}", kept=kept or {})
