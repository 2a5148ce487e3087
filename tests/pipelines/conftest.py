"""A repository whose evidence `dvc repro` made, and clones of it."""

import fcntl

import pytest

from tests.pipelines import repository


@pytest.fixture(scope="session")
def made(tmp_path_factory, worker_id):
    """A repository whose evidence `dvc repro` made from nothing; processes that test side by side share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "pipeline/retable"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder.with_name("done")
        if not done.exists():
            repository.build(folder)
            done.touch()
    return folder


@pytest.fixture
def pipeline(made, tmp_path):
    """A fresh clone of that repository: git alone, no data."""
    repository.call(tmp_path, "git", "clone", "-q", str(made), "clone")
    return tmp_path / "clone"
