"""Digests: of content, and of what Python code does, whatever its comments and layout."""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput


def digest(content: Any) -> str:
    """Return the SHA-256 of bytes, or of anything that JSON can contain."""
    data = content if isinstance(content, bytes) else json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_digest(paths: Iterable[Path]) -> str:
    """Return the digest of the code in Python files, without comments, docstrings, layout and annotations of functions.

    It is the same on every Python from 3.11 on: of the syntax tree, only fields that are set are looked at.
    :class:`BadInput` names a file that is missing or is no Python.
    """
    return sources_digest(tuple((str(path), _text(path)) for path in paths))


@cache
def sources_digest(sources: tuple[tuple[str, str], ...]) -> str:
    """Return the digest of (path, text) of some Python files, as :func:`code_digest` does."""
    return digest([_code(path, text) for path, text in sources])


def source_digest(source: str) -> str:
    """Return the digest of some Python code, as :func:`code_digest` does of files."""
    return digest(_plain(ast.parse(source)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', error)}; it must be a Python file") from None


@cache
def _code(path: str, text: str) -> Any:
    try:
        return _plain(ast.parse(text))
    except (SyntaxError, ValueError) as error:
        raise BadInput(f"{path}: {error}; it must be a Python file") from None


def _plain(node: Any) -> Any:
    """Return a syntax tree as what JSON can contain."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if isinstance(node, ast.Constant):
        return [type(node.value).__name__, repr(node.value)]
    if not isinstance(node, ast.AST):
        return node
    fields = dict(ast.iter_fields(node))
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        fields["body"] = [statement for statement in node.body if not _is_text(statement)]
        fields.pop("returns", None)
    if isinstance(node, ast.arg):
        fields.pop("annotation")
    fields.pop("type_comment", None)
    fields.pop("ctx", None)
    return [type(node).__name__, {key: _plain(value) for key, value in fields.items() if value not in (None, [])}]


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring, or another text that stands alone."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
