"""The audit as a command: over committed evidence, of one claim, of somebody's predictions, of a bare score."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from benchmark.audit import claims, page, papers, predictions_file
from benchmark.audit.claims import Verdict
from benchmark.audit.points import points
from benchmark.audit.wording import SCOPE
from benchmark.errors import BadInput
from benchmark.params import load as load_params
from tests.benchmark.cost.made_records import measures, write
from tests.conftest import ROOT

VERDICTS = {*get_args(Verdict), None}


@pytest.fixture
def audited(workplace):
    """A workplace with the committed parameters, two papers, and some of the evidence of two tasks."""
    shutil.copy(ROOT / "params.yaml", workplace)
    (workplace / "papers").unlink()
    (workplace / "papers").mkdir()
    for name in ("emanet", "adaptive"):
        shutil.copy(ROOT / f"papers/{name}.yaml", workplace / "papers")
    for task, models in (("phantom", ("emanet", "cnn", "knn")), ("breastmnist", ("svm", "knn", "random_forest"))):
        home, target = ROOT / "results/tasks" / task, workplace / "results/tasks" / task
        for model in models:
            shutil.copytree(home / "runs" / model, target / "runs" / model)
        for name in ("samples.csv", "split.csv", "manifest.json"):
            shutil.copy(home / name, target)
    return workplace


def assert_can_be_given(line, params):
    """A command names a stage, and shapes, tasks and models that params.yaml knows and lets be trained."""
    start, *options = line.split(" --")
    given = {name: values for name, *values in map(str.split, options)}
    stage = re.fullmatch(r"python -m pipelines\.(\w+)", start)
    assert (stage and Path(ROOT, f"pipelines/{stage[1]}.py").exists()) or line == "dvc repro cost"
    assert set(given.get("shape", [])) <= set(params.costs), line
    for task in given.get("task", []):
        for model in given.get("model", []):
            assert task in params.tasks and model in params.models, line
            assert not params.misfit(params.task(task), params.model(model)), line


def test_every_claim_gets_a_verdict_or_a_reason_and_a_command(audited, command):
    assert command("audit")[0] == 0
    records = json.loads((audited / "results/audit.json").read_text(encoding="utf-8"))
    written = [claim.name for paper in papers.load_all() for claim in claims.of_paper(paper)]
    assert [record["claim"] for record in records] == written
    params = load_params()
    for record in records:
        assert record["verdict"] in VERDICTS
        assert record["verdict"] or any(task["pairs"] for task in record["numbers"]["tasks"]), record["claim"]
        assert record["reason"], record["claim"]
        for part in record["command"].split(" && "):
            assert_can_be_given(part, params)
    of_row = {record["claim"]: record["verdict"] for record in records}
    assert of_row["adaptive/naive-bayes-is-lowest"] == "no evidence"
    assert of_row["adaptive_figure8/accuracy/random_forest-above-knn"] in VERDICTS - {"no evidence", None}
    assert list(pd.read_csv(audited / "results/audit.csv")["claim"]) == list(of_row)
    text = (audited / "results/audit.md").read_text(encoding="utf-8")
    assert SCOPE in text
    details = "".join(path.read_text(encoding="utf-8") for path in (audited / "results/audit").iterdir())
    assert all(f"`{name}`" in details for name in of_row)


def test_the_committed_index_is_short_enough_for_a_forge_to_show(monkeypatch):
    monkeypatch.chdir(ROOT)
    records, all_papers = json.loads(Path("results/audit.json").read_text(encoding="utf-8")), papers.load_all()
    assert len(page.page(all_papers, records)) < 100_000
    assert all(len(page.details(paper, records)) < 300_000 for paper in all_papers)


def test_the_details_of_a_paper_that_is_gone_go(audited, command):
    assert command("audit")[0] == 0
    (audited / "papers/emanet.yaml").unlink()
    assert command("audit")[0] == 0
    assert [path.name for path in (audited / "results/audit").iterdir()] == ["adaptive.md"]


def test_a_claim_on_costs_rests_on_the_records_at_the_sizes_of_tasks(audited, command):
    claim = "emanet_table1/latency_ms/emanet-below-cnn"
    lacking = command("audit", "--claim", claim)[1]
    assert "no latency measured for emanet, cnn on breastmnist" in lacking
    assert "  command: dvc repro cost\n" in lacking
    for shape in ("cpu-64", "cpu-224"):
        write(shape, "emanet", measures(0.5))
        write(shape, "cnn", measures(ratio=2.0))
    measured = command("audit", "--claim", claim)[1]
    assert measured.startswith(f"{claim}: supported\n")
    line = " && ".join(f"python -m pipelines.cost --shape {shape} --verify" for shape in ("cpu-64", "cpu-224"))
    assert f"  command: {line}\n" in measured


def test_the_audit_needs_no_torch(audited):
    code = (
        "import sys; sys.argv = ['audit']; from pipelines import audit; audit.main(); assert 'torch' not in sys.modules"
    )
    path = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", code], cwd=audited, env=path, check=True)


def test_one_claim_by_itself_is_judged_as_among_all(audited, command):
    command("audit")
    records = json.loads((audited / "results/audit.json").read_text(encoding="utf-8"))
    for name in (
        "adaptive_figure8/accuracy/random_forest-above-knn",
        "emanet_table1/macs/emanet-below-cnn",
        "adaptive/best-accuracy",
    ):
        record = next(record for record in records if record["claim"] == name)
        assert page.full(record) == command("audit", "--claim", name)[1].rstrip("\n")


def test_a_new_paper_moves_no_record_of_another(audited, command):
    def records():
        assert command("audit")[0] == 0
        written = json.loads((audited / "results/audit.json").read_text(encoding="utf-8"))
        return json.dumps([record for record in written if record["paper"] != "odd_paper"]), len(written)

    before, count = records()
    shutil.copy(ROOT / "tests/benchmark/audit/odd_paper.yaml", audited / "papers")
    after, more = records()
    assert more > count
    assert after == before


def test_one_claim_is_printed_in_full_and_nothing_is_written(audited, command):
    status, out, _ = command("audit", "--claim", "adaptive_figure8/accuracy/random_forest-above-knn")
    assert status == 0
    assert out.startswith("adaptive_figure8/accuracy/random_forest-above-knn: ")
    for text in (
        "place: Results and Discussion, Figure 8, by its prose",
        "command: python -m pipelines.verify",
        "p of no difference",
        SCOPE,
    ):
        assert text in out
    assert not (audited / "results/audit.json").exists()


def test_predictions_are_scored_and_set_beside_the_evidence(audited, command):
    mine = ROOT / "results/tasks/breastmnist/runs/svm/run-0/predictions.csv"
    status, out, _ = command("audit", "--predictions", str(mine), "--task", "breastmnist")
    expected = json.loads(mine.with_name("metrics.json").read_text(encoding="utf-8"))["accuracy"]
    assert status == 0
    assert f"accuracy {expected:.4f}" in out
    assert "yours − svm: accuracy 0.0 points [−4.3, +4.3], 1 run, p = 1.000, p = 1.000 after Holm over 3 models" in out
    assert "intervals and p-values do not cover other runs of your training, since there is one" in out
    assert re.search(r"run 0, recall of each class: malignant \d+\.\d %, normal, benign \d+\.\d %", out)


def test_predictions_of_several_runs_have_an_interval(audited, command, tmp_path):
    folder = ROOT / "results/tasks/breastmnist/runs/svm"
    tables = [pd.read_csv(path, dtype=str) for path in sorted(folder.glob("run-*/predictions.csv"))]
    pd.concat(tables).to_csv(tmp_path / "mine.csv", index=False)
    status, out, _ = command("audit", "--predictions", str(tmp_path / "mine.csv"), "--task", "breastmnist")
    assert status == 0
    low, high = re.search(r"yours − svm: accuracy 0.0 points \[−(.*), \+(.*)\], 6 runs", out).groups()
    assert 0 < float(low) == float(high) < 2


def test_images_of_a_run_that_is_not_whole_are_counted(audited, command, tmp_path):
    folder = ROOT / "results/tasks/breastmnist/runs/svm"
    whole, other = (pd.read_csv(folder / f"run-{run}/predictions.csv", dtype=str) for run in (0, 1))
    pd.concat([whole, other.head(50)]).to_csv(tmp_path / "mine.csv", index=False)
    out = command("audit", "--predictions", str(tmp_path / "mine.csv"), "--task", "breastmnist")[1]
    assert "left out, since they are test images of no complete run: 50 images" in out


def test_predictions_on_a_split_of_the_source_are_those_of_one_run(audited, command):
    home, target = (root / "results/tasks/breastmnist-official" for root in (ROOT, audited))
    shutil.copytree(home / "runs", target / "runs")
    for name in ("samples.csv", "split.csv", "manifest.json"):
        shutil.copy(home / name, target)
    folders = sorted(target.glob("runs/*/run-*"))
    status, out, _ = command("audit", "--predictions", str(folders[0] / "predictions.csv"), "--task", target.name)
    assert (status, out.count("images: accuracy")) == (0, 1)
    own, *_ = all_runs = [json.loads((folder / "metrics.json").read_text())["accuracy"] for folder in folders]
    gap = own - sum(all_runs) / len(all_runs)  # to the mean of the model's runs, of which yours is one
    assert f"yours − {folders[0].parts[-2]}: accuracy {points(gap)} points [" in out
    assert f"], {len(all_runs)} of their runs, p" in out


def test_a_bare_score_is_read_without_evidence(workplace, command):
    status, out, _ = command("audit", "--score", "accuracy=96.75, n=400")
    assert (status, "387 right answers out of 400" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--score", ""), 'it must look like "accuracy=96.75, n=400"'),
        (("--score", "n=400"), "no score among n"),
        (("--score", "accuracy=96.9, accuracy=90"), "accuracy is given twice"),
        (("--score", "auc=0.9", "--claim", "x"), "not allowed with argument"),
        (("--predictions", ".", "--task", "phantom"), ".: is no regular file; it must be a predictions"),
        (("--predictions", "x.csv", "--task", "brain-mri"), "brain-mri has no evidence"),
        (("--claim", "emanet/best-acuracy"), "no claim 'emanet/best-acuracy'; did you mean 'emanet/best-accuracy'?"),
        (("--claim", "???"), "no claim '???'; results/audit.csv lists all"),
        (("--score", "accuracy"), 'it must look like "accuracy=96.75, n=400"'),
        (("--score", "acc=96.9"), "no score 'acc'; did you mean 'accuracy'?"),
        (("--claim", "best-accuracy"), "no claim 'best-accuracy'; did you mean 'adaptive/best-accuracy'?"),
        (("--claim", ""), "no claim ''; results/audit.csv lists all"),
        (("--score", "acuracy=96.9"), "no score 'acuracy'; did you mean 'accuracy'?"),
        (("--predictions", "x.csv"), "--predictions and --task go together"),
        (("--predictions", "x.csv", "--task", "phantom"), "x.csv: missing; it must be a predictions file"),
        (("--predictions", "x.csv", "--task", "fantom"), "no task 'fantom'; did you mean 'phantom'?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(audited, command, arguments, said):
    status, _, errors = command("audit", *arguments)
    assert status == 2
    assert said in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sample_id,label,p0,p1\nnobody,0,1,0\n", "no image 'nobody' in breastmnist"),
        ("sample_id,label,p0,p1\ntrain/0,1,1,0\n", "contains no run's test images completely"),
        ("sample_id,label,p0,p1\ntrain/0,1,1,0\ntrain/0,1,1,0\n", "line 3: 'train/0' is listed in line 2 too"),
        ("sample_id,label,p0,p1\ntrain/0,0,1,0\n", "line 2 has label 0; in breastmnist it is 1"),
        ("sample_id,label,p0,p1,p2\ntrain/0,1,1,0,0\n", "it must have p0 to p1, one for each of the 2 classes"),
        ("sample_id,label\ntrain/0,1\n", "has no column p0; it must have p0 to p1"),
        ("sample_id,label,q0,q1\ntrain/0,1,1,0\n", "has no column p0; it must have p0 to p1"),
        ("sample_id,label,p0,p1\ntrain/0,1,1,1\n", "line 2: p0, p1, … must be probabilities that add up to 1"),
        ("sample_id,label,p0,p1\ntrain/0,1,,1\n", "line 2: '' is no number; p0, p1, … must be"),
        (
            "sample_id,label,p0,p1\ntrain/0,7,0,1\n",
            "line 2: no label '7'; it must be 0 to 1, or one of 'malignant', 'normal, benign'",
        ),
        ("sample_id,label,p0,p2\ntrain/0,1,0,1\n", "has the columns p0, p2; it must have p0 to p1"),
        ("id,label,p0,p1\ntrain/0,1,0,1\n", "has no column sample_id"),
        ("sample_id,label,p0,p1\n", "has no rows; it must have one per test image"),
        ("sample_id,label,p0,P0\ntrain/0,1,0,1\n", "has two columns 'p0'"),
        ("sample_id,label,p0,p1\ntrain/0,1,2.5,-1.5\n", "or logits with --logits"),
    ],
)
def test_predictions_of_other_images_are_refused(audited, command, tmp_path, text, said):
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
    status, _, errors = command("audit", "--predictions", str(tmp_path / "mine.csv"), "--task", "breastmnist")
    assert status == 2
    assert said in errors


def as_saved(folder, change):
    """Write a file of predictions on the source's own split, changed by a function of its table; return its path."""
    run = ROOT / "results/tasks/breastmnist-official/runs"
    table = pd.read_csv(sorted(run.glob("*/run-0/predictions.csv"))[0])
    change(table).to_csv(folder / "mine.csv", index=False)
    return folder / "mine.csv"


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda table: table.rename(columns={"p0": "p1", "p1": "p2"}), "p1 to p2 are taken for p0 to p1"),
        (lambda table: table.rename(columns={"p0": "p00", "p1": "p01"}), ""),
        (
            lambda table: table.assign(label=table["label"].map({0: "Malignant", 1: "normal, benign"})),
            "names of classes",
        ),
        (lambda table: table.assign(p0=0.5, p1=0.5), f"of which the first class is taken: {156}"),
        (
            lambda table: table.assign(p0=1.0, p1=0.0),
            f"whose true class has probability 0, which the log loss rests on: {114}",
        ),
    ],
)
def test_how_a_file_of_predictions_was_read_is_said(change, note, tmp_path):
    path = as_saved(tmp_path, change)
    mine = predictions_file.read(path, ["malignant", "normal, benign"])
    assert note in "; ".join(mine.notes)
    assert mine.probabilities.shape == (156, 2)


