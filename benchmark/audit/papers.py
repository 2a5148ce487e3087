"""Papers as data: ``papers/*.yaml``, validated.

A paper's tables contain its numbers as printed; every cell is a claim, and so is every order between two rows. Its
statements are the claims made in words, each with the rule that decides it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field, ValidationError, model_validator

from benchmark import yaml_files
from benchmark.audit.reported import plain_number, reported
from benchmark.errors import BadInput, closest
from benchmark.evidence import metrics
from benchmark.params import Params, Share, Strict, say
from benchmark.training.corruptions import CORRUPTIONS

FOLDER = Path("papers")
QUALITY = metrics.TESTED
COST = ("macs", "latency_ms")

if TYPE_CHECKING:  # the names are in registries, which only a running program knows
    Quality: TypeAlias = str
    Cost: TypeAlias = str
    Corruption: TypeAlias = str
else:
    Quality, Cost, Corruption = Literal[QUALITY], Literal[COST], Literal[tuple(CORRUPTIONS)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
Pair = Annotated[list[Name], Field(min_length=2, max_length=2)]
Pairs = Annotated[list[Pair], Field(min_length=1)]
Text = Annotated[str, Field(pattern=r"\S")]


@dataclass(frozen=True)
class Robustness:
    """A measure: accuracy under corruptions, as a mean over them and their strengths, minus accuracy without."""

    corruptions: tuple[str, ...]


Measure = str | Robustness  # the name of a measure of quality or cost, or robustness


class Column(Strict):
    """A column: its heading in the paper, and the measure that it is compared with here.

    ``task`` is the task of params.yaml with the images and protocol of the column, where the paper names them.
    ``words`` ranks the words that the paper prints instead of numbers, from least to most.
    """

    heading: str
    measure: Quality | Cost
    task: str | None = None
    words: list[str] | None = None

    def misread(self, text: str) -> str | None:
        """Return why ``text`` cannot be a value of this column; None if it can."""
        if self.words:
            return None if text in self.words else f"must be one of {', '.join(self.words)}"
        if self.measure in COST:
            number = plain_number(text)
            if number is None:
                return "must be a number, unless the column's words rank what is printed"
            return None if number else "must be more than 0"
        score = reported(text)
        if score and score.value > 1:
            return "is more than 100 per cent"
        wanted = "must be one number with a decimal point, such as 96.9, unless read_as says which number is meant"
        return None if score else wanted


class Table(Strict):
    """A table of a paper, or the values of a figure: system → its values as strings, as printed.

    Where they are ambiguous, ``read_as`` says which numbers are meant, in the unit of the column; null means no number.
    """

    title: str
    place: Text
    columns: Annotated[list[Column], Field(min_length=1)]
    rows: Annotated[dict[str, list[str]], Field(min_length=1)]
    read_as: dict[str, list[Annotated[float, Field(ge=0, allow_inf_nan=False)] | None]] = Field({})

    def on(self, task: str) -> "Table | None":
        """Return the table with only the columns that ``task`` can fill; None if there are none."""
        kept = [index for index, column in enumerate(self.columns) if column.task in (None, task)]
        if not kept:
            return None
        rows, read_as = (
            {system: [values[index] for index in kept] for system, values in of_system.items()}
            for of_system in (self.rows, self.read_as)
        )
        columns = [self.columns[index] for index in kept]
        return self.model_copy(update={"columns": columns, "rows": rows, "read_as": read_as})


class Statement(Strict):
    """A claim in words: what it says, its place in the paper, and the authors' response, if there is one."""

    says: Text
    place: Text
    response: Text | None = None


class Scored(Statement):
    """A claim that scores decide; ``task`` is the task of params.yaml that it concerns, where the paper names one."""

    task: str | None = None


class Best(Scored):
    """The proposed system scores higher in a measure than every other system of a table."""

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
    corruptions: Annotated[list[Corruption], Field(min_length=1)]
    pairs: Pairs


class Cheaper(Statement):
    """In every pair of models, the first costs less."""

    rule: Literal["cheaper"]
    measure: Cost
    pairs: Pairs


class Contradiction(Statement):
    """The paper contradicts itself; ``reason`` says how and where."""

    rule: Literal["contradiction"]
    reason: Text


class NotTestable(Statement):
    """No evidence that can be made here would decide the claim; ``reason`` says why."""

    rule: Literal["not_testable"]
    reason: Text


