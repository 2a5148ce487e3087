import importlib
import json
import re
import shlex
import signal
import sys
from pathlib import Path

import pytest

import pipelines
from benchmark import params
from pipelines import docs
from tests.conftest import PAGES, ROOT


def test_pages_follow_from_evidence_and_papers():
    for page, text in docs.texts(params.load()).items():
        assert page.read_text(encoding="utf-8") == text, f"{page}: run `make docs`"


def test_figures_about_duplicates_are_those_of_the_manifest():
    text = " ".join((ROOT / "docs/data.md").read_text(encoding="utf-8").split())
    found = json.loads(Path("results/tasks/brain-mri/manifest.json").read_text())
    twins = found["duplicates"]["across_official_split"]["test_images_with_a_twin_in_train"]
    images = sum(found["images_by_official_part"]["test"].values())
    steps = {step["threshold"]: step for step in found["duplicates"]["thresholds"]["pixels"]}
    assert f"{twins['exact']} of its {images} test images have an exact copy" in text
    assert f"and {twins['near']} have a near one" in text
    largest = [steps[threshold]["largest"] for threshold in (0.95, 0.93, 0.9)]
    assert f"grows from {largest[0]} images to {largest[1]}, then {largest[2]}" in text
    assert found["duplicates"]["chosen"]["pixels"] == 0.95


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page):
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}, link


def sessions(page):
    """Return the commands that a page shows, after a `$`, each with the lines that it shows below."""
    shown = re.findall(r"^```console\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [
        (command, lines.splitlines())
        for block in shown
        for command, lines in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


@pytest.mark.parametrize(("words", "shown"), [pair for page in PAGES for pair in sessions(page)])
def test_a_command_prints_what_its_page_shows(words, shown, command_of_today):
    """`…` stands for any lines, or for the rest of a line."""
    printed = command_of_today(shlex.split(words))
    pattern = "".join(
        r"(.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*") + "\n" for line in shown
    )
    assert re.fullmatch(pattern, printed), printed


@pytest.fixture
def command_of_today(monkeypatch, capsys):
    """Return a function that runs ``python -m pipelines.NAME …`` on the project's own evidence, for what it prints."""
    handler = signal.getsignal(signal.SIGTERM)

    def run(words):
        assert words[:2] == ["python", "-m"]
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", words[2:])
        with pytest.raises(SystemExit) as end:
            pipelines.run(importlib.import_module(words[2]).main)
        assert not end.value.code
        return capsys.readouterr().out

    yield run
    signal.signal(signal.SIGTERM, handler)
