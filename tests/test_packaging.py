"""The project as a package: built from its sources, used from another folder."""

import shutil
import subprocess
import sys

import pytest

from benchmark.version import version
from tests.conftest import ROOT

PACKAGES = ("benchmark", "baselines", "pipelines")
USE = """
import pathlib
import timm
import benchmark.models.emanet, baselines.cnn
from benchmark.version import version
network = timm.create_model("emanet", num_classes=2, in_chans=1, img_size=64)
print(type(network).__name__, pathlib.Path(benchmark.__file__).parents[1], version())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the project installed from a wheel; nothing is downloaded."""
    top = tmp_path_factory.mktemp("package")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, top / "sources" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, top / "sources")
    pip, alone = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"], ["--no-deps", "--no-index"]
    subprocess.run([*pip, "wheel", *alone, "--no-build-isolation", "-w", top, top / "sources"], check=True)
    subprocess.run([*pip, "install", *alone, "--target", top / "installed", *top.glob("*.whl")], check=True)
    return top / "installed"


@pytest.mark.long
def test_the_wheel_contains_the_packages_with_their_data_and_nothing_else(installed):
    names = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    ours = {name for name in names if name.split("/")[0] in PACKAGES and not name.endswith(".pyc")}
    there = (
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".j2", ".css", ".js")
    )
    assert ours == {path.relative_to(ROOT).as_posix() for path in there}
    assert {name.split("/")[0] for name in names} - set(PACKAGES) == {f"retable-{version()}.dist-info"}


@pytest.mark.long
def test_a_proposed_network_is_built_by_timm_in_another_folder(installed, tmp_path):
    environment = {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["EMANet", str(installed), version()]), done.stderr
