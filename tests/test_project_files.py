"""The files around the code: version, citation, changelog, forms, workflows, hook, container."""

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from importlib import metadata

import pytest
from ruamel.yaml import YAML

from benchmark import version
from benchmark.audit import papers
from tests.conftest import ROOT, give_environment

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
ENVIRONMENT = ROOT / ".venv"


def read_yaml(name):
    return YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))


def steps(workflow):
    """Return the commands of a workflow, in order."""
    jobs = read_yaml(workflow)["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def container():
    """Return the instructions of the container file, each as its name and the rest."""
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    return [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]


def targets():
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def is_target(command):
    """Whether a command makes a target of the Makefile, and does nothing else."""
    words = shlex.split(command)
    return len(words) == 2 and words[0] == "make" and words[1] in targets()


def test_a_clone_has_the_version_of_pyproject():
    assert version.version() == VERSION


def test_an_installed_package_has_the_version_of_its_metadata(tmp_path, monkeypatch):
    monkeypatch.setattr(version, "__file__", str(tmp_path / "benchmark/version.py"))
    monkeypatch.setattr(metadata, "version", {"retable": "1.2.3"}.__getitem__)
    assert version.version() == "1.2.3"


def test_the_citation_has_what_the_format_requires_and_this_version():
    citation = read_yaml("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    assert citation["version"] == VERSION


def test_the_changelog_starts_with_this_version_and_dates_every_entry():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(.*?)\] - (unreleased|\d{4}-\d\d-\d\d)$", text, re.MULTILINE)
    assert newest.group(1) == VERSION
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed"}
    entries = re.findall(r"^- (.*)$", text, re.MULTILINE)
    assert entries
    assert [entry for entry in entries if not re.match(r"\d{4}-\d\d-\d\d: ", entry)] == []


def test_a_release_is_dated_in_the_citation_too():
    is_released = f"## [{VERSION}] - unreleased" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert is_released == ("date-released" in read_yaml("CITATION.cff"))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_one_that_a_forge_takes(path):
    form = read_yaml(path)
    if path.stem == "config":
        assert set(form) == {"blank_issues_enabled"}
        return
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields) > 1
    for field in fields:
        assert field["type"] in ("dropdown", "input", "textarea")
        assert field["attributes"]["label"]
        assert (field["type"] == "dropdown") == ("options" in field["attributes"])


def test_the_form_for_readings_lists_the_papers_and_says_where_an_answer_goes(monkeypatch):
    monkeypatch.chdir(ROOT)
    form = read_yaml(".github/ISSUE_TEMPLATE/reading.yml")
    listed = next(field for field in form["body"] if field.get("id") == "paper")["attributes"]["options"]
    assert sorted(listed) == sorted(paper.name for paper in papers.load_all())
    assert "`response:`" in form["body"][0]["attributes"]["value"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_what_the_project_documents_alone(path):
    shown = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "CONTRIBUTING.md", ROOT / "README.md"))
    commands = steps(path)
    assert len(commands) > 1
    for command in commands:
        assert is_target(command) or command == ".ci/run" or command.removeprefix(".venv/bin/") in shown, command
    used = [step["uses"] for job in read_yaml(path)["jobs"].values() for step in job["steps"] if "uses" in step]
    assert [action.split("@")[0] for action in used] == ["actions/checkout", "actions/setup-python"]


def test_checks_run_on_every_python_that_the_project_takes():
    pythons = read_yaml(".github/workflows/checks.yml")["jobs"]["checks"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.13"
    assert pythons == ["3.11", "3.12"]


def test_the_hook_has_the_locked_ruff():
    (locked,) = re.findall(r"^ruff==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    (repository,) = read_yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "python"
        assert hook["additional_dependencies"] == [f"ruff=={locked}"]


def test_a_container_is_built_by_the_makefile_and_apt_alone():
    instructions = container()
    assert instructions[0][0] == "FROM"
    runs = [rest for name, rest in instructions if name == "RUN"]
    assert all(is_target(part) or part.startswith("apt-get ") for run in runs for part in run.split(" && "))
    assert instructions[-1] == ["CMD", '["make", "reproduce"]']
    assert "reproduce" in targets()


def test_a_container_gets_nothing_that_git_ignores():
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split():
        name = line.rstrip("/")
        assert (name.removeprefix("/") if name.startswith("/") else f"**/{name}") in left_out, line


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of the present commit with this environment, which `make setup` finds ready."""
    if not (ROOT / ".git").exists() or not (ENVIRONMENT / ".ready").exists():
        pytest.skip("needs a git repository, and the environment that `make setup` makes")
    folder = tmp_path_factory.mktemp("clone") / "retable"
    subprocess.run(["git", "clone", "-q", "--shared", ROOT, folder], check=True)
    give_environment(folder)
    assert shell("make --question setup", folder).returncode == 0  # else it would install everything again
    return folder


def shell(command, folder, **variables):
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent)} | variables
    return subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.parametrize("command", steps(ROOT / ".github/workflows/checks.yml"))
def test_a_step_of_the_checks_runs_in_a_clone(command, clone):
    """Of `make test` one file: all of them are what runs this one."""
    done = shell(command, clone, PYTEST_ADDOPTS="tests/benchmark/test_statistics.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("run", [rest for name, rest in container() if name == "RUN"])
def test_a_step_of_the_container_runs_as_shell(run, clone):
    """Of apt, what it would install by the lists at hand; nothing is downloaded."""
    for part in run.split(" && "):
        if part.startswith("apt-get ") and not shutil.which("apt-get"):
            pytest.skip("needs apt-get")
        if part != "apt-get update":
            done = shell(part.replace("apt-get ", "apt-get --simulate "), clone)
            assert done.returncode == 0, done.stdout + done.stderr
