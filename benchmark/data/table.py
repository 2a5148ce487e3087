"""Sources of kind ``table``: images of any size, with one row each in a CSV or TSV file."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from benchmark import reading
from benchmark.data import Images, files, pictures, tree
from benchmark.data.images import as_text, composed, group_name
from benchmark.data.tree import Tree
from benchmark.errors import BadInput, closest
from benchmark.params import Table

DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Row:
    """A row of the table: where it stands, and what it says of an image."""

    place: str
    name: str
    label: str
    group: str
    part: str


def load(source: Table, size: int) -> Images:
    """Return the images that the table lists, in its order, at ``size`` × ``size``."""
    top = files.require_folder(source)
    table, root = top / source.table, top / source.root
    if not root.is_dir():
        raise BadInput(f"{root}: missing; `root` must name the folder that the paths of {source.table} start from")
    rows = [_row(source, place, cells) for place, cells in _cells(table, source)]
    listed = {row.name for row in rows}
    found = tree.read(root, source.ignore, listed, table)
    _refuse_paths(rows, found, root)
    if left := sorted(set(found.pictures) - listed):
        raise BadInput(
            f"{source.name}: pictures in no row of {source.table}: {len(left)}, the first is "
            f"{found.pictures[left[0]]}; list them there, or under `ignore` of the source"
        )
    classes, labels = _classes(source, rows)
    pixels, patients = pictures.read_all([found.pictures[row.name] for row in rows], source, size)
    return Images(
        pixels=pixels,
        labels=np.array(labels),
        ids=[row.name for row in rows],
        classes=classes,
        official=[row.part for row in rows],
        groups=patients if source.groups else [row.group for row in rows],
        skipped=found.skipped,
    )


def _cells(path: Path, source: Table) -> list[tuple[str, dict[str, str]]]:
    """Return, for each row, where it stands, and column → what it says; :class:`BadInput` says what is wrong."""
    right = "it must be a table in UTF-8, separated by commas, semicolons, tabs or |"
    text = reading.text(path, right).removeprefix("\ufeff")
    wanted = [name for name in source.columns.model_dump().values() if name is not None]
    try:
        headers = {mark: next(csv.reader(io.StringIO(text), delimiter=mark), []) for mark in DELIMITERS}
    except csv.Error as error:
        raise BadInput(f"{path}: {error}; {right}") from None
    mark = max(headers, key=lambda mark: len(headers[mark]))
    header = [name.strip() for name in headers[mark]]
    for name in wanted:
        if header.count(name) != 1:
            if name in header:
                raise BadInput(f"{path}: twice the column {name!r}; it must be there once")
            raise BadInput(f"{path}: no column {name!r}; {closest(name, header)}")
    rows = []
    reader = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    try:
        next(reader)
        for cells in filter(None, reader):  # an empty line has no cells
            place = f"{path}: line {reader.line_num}"
            if len(cells) != len(header):
                raise BadInput(f"{place}: {len(cells)} values; it must have {len(header)}, as the first line")
            rows.append((place, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    except csv.Error as error:
        raise BadInput(f"{path}: line {reader.line_num}: {error}; {right}") from None
    if not rows:
        raise BadInput(f"{path}: no rows; it must have one per image")
    return rows


def _row(source: Table, place: str, cells: dict[str, str]) -> Row:
    columns = source.columns
    name, label = cells[columns.path], composed(as_text(cells[columns.label]))
    for column, value in ((columns.path, name), (columns.label, label)):
        if not value:
            raise BadInput(f"{place}: {column!r} is empty; every row needs a path and a label")
    pure = PurePosixPath(name.replace("\\", "/") + source.suffix)
    if pure.is_absolute() or ".." in pure.parts:
        raise BadInput(f"{place}: {name!r} leads out of the folder; paths must be relative to `root`")
    part = ""
    if columns.part:
        part_of = {composed(name): part for part, name in source.parts.items()}
        said = composed(cells[columns.part])
        if said not in part_of:
            names = ", ".join(map(repr, part_of))
            raise BadInput(f"{place}: part {said!r} is none of those that params.yaml names for this source: {names}")
        part = part_of[said]
    group = group_name(cells[columns.group]) if columns.group else ""
    return Row(place, composed(pure.as_posix()), label, group, part)


def _refuse_paths(rows: list[Row], found: Tree, root: Path) -> None:
    """Refuse rows without a picture, and two rows of one picture."""
    first: dict[str, Row] = {}
    for row in rows:
        if row.name not in found.pictures:
            there = "is no picture" if (root / row.name).exists() else "is missing"
            raise BadInput(f"{row.place}: {root / row.name} {there}; every row must name a picture")
        if row.name in first:
            raise BadInput(f"{row.place}: {row.name!r} stands in {first[row.name].place} too; one row per picture")
        first[row.name] = row


def _classes(source: Table, rows: list[Row]) -> tuple[list[str], list[int]]:
    """Return the classes, as listed or sorted, and the index of each row's."""
    if source.classes is None:
        names = sorted({row.label for row in rows})
        if len(names) < 2:
            raise BadInput(f"{source.name}: only the class {names[0]!r}; there must be at least two classes")
        return names, [names.index(row.label) for row in rows]
    names = list(source.classes)
    index: dict[str, int] = {}
    for name, labels in source.classes.items():
        for label in (composed(as_text(label)) for label in labels):
            if index.setdefault(label, names.index(name)) != names.index(name):
                raise BadInput(f"{source.name}: label {label!r} belongs to two classes; it must belong to one")
    for row in rows:
        if row.label not in index:
            raise BadInput(f"{row.place}: label {row.label!r} belongs to no class; {closest(row.label, list(index))}")
    return names, [index[row.label] for row in rows]
