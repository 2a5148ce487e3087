"""The claims of a paper: one for each cell of its tables, for each order between two rows, and for each statement."""

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from benchmark.audit.papers import COST, Best, Better, Cheaper, Column, Contradiction, Paper, Robust, Same, Table
from benchmark.audit.reported import Reported, averaging, reported
from benchmark.errors import BadInput, closest
from benchmark.statistics import images_needed

HEADLINE, OTHER = "headline", "other"
SHORT = {"accuracy": "accuracy", "precision_macro": "precision", "recall_macro": "recall", "f1_macro": "f1"}


@dataclass(frozen=True)
class Claim:
    """A claim: its name, where it stands, what it says, and what decides it.

    ``rule`` says what must hold of every pair of models in ``pairs``: in ``measure``, the first is ``better``, or
    ``cheaper``, or about the ``same``. It is ``value`` for one model's number, on ``task`` where the paper names the
    images; and ``settled`` where evidence has no say, with ``verdict`` and ``reason``. ``family`` names the claims that
    it is tested together with; a claim of quality without one is descriptive. ``claimed`` holds the paper's numbers.
    """

    name: str
    paper: str
    place: str
    kind: str
    says: str
    rule: str
    measure: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    family: str | None = None
    task: str | None = None
    verdict: str | None = None
    reason: str = ""
    claimed: dict[str, Any] = field(default_factory=dict)
    response: str | None = None

    @property
    def models(self) -> list[str]:
        """The models that it is about."""
        return list(dict.fromkeys(model for pair in self.pairs for model in pair))


def of_paper(paper: Paper) -> list[Claim]:
    """Return all claims of a paper; :class:`BadInput` if ``responses`` names one that does not exist."""
    found = [claim for name, table in paper.tables.items() for claim in _of_table(paper, name, table)]
    found += [_of_statement(paper, name) for name in paper.statements]
    names = [claim.name for claim in found]
    for name in paper.responses:
        if name not in names:
            hint = closest(name, names, "results/audit.csv lists all")
            raise BadInput(f"papers/{paper.name}.yaml: responses: no claim {name!r}; {hint}")
    return [replace(one, response=paper.responses[one.name]) if one.name in paper.responses else one for one in found]


def _of_table(paper: Paper, name: str, table: Table) -> list[Claim]:
    found = []
    for index, column in enumerate(table.columns):
        numbers = {system: number_of(table, system, index, column) for system in table.rows}
        where = f"{name}/{column.task}" if column.task else name
        for system, number in numbers.items():
            model, printed = paper.systems[system], table.rows[system][index]
            found.append(
                Claim(
                    name=f"{where}/{column.measure}/{model}",
                    paper=paper.name,
                    place=table.place,
                    kind="value",
                    says=f"{system}: {column.heading} {printed}",
                    rule="value",
                    measure=column.measure,
                    pairs=((model, model),),
                    task=column.task,
                    claimed={"printed": printed, "value": number},
                )
            )
        found += _orders(paper, where, table, column, numbers)
    return found + [claim for task in _tasks(table) for claim in _averages(paper, name, table, task)]


def _tasks(table: Table) -> list[str | None]:
    """Return the tasks that a table's columns name; None stands for columns without one."""
    return list(dict.fromkeys(column.task for column in table.columns))


def number_of(table: Table, system: str, index: int, column: Column) -> float | None:
    """Return the number that a cell stands for: a share, a time as printed, or the rank of a word; None if none."""
    text = table.rows[system][index]
    if system in table.read_as:
        number = table.read_as[system][index]
        return number / 100 if number is not None and number > 1 and column.measure not in COST else number
    if column.words:
        return float(column.words.index(text))
    return float(text) if column.measure in COST else reported(text).value


