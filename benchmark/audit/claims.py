"""The claims of a paper: one for each cell of its tables, for each order between two rows, and for each statement."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, TypedDict

from benchmark.audit.papers import (
    COST,
    Best,
    Better,
    Cheaper,
    Column,
    Contradiction,
    Measure,
    NotTestable,
    Paper,
    Robust,
    Robustness,
    Same,
    Table,
)
from benchmark.audit.reported import Averages, Reported, averages, plain_number, reported
from benchmark.errors import BadInput, closest
from benchmark.statistics import images_needed

HEADLINE, ORDER, ABLATION, ROBUSTNESS = FAMILIES = ("headline", "order", "ablation", "robustness")
SECONDARY = "secondary"  # the family of the tests beside the headline's
SECONDARY_MEASURES = ("recall_macro", "auc")  # macro recall is balanced accuracy
SHORT = {
    "accuracy": "accuracy",
    "precision_macro": "precision",
    "recall_macro": "recall",
    "f1_macro": "f1",
    "auc": "auc",
}

Verdict = Literal[
    "supported",
    "contradicted",
    "no difference",
    "inconclusive",
    "supported in part",
    "contradicted in part",
    "no difference in part",
    "mixed",
    "depends on the reading",
    "inconsistent",
    "no evidence",
    "not testable",
    "not comparable",
]
GapComparison = Literal[
    "opposite to what is claimed", "larger than claimed", "smaller than claimed", "compatible with the claimed gap"
]
Models = tuple[str, str]  # the two models of a comparison


@dataclass(frozen=True)
class ClaimedValue:
    """A cell as printed, and the number it stands for: a share, a cost as printed, or the rank of a word."""

    printed: str
    value: float | None


@dataclass(frozen=True)
class ClaimedGap:
    """By how much one row exceeds another (share), and the ratio of their errors (None if the other has no error)."""

    gap: float
    error_ratio: float | None

    def compare(self, low: float, high: float) -> GapComparison:
        """Return how a measured gap with these bounds compares with the claimed one."""
        if high < 0:
            return "opposite to what is claimed"
        if low > self.gap:
            return "larger than claimed"
        return "smaller than claimed" if high < self.gap else "compatible with the claimed gap"


@dataclass(frozen=True)
class ClaimedAccuracyGap(ClaimedGap):
    """A gap in accuracy, and how many test images would show it, from least to most."""

    images_needed: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What every claim has: a name, its paper and place there, its kind, what it says, and the authors' response.

    ``table`` names the table or figure that it follows from, as the paper's file does; a statement follows from none.
    """

    name: str
    paper: str
    place: str
    kind: str
    says: str
    table: str | None = None
    response: str | None = None
    claimed: ClaimedValue | ClaimedGap | None = None


@dataclass(frozen=True, kw_only=True)
class SettledClaim(Claim):
    """A claim on which evidence has no say: its verdict follows from the paper alone."""

    verdict: Literal["inconsistent", "not testable"]
    reason: str | Averages

    @property
    def by_hand(self) -> bool:
        """Whether the verdict was typed by hand, into the paper's file, not computed from the printed scores."""
        return isinstance(self.reason, str)


@dataclass(frozen=True, kw_only=True)
class ValueClaim(Claim):
    """The number printed for one model; ``task`` has the same images, if the paper names them."""

    claimed: ClaimedValue
    model: str
    measure: str
    task: str | None = None


@dataclass(frozen=True, kw_only=True)
class PairsClaim(Claim):
    """A claim that must be true of every pair of models in ``pairs``."""

    measure: Measure
    pairs: tuple[Models, ...]

    @property
    def models(self) -> list[str]:
        """The models that are compared."""
        return list(dict.fromkeys(model for pair in self.pairs for model in pair))


