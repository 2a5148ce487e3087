"""Every command that README and docs print, run as printed in a fresh clone."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PAGES, ROOT, give_environment

STARTS = r"(?:python3?|make|dvc|git|pip|source|ray|srun|kubectl|sleep|\.venv/bin/\w+)"
STANDS_FOR = {
    "TASK [TASK …] [--model MODEL …]": "phantom --model knn",
    "TASK": "phantom",
    "MODEL": "knn",
    "SHAPE": "cpu-32",
    "REV": "HEAD",
    "ID": "adaptive/best-accuracy",
    "FILE": "results/tasks/phantom/runs/knn/run-0/predictions.csv",
    " K": " 0",
}
GATE = "`.ci/run` runs it"
CHANGES = "it would change this environment"
CLUSTER = "it needs a cluster; tests/benchmark/training/test_on_ray.py trains on two raylets"
NOT_RUN = {  # by how commands start: why not
    "make setup": GATE,
    "make lint": GATE,
    "make test-faults": "it takes an hour; `make test-long` injects a few faults of each kind",
    "make test": GATE,
    "make reproduce TASK=brain-mri": "it needs the images",
    "make reproduce-all": "it trains every model of the phantom",
    "make reproduce": GATE,
    "make benchmark": "it must run alone, and takes an hour",
    ".ci/run": "it runs these tests",
    "python -m pipelines.verify --base": "it trains every model; tests/pipelines/test_dvc_repro.py does so with three",
    "python -m pipelines.verify --static": GATE,
    "python -m pipelines.verify --task phantom --random": f"{GATE}, with fewer models",
    "python -m pipelines.cost": "it compares times of this machine, which tests do not",
    "python -m pytest": GATE,
    "python -m tests.benchmark.audit.simulate": "it takes hours",
    "pip install": f"{CHANGES}; tests/test_packaging.py installs the wheel",
    "python3 -m venv": CHANGES,
    ".venv/bin/pip": CHANGES,
    "git tag": "it is the step of a release",
    "ray start": CLUSTER,
    "kubectl": CLUSTER,
    "srun": CLUSTER,
    "sleep": CLUSTER,
    "first=": CLUSTER,
    'python -m pipelines.train --task TASK --engine ray --address "$first': CLUSTER,
    "python -m pipelines.train --task TASK --engine ray --address FIRST": CLUSTER,
}


def commands(text):
    """Return the commands of a page: lines of its blocks of commands, and what stands between backticks."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line for language, block in blocks if language in ("", "console") for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    quoted = [" ".join(words.split()) for words in re.findall(r"`([^`]+)`", prose)]
    found = [line.removeprefix("$ ").partition("  #")[0].strip() for line in [*lines, *quoted]]
    return [line for line in found if re.match(rf"(?:{STARTS} \S|first=|\.ci/run$)", line)]


ALL = sorted({command for page in PAGES for command in commands(page.read_text(encoding="utf-8"))})


def test_commands_are_found():
    page = "Run `make\nsetup`, or:\n\n```console\n$ dvc repro    # all\nsaid\n```\n\n```yaml\npython: 3\n```\n"
    assert commands(page) == ["dvc repro", "make setup"]
    assert len(ALL) > 50
    unused = [start for start in NOT_RUN if not any(command.startswith(start) for command in ALL)]
    assert unused == []
    assert all((ROOT / path).exists() for why in NOT_RUN.values() for path in re.findall(r"tests/[\w/]+\.py", why))


@pytest.fixture(scope="module")
def cloned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands") / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    give_environment(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def clone(cloned):
    """Return the clone, which is as it was before again at the end."""
    yield cloned
    subprocess.run("git checkout --quiet . && git clean -fdq && touch .venv/.ready", cwd=cloned, shell=True, check=True)


@pytest.mark.long
@pytest.mark.parametrize("command", ALL)
def test_a_command_of_the_pages_runs_as_printed(command, clone):
    if why := next((NOT_RUN[start] for start in NOT_RUN if command.startswith(start)), None):
        pytest.skip(why)
    words = command
    for name, stands_for in STANDS_FOR.items():
        words = re.sub(rf"{re.escape(name)}(?![\w-])", stands_for, words)
    environment = {"PATH": f"{Path(sys.prefix, 'bin')}:{os.environ['PATH']}", "HOME": str(clone.parent)}
    done = subprocess.run(
        ["bash", "-c", words], cwd=clone, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
