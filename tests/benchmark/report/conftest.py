"""What all tests of the report draw from."""

import shutil

import pytest

from benchmark.audit import papers
from benchmark.audit.papers import Paper
from tests.benchmark.report.made import HOSTILE
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


@pytest.fixture
def paper():
    """A paper with one table, whose words are markup."""
    column = {"heading": "Accuracy (%)", "measure": "accuracy"}
    time = {"heading": "Time (ms)", "measure": "latency_ms"}
    return Paper.model_validate(
        {
            "name": "a_paper",
            "title": HOSTILE,
            "cite": HOSTILE,
            "proposed": "cnn",
            "margin": 0.02,
            "systems": {"Net | x": "cnn"},
            "choices": [{"open": HOSTILE, "chosen": f"{HOSTILE} `{HOSTILE}`", "others": "none"}],
            "tables": {
                "table1": {
                    "title": HOSTILE,
                    "place": "Table 1",
                    "columns": [column, time],
                    "rows": {"Net | x": ["90.2", "42"]},
                }
            },
        }
    )