@dataclass(frozen=True, kw_only=True)
class QualityClaim(PairsClaim):
    """In every pair the first model scores ``better``, or both score about the ``same``.

    ``families`` names, for each pair, those that it is tested together with; without any the claim is described, not
    tested. ``task`` has the same images, if the paper names them.
    """

    claimed: ClaimedGap | None = None
    rule: Literal["better", "same"]
    families: tuple[str, ...] = ()
    task: str | None = None

    @property
    def family(self) -> str | None:
        """The headline if all pairs belong to it, else the first other family; None if the claim is described."""
        return next((family for family in self.families if family != HEADLINE), HEADLINE) if self.families else None


@dataclass(frozen=True, kw_only=True)
class CostClaim(PairsClaim):
    """In every pair the first model costs less."""

    measure: str


AnyClaim = SettledClaim | ValueClaim | CostClaim | QualityClaim


class _Shared(TypedDict):
    name: str
    paper: str
    place: str
    kind: str
    says: str
    table: str | None
    response: str | None


def of_paper(paper: Paper) -> list[AnyClaim]:
    """Return all claims of a paper; :class:`BadInput` if ``responses`` names one that does not exist."""
    claims = [claim for name, table in paper.tables.items() for claim in _table_claims(paper, name, table)]
    claims += [_statement_claim(paper, name) for name in paper.statements]
    names = [claim.name for claim in claims]
    for name in paper.responses:
        if name not in names:
            hint = closest(name, names, "results/audit.csv lists all")
            raise BadInput(f"papers/{paper.name}.yaml: responses: no claim {name!r}; {hint}")
    return [
        replace(claim, response=paper.responses[claim.name]) if claim.name in paper.responses else claim
        for claim in claims
    ]


def number_of(table: Table, system: str, index: int, column: Column) -> float | None:
    """Return the number that a cell stands for: a share, a cost as printed, or the rank of a word; None if none."""
    text = table.rows[system][index]
    if system in table.read_as:
        number = table.read_as[system][index]
        return number / 100 if number is not None and number > 1 and column.measure not in COST else number
    if column.words:
        return float(column.words.index(text))
    if column.measure in COST:
        return plain_number(text)
    score = reported(text)
    return score.value if score else None


def _table_claims(paper: Paper, name: str, table: Table) -> list[AnyClaim]:
    claims: list[AnyClaim] = []
    for index, column in enumerate(table.columns):
        prefix = f"{name}/{column.task}/{column.measure}" if column.task else f"{name}/{column.measure}"
        numbers = {system: number_of(table, system, index, column) for system in table.rows}
        for system, number in numbers.items():
            model, printed = paper.systems[system], table.rows[system][index]
            claims.append(
                ValueClaim(
                    name=f"{prefix}/{model}",
                    paper=paper.name,
                    place=table.place,
                    kind="value",
                    says=f"{system}: {column.heading} {printed}",
                    table=name,
                    claimed=ClaimedValue(printed, number),
                    model=model,
                    measure=column.measure,
                    task=column.task,
                )
            )
        claims += _order_claims(paper, name, prefix, column, numbers)
    tasks = dict.fromkeys(column.task for column in table.columns)  # None: columns that name no task
    return claims + [claim for task in tasks if (claim := _averages_claim(paper, name, table, task))]


def _order_claims(
    paper: Paper, table: str, prefix: str, column: Column, numbers: dict[str, float | None]
) -> Iterable[CostClaim | QualityClaim]:
    """Yield a claim for every two rows whose numbers differ: the larger scores higher, the smaller costs less."""
    printed = {system: number for system, number in numbers.items() if number is not None}
    for pair in combinations(printed, 2):
        low, high = sorted(pair, key=printed.__getitem__)
        if printed[low] == printed[high]:
            continue
        is_cost = column.measure in COST
        first, second, word = (low, high, "below") if is_cost else (high, low, "above")
        models = (paper.systems[first], paper.systems[second])
        shared: _Shared = {
            "name": f"{prefix}/{models[0]}-{word}-{models[1]}",
            "paper": paper.name,
            "place": paper.tables[table].place,
            "kind": "order",
            "says": f"{first} {word} {second} in {column.heading}",
            "table": table,
            "response": None,
        }
        if is_cost:
            yield CostClaim(**shared, measure=column.measure, pairs=(models,))
        else:
            families = _families(paper, column.measure, (models,))
            claimed = _claimed_gap(column.measure, printed[high], printed[low])
            yield QualityClaim(
                **shared,
                rule="better",
                measure=column.measure,
                pairs=(models,),
                families=families,
                task=column.task,
                claimed=claimed,
            )


