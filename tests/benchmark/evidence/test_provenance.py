"""Provenance: what proves a run whole, and what says where it was made."""

import json
import platform

import pytest

from benchmark import evidence
from benchmark.evidence import provenance
from benchmark.evidence.digests import file_digest
from tests.conftest import git


@pytest.fixture
def folder(tmp_path):
    """A finished run."""
    for name in evidence.OF_ALL:
        evidence.replace_text(tmp_path / "run" / name, f"the content of {name}")
    provenance.write(tmp_path / "run", {"task": "phantom"})
    return tmp_path / "run"


def lose_files(folder):
    path = folder / evidence.PROVENANCE
    facts = evidence.read_json(path)
    del facts["files"]
    evidence.write_json(path, facts)


def replace_provenance(content):
    return lambda folder: (folder / evidence.PROVENANCE).write_bytes(content)


def change_a_byte(folder):
    path = folder / "predictions.csv"
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)


def tear(folder):
    path = folder / evidence.PROVENANCE
    path.write_bytes(path.read_bytes()[:-40])


DAMAGES = {
    "a missing file": lambda folder: (folder / "history.csv").unlink(),
    "a changed byte": change_a_byte,
    "a file more": lambda folder: (folder / "masks.csv").write_text("sample_id\n"),
    "provenance missing": lambda folder: (folder / evidence.PROVENANCE).unlink(),
    "provenance without files": lose_files,
    "provenance torn": tear,
    "provenance empty": replace_provenance(b""),
    "provenance torn inside a letter": replace_provenance('{"processor": "é'.encode()[:-1]),
    "provenance of another shape": replace_provenance(b'["files"]'),
    "files of another shape": replace_provenance(b'{"files": 3}'),
}


def test_a_finished_run_is_whole(folder):
    assert provenance.is_whole(folder)
    facts = evidence.read_json(folder / evidence.PROVENANCE)
    assert facts["task"] == "phantom"
    assert facts["files"] == {name: file_digest(folder / name) for name in evidence.OF_ALL}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_not_whole(folder, damage):
    DAMAGES[damage](folder)
    assert not provenance.is_whole(folder)


def test_a_run_that_was_finished_without_a_file_is_not_whole(folder):
    (folder / "robustness.csv").unlink()
    provenance.write(folder, {})
    assert not provenance.is_whole(folder)


def test_no_folder_is_not_whole(tmp_path):
    assert not provenance.is_whole(tmp_path / "nowhere")


def test_versions_name_python_and_what_numbers_rest_on():
    versions = provenance.versions()
    assert versions["python"] == platform.python_version()
    assert {"numpy", "torch", "scikit-learn", "xgboost"} <= set(versions)


def test_the_machine_is_described_in_json():
    facts = provenance.machine()
    assert set(facts) == {"processor", "kind", "system"}
    assert json.loads(json.dumps(facts)) == facts


def test_a_commit_is_marked_if_the_code_or_params_yaml_differ_from_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "model.py", "other.py"):
        (tmp_path / name).write_text("x = 1\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "All")
    head = git("rev-parse", "HEAD")
    code = [tmp_path / "model.py"]
    (tmp_path / "other.py").write_text("x = 2\n")
    assert provenance.commit(code) == head
    (tmp_path / "model.py").write_text("x = 2\n")
    assert provenance.commit(code) == f"{head}+changes"
    (tmp_path / "model.py").write_text("x = 1\n")
    (tmp_path / "params.yaml").write_text("x = 2\n")
    assert provenance.commit(code) == f"{head}+changes"


def test_outside_a_repository_the_commit_is_the_archives(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.commit([]) is None
    (tmp_path / ".git_archival.txt").write_text("$Format:%H$\n")
    assert provenance.commit([]) is None
    (tmp_path / ".git_archival.txt").write_text("0123abc\n")
    assert provenance.commit([]) == "0123abc"
