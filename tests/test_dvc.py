"""dvc.yaml says of every stage what it depends on, and repeats no list of params.yaml."""

import ast
import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from benchmark import params as parameters
from benchmark.training import runs
from pipelines.listed import cell
from tests.conftest import ROOT

TEXT = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
DECLARED = YAML(typ="safe").load(TEXT)["stages"]
STAGES = {name: stage.get("do", stage) for name, stage in DECLARED.items()}
PARAMS = parameters.load(ROOT / "params.yaml")
READERS = ("tables", "figures", "audit", "report")  # they have no digests of their own: DVC alone knows them stale
# These say what is valid, or word an error. What images there are is said by their manifest; --predictions is an
# option that no stage uses.
NO_OUTPUT = (
    "benchmark/audit/predictions.py",
    "benchmark/errors.py",
    "benchmark/params.py",
    "benchmark/reading.py",
    "benchmark/yaml_files.py",
    "pipelines/__init__.py",
)
IMAGES = "benchmark/data/__init__.py"


def outputs(stage):
    return [entry for kind in ("outs", "metrics", "plots") for entry in STAGES[stage].get(kind, [])]


def is_covered(path, listed):
    """Whether a file is listed, or a folder that contains it."""
    return any(path == entry or path.startswith(f"{entry}/") for entry in listed)


def imported(path):
    """Return the files of this project that a file imports, wherever in it."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    places = [Path(ROOT, *name.split(".")) for name in modules if name.startswith(("benchmark", "pipelines"))]
    files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py") if file.exists()]
    return [file for file in files if file.stat().st_size]


def code_of(stage):
    """Return all code of this project that decides what a stage writes."""
    waiting, reached = [ROOT / f"pipelines/{stage}.py"], set()
    while waiting:
        path = waiting.pop()
        name = path.relative_to(ROOT).as_posix()
        if name not in reached and name not in (*NO_OUTPUT, IMAGES):
            reached.add(name)
            waiting += imported(path)
    return reached


def test_training_depends_on_all_code_that_decides_evidence(monkeypatch):
    monkeypatch.chdir(ROOT)
    cells = [cell(PARAMS, task, model.name) for model in PARAMS.models.values() for task in model.tasks]
    code = {path.as_posix() for runs_of_cell in cells for path in runs.code_files(runs_of_cell[0])}
    assert {"benchmark/training/networks.py", "benchmark/models/emanet.py", "baselines/knn.py"} <= code
    assert [path for path in sorted(code) if not is_covered(path, STAGES["train"]["deps"])] == []


@pytest.mark.parametrize("stage", READERS)
def test_what_is_made_of_evidence_depends_on_all_code_that_makes_it(stage):
    code = code_of(stage)
    assert len(code) > 10
    assert [path for path in sorted(code) if not is_covered(path, STAGES[stage]["deps"])] == []


@pytest.mark.parametrize("stage", STAGES)
def test_every_output_stays_until_it_is_replaced_and_is_kept_in_git(stage):
    assert outputs(stage)
    for output in outputs(stage):
        assert list(output.values()) == [{"cache": False, "persist": True}], output


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_depends_on_what_it_makes(stage):
    for output in outputs(stage):
        assert not is_covered(next(iter(output)), STAGES[stage]["deps"])


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_says_what_it_does(stage):
    assert STAGES[stage]["desc"][0].isupper()


@pytest.mark.parametrize("stage", STAGES)
def test_every_path_that_a_stage_depends_on_is_there(stage):
    for path in STAGES[stage]["deps"]:
        assert path.startswith("results/") or (ROOT / path).exists(), path


def test_stages_loop_over_params_yaml_itself_and_list_neither_tasks_nor_models():
    loops = {name: stage["foreach"] for name, stage in DECLARED.items() if "foreach" in stage}
    assert set(loops.values()) == {"${tasks}", "${costs}"}
    words = set(TEXT.replace("/", " ").split())
    assert not words & {*PARAMS.tasks, *PARAMS.models, *PARAMS.costs}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tasks.phantom.recipe.epochs", 1),
        ("tasks.brain-mri.recipe.learning_rate", 0.002),
        ("timing.least", 7),
        ("models.emanet_small.options.width", 32),
    ],
)
def test_dvc_exp_run_set_param_leaves_a_params_yaml_that_loads_and_differs_there_alone(key, value, tmp_path):
    path = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", path)
    apply_overrides(path, [f"{key}={value}"])  # what the option does; it wraps long lines
    apply_overrides(path, [f"{key}={value}"])
    expected = PARAMS.model_dump()
    *way, last = key.split(".")
    place = expected
    for step in way:
        place = place[step]
    assert place[last] != value
    place[last] = value
    assert parameters.load(path).model_dump() == expected


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not in a git repository")
def test_a_clone_by_git_for_windows_has_the_same_bytes(tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "-q", "--shared", "--no-checkout", "-c", "core.autocrlf=true", ROOT, clone], check=True
    )
    results = [next(ROOT.glob(f"results/tasks/phantom/**/*.{kind}")) for kind in ("csv", "json", "svg")]
    names = ["params.yaml", "dvc.yaml", "Makefile", *(path.relative_to(ROOT).as_posix() for path in results)]
    subprocess.run(["git", "checkout", "-q", "HEAD", "--", ".gitattributes", *names], cwd=clone, check=True)
    for name in names:
        committed = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=clone, check=True, capture_output=True).stdout
        assert (clone / name).read_bytes() == committed, name