def _orders(paper: Paper, where: str, table: Table, column: Column, numbers: dict[str, float | None]) -> list[Claim]:
    """Return a claim for each two rows whose numbers differ: the larger scores higher, the smaller costs less."""
    found = []
    for one, other in combinations([system for system in numbers if numbers[system] is not None], 2):
        if numbers[one] == numbers[other]:
            continue
        cost = column.measure in COST
        first, second = (one, other) if (numbers[one] < numbers[other]) == cost else (other, one)
        pair = (paper.systems[first], paper.systems[second])
        found.append(
            Claim(
                name=f"{where}/{column.measure}/{pair[0]}-{'below' if cost else 'above'}-{pair[1]}",
                paper=paper.name,
                place=table.place,
                kind="order",
                says=f"{first} {'below' if cost else 'above'} {second} in {column.heading}",
                rule="cheaper" if cost else "better",
                measure=column.measure,
                pairs=(pair,),
                family=_family(paper, column.measure, (pair,)),
                task=column.task,
                claimed={} if cost else _claimed_gap(column.measure, numbers[first], numbers[second]),
            )
        )
    return found


def _claimed_gap(measure: str, better: float, worse: float) -> dict[str, Any]:
    """Return a claimed gap (share), the ratio of the errors, and, of accuracy, how many test images would show it."""
    found: dict[str, Any] = {"gap": round(better - worse, 6)}
    found["error_ratio"] = (1 - better) / (1 - worse) if worse < 1 else None
    return found | ({"images_needed": list(images_needed(better, worse))} if measure == "accuracy" else {})


def _family(paper: Paper, measure: str, pairs: tuple[tuple[str, str], ...]) -> str | None:
    """Return the family of a claim: accuracy is what a paper is tested on; of robustness, what is kept of it."""
    if measure.startswith("kept:"):
        return OTHER
    if measure != "accuracy":
        return None
    rivals = set(paper.systems.values()) - {paper.proposed}
    return HEADLINE if all(one == paper.proposed and other in rivals for one, other in pairs) else OTHER


def _averages(paper: Paper, name: str, table: Table, task: str | None) -> list[Claim]:
    """Return what the scores that a table prints of one task say of the averages behind them, as one claim."""
    rows: dict[str, dict[str, Reported]] = {}
    for system, values in table.rows.items():
        printed = [pair for pair in zip(table.columns, values, strict=True) if pair[0].task == task]
        scores = {SHORT[column.measure]: reported(value) for column, value in printed if column.measure in SHORT}
        rows[system] = {key: value for key, value in scores.items() if value}
    if not all({"accuracy", "precision", "recall"} <= set(row) for row in rows.values()):
        return []
    return [
        Claim(
            name=f"{name}/{task}/averages" if task else f"{name}/averages",
            paper=paper.name,
            place=table.place,
            kind="arithmetic",
            says="the scores of all rows are of one kind, on one test set",
            rule="settled",
            verdict="not testable",
            reason="the paper does not say how it averages over classes; " + "; ".join(averaging(rows)),
        )
    ]


def _of_statement(paper: Paper, name: str) -> Claim:
    statement = paper.statements[name]
    claim = Claim(
        name=f"{paper.name}/{name}",
        paper=paper.name,
        place=statement.place,
        kind=statement.rule,
        says=statement.says,
        rule="settled",
        response=statement.response,
    )
    if isinstance(statement, Best):
        rivals = [paper.systems[system] for system in paper.tables[statement.table].rows]
        pairs = tuple((paper.proposed, rival) for rival in rivals if rival != paper.proposed)
        family, task = _family(paper, statement.measure, pairs), statement.task
        return replace(claim, rule="better", measure=statement.measure, pairs=pairs, family=family, task=task)
    if isinstance(statement, Better | Same | Cheaper | Robust):
        robust = isinstance(statement, Robust)
        measure = f"kept:{'+'.join(statement.corruptions)}" if robust else statement.measure
        pairs = tuple((one, other) for one, other in statement.pairs)
        rule, family = "better" if robust else statement.rule, _family(paper, measure, pairs)
        task = None if isinstance(statement, Cheaper) else statement.task
        return replace(claim, rule=rule, measure=measure, pairs=pairs, family=family, task=task)
    verdict = "inconsistent" if isinstance(statement, Contradiction) else "not testable"
    return replace(claim, verdict=verdict, reason=statement.reason)