AnyStatement = Annotated[
    Best | Better | Same | Robust | Cheaper | Contradiction | NotTestable, Field(discriminator="rule")
]


class Choice(Strict):
    """A point on which a paper is silent or contradicts itself, the choice made here, and the alternatives."""

    open: Text
    chosen: Text
    others: Text


class Paper(Strict):
    """What a paper claims, and how it is read where its words leave a choice.

    ``proposed`` is the model of the proposed system; ``readings`` are other models that the paper's words allow,
    ``rivals`` maps a rival to others that they allow. Differences below ``margin`` (a share) count as none. ``trials``
    is the number of runs behind a published mean, if the paper gives it. ``responses`` maps the name of a claim from a
    table to what the authors answered.
    """

    name: Name
    title: Text
    cite: Text
    proposed: Name | None = None
    readings: list[Name] = Field([])
    rivals: dict[Name, list[Name]] = Field({})
    choices: list[Choice] = Field([])
    margin: Annotated[Share, Field(gt=0)]
    trials: Annotated[int, Field(ge=1)] | None = None
    systems: dict[str, Name]
    tables: dict[Name, Table]
    statements: dict[Annotated[str, Field(pattern=r"^[a-z0-9-]+$")], AnyStatement] = Field({})
    responses: dict[str, Text] = Field({})

    @model_validator(mode="after")
    def _is_consistent(self) -> "Paper":
        models = list(self.systems.values())
        if repeated := [model for model in models if models.count(model) > 1]:
            raise ValueError(f"systems: {repeated[0]!r} stands for two systems; it must stand for one")
        if self.proposed and self.proposed not in models:
            raise ValueError(f"proposed: {self.proposed!r} stands for no system; {closest(self.proposed, models)}")
        if unknown := [rival for rival in self.rivals if rival not in models or rival == self.proposed]:
            raise ValueError(f"rivals: {unknown[0]!r} is no rival; {closest(unknown[0], models)}")
        for name, table in self.tables.items():
            _check_rows(f"tables.{name}", table, list(self.systems))
            _check_values(f"tables.{name}", table)
            _check_units(f"tables.{name}", table)
            _check_columns(f"tables.{name}", table, self.trials)
        for name, statement in self.statements.items():
            for first, second in getattr(statement, "pairs", []):
                if first == second:
                    raise ValueError(f"statements.{name}.pairs: {first!r} is compared with itself")
            if isinstance(statement, Best):
                _check_best(f"statements.{name}", statement, self)
        return self

    @property
    def short_cite(self) -> str:
        """Authors and year."""
        return self.cite.split(",")[0]

    @property
    def models(self) -> list[str]:
        """All models that the paper's claims concern."""
        pairs = [pair for statement in self.statements.values() for pair in getattr(statement, "pairs", [])]
        named = [*self.systems.values(), *(model for pair in pairs for model in pair), *self.readings]
        named += [model for others in self.rivals.values() for model in others]
        return list(dict.fromkeys(named))


def _check_rows(where: str, table: Table, systems: list[str]) -> None:
    """Raise ValueError unless all rows belong to known systems and have one value per column."""
    for key, rows in (("rows", table.rows), ("read_as", table.read_as)):
        for system, values in rows.items():
            if system not in systems:
                hint = closest(system, systems)
                raise ValueError(f"{where}.{key}: {system!r} must be listed under systems too; {hint}")
            if len(values) != len(table.columns):
                count = f"has {len(values)} values; it must have {len(table.columns)}, one per column"
                raise ValueError(f"{where}.{key}.{system}: {count}")


def _check_values(where: str, table: Table) -> None:
    """Raise ValueError if a value does not fit its column."""
    for system, values in table.rows.items():
        for column, text in zip(table.columns, values, strict=True):
            if system not in table.read_as and (wrong := column.misread(text)):
                raise ValueError(f"{where}.rows.{system}: {text!r} {wrong}")
    for system, numbers in table.read_as.items():
        for column, number in zip(table.columns, numbers, strict=True):
            if number and number > 100 and column.measure in QUALITY:
                raise ValueError(f"{where}.read_as.{system}: {number} is more than 100 per cent")
            if number == 0 and column.measure in COST:
                raise ValueError(f"{where}.read_as.{system}: a cost must be more than 0")


