"""The version of this project, as pyproject.toml has it."""

import tomllib
from importlib import metadata
from pathlib import Path


def version() -> str:
    """Return the version: of the clone that this file lies in, or of the installed package."""
    project = Path(__file__).resolve().parents[1] / "pyproject.toml"
    if project.exists():
        return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    return metadata.version("retable")
