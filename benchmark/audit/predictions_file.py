"""A predictions file as people save it: read right, or refused in one line that says what would be right.

Columns may be separated by commas, semicolons or tabs, in any order and case; others than ``sample_id``, ``label`` and
``p0,p1,…`` (or ``p1,p2,…``) are left out and named. Labels may be names of classes, and probabilities rounded.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import reading
from benchmark.errors import BadInput

COLUMNS = "sample_id,label,p0,p1,…"
LABEL = r"0*([0-9]{1,9})(\.0*)?"  # a number with more digits is that of no class
SURELY_PROBABILITIES = 1e-3  # from 1, of the sum of every row


@dataclass(frozen=True)
class Predictions:
    """Sample ids, labels (int64, N), probabilities (float64, N × classes, rows add up to 1), and how they were read."""

    ids: list[str]
    labels: np.ndarray
    probabilities: np.ndarray
    notes: list[str] = field(default_factory=list)


def read(path: Path, classes: Sequence[str], logits: bool = False) -> Predictions:
    """Read predictions for ``classes``, their names in order; ``logits`` are turned into probabilities by softmax.

    :class:`BadInput` names the column or line at fault.
    """
    table, separator = _read_table(path)
    notes = []
    place_of = {column.strip().lower(): column for column in table.columns}
    for column in ("sample_id", "label"):
        if column not in place_of:
            raise BadInput(f"{path}: has no column {column}; its columns must be {COLUMNS}")
    scores, renamed = _score_columns(path, list(place_of), len(classes))
    notes += renamed
    if ignored := [name or "the first" for name in place_of if name not in ("sample_id", "label", *scores)]:
        notes.append(f"columns left out: {', '.join(ignored)}")
    text = table[[place_of[name] for name in scores]].to_numpy(str)
    if separator != "," and (np.char.find(text, ",") >= 0).any():  # it does not separate columns
        text = np.char.replace(text, ",", ".")
        notes.append("commas are decimal marks")
    probabilities = _numbers(path, text)
    if logits and (probabilities >= 0).all() and (abs(probabilities.sum(1) - 1) < SURELY_PROBABILITIES).all():
        raise BadInput(f"{path}: its rows are probabilities, which add up to 1; leave out --logits")
    if logits:
        notes.append("logits are turned into probabilities by softmax")
        probabilities = np.exp(probabilities - probabilities.max(1, keepdims=True))
    else:
        _check_sums(path, probabilities, _last_digit(text))
    sums = probabilities.sum(1, keepdims=True)
    if not logits and abs(sums - 1).max() > 1e-6:
        notes.append("probabilities are rounded: each was divided by the sum of its row")
    ids = table[place_of["sample_id"]].str.strip().tolist()
    labels, named = _labels(path, table[place_of["label"]], classes)
    notes += ["labels are names of classes"] if named else []
    return Predictions(ids, labels, probabilities / sums, notes + _doubts(probabilities / sums, labels))


def _read_table(path: Path) -> tuple[pd.DataFrame, str]:
    """Return the table as text, and what separates its columns."""
    right = f"it must be a predictions file: CSV in UTF-8, not packed, {COLUMNS}"
    text = reading.text(path, right).removeprefix("\ufeff")
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, quoting=csv.QUOTE_MINIMAL
        )
    except (ValueError, csv.Error) as error:
        raise BadInput(f"{path}: {str(error).splitlines()[0] or 'is empty'}; its columns must be {COLUMNS}") from None
    if table.empty:
        raise BadInput(f"{path}: has no rows; it must have one per test image")
    names = [column.strip().lower() for column in table.columns]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"{path}: has two columns {repeated[0]!r}; it must have one")
    return table, separator


def _score_columns(path: Path, columns: Sequence[str], classes: int) -> tuple[list[str], list[str]]:
    """Return the names of the columns with one score per class, in order, and a note where they are counted from 1."""
    of_number = sorted((int(name[1:]), name) for name in columns if re.fullmatch("p[0-9]{1,9}", name))
    numbers, names = [number for number, _ in of_number], [name for _, name in of_number]
    must = f"it must have p0 to p{classes - 1}, one for each of the {classes} classes"
    if not names:
        raise BadInput(f"{path}: has no column p0; {must}")
    if len(names) != classes or numbers[0] > 1 or numbers != list(range(numbers[0], numbers[0] + classes)):
        raise BadInput(f"{path}: has the columns {', '.join(names)}; {must}")
    return names, [f"{names[0]} to {names[-1]} are taken for p0 to p{classes - 1}"] if numbers[0] else []


def _numbers(path: Path, text: np.ndarray) -> np.ndarray:
    for line, row in enumerate(text, start=2):
        for value in row:
            try:
                number = float(value)
            except ValueError:
                number = np.nan
            if not np.isfinite(number):
                raise BadInput(f"{path}: line {line}: {str(value)!r} is no number; p0, p1, … must be")
    return text.astype(np.float64)


def _last_digit(text: np.ndarray) -> float:
    """Return the unit of the last decimal of the finest number, 0 if none has decimals or one has an exponent."""
    if any("e" in value.lower() for value in text.flat):
        return 0.0
    decimals = max(len(value.partition(".")[2]) for value in text.flat)
    return 10.0**-decimals if decimals else 0.0


def _check_sums(path: Path, probabilities: np.ndarray, last_digit: float) -> None:
    """Raise :class:`BadInput` unless rows are probabilities, as far as rounding explains."""
    tolerance = max(1e-3, probabilities.shape[1] * last_digit / 2)
    sums = probabilities.sum(1)
    right = (probabilities >= 0).all(1) & (abs(sums - 1) <= tolerance) & (sums > 0)
    if not right.all():
        row = int(np.argmin(right))
        hint = "p0, p1, … must be probabilities that add up to 1, or logits with --logits"
        raise BadInput(f"{path}: line {row + 2}: {hint}")


def _doubts(probabilities: np.ndarray, labels: np.ndarray) -> list[str]:
    """Return what makes scores depend on how probabilities were rounded."""
    notes, greatest = [], probabilities.max(1, keepdims=True)
    if ties := int(((probabilities == greatest).sum(1) > 1).sum()):
        notes.append(f"images with two equal greatest probabilities, of which the first class is taken: {ties}")
    if zeros := int((probabilities[np.arange(len(labels)), labels] == 0).sum()):
        notes.append(f"images whose true class has probability 0, which the log loss rests on: {zeros}")
    return notes


def _labels(path: Path, column: pd.Series, classes: Sequence[str]) -> tuple[np.ndarray, bool]:
    """Return labels from numbers or from names of classes, in any case, and whether there are names."""
    number_of = {name.strip().lower(): number for number, name in enumerate(classes)}
    labels = []
    for line, value in enumerate(column, start=2):
        text = value.strip().lower()
        number = re.fullmatch(LABEL, text)
        label = int(number[1]) if number else number_of.get(text, -1)
        if not 0 <= label < len(classes):
            names = ", ".join(map(repr, classes))
            raise BadInput(
                f"{path}: line {line}: no label {value!r}; it must be 0 to {len(classes) - 1}, or one of {names}"
            )
        labels.append(label)
    return np.array(labels, np.int64), not column.str.strip().str.fullmatch(LABEL).all()
