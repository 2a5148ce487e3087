"""Evidence: what a run leaves, where it lies, and how its files are read and written.

The folder of a run contains ``metrics.json``, ``predictions.csv``, ``history.csv`` and ``robustness.csv``, of a network
also ``explanations.json`` and, if it masks, ``masks.csv``, which come out the same each time. ``provenance.json``
contains all that may differ.
"""

import io
import json
import math
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from pandas.errors import ParserWarning

from benchmark import reading
from benchmark.errors import BadInput

TASKS = Path("results/tasks")
OF_ALL = ("metrics.json", "predictions.csv", "history.csv", "robustness.csv")
DETERMINISTIC = (*OF_ALL, "explanations.json", "masks.csv")
PROVENANCE = "provenance.json"
RESTORE = "`dvc repro` makes it, `git checkout` brings a committed one back"
PREDICTIONS = "its columns must be sample_id,label,p0,p1,…, all but the first numbers"
DIGITS = "%.9g"  # enough that metrics come out the same from the file


def run_folder(task: str, model: str, run: int) -> Path:
    """Return where the evidence of one run lies."""
    return TASKS / task / "runs" / model / f"run-{run}"


def runs_of(task: str, model: str) -> list[int]:
    """Return the numbers of the runs that have evidence."""
    folders = run_folders(TASKS / task / "runs" / model)
    return [number for number, folder in folders.items() if (folder / PROVENANCE).exists()]


def run_folders(cell: Path) -> dict[int, Path]:
    """Return number → folder of the runs in a model's folder, by their numbers; other folders are left out."""
    numbers = {folder.name.removeprefix("run-"): folder for folder in cell.glob("run-*")}
    return dict(sorted((int(name), folder) for name, folder in numbers.items() if name.isdigit()))


def untrained_file(task: str, model: str) -> Path:
    """Return where the maps of a model before any training lie."""
    return TASKS / task / "untrained" / f"{model}.json"


class JsonObject(dict[str, Any]):
    """An object of a JSON file; a key that it lacks is :class:`BadInput`, which names file and key."""

    path: Path | None = None

    def __missing__(self, key: str) -> NoReturn:
        raise BadInput(f"{self.path}: lacks the key {key!r}; {RESTORE}")


def read_json(path: Path, kind: type = dict) -> Any:
    """Return what a JSON file contains, an object unless ``kind`` is ``list``.

    :class:`BadInput` if it is missing, broken or of another kind, or, later, if a key is asked for that it lacks.
    """

    def named(pairs: list[tuple[str, Any]]) -> JsonObject:
        content = JsonObject(pairs)
        content.path = path
        if len(content) < len(pairs):
            raise ValueError("a key is given twice")
        return content

    def no_number(name: str) -> NoReturn:
        raise ValueError(f"{name} is no number in JSON")

    try:
        content = json.loads(reading.text(path, RESTORE), object_pairs_hook=named, parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}: line {error.lineno}: {error.msg}; it must be JSON, as it was written") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: {error}; it must be JSON, as it was written") from None
    if not isinstance(content, kind):
        raise BadInput(f"{path}: must contain a JSON {'object' if kind is dict else 'array'}; {RESTORE}")
    return content


def read_table(path: Path, *columns: str, must: str = RESTORE, **types: type) -> pd.DataFrame:
    """Return a CSV file that has at least some columns; those in ``types`` are read as these types.

    :class:`BadInput` if it is missing or broken, or names a column that it lacks; it ends with what it ``must`` be.
    """
    return _table(path, reading.content(path, must), columns, must, types)


def _table(path: Path, content: bytes, columns: Sequence[str], right: str, types: dict[str, type]) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ParserWarning)  # a row that is longer than the others
            table = pd.read_csv(io.BytesIO(content), dtype=types, index_col=False)
    except (ValueError, OverflowError, ParserWarning) as error:
        raise BadInput(f"{path}: {error}; {right}") from None
    for column in (*columns, *types):
        if column not in table:
            raise BadInput(f"{path}: lacks the column {column!r}; {right}")
    return table


def manifest(task: str) -> Any:
    """Return the manifest of a task: what its images are."""
    return read_json(TASKS / task / "manifest.json")


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people to read; a number that is not finite becomes ``null``."""
    replace_text(path, json_text(content))


def json_text(content: Any) -> str:
    """Return what :func:`write_json` writes."""
    return json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def read_predictions(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return sample ids, labels (int64, N) and probabilities (float64, N × classes) of a predictions file."""
    ids, labels, probabilities = _predictions(path, reading.content(path, PREDICTIONS))
    return [*ids], labels.copy(), probabilities.copy()


@lru_cache(maxsize=512)  # what checks a task reads the predictions of its runs several times
def _predictions(path: Path, content: bytes) -> tuple[list[str], np.ndarray, np.ndarray]:
    right = PREDICTIONS
    table = _table(path, content, ("label", "p0", "p1"), right, {"sample_id": str})
    classes = [f"p{index}" for index in range(table.shape[1] - 2)]
    if set(table) != {"sample_id", "label", *classes}:
        raise BadInput(f"{path}: has other columns; {right}")
    if table.empty:
        raise BadInput(f"{path}: has no rows; it must have one per test image")
    ids, numbers = table["sample_id"], table[["label", *classes]].apply(_numbers)
    fits = ids.notna() & np.isfinite(numbers).all(axis=1) & numbers["label"].isin(range(len(classes)))
    if not fits.all():
        line = int(np.argmin(fits))
        row = ",".join(map(str, table.iloc[line]))
        what = f"a sample_id, a label from 0 to {len(classes) - 1}, and finite numbers"
        raise BadInput(f"{path}: line {line + 2} is {row}; it must be {what}")
    return ids.tolist(), numbers["label"].to_numpy(np.int64), numbers[classes].to_numpy(np.float64)


def _numbers(column: pd.Series) -> pd.Series:
    """Return a column as float64, NaN where it contains no number."""
    if column.dtype.kind in "iuf":
        return column.astype(np.float64)
    try:
        numbers = pd.to_numeric(column.where(~column.map(lambda value: isinstance(value, bool))), errors="coerce")
        return numbers.astype(np.float64)
    except (OverflowError, TypeError):  # a whole number of hundreds of digits
        return pd.Series(np.nan, column.index)


def write_predictions(path: Path, ids: list[str], labels: np.ndarray, probabilities: np.ndarray) -> None:
    """Write one row per test image: ``sample_id,label,p0,p1,…``."""
    columns = {f"p{index}": column for index, column in enumerate(probabilities.T)}
    pd.DataFrame({"sample_id": ids, "label": labels} | columns).to_csv(path, index=False, float_format=DIGITS)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