def test_probabilities_given_as_logits_are_refused(tmp_path):
    path = as_saved(tmp_path, lambda table: table)
    with pytest.raises(BadInput, match="its rows are probabilities, which add up to 1; leave out --logits"):
        predictions_file.read(path, ["malignant", "normal, benign"], logits=True)


def test_a_task_without_runs_is_refused(audited, command, tmp_path):
    (audited / "results/tasks/chest-ct-official/runs").mkdir(parents=True)
    path = as_saved(tmp_path, lambda table: table)
    status, _, errors = command("audit", "--predictions", str(path), "--task", "chest-ct-official")
    assert (status, errors) == (
        2,
        "error: --task: chest-ct-official has no evidence; it must be a task that has some\n",
    )


def test_predictions_that_are_all_right_are_not_certain_to_be_so_on_other_images(audited, command, tmp_path):
    table = pd.read_csv(ROOT / "results/tasks/breastmnist/runs/svm/run-0/predictions.csv")
    table.assign(p0=1 - table["label"], p1=table["label"]).to_csv(tmp_path / "mine.csv", index=False)
    out = command("audit", "--predictions", str(tmp_path / "mine.csv"), "--task", "breastmnist")[1]
    assert "accuracy 100.0 % [95.7, 100.0]" in out


def test_a_wrong_paper_file_is_named_and_nothing_is_written(audited, command):
    path = audited / "papers/emanet.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("rule: best\n", "rule: bets\n", 1), encoding="utf-8")
    status, _, errors = command("audit")
    assert status == 2
    assert errors.startswith("error: papers/emanet.yaml: statements.best-accuracy: unknown rule 'bets'")
    assert not (audited / "results/audit.json").exists()