def _claimed_gap(measure: str, better: float, worse: float) -> ClaimedGap:
    gap, error_ratio = round(better - worse, 6), (1 - better) / (1 - worse) if worse < 1 else None
    if measure == "accuracy":
        return ClaimedAccuracyGap(gap, error_ratio, images_needed(better, worse))
    return ClaimedGap(gap, error_ratio)


def _families(paper: Paper, measure: Measure, pairs: tuple[Models, ...]) -> tuple[str, ...]:
    """Return the family of each pair, by its kind; none unless it concerns accuracy, with or without corruption.

    The headline is the proposed model against the paper's other systems, an order is among those; any other model is an
    ablation.
    """
    if isinstance(measure, Robustness):
        return (ROBUSTNESS,) * len(pairs)
    if measure != "accuracy":
        return ()
    systems = set(paper.systems.values())
    kinds = {pair: HEADLINE if paper.proposed in pair else ORDER for pair in pairs if set(pair) <= systems}
    return tuple(kinds.get(pair, ABLATION) for pair in pairs)


def _averages_claim(paper: Paper, name: str, table: Table, task: str | None) -> SettledClaim | None:
    """Return what a table's scores on one task imply about their averages; None if it prints too few."""
    rows: dict[str, dict[str, Reported]] = {}
    for system, values in table.rows.items():
        scores = {
            SHORT[column.measure]: reported(value)
            for column, value in zip(table.columns, values, strict=True)
            if column.task == task and column.measure in SHORT
        }
        rows[system] = {key: score for key, score in scores.items() if score}
    if not all({"accuracy", "precision", "recall"} <= set(scores) for scores in rows.values()):
        return None
    reason = averages(rows)
    return SettledClaim(
        name=f"{name}/{task}/averages" if task else f"{name}/averages",
        paper=paper.name,
        place=table.place,
        kind="arithmetic",
        says="the scores of all rows are of one kind, on one test set",
        table=name,
        verdict="inconsistent" if reason.f1_above else "not testable",
        reason=reason,
    )


def _statement_claim(paper: Paper, name: str) -> AnyClaim:
    statement = paper.statements[name]
    shared: _Shared = {
        "name": f"{paper.name}/{name}",
        "paper": paper.name,
        "place": statement.place,
        "kind": statement.rule,
        "says": statement.says,
        "table": None,
        "response": statement.response,
    }
    rule: Literal["better", "same"] = "better"
    measure: Measure
    match statement:
        case Contradiction():
            return SettledClaim(**shared, verdict="inconsistent", reason=statement.reason)
        case NotTestable():
            return SettledClaim(**shared, verdict="not testable", reason=statement.reason)
        case Cheaper():
            pairs = tuple((first, second) for first, second in statement.pairs)
            return CostClaim(**shared, measure=statement.measure, pairs=pairs)
        case Best():
            rivals = [paper.systems[system] for system in paper.tables[statement.table].rows]
            assert paper.proposed  # papers.py refuses the rule without it
            pairs = tuple((paper.proposed, rival) for rival in rivals if rival != paper.proposed)
            measure = statement.measure
        case Robust():
            pairs = tuple((first, second) for first, second in statement.pairs)
            measure = Robustness(tuple(statement.corruptions))
        case Better() | Same():
            pairs = tuple((first, second) for first, second in statement.pairs)
            rule, measure = statement.rule, statement.measure
    families = _families(paper, measure, pairs)
    return QualityClaim(**shared, rule=rule, measure=measure, pairs=pairs, families=families, task=statement.task)
