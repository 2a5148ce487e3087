"""Papers as data: ``papers/*.yaml``, validated.

A paper's tables hold its numbers as printed; every cell, and every order between two rows, is a claim. Its statements
are the claims that stand in words, each with the rule that decides it.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from benchmark.audit.reported import reported
from benchmark.errors import BadInput, closest
from benchmark.evidence import metrics
from benchmark.params import Params, Share, Strict, read_yaml, say
from benchmark.training.corruptions import CORRUPTIONS

FOLDER = Path("papers")
QUALITY = metrics.TESTED
COST = ("macs", "latency_ms")

Quality = Literal[QUALITY]
Cost = Literal[COST]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
Pair = Annotated[list[Name], Field(min_length=2, max_length=2)]
Pairs = Annotated[list[Pair], Field(min_length=1)]
Text = Annotated[str, Field(pattern=r"\S")]


class Column(Strict):
    """A column: its heading in the paper, and the measure that stands for it here.

    ``task`` is the task of params.yaml whose images and protocol are the column's, where the paper names them.
    ``words`` ranks what stands there in place of numbers, from least to most.
    """

    heading: str
    measure: Quality | Cost
    task: str | None = None
    words: list[str] | None = None

    def misread(self, text: str) -> str | None:
        """Return why ``text`` is no value of this column, if it is none."""
        if self.words:
            return None if text in self.words else f"must be one of {', '.join(self.words)}"
        if self.measure in COST:
            return (
                None if text.replace(".", "", 1).isdigit() else "must be a number, or words must rank what stands there"
            )
        found = reported(text)
        if found and found.value > 1:
            return "is more than 100 per cent"
        return None if found else "must start with a number such as 96.9; else read_as says which"


class Table(Strict):
    """A table of a paper, or the values of a figure; a row's values are strings, as printed.

    ``read_as`` says which number is meant where what is printed is ambiguous, in the unit of the column; null: none.
    """

    title: str
    place: Text
    columns: Annotated[list[Column], Field(min_length=1)]
    rows: Annotated[dict[str, list[str]], Field(min_length=1)]
    read_as: dict[str, list[float | None]] = Field({})

    def on(self, task: str) -> "Table | None":
        """Return the table with the columns that ``task`` can fill; None if it has none."""
        kept = [index for index, column in enumerate(self.columns) if column.task in (None, task)]
        if not kept:
            return None
        rows = {system: [values[index] for index in kept] for system, values in self.rows.items()}
        return self.model_copy(update={"columns": [self.columns[index] for index in kept], "rows": rows, "read_as": {}})


class Statement(Strict):
    """A claim in words: what it says, where it stands, and what the authors answered, if they did."""

    says: Text
    place: Text
    response: Text | None = None


class Scored(Statement):
    """A claim that scores decide; ``task`` is the task of params.yaml that it is about, where the paper names it."""

    task: str | None = None


class Best(Scored):
    """The proposed system is the best of a table in a measure: better than each of the others."""

    rule: Literal["best"]
    table: Name
    measure: Quality


class Better(Scored):
    """In every pair of models, the first scores higher."""

    rule: Literal["better"]
    measure: Quality = "accuracy"
    pairs: Pairs


class Same(Scored):
    """In every pair of models, the scores differ by less than the paper's ``margin``."""

    rule: Literal["same"]
    measure: Quality = "accuracy"
    pairs: Pairs


class Robust(Scored):
    """In every pair of models, the first loses less accuracy under corruption, on average over all strengths."""

    rule: Literal["robust"]
    corruptions: Annotated[list[Literal[tuple(CORRUPTIONS)]], Field(min_length=1)]
    pairs: Pairs


class Cheaper(Statement):
    """In every pair of models, the first costs less."""

    rule: Literal["cheaper"]
    measure: Cost
    pairs: Pairs


class Contradiction(Statement):
    """The paper contradicts itself; ``reason`` says how, with the places."""

    rule: Literal["contradiction"]
    reason: Text


class NotTestable(Statement):
    """No evidence that could be made here decides it; ``reason`` says why."""

    rule: Literal["not_testable"]
    reason: Text


AnyStatement = Annotated[
    Best | Better | Same | Robust | Cheaper | Contradiction | NotTestable, Field(discriminator="rule")
]


class Choice(Strict):
    """A point that a paper leaves open or contradicts, what is chosen here, and what else can be chosen by name."""

    open: Text
    chosen: Text
    others: Text


