"""Shared fixtures: the committed parameters, small images, and a workplace that the commands can run in."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported: the same count of threads, the same numbers

import importlib
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from ruamel.yaml import YAML

import pipelines
from benchmark import data, evidence, params
from benchmark.data import files, manifest, splits
from benchmark.errors import BadInput
from benchmark.evidence import provenance
from benchmark.training import runs
from benchmark.training.corruptions import corruption_digests
from pipelines import listed

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, heading):
    """Return the blocks of code, as printed, below a heading (`## …`) of a page of the docs."""
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    part = text.split(f"## {heading}\n", 1)[1].split("\n## ")[0]
    return re.findall(r"^```\w*\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


def give_environment(clone):
    """Give a clone this environment, which `make setup` finds ready; what it does to its folder harms no other."""
    inside = clone / ".venv"
    inside.mkdir()
    for path in Path(sys.prefix).iterdir():
        (inside / path.name).symlink_to(path)
    (inside / ".ready").unlink(missing_ok=True)
    (inside / ".ready").touch()


def error_of(call, *arguments):
    """Return the one line that refuses what a function was given."""
    with pytest.raises(BadInput) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def git(*call):
    """Return what git says in the present folder."""
    done = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *call], capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No network, and no settings of the user's environment; addresses of this machine can be downloaded."""
    real = files.urlopen

    def local_only(url, **kwargs):
        if url.full_url.startswith("http") and "//127.0.0.1:" not in url.full_url:
            raise URLError("no network in tests")
        return real(url, **kwargs)

    monkeypatch.setattr(files, "urlopen", local_only)
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    for name in ("RETABLE_DATA", "RETABLE_MIRROR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def settings():
    return params.load(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def phantom(settings):
    """The committed phantom task's images."""
    return data.load(settings.task("phantom"))


@pytest.fixture
def make_images():
    """Return a function that makes ``Images`` of given pixels (uint8, N × H × W × C)."""

    def make(pixels, labels=None, **changes):
        count = len(pixels)
        known = {
            "pixels": pixels,
            "labels": np.zeros(count, np.int64) if labels is None else np.asarray(labels),
            "ids": [f"image/{index}" for index in range(count)],
            "classes": ["a", "b"],
            "official": ["train"] * count,
            "groups": [""] * count,
        }
        return data.Images(**known | changes)

    return make


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A temporary folder to run commands in: the code, the papers, and parameters of a small phantom."""
    for name in ("baselines", "benchmark", "papers"):
        (tmp_path / name).symlink_to(ROOT / name)
    raw = json.loads(json.dumps(YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))))
    task = raw["tasks"]["phantom"]
    task["source"]["images_per_class"] = 24
    task["runs"], task["recipe"]["epochs"] = 1, 1
    (tmp_path / "params.yaml").write_text(json.dumps(raw), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def edit(workplace):
    """Return a function that changes the workplace's parameters: ``edit("tasks.phantom.runs", 2)``."""

    def change(key, value):
        path = workplace / "params.yaml"
        raw = json.loads(path.read_text(encoding="utf-8"))
        *way, last = key.split(".")
        here = raw
        for step in way:
            here = here[step]
        here[last] = value
        path.write_text(json.dumps(raw), encoding="utf-8")

    return change


@pytest.fixture
def command(workplace, monkeypatch, capsys):
    """Return a function that runs a stage's command in the workplace; it returns status, output and errors."""

    handler = signal.getsignal(signal.SIGTERM)

    def run(stage, *arguments):
        monkeypatch.setattr(sys, "argv", [stage, *arguments])
        with pytest.raises(SystemExit) as end:
            pipelines.run(importlib.import_module(f"pipelines.{stage}").main)
        return end.value.code, *capsys.readouterr()

    yield run
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def describe(workplace):
    """Return a function that writes the manifest and the split of a task of the workplace."""

    def write(task):
        loaded = params.load()
        described, samples = manifest.describe(data.load(loaded.task(task)), loaded.task(task), loaded)
        evidence.write_json(evidence.TASKS / task / "manifest.json", described)
        samples["part"] = splits.deal(samples, loaded.pooled_split.parts, task)
        samples.to_csv(evidence.TASKS / task / "split.csv", index=False)
        return loaded

    return write


@pytest.fixture
def small(describe):
    """The parameters of the workplace, which then contains the manifest and the split of its small phantom."""
    return describe("phantom")


@pytest.fixture
def run_of(workplace):
    """Return a function that returns a run by the workplace's parameters of the moment: ``run_of("knn")``."""

    def run(model, number=0, task="phantom"):
        loaded = params.load()
        return runs.resolve(loaded, task, model, number, listed.code_of(loaded, model))

    return run


@pytest.fixture
def own_code(workplace):
    """The workplace with its own copy of the code, for digests alone: what is imported stays that of the project."""
    for name in ("baselines", "benchmark"):
        (workplace / name).unlink()
        for path in (ROOT / name).rglob("*.py"):
            copy = workplace / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return workplace


@pytest.fixture
def leave():
    """Return a function that leaves whole evidence of a run in a folder; ``text`` stands in its files."""

    def write(run, folder, text="the same", **facts):
        for name in evidence.OF_ALL:
            evidence.replace_text(folder / name, text)
        provenance.write(folder, {"inputs": runs.inputs(run), "robustness": corruption_digests()} | facts)
        return folder

    return write
