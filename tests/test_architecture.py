"""docs/architecture.md says how the code is laid out and which packages it rests on; both are checked here."""

import platform
import re
import sys
import tomllib
from importlib import metadata

import pytest

from pipelines import import_graph
from tests.conftest import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IMPORTS = import_graph.graph()
PERMISSIVE = ("MIT", "BSD", "Apache", "MPL", "Python Software Foundation")


def rows(heading):
    """Return the cells of the table below a heading."""
    part = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ")[0]
    table = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in table[2:]]


PACKAGES = {row[0]: row[1:3] for row in rows("Packages")}


def direct_dependencies():
    project = PROJECT["project"]
    groups = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    return {re.match(r"[\w.-]+", line).group() for group in groups for line in group}


def licence_of(package):
    """Return what an installed package says of its licence; where it says nothing, how its licence file begins."""
    about = package.metadata
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    said = [about.get("License-Expression") or "", (about.get("License") or "")[:40], *classifiers]
    if not "".join(said).replace("UNKNOWN", ""):
        said = [file.read_text()[:400] for file in package.files if file.name == "LICENSE"]
    return " ".join(said)


def megabytes(package):
    return sum(file.size or 0 for file in package.files or []) / 1e6


def circle(imports):
    """Return folders that import each other, directly or by others; none of them if all imports go downwards."""
    left = dict(imports)
    while lowest := [folder for folder, steps in left.items() if not steps & left.keys()]:
        for folder in lowest:
            del left[folder]
    return set(left)


def test_imports_form_no_circle():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()}) == {"a", "b", "c"}
    assert circle(IMPORTS) == set()


def test_the_harness_imports_neither_commands_nor_baselines_and_baselines_no_commands():
    for folder, steps in IMPORTS.items():
        if folder.startswith("benchmark"):
            assert not steps & {"baselines", "pipelines"}, folder
    assert "pipelines" not in IMPORTS["baselines"]


def test_the_graph_has_imports_within_functions_too():
    assert "benchmark/report" in IMPORTS["pipelines"]
    assert "benchmark/cost" in IMPORTS["benchmark/report"]


def test_the_picture_leaves_out_what_a_longer_way_shows():
    picture = import_graph.mermaid({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    assert [line.strip() for line in picture if "-->" in line] == ["a --> b", "b --> c"]


def test_every_folder_has_a_line_and_exists():
    listed = [row[0].strip("`").rstrip("/") for row in rows("Folders")]
    assert [name for name in listed if not (ROOT / name).is_dir()] == []
    assert set(IMPORTS) <= set(listed)


def test_the_table_of_packages_lists_what_pyproject_names():
    assert PACKAGES.keys() == direct_dependencies() - {"xgboost"}  # as xgboost-cpu, on another system


def test_the_lock_has_what_pyproject_names():
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE))
    assert {name.replace(".", "-") for name in direct_dependencies()} - locked == {"kagglehub"}  # an extra alone


@pytest.mark.parametrize("name", PACKAGES)
def test_licence_and_size_of_a_package_are_as_the_table_says(name):
    licence, size = PACKAGES[name]
    assert licence in PERMISSIVE
    try:
        package = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    assert licence in licence_of(package)
    if sys.platform == "linux" and platform.machine() == "x86_64" and "+" not in metadata.version("torch"):
        assert float(size) == pytest.approx(megabytes(package), rel=0.3, abs=0.7), f"{megabytes(package):.1f} MB"


def test_the_set_up_without_cuda_has_the_locked_versions():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    shown = dict(re.findall(r"(torch\w*)==([\d.]+)", PAGE))
    assert shown.keys() == {"torch", "torchvision"}
    for name, version in shown.items():
        assert re.search(rf"^{name}=={re.escape(version)} ", lock, re.MULTILINE), name
    assert f"`{shown['torch']}+cpu`" in PAGE


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() != "x86_64", reason="sizes are those on this system")
def test_the_environment_takes_what_the_page_says():
    shown, of_cuda = re.search(r"environment takes ([\d.]+) GB .*? are ([\d.]+) GB", PAGE, re.DOTALL).groups()
    sizes = {package.metadata["Name"]: megabytes(package) for package in metadata.distributions()}
    if "nvidia-cudnn-cu13" not in sizes:
        pytest.skip("this PyTorch has no CUDA libraries")
    cuda = [size for name, size in sizes.items() if name.startswith(("torch", "triton", "nvidia", "cuda"))]
    assert float(shown) == pytest.approx(sum(sizes.values()) / 1000, rel=0.1)
    assert float(of_cuda) == pytest.approx(sum(cuda) / 1000, rel=0.1)