class Paper(Strict):
    """What a paper claims, and how it is read where its words leave a choice.

    ``proposed`` is the model of the proposed system, ``readings`` other models that its words allow too. Differences of
    less than ``margin`` (a share) count as none. ``trials`` is how many runs a published mean is over, if the paper
    says so. ``responses`` holds what the authors answered to a claim of a table, by its id.
    """

    name: Name
    title: str
    cite: str
    proposed: Name | None = None
    readings: list[Name] = Field([])
    choices: list[Choice] = Field([])
    margin: Annotated[Share, Field(gt=0)]
    trials: Annotated[int, Field(ge=1)] | None = None
    systems: dict[str, Name]
    tables: dict[Name, Table]
    statements: dict[Annotated[str, Field(pattern=r"^[a-z0-9-]+$")], AnyStatement] = Field({})
    responses: dict[str, Text] = Field({})

    @model_validator(mode="after")
    def _rows_fit(self) -> "Paper":
        models = list(self.systems.values())
        if twice := [model for model in models if models.count(model) > 1]:
            raise ValueError(f"systems: {twice[0]!r} stands for two systems; it must stand for one")
        if self.proposed and self.proposed not in models:
            raise ValueError(f"proposed: {self.proposed!r} stands for no system; {closest(self.proposed, models)}")
        for name, table in self.tables.items():
            for where, rows in (("rows", table.rows), ("read_as", table.read_as)):
                for system, values in rows.items():
                    if system not in self.systems:
                        known = closest(system, list(self.systems))
                        raise ValueError(f"tables.{name}.{where}: {system!r} must stand under systems too; {known}")
                    if len(values) != len(table.columns):
                        count = f"has {len(values)} values; it must have {len(table.columns)}, one a column"
                        raise ValueError(f"tables.{name}.{where}.{system}: {count}")
            for system, values in table.rows.items():
                for column, text in zip(table.columns, values, strict=True):
                    if system not in table.read_as and (wrong := column.misread(text)):
                        raise ValueError(f"tables.{name}.rows.{system}: {text!r} {wrong}")
            columns = [(column.task, column.measure) for column in table.columns]
            if len(set(columns)) < len(columns):
                raise ValueError(f"tables.{name}.columns: two columns have the same measure, on the same task")
            for system, numbers in table.read_as.items():
                for column, number in zip(table.columns, numbers, strict=True):
                    if number and number > 100 and column.measure in QUALITY:
                        raise ValueError(f"tables.{name}.read_as.{system}: {number} is more than 100 per cent")
            for column in table.columns:
                if column.task and column.measure not in QUALITY:
                    raise ValueError(f"tables.{name}.columns: {column.heading!r}: task goes with a measure of quality")
                if column.task and not self.trials:
                    raise ValueError(f"tables.{name}.columns: {column.heading!r} has a task; trials must be given")
        return self

    @model_validator(mode="after")
    def _statements_fit(self) -> "Paper":
        for name, statement in self.statements.items():
            for one, other in getattr(statement, "pairs", []):
                if one == other:
                    raise ValueError(f"statements.{name}.pairs: {one!r} stands beside itself")
            if isinstance(statement, Best):
                if statement.table not in self.tables:
                    known = closest(statement.table, list(self.tables))
                    raise ValueError(f"statements.{name}.table: no table {statement.table!r}; {known}")
                columns = [(column.measure, column.task) for column in self.tables[statement.table].columns]
                if (statement.measure, statement.task) not in columns:
                    known = ", ".join(measure + (f" on {task}" if task else "") for measure, task in columns)
                    raise ValueError(
                        f"statements.{name}: {statement.table} has no such column; measure, and task, must be {known}"
                    )
                if not self.proposed:
                    raise ValueError(f"statements.{name}: rule best needs a proposed system")
        return self

    @property
    def models(self) -> list[str]:
        """All models that the paper's claims are about."""
        pairs = [pair for one in self.statements.values() for pair in getattr(one, "pairs", [])]
        named = [*self.systems.values(), *(model for pair in pairs for model in pair), *self.readings]
        return list(dict.fromkeys([*named, *([self.proposed] if self.proposed else [])]))


def rows(papers: list[Paper]) -> list[str]:
    """Return the models of all papers' tables."""
    return list(dict.fromkeys(model for paper in papers for model in paper.systems.values()))


def check(papers: list[Paper], params: Params) -> None:
    """Raise :class:`BadInput` if a paper names a model or a task that params.yaml does not hold."""
    names = [name for paper in papers for name in (paper.name, *paper.tables)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"papers: {twice[0]!r} names two papers or tables; it must name one")
    for paper in papers:
        where = f"papers/{paper.name}.yaml"
        for model in paper.models:
            if model not in params.models:
                raise BadInput(f"{where}: no model {model!r} in params.yaml; {closest(model, list(params.models))}")
        named = [(f"tables.{name}", column.task) for name, of in paper.tables.items() for column in of.columns]
        named += [(f"statements.{name}", getattr(of, "task", None)) for name, of in paper.statements.items()]
        for place, task in named:
            if task and task not in params.tasks:
                known = closest(task, list(params.tasks))
                raise BadInput(f"{where}: {place}: no task {task!r} in params.yaml; {known}")
            if task and params.task(task).synthetic:
                raise BadInput(f"{where}: {place}: {task!r} is synthetic; it must have real images")


def load_all(folder: Path = FOLDER) -> list[Paper]:
    """Return all papers, by file name; :class:`BadInput` names the file and key at fault."""
    return [load(path) for path in sorted(folder.glob("*.yaml"))]


def load(path: Path) -> Paper:
    """Return one paper; :class:`BadInput` names the key at fault."""
    raw = read_yaml(path)
    try:
        paper = Paper.model_validate(raw)
    except ValidationError as error:
        raise BadInput(f"{path}: {say(error, raw)}") from None
    if paper.name != path.stem:
        raise BadInput(f"{path}: name: is {paper.name!r}; it must be {path.stem!r}, as the file is named")
    return paper
