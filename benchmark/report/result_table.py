"""A table as data: rows of plain values, and how each column shows them. Renderings are made from it, never read."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmark import evidence
from benchmark.errors import BadInput

Row = dict[str, Any]  # field → number, text, truth value or None


@dataclass(frozen=True)
class ResultColumn:
    """A column: which field of a row it shows, under which heading, and how.

    With ``digits`` the field contains a number, shown times ``scale``, or a text that says why there is none. Without,
    it contains a text or a count. ``low`` and ``high`` name the fields of the bounds of a number's interval, ``upto``
    the field of the upper end of a range, ``printed`` that of the number that a paper prints. ``better`` says which way
    is better, where the heading is to show it.
    """

    field: str
    heading: str
    unit: str = ""
    scale: float = 1
    digits: int | None = None
    better: str = ""  # "higher", "lower" or neither
    low: str = ""
    high: str = ""
    upto: str = ""
    printed: str = ""

    @property
    def title(self) -> str:
        """The heading with its unit, and an arrow up where more is better, down where less is."""
        unit = f" ({self.unit})" if self.unit else ""
        return self.heading + unit + {"higher": " ↑", "lower": " ↓"}.get(self.better, "")

    def text(self, row: Row) -> str:
        """Return what was measured, as people read it."""
        value = row.get(self.field)
        if value is None or isinstance(value, str):
            return value or ""
        if isinstance(value, bool):
            return "yes" if value else ""
        if self.upto:
            return f"{self._number(value)} to {self._number(row[self.upto])}"
        low, high = row.get(self.low), row.get(self.high)
        bounds = "" if low is None or high is None else f" [{self._number(low)}, {self._number(high)}]"
        return self._number(value) + bounds

    def text_beside_printed(self, row: Row) -> str:
        """Return what was measured, then in parentheses what the paper prints, if it prints something."""
        printed = row.get(self.printed)
        return f"{self.text(row)} ({printed})" if printed else self.text(row)

    def _number(self, value: float) -> str:
        return str(value) if self.digits is None else f"{self.scale * value:.{self.digits}f}"


@dataclass(frozen=True)
class ResultTable:
    """A table: its title, columns, rows and the notes below it.

    A row may contain fields that no column shows; they are for programs.
    """

    title: str
    columns: list[ResultColumn]
    rows: list[Row]
    notes: list[str]

    def plain_rows(self) -> list[Row]:
        """Return the rows for programs: None where a text says why there is no number."""
        numbers = {column.field for column in self.columns if column.digits is not None}
        return [
            {name: None if name in numbers and isinstance(value, str) else value for name, value in row.items()}
            for row in self.rows
        ]


def rounded(table: ResultTable) -> ResultTable:
    """Return the table with numbers of as many digits as evidence has; NaN becomes None.

    So all renderings agree, and another processor gives the same bytes.
    """
    rows = [{name: _rounded(value) for name, value in row.items()} for row in table.rows]
    return ResultTable(table.title, table.columns, rows, table.notes)


def _rounded(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return None if value != value else float(evidence.DIGITS % value)


def json_text(table: ResultTable) -> str:
    """Return a table as JSON; what a column leaves at its default is left out."""
    defaults = {field.name: field.default for field in fields(ResultColumn)}
    content = asdict(table)
    content["columns"] = [
        {name: value for name, value in column.items() if value != defaults[name]} for column in content["columns"]
    ]
    return evidence.json_text(content)


def write(path: Path, table: ResultTable) -> None:
    """Write a table as JSON."""
    evidence.replace_text(path, json_text(table))


def read(path: Path) -> ResultTable:
    """Return a table from its :func:`json_text`; :class:`BadInput` if it is missing or something else."""
    content = evidence.read_json(path)
    try:
        return ResultTable(**content | {"columns": [ResultColumn(**column) for column in content.get("columns")]})
    except (KeyError, TypeError):
        raise BadInput(f"{path}: is no table; it must be one that `python -m pipelines.tables` wrote") from None
