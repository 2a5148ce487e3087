"""YAML files that a person wrote, read without trust: a broken, deep or huge one is one line."""

import math
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from benchmark import reading
from benchmark.errors import BadInput

MOST_VALUES, DEEPEST = 100_000, 40


def read(path: Path) -> Any:
    """Read a YAML file; :class:`BadInput` names the line at fault."""
    if not path.exists():
        raise BadInput(f"{path}: no such file here; run this in the project's top folder")
    text = reading.text(path, "it must be a text file in UTF-8")
    try:
        _refuse_expansion(path, text)
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}:" if mark else ""
        problem = next(iter(str(getattr(error, "problem", error)).splitlines()), "broken")
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:  # a tag that does not fit
        where, problem = "", f"a value cannot be read ({error})"
    raise BadInput(f"{path}:{where} {problem}; it must be valid YAML")


def _refuse_expansion(path: Path, text: str) -> None:
    """Refuse YAML that is nested too deeply, or that its aliases make too large, before anything of it is built."""
    sizes: dict[str | None, float] = {}  # anchor → how many values it stands for
    nested: list[tuple[str | None, float]] = [(None, 0.0)]
    for event in YAML(typ="safe").parse(text):
        anchor = getattr(event, "anchor", None)
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            nested.append((anchor, 1.0))
            sizes[anchor] = math.inf  # an alias within what it stands for never ends
            continue
        size = 0.0
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            anchor, size = nested.pop()
        elif isinstance(event, ScalarEvent):
            size = 1.0
        elif isinstance(event, AliasEvent):
            size, anchor = sizes.get(anchor, 1.0), None
        if anchor:
            sizes[anchor] = size
        nested[-1] = (nested[-1][0], nested[-1][1] + size)
        if nested[-1][1] > MOST_VALUES or len(nested) > DEEPEST:
            line = event.start_mark.line + 1
            raise BadInput(
                f"{path}: line {line}: too deep, or too large with its aliases; it must contain at most "
                f"{MOST_VALUES} values, nested at most {DEEPEST} deep"
            )
