"""Papers as data: ``papers/*.yaml``, validated."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from benchmark.errors import BadInput
from benchmark.params import Strict, read_yaml, say

FOLDER = Path("papers")
QUALITY = ("accuracy", "precision_macro", "recall_macro", "f1_macro", "auc")


class Column(Strict):
    """A column: its heading in the paper, and the measure that stands for it here."""

    heading: str
    measure: Literal["accuracy", "precision_macro", "recall_macro", "f1_macro", "auc", "macs", "latency_ms"]


class Table(Strict):
    """A table of a paper, or the values of a figure; a row's values are strings, as printed."""

    title: str
    place: str
    columns: Annotated[list[Column], Field(min_length=1)]
    rows: dict[str, list[str]]


class Paper(Strict):
    """What a paper claims."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: str
    cite: str
    proposed: str
    systems: dict[str, str]
    tables: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], Table]

    @model_validator(mode="after")
    def _rows_fit(self) -> "Paper":
        for name, table in self.tables.items():
            for system, values in table.rows.items():
                if system not in self.systems:
                    raise ValueError(f"tables.{name}.rows: {system!r} must stand under systems too")
                if len(values) != len(table.columns):
                    raise ValueError(f"tables.{name}.rows.{system}: must have {len(table.columns)} values")
        return self


def load_all(folder: Path = FOLDER) -> list[Paper]:
    """Return all papers, by file name; :class:`BadInput` names the file and key at fault."""
    return [load(path) for path in sorted(folder.glob("*.yaml"))]


def load(path: Path) -> Paper:
    """Return one paper; :class:`BadInput` names the key at fault."""
    raw = read_yaml(path)
    try:
        return Paper.model_validate(raw)
    except ValidationError as error:
        raise BadInput(f"{path}: {say(error, raw)}") from None
