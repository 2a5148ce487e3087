"""What all tests of the report draw from."""

import shutil

import pytest

from benchmark.audit import papers
from tests.conftest import ROOT


@pytest.fixture
def workplace(workplace):
    """The workplace with two papers, whatever others there are."""
    (workplace / "papers").unlink()
    (workplace / "papers").mkdir()
    for name in ("adaptive", "emanet"):
        shutil.copy(ROOT / f"papers/{name}.yaml", workplace / "papers")
    return workplace


@pytest.fixture
def two_papers():
    """The papers of the workplace."""
    return [papers.load(ROOT / f"papers/{name}.yaml") for name in ("adaptive", "emanet")]
