"""The real ``dvc repro``, on a small copy of the pipeline in a repository of its own."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.pipelines.repository import RUNS, bytes_below, call, commit, edit_params, edit_text, stale, started

DETERMINISTIC = ("metrics.json", "predictions.csv", "history.csv", "robustness.csv", "explanations.json", "masks.csv")
ABSENT = {"cnn": {"masks.csv"}, "knn": {"explanations.json", "masks.csv"}}


def test_repro_leaves_all_that_the_contracts_name(made):
    task = made / "results/tasks/phantom"
    for model in ("emanet", "cnn", "knn"):
        for run in ("run-0", "run-1"):
            names = {path.name for path in (task / "runs" / model / run).iterdir()}
            assert names == {*DETERMINISTIC, "provenance.json"} - ABSENT.get(model, set())
    tables = {path.name for path in (task / "tables").iterdir()}
    assert tables == {
        f"{table}.{kind}"
        for table in ("emanet_table1", "models", "classes", "masks", "cost", "pareto")
        for kind in ("csv", "json", "md", "tex")
    }
    assert {path.stem for path in (task / "summary").iterdir()} == {"emanet", "cnn", "knn"}
    assert (task / "figures/svg/curves_emanet.svg").exists()
    assert (task / "figures/svg/accuracy_emanet_table1.svg").exists()
    assert {path.stem for path in (made / "results/costs/tiny").iterdir()} == {"emanet", "cnn", "knn", "attention-part"}
    claims = json.loads((made / "results/audit.json").read_text(encoding="utf-8"))
    assert {"claim", "paper", "place", "kind", "verdict", "scope", "reason", "command"} <= set(claims[0])
    assert (made / "results/report.html").stat().st_size > 100_000


def test_repro_in_a_fresh_clone_trains_nothing_and_needs_no_data(pipeline):
    before = bytes_below(pipeline / "results")
    assert "up to date" in call(pipeline, "dvc", "repro").stdout
    assert bytes_below(pipeline / "results") == before
    assert stale(pipeline) == set()
    assert not (pipeline / "data").exists()


@pytest.mark.long
def test_more_runs_extend_a_cell_and_keep_the_others(pipeline):
    before = bytes_below(pipeline / RUNS)
    edit_params(pipeline, lambda params: params["tasks"]["phantom"].update(runs=3))
    assert "3 of 9 runs trained" in call(pipeline, "dvc", "repro", "train@phantom").stdout
    after = bytes_below(pipeline / RUNS)
    assert {path.parts[1] for path in after} == {"run-0", "run-1", "run-2"}
    assert {path: after[path] for path in before} == before


def test_force_trains_again_to_the_same_bytes(pipeline):
    before, times = bytes_below(pipeline / RUNS), started(pipeline)
    train = [sys.executable, "-m", "pipelines.train", "--task", "phantom", "--model", "knn"]
    assert "0 of 2 runs trained" in call(pipeline, *train).stdout
    time.sleep(1)  # the start is recorded in seconds
    assert "2 of 2 runs trained" in call(pipeline, *train, "--force").stdout
    after = bytes_below(pipeline / RUNS)
    again = {run for run, at in started(pipeline).items() if at > times[run]}
    assert again == {"phantom/knn/run-0", "phantom/knn/run-1"}
    assert {path.name for path in before if after[path] != before[path]} == {"provenance.json"}
    call(pipeline, "dvc", "commit", "--force", "train@phantom")
    assert not {"train@phantom", "split@phantom"} & stale(pipeline)


def test_a_change_to_a_model_makes_training_and_cost_stale_and_no_data(pipeline):
    with (pipeline / "baselines/cnn.py").open("a") as file:
        file.write("\n# changed\n")
    assert stale(pipeline) == {"train@phantom", "cost@tiny"}


def test_a_change_to_tables_and_metrics_makes_no_training_stale(pipeline):
    for name in ("report/tables", "evidence/metrics", "statistics", "audit/values"):
        with (pipeline / f"benchmark/{name}.py").open("a") as file:
            file.write("\n# changed\n")
    assert stale(pipeline) == {"tables@phantom", "figures@phantom", "audit", "report"}


@pytest.mark.long
def test_missing_images_of_one_task_hold_back_neither_the_others_nor_the_report(pipeline):
    def add(params):
        source = {"kind": "folder", "name": "mine", "title": "Mine", "licence": "MIT", "path": "mine", "obtain": "Mine"}
        source |= {"train": "Training", "test": "Testing", "channels": 1}
        params["tasks"]["mine"] = params["tasks"]["phantom"] | {"source": source}
        params["models"]["knn"]["tasks"] = ["phantom", "mine"]

    edit_params(pipeline, add)
    failed = call(pipeline, "dvc", "repro", "--keep-going", check=False)
    assert failed.returncode
    assert "error: data/mine: missing; put it there" in failed.stderr
    call(pipeline, "dvc", "repro", "--single-item", "audit", "report")
    assert stale(pipeline) == {f"{stage}@mine" for stage in ("fetch", "split", "train", "tables", "figures")}
    assert "on mine: no evidence" in (pipeline / "results/report.html").read_text()


def test_an_exception_in_training_leaves_the_evidence_as_it_was(pipeline):
    before = bytes_below(pipeline / "results")
    failing = "    import multiprocessing\n\n    if multiprocessing.parent_process():  # while it trains\n"
    failing += '        raise RuntimeError("out of neighbours")\n    return '
    edit_text(pipeline / "baselines/knn.py", "    return ", failing)
    failed = call(pipeline, "dvc", "repro", "train@phantom", check=False)
    assert failed.returncode
    assert re.search(
        r"phantom-knn run [01]: RuntimeError: out of neighbours; .*failed.txt has the traceback", failed.stderr
    )
    assert bytes_below(pipeline / "results") == before


def test_bad_input_leaves_the_evidence_as_it_was(pipeline):
    before = bytes_below(pipeline / "results")
    edit_params(pipeline, lambda params: params["tasks"]["phantom"]["recipe"].update(epoch=2))
    failed = call(pipeline, "dvc", "repro", "--force", "train@phantom", check=False)
    assert failed.returncode
    assert "params.yaml: tasks.phantom.recipe: unknown key 'epoch'; did you mean 'epochs'?" in failed.stderr
    assert bytes_below(pipeline / "results") == before


@pytest.mark.long
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


@pytest.mark.long
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
    edit_text(pipeline / "baselines/knn.py", "neighbours", "k")
    commit(pipeline)
    verify = [sys.executable, "-m", "pipelines.verify", "--base", "HEAD~1", "--model", "knn"]
    assert "2 runs now say so" in call(pipeline, *verify).stdout
    call(pipeline, "dvc", "commit", "--force", "train@phantom")
    assert "train@phantom" not in stale(pipeline)
    edit_text(pipeline / "baselines/knn.py", "k: int = 5", "k: int = 1")
    failed = call(pipeline, *verify, check=False)
    assert failed.returncode == 1
    assert "phantom-knn: 0 of 1 runs came out the same" in failed.stdout
