"""A small copy of the project in a repository of its own, and what tests do there and look at."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from tests.conftest import ROOT

RUNS = Path("results/tasks/phantom/runs")
MODELS = ("emanet", "cnn", "knn")


def call(folder, *command, check=True):
    """Run a command in a folder, with this Python's programs and no settings of the user's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(folder.parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done


def commit(folder):
    call(folder, "git", "add", "--all")
    call(folder, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "a change")


def edit_yaml(path, change):
    """Rewrite a YAML file after ``change`` has changed its content."""
    yaml = YAML(typ="safe")
    content = yaml.load(path.read_text(encoding="utf-8"))
    change(content)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def edit_params(folder, change):
    edit_yaml(folder / "params.yaml", change)


def edit_text(path, old, new):
    """Replace a text that the file contains."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def build(folder):
    """Fill a folder with the project, made small, and with the evidence that `dvc repro` makes of it; commit both."""
    listed = call(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard").stdout.splitlines()
    for name in listed:
        left_out = ("results/", "dvc.lock", "tests/", "papers/")
        if not name.startswith(left_out) and (ROOT / name).is_file():  # a linked .venv is no file
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / "papers").mkdir()
    shutil.copy2(ROOT / "papers/emanet.yaml", folder / "papers")
    edit_yaml(folder / "papers/emanet.yaml", shrink_paper)
    edit_params(folder, shrink)
    call(folder, "git", "init", "-q")
    commit(folder)
    call(folder, "dvc", "repro")
    commit(folder)


def shrink(params):
    """Leave three models and 60 images, trained for one epoch in two runs, and one input shape, measured in no time."""
    task = params["tasks"]["phantom"]
    task["source"] = task["source"] | {"images_per_class": 20}
    task["runs"] = 2
    task["recipe"] = task["recipe"] | {"epochs": 1}
    params["tasks"], params["notes"] = {"phantom": task}, {}
    params["models"] = {name: params["models"][name] | {"tasks": ["phantom"]} for name in MODELS}
    params["costs"] = {"tiny": {"device": "cpu", "size": 32, "images": "phantom"}}
    params["timing"] |= {"least": 6, "most": 6, "seconds": 0.0}


def shrink_paper(paper):
    """Leave of a paper what concerns those models."""
    paper["readings"] = []
    paper.pop("rivals")
    paper["systems"] = {system: model for system, model in paper["systems"].items() if model in MODELS}
    for table in paper["tables"].values():
        table["rows"] = {system: row for system, row in table["rows"].items() if system in paper["systems"]}
    paper["statements"] = {
        name: statement
        for name, statement in paper["statements"].items()
        if {model for pair in statement.get("pairs", []) for model in pair} <= set(MODELS)
    }


def bytes_below(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def started(folder):
    """Return when each run was started, by ``TASK/MODEL/run-K``; provenance says it to the second."""
    paths = sorted((folder / "results/tasks").glob("*/runs/*/run-*/provenance.json"))
    return {"/".join([path.parts[-5], *path.parts[-3:-1]]): json.loads(path.read_text())["started"] for path in paths}


def stale(folder):
    """Return the names of the stages that are stale by DVC's account."""
    return set(json.loads(call(folder, "dvc", "status", "--json", check=False).stdout))