def saved_otherwise(table, how):
    """A predictions file as people save it."""
    classes = json.loads((ROOT / "results/tasks/breastmnist/manifest.json").read_text(encoding="utf-8"))["classes"]
    table = table.copy()
    scores = table[["p0", "p1"]].astype(float)
    match how:
        case "index":
            return table.to_csv()
        case "extra":
            return table.assign(model="mine").to_csv(index=False)
        case "semicolon":
            return table.assign(p0=scores.p0, p1=scores.p1).to_csv(index=False, sep=";", decimal=",")
        case "tab":
            return table.to_csv(index=False, sep="\t")
        case "bom, CRLF":
            return "\ufeff" + table.to_csv(index=False, lineterminator="\r\n")
        case "upper":
            return table.rename(columns=str.upper).to_csv(index=False)
        case "from one":
            return table.rename(columns={"p0": "p1", "p1": "p2"}).to_csv(index=False)
        case "names":
            return table.assign(label=[classes[int(label)].upper() for label in table["label"]]).to_csv(index=False)
        case "rounded":
            return table.assign(p0=scores.p0.round(3), p1=scores.p1.round(3)).to_csv(index=False)


@pytest.mark.parametrize(
    "how", ["index", "extra", "semicolon", "tab", "bom, CRLF", "upper", "from one", "names", "rounded"]
)
def test_predictions_are_read_as_people_save_them(audited, command, tmp_path, how):
    mine = ROOT / "results/tasks/breastmnist/runs/svm/run-0/predictions.csv"
    path = tmp_path / "mine.csv"
    path.write_text(saved_otherwise(pd.read_csv(mine, dtype=str), how), encoding="utf-8", newline="")
    status, out, errors = command("audit", "--predictions", str(path), "--task", "breastmnist")
    assert (status, errors) == (0, "")
    expected = json.loads(mine.with_name("metrics.json").read_text(encoding="utf-8"))["accuracy"]
    assert f"accuracy {expected:.4f}" in out
    assert ("columns left out" in out) == (how in ("index", "extra"))


def test_logits_are_read_when_told_so(audited, command, tmp_path):
    mine = pd.read_csv(ROOT / "results/tasks/breastmnist/runs/svm/run-0/predictions.csv", dtype={"sample_id": str})
    odds = np.log(mine[["p0", "p1"]].clip(1e-9))
    mine.assign(p0=odds.p0 + 3, p1=odds.p1 + 3).to_csv(tmp_path / "mine.csv", index=False)
    arguments = ("audit", "--predictions", str(tmp_path / "mine.csv"), "--task", "breastmnist")
    assert "or logits with --logits" in command(*arguments)[2]
    status, out, _ = command(*arguments, "--logits")
    assert status == 0
    assert "yours − svm: accuracy 0.0 points" in out
