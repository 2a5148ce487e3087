"""Forgeries of evidence by somebody who also makes digests anew, and which check finds each without any training."""

import contextlib
import json
import math
import shutil
import subprocess

import pandas as pd
import pytest

from benchmark import evidence, params
from benchmark.audit import papers
from benchmark.evidence import metrics, provenance, repository
from benchmark.evidence.checks import Check
from benchmark.training.origin import checks_of_task
from pipelines import audit, docs, static_checks, tables
from pipelines.listed import cell
from tests.conftest import ROOT

MODELS = ("emanet", "cnn", "knn")
PHANTOM = evidence.TASKS / "phantom"
RUN = PHANTOM / "runs/cnn/run-0"


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of this repository in which tables, audit and docs are up to date."""
    folder = tmp_path_factory.mktemp("static") / "clone"
    command = ["git", "clone", "--quiet", "--shared", str(ROOT), str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no git repository here")
    with contextlib.chdir(folder):
        loaded, all_papers = params.load(), papers.load_all()
        for part in ("tables", "summary"):
            shutil.rmtree(PHANTOM / part, ignore_errors=True)
        texts = {PHANTOM / path: text for path, text in tables.texts(loaded, "phantom").items()}
        texts |= audit.texts(all_papers, audit.all_records(loaded, all_papers))
        texts |= docs.texts(loaded)
        for path, text in texts.items():
            evidence.replace_text(path, text)
    return folder


@pytest.fixture
def inside(clone, monkeypatch):
    """Work in the clone; what a test changes there below ``results`` or in the docs is put back."""
    monkeypatch.chdir(clone)
    for known in (repository.is_here, repository.has_commit, repository.files_at):
        known.cache_clear()
    files = [*docs.PAGES, *(path for path in audit_files() if path.exists())]
    files += [path for model in MODELS for path in (PHANTOM / "runs" / model).rglob("*") if path.is_file()]
    files += [path for path in (PHANTOM / "tables").glob("*")]
    before = {path: path.read_bytes() for path in files}
    yield clone
    for path, content in before.items():
        path.write_bytes(content)
    for known in (repository.is_here, repository.has_commit, repository.files_at):
        known.cache_clear()


def audit_files():
    return [*(audit.RESULTS / f"audit.{kind}" for kind in ("json", "csv", "md")), *audit.DETAILS.glob("*")]


def of_runs():
    """Return name of a check → its failures, for the runs of three models and the tables of phantom."""
    loaded = params.load()
    runs = [run for model in MODELS for run in cell(loaded, "phantom", model)]
    checks = [check for check in checks_of_task("phantom", runs) if check.about != "runs are those of params.yaml"]
    return failures([*checks, *static_checks._split_and_tables(loaded, "phantom")])


def failures(checks: list[Check]):
    return {check.about: check.failures for check in checks if check.failures}


def seal(folder, **changes):
    """Make the digests of a forged run anew."""
    facts = evidence.read_json(folder / evidence.PROVENANCE)
    provenance.write(folder, facts | changes)


def replace_in(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def flip_one_image():
    """Give one image another class, and make everything that follows from it in the run anew."""
    ids, labels, probabilities = evidence.read_predictions(RUN / "predictions.csv")
    wrong = int((probabilities.argmax(1) != labels).argmax())
    probabilities[wrong] = probabilities[wrong][::-1]
    evidence.write_predictions(RUN / "predictions.csv", ids, labels, probabilities)
    evidence.write_json(RUN / "metrics.json", metrics.score(labels, probabilities))
    seal(RUN)


def test_honest_evidence_passes(inside):
    assert of_runs() == {}


def test_a_changed_file_is_found_where_digests_were_not_made_anew(inside):
    replace_in(RUN / "history.csv", "1,", "1.0,")
    assert "history.csv is not the file that was written" in of_runs()["runs are whole"][0]


def test_a_number_in_metrics_is_found(inside):
    content = evidence.read_json(RUN / "metrics.json")
    evidence.write_json(RUN / "metrics.json", content | {"accuracy": content["accuracy"] + 0.01})
    seal(RUN)
    failing = of_runs()["metrics follow from predictions"]
    assert failing[0].startswith(f"{RUN}/metrics.json: accuracy is {content['accuracy'] + 0.01}; it must be")


def test_the_last_bits_of_a_number_in_metrics_may_be_those_of_another_processor(inside):
    content = evidence.read_json(RUN / "metrics.json")
    evidence.write_json(RUN / "metrics.json", content | {"log_loss": math.nextafter(content["log_loss"], 9)})
    seal(RUN)
    assert "metrics follow from predictions" not in of_runs()


def test_a_flipped_image_is_found_by_the_commit_that_has_the_run(inside):
    flip_one_image()
    failing = of_runs()
    assert "is not what it was at" in failing["runs name a commit and its code"][0]
    assert "metrics follow from predictions" not in failing
    assert "tables and summaries follow from runs" in failing


def test_a_changed_table_is_found(inside):
    path = PHANTOM / "tables/models.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("0.", "1.", 1), encoding="utf-8")
    assert [line.split(": ")[0] for line in of_runs()["tables and summaries follow from runs"]] == [str(path)]


@pytest.mark.parametrize("digits", [9, 6], ids=["copied", "copied and rounded"])
def test_a_run_of_another_model_is_found(inside, digits):
    other = PHANTOM / "runs/emanet/run-0"
    facts = evidence.read_json(RUN / evidence.PROVENANCE)
    for path in RUN.iterdir():
        shutil.copy(path, other)
    table = pd.read_csv(other / "predictions.csv", dtype={"sample_id": str})
    table.round(digits).to_csv(other / "predictions.csv", index=False, float_format=evidence.DIGITS)
    provenance.write(other, facts | {"model": "emanet"})
    assert "each run must have its own" in of_runs()["no run is another's"][0]


@pytest.mark.parametrize("commit", ["f" * 40, "HEAD", None, "--output=x"])
def test_a_commit_that_is_none_is_found(inside, commit):
    seal(RUN, commit=commit)
    assert f"commit is {commit}; it must be a commit of this" in of_runs()["runs name a commit and its code"][0]


@pytest.mark.parametrize("claim", [{}, {"same_bytes_as": None}])
def test_a_commit_that_did_not_train_the_run_is_found(inside, claim):
    first = subprocess.run(["git", "rev-list", "--max-parents=0", "HEAD"], capture_output=True, text=True, check=True)
    seal(RUN, commit=first.stdout.split()[0], **claim)
    assert of_runs()["runs name a commit and its code"]


@pytest.mark.parametrize("column", ["accuracy", "right"])
def test_a_changed_row_of_robustness_is_found(inside, column):
    table = pd.read_csv(RUN / "robustness.csv")
    if column == "accuracy":
        table.loc[3, "accuracy"] += 0.05
    else:
        table.loc[3, "right"] = table.loc[3, "right"].replace("0", "1", 1)
    table.to_csv(RUN / "robustness.csv", index=False, float_format=evidence.DIGITS)
    seal(RUN)
    assert "robustness.csv: gaussian_noise 32: accuracy is not that of its images" in of_runs()["robustness fits"][0]


def test_a_number_in_the_docs_is_found(inside):
    page = inside / "docs/results.md"
    text = page.read_text(encoding="utf-8")
    number = text.index("[", text.index(docs.BEGIN.format("tables", "make docs"))) + 1
    page.write_text(text[:number] + "9" + text[number:], encoding="utf-8")
    failing = failures(static_checks._docs(params.load()))
    assert failing["README and docs follow from evidence and papers"][0].startswith("docs/results.md: line ")


def test_a_verdict_in_the_audit_is_found(inside):
    path = audit.RESULTS / "audit.json"
    records = json.loads(path.read_text(encoding="utf-8"))
    judged = next(record for record in records if record["verdict"])
    replace_in(path, f'"verdict": "{judged["verdict"]}"', '"verdict": "confirmed by hand"')
    failing = failures(static_checks._audit(params.load()))
    assert [line.split(": ")[0] for line in failing["audit follows from runs, costs and papers"]] == [str(path)]
    assert "confirmed by hand" in failing["audit follows from runs, costs and papers"][0]


def test_a_missing_run_and_one_too_many_are_found(inside):
    loaded = params.load()
    runs = [run for model in MODELS for run in cell(loaded, "phantom", model)]
    extra, missing = PHANTOM / "runs/cnn/run-99", PHANTOM / "runs/knn/run-0"
    shutil.copytree(missing, extra)
    shutil.rmtree(missing)
    try:
        failing = failures(checks_of_task("phantom", runs))["runs are those of params.yaml"]
    finally:
        shutil.copytree(extra, missing)
        shutil.rmtree(extra)
    assert any(line.startswith(f"{missing}: missing") for line in failing)
    assert any(line.startswith(f"{extra}: params.yaml asks for no such run") for line in failing)


def test_static_goes_with_no_other_option(command):
    status, _, told = command("verify", "--static", "--task", "phantom")
    assert (status, told) == (2, "error: --static checks all evidence; it goes with no other option\n")


@pytest.mark.parametrize("failures", [[], ["a.csv: is not what it was"]])
def test_the_command_says_whether_anything_failed_and_what_makes_it_anew(workplace, command, monkeypatch, failures):
    monkeypatch.setattr(static_checks, "run_all", lambda loaded: [Check("figures follow", 3, failures, ["no images"])])
    status, printed, errors = command("verify", "--static")
    assert status == len(failures)
    assert [line.split() for line in printed.splitlines()][-1] == ["figures", "follow", str(3 - status), "of", "3"]
    assert "not checked: no images" in printed
    assert errors.startswith("what is derived is made again by `dvc repro`") == bool(failures)
