"""What Python code imports, read from its text."""

import ast
from functools import cache
from pathlib import Path


@cache
def imported(source: str) -> tuple[str, ...]:
    """Return the names that some Python code imports, modules or what is in them; relative ones begin with dots.

    Imports within functions and for types alone count too. :class:`SyntaxError` if it is no Python code.
    """
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return tuple(names)


def places(module: str) -> list[Path]:
    """Return the files that a module may lie in, from the top of the project."""
    path = Path(*module.split("."))
    return [path.with_suffix(".py"), path / "__init__.py"]