def _check_units(where: str, table: Table) -> None:
    """Raise ValueError if a column has scores in per cent and as shares, or says per cent and has a share."""
    for index, column in enumerate(table.columns):
        if column.measure not in QUALITY:
            continue
        in_per_cent: dict[str, bool] = {}
        for system, values in table.rows.items():
            if system in table.read_as:
                number = table.read_as[system][index]
                if number:
                    in_per_cent[system] = number > 1
            elif (score := reported(values[index])) and score.value:
                in_per_cent[system] = score.per_cent
        share = next((system for system, per_cent in in_per_cent.items() if not per_cent), None)
        if share and ("%" in column.heading or any(in_per_cent.values())):
            what = f"{table.rows[share][index]!r} in a column of per cents"
            raise ValueError(f"{where}.rows.{share}: {what}; read_as must say which number is meant")


def _check_columns(where: str, table: Table, trials: int | None) -> None:
    """Raise ValueError if two columns are the same, or if a column's task does not fit."""
    keys = [(column.task, column.measure) for column in table.columns]
    if len(set(keys)) < len(keys):
        raise ValueError(f"{where}.columns: two columns have the same measure on the same task; only one may")
    for column in table.columns:
        if column.task and column.measure not in QUALITY:
            raise ValueError(f"{where}.columns: {column.heading!r}: only a measure of quality may have a task")
        if column.words and column.measure in QUALITY:
            raise ValueError(f"{where}.columns: {column.heading!r} has words; only a column of costs may rank words")
        if column.task and not trials:
            raise ValueError(f"{where}.columns: {column.heading!r} has a task, so trials must be given")


def _check_best(where: str, statement: Best, paper: Paper) -> None:
    """Raise ValueError unless a statement of rule ``best`` names a column, and there is a proposed system."""
    if statement.table not in paper.tables:
        hint = closest(statement.table, list(paper.tables))
        raise ValueError(f"{where}.table: no table {statement.table!r}; {hint}")
    columns = [(column.measure, column.task) for column in paper.tables[statement.table].columns]
    if (statement.measure, statement.task) not in columns:
        names = ", ".join(measure + (f" on {task}" if task else "") for measure, task in columns)
        raise ValueError(f"{where}: {statement.table} has no such column; measure (and task) must be one of {names}")
    if not paper.proposed:
        raise ValueError(f"{where}: rule best needs a proposed system")


def rows(papers: list[Paper]) -> list[str]:
    """Return the models of all papers' tables."""
    return list(dict.fromkeys(model for paper in papers for model in paper.systems.values()))


def proposed(papers: list[Paper]) -> list[str]:
    """Return the models that papers propose."""
    return [paper.proposed for paper in papers if paper.proposed]


def check(papers: list[Paper], params: Params) -> None:
    """Raise :class:`BadInput` if two papers share a name, or if one names a model or task unknown to params.yaml."""
    names = [name for paper in papers for name in (paper.name, *paper.tables)]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"papers: {repeated[0]!r} names two papers or tables; it must name one")
    for paper in papers:
        where = f"papers/{paper.name}.yaml"
        for model in paper.models:
            if model not in params.models:
                hint = closest(model, list(params.models))
                raise BadInput(f"{where}: systems, readings or rivals: no model {model!r} in params.yaml; {hint}")
        places = [(f"tables.{name}", column.task) for name, table in paper.tables.items() for column in table.columns]
        places += [(f"statements.{name}", getattr(item, "task", None)) for name, item in paper.statements.items()]
        for place, task in places:
            if task and task not in params.tasks:
                hint = closest(task, list(params.tasks))
                raise BadInput(f"{where}: {place}: no task {task!r} in params.yaml; {hint}")
            if task and params.task(task).synthetic:
                raise BadInput(f"{where}: {place}: {task!r} is synthetic; it must have real images")


def load_all(folder: Path = FOLDER) -> list[Paper]:
    """Return all papers, in the order of their file names; :class:`BadInput` names the file and key at fault."""
    return [load(path) for path in sorted(folder.glob("*.yaml"))]


def load(path: Path) -> Paper:
    """Return one paper; :class:`BadInput` names the key at fault."""
    raw = yaml_files.read(path)
    try:
        paper = Paper.model_validate(raw)
    except ValidationError as error:
        raise BadInput(f"{path}: {say(error, raw)}") from None
    if paper.name != path.stem:
        raise BadInput(f"{path}: name: is {paper.name!r}; it must be {path.stem!r}, as the file is named")
    return paper
