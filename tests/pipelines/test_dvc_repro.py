"""The real ``dvc repro``, on a tiny copy of the pipeline in a repository of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from benchmark.params import ROWS, TRAINING

ROOT = Path(__file__).parents[2]
RUNS = Path("results/tasks/phantom/runs")
DETERMINISTIC = ("metrics.json", "predictions.csv", "history.csv", "robustness.csv", "explanations.json", "masks.csv")
ABSENT = {"cnn": {"masks.csv"}, "knn": {"explanations.json", "masks.csv"}}


def call(folder, *command, check=True):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(folder.parent)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done


def commit(folder):
    call(folder, "git", "add", "--all")
    call(folder, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "a change")


def edit_params(folder, change):
    yaml = YAML(typ="safe")
    path = folder / "params.yaml"
    content = yaml.load(path.read_text())
    change(content)
    with path.open("w") as file:
        yaml.dump(content, file)


def shrink(params):
    """Leave three models and 60 images, trained for one epoch in two runs."""
    task = params["tasks"]["phantom"]
    task["source"] = params["sources"]["phantom"] | {"images_per_class": 20}
    task["runs"] = 2
    task["recipe"] = task["recipe"] | {"epochs": 1}
    params["tasks"], params["notes"] = {"phantom": task}, {}
    params["timing"] = {"least": 6, "most": 6, "seconds": 0.0, "precise": 0.03}
    only, none = {"task": ["phantom"]}, {"task": [], "model": []}
    beyond = dict.fromkeys([stage for stage in TRAINING if stage not in ROWS], none)
    params["stages"] = (
        beyond
        | {"transfer": none | {"on": "phantom"}}
        | dict.fromkeys(("fetch", "split", "inventory", "tables", "figures"), only)
        | {"cost": only | {"untrained": ["light_cnn"]}}
        | {
            "train": only | {"model": ["emanet"]},
            "baseline": only | {"model": ["cnn"]},
            "estimator": only | {"model": ["knn"]},
        }
    )


def bytes_below(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def started(folder, model):
    found = sorted((folder / RUNS / model).glob("run-*/provenance.json"))
    return [json.loads(path.read_text())["started"] for path in found]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A repository whose evidence `dvc repro` made from nothing."""
    folder = tmp_path_factory.mktemp("pipeline") / "retable"
    listed = call(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard").stdout.splitlines()
    for name in listed:
        left_out = ("results/", "dvc.lock", "tests/", "papers/medmnist_v2.yaml")  # this paper names other tasks
        if not name.startswith(left_out) and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    call(folder, "git", "init", "-q")
    edit_params(folder, shrink)
    commit(folder)
    call(folder, "dvc", "repro")
    commit(folder)
    return folder


@pytest.fixture
def pipeline(made, tmp_path):
    """A fresh clone of that repository: git alone, no data."""
    call(tmp_path, "git", "clone", "-q", str(made), "clone")
    return tmp_path / "clone"


def test_repro_leaves_all_that_the_contracts_name(made):
    task = made / "results/tasks/phantom"
    for model in ("emanet", "cnn", "knn"):
        for run in ("run-0", "run-1"):
            names = {path.name for path in (task / "runs" / model / run).iterdir()}
            assert names == {*DETERMINISTIC, "provenance.json"} - ABSENT.get(model, set())
    tables = {path.name for path in (task / "tables").iterdir()}
    assert tables == {
        f"{table}.{kind}"
        for table in ("emanet_table1", "adaptive_table1", "adaptive_figure8", "models", "masks", "cost", "pareto")
        for kind in ("csv", "md", "tex")
    }
    assert {path.stem for path in (task / "summary").iterdir()} == {"emanet", "cnn", "knn"}
    assert (task / "figures/svg/curves_emanet.svg").exists()
    assert (task / "figures/png/accuracy_emanet_table1.png").exists()
    own, at_224 = json.loads((task / "cost.json").read_text())["conditions"]
    assert set(own["models"]) == {"emanet", "cnn", "knn", "light_cnn"}
    assert set(at_224["models"]) == {"emanet", "cnn", "light_cnn"}
    assert set(json.loads((task / "inventory.json").read_text())) == {"emanet", "cnn", "knn"}


def test_repro_in_a_fresh_clone_trains_nothing_and_needs_no_data(pipeline):
    before = bytes_below(pipeline / "results")
    assert "up to date" in call(pipeline, "dvc", "repro").stdout
    assert bytes_below(pipeline / "results") == before
    assert "up to date" in call(pipeline, "dvc", "status").stdout


def test_more_runs_extend_a_cell_and_keep_the_others(pipeline):
    before = bytes_below(pipeline / RUNS / "knn")
    edit_params(pipeline, lambda params: params["tasks"]["phantom"].update(runs=3))
    call(pipeline, "dvc", "repro", "--single-item", "estimator@phantom-knn")
    after = bytes_below(pipeline / RUNS / "knn")
    assert {path.parts[0] for path in after} == {"run-0", "run-1", "run-2"}
    assert {path: after[path] for path in before} == before


def test_force_trains_again_to_the_same_bytes(pipeline):
    before, times = bytes_below(pipeline / RUNS / "knn"), started(pipeline, "knn")
    time.sleep(1)  # the start is recorded in seconds
    call(pipeline, "dvc", "repro", "--force", "--single-item", "estimator@phantom-knn")
    after = bytes_below(pipeline / RUNS / "knn")
    assert all(new > old for new, old in zip(started(pipeline, "knn"), times, strict=True))
    for path in before:
        assert path.name not in DETERMINISTIC or after[path] == before[path]


def test_a_change_to_a_model_makes_that_model_stale_and_no_other(pipeline):
    with (pipeline / "baselines/cnn.py").open("a") as file:
        file.write("\n# changed\n")
    status = json.loads(call(pipeline, "dvc", "status", "--json", check=False).stdout)
    assert {stage for stage in status if stage.startswith(("train", "baseline", "estimator"))} == {
        "baseline@phantom-cnn"
    }


def test_a_change_to_tables_and_metrics_makes_no_training_stale(pipeline):
    for name in ("tables", "metrics", "statistics", "evidence", "cost", "params"):
        with (pipeline / f"benchmark/{name}.py").open("a") as file:
            file.write("\n# changed\n")
    status = json.loads(call(pipeline, "dvc", "status", "--json", check=False).stdout)
    of_task = {f"{stage}@phantom" for stage in ("cost", "figures", "inventory", "tables")}
    assert set(status) == of_task | {"audit", "saving"}


def test_missing_images_of_one_task_hold_back_neither_the_others_nor_the_report(pipeline):
    def add(params):
        source = {"kind": "folder", "name": "mine", "title": "Mine", "licence": "MIT", "path": "mine", "obtain": "Mine"}
        source |= {"train": "Training", "test": "Testing", "channels": 1}
        params["tasks"]["mine"] = params["tasks"]["phantom"] | {"source": source}
        params["stages"] |= {"fetch": {"task": ["mine", "phantom"]}, "split": {"task": ["mine", "phantom"]}}

    edit_params(pipeline, add)
    with (pipeline / "benchmark/report/tables.py").open("a") as file:
        file.write("\n# changed\n")
    failed = call(pipeline, "dvc", "repro", "--keep-going", check=False)
    assert failed.returncode
    assert "error: data/mine: missing; put it there" in failed.stderr
    call(pipeline, "dvc", "repro", "--single-item", "audit", "report")
    status = json.loads(call(pipeline, "dvc", "status", "--json", check=False).stdout)
    assert set(status) == {"fetch@mine", "split@mine"}
    assert "on mine: no evidence" in (pipeline / "results/report.html").read_text()


def test_an_exception_in_training_leaves_the_evidence_as_it_was(pipeline):
    before = bytes_below(pipeline / "results")
    source = pipeline / "baselines/knn.py"
    source.write_text(
        source.read_text().replace("    return ", '    raise RuntimeError("out of neighbours")\n    return ')
    )
    failed = call(pipeline, "dvc", "repro", "estimator@phantom-knn", check=False)
    assert failed.returncode
    assert re.search("error: phantom-knn run [01]: RuntimeError: out of neighbours", failed.stderr)
    assert bytes_below(pipeline / "results") == before


def test_bad_input_leaves_the_evidence_as_it_was(pipeline):
    before = bytes_below(pipeline / "results")
    edit_params(pipeline, lambda params: params["tasks"]["phantom"]["recipe"].update(epoch=2))
    failed = call(pipeline, "dvc", "repro", "--force", "train@phantom-emanet", check=False)
    assert failed.returncode
    assert "params.yaml: tasks.phantom.recipe: unknown key 'epoch'; did you mean 'epochs'?" in failed.stderr
    assert bytes_below(pipeline / "results") == before


def test_a_killed_command_leaves_the_evidence_and_is_taken_up_again(pipeline):
    before = bytes_below(pipeline / "results")
    command = [sys.executable, "-m", "pipelines.train", "--task", "phantom", "--model", "emanet"]
    edit_params(pipeline, lambda params: params["tasks"]["phantom"]["recipe"].update(epochs=3))
    running = subprocess.Popen(command, cwd=pipeline, stderr=subprocess.DEVNULL)
    while not list((pipeline / "scratch/runs/phantom/emanet").glob("run-*")) and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert bytes_below(pipeline / "results") == before
    call(pipeline, *command)
    provenance = json.loads((pipeline / RUNS / "emanet/run-0/provenance.json").read_text())
    assert len((pipeline / RUNS / "emanet/run-0/history.csv").read_text().splitlines()) == 4
    assert provenance["images"] == {"train": 42, "validation": 9, "test": 9}


def test_verify_says_whether_the_evidence_came_out(pipeline):
    verify = [sys.executable, "-m", "pipelines.verify", "--task", "phantom", "--model", "knn"]
    assert "came out as committed" in call(pipeline, *verify).stdout
    path = pipeline / RUNS / "knn/run-1/predictions.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *(f"{line.rsplit(',', 3)[0]},1,0,0" for line in lines[1:])]) + "\n")
    failed = call(pipeline, *verify, check=False)
    assert failed.returncode == 1
    assert "phantom-knn: 1 of 2 runs came out the same" in failed.stdout


@pytest.mark.long
def test_verify_against_another_commit_accepts_a_refactor_and_finds_a_change(pipeline):
    with (pipeline / "baselines/knn.py").open("a") as file:
        file.write("\n# the same numbers\n")
    commit(pipeline)
    verify = [sys.executable, "-m", "pipelines.verify", "--base", "HEAD~1", "--model", "knn"]
    assert "2 runs now say so" in call(pipeline, *verify).stdout
    call(pipeline, "dvc", "commit", "--force", "estimator@phantom-knn")
    assert "up to date" in call(pipeline, "dvc", "status", "estimator@phantom-knn").stdout
    source = pipeline / "baselines/knn.py"
    source.write_text(source.read_text().replace("neighbours: int = 5", "neighbours: int = 1"))
    failed = call(pipeline, *verify, check=False)
    assert failed.returncode == 1
    assert "phantom-knn: 0 of 1 runs came out the same" in failed.stdout
