"""Every command explains itself with an example, and prints on whatever a terminal can show."""

import os
import shutil
import subprocess
import sys

import pytest

import pipelines
from benchmark import params
from benchmark.audit import claims, papers
from tests.conftest import ROOT

COMMANDS = sorted(path.stem for path in (ROOT / "pipelines").glob("*.py") if "run(main)" in path.read_text("utf-8"))


@pytest.mark.parametrize("stage", COMMANDS)
def test_the_help_of_a_command_ends_with_an_example_that_it_understands(stage, command, monkeypatch):
    status, told, _ = command(stage, "--help")
    assert status == 0
    example = told.splitlines()[-1]
    prefix = f"example: python -m pipelines.{stage}"
    assert example.startswith(prefix)
    understand, understood = pipelines.Parser.parse_args, []

    def parse(self, *arguments):
        understood.append(understand(self, *arguments))
        raise SystemExit

    monkeypatch.setattr(pipelines.Parser, "parse_args", parse)
    command(stage, *example.removeprefix(prefix).split())
    assert_known(understood[0])


def assert_known(words):
    """The names in an example are those of params.yaml and of the papers."""
    loaded = params.load(ROOT / "params.yaml")
    known = {
        "task": loaded.tasks,
        "model": loaded.models,
        "shape": loaded.costs,
        "claim": {claim.name for paper in papers.load_all(ROOT / "papers") for claim in claims.of_paper(paper)},
    }
    for option, names in known.items():
        given = getattr(words, option, None) or []
        assert set([given] if isinstance(given, str) else given) <= set(names), option


def run(stage, *words, encoding):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", f"pipelines.{stage}", *words]
    return subprocess.run(command, env=environment, check=False, capture_output=True)


def test_the_output_of_every_command_survives_a_terminal_that_shows_ascii_alone(workplace):
    shutil.copytree(ROOT / "docs", workplace / "docs")
    shutil.copy(ROOT / "README.md", workplace)
    printed = b""
    for stage, *words in (
        ("fetch", "--task", "phantom"),
        ("split", "--task", "phantom"),
        ("train", "--task", "phantom", "--model", "knn"),
        ("tables", "--task", "phantom"),
        ("figures", "--task", "phantom"),
        ("audit",),
        ("audit", "--claim", "emanet_table1/accuracy/emanet-above-cnn"),
        ("report",),
        ("docs",),
        ("score", "--task", "phantom"),
    ):
        done = run(stage, *words, encoding="ascii")
        assert done.returncode == 0 and b"Error" not in done.stderr, stage
        assert (done.stdout + done.stderr).isascii()
        printed += done.stdout
    assert "Accuracy (%) ?" in printed.decode()  # an arrow


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "?"), ("latin-1", "?"), ("utf-8", "→")])
def test_a_letter_that_a_terminal_lacks_is_a_question_mark(workplace, encoding, shown):
    paper = (workplace / "papers").resolve() / "adaptive.yaml"
    (workplace / "papers").unlink()
    (workplace / "papers").mkdir()
    text = paper.read_text(encoding="utf-8").replace(
        "says: the proposed model has the best accuracy", "says: → best", 1
    )
    (workplace / "papers/adaptive.yaml").write_text(text, encoding="utf-8")
    done = run("audit", "--claim", "adaptive/best-accuracy", encoding=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert f"says: {shown} best".encode(encoding) in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_error_survives_any_encoding(workplace, encoding):
    done = run("tables", "--task", "Röntgen→", encoding=encoding)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: params.yaml: no task 'R")
    assert done.stderr.count(b"\n") == 1
