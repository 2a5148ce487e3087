"""The papers' tables, made from evidence and nothing else."""

import io
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmark import evidence, params
from benchmark.audit import papers
from benchmark.audit.answers import Answers
from benchmark.audit.papers import QUALITY
from benchmark.cost.records import COSTS, Costs
from benchmark.errors import BadInput
from benchmark.evidence import metrics
from benchmark.report import notes, renderings, result_table, results, tables
from tests.benchmark.cost.made_records import measures, write
from tests.conftest import ROOT

PAPERS = ("emanet_table1", "adaptive_table1", "adaptive_figure8")
NAMES = (*PAPERS, "models", "cost", "pareto")


def scores(accuracy):
    return dict.fromkeys(QUALITY, accuracy) | {"balanced_accuracy": accuracy, "log_loss": 2.0, "ece": 0.1}


def made_up(task="phantom", masks=None, **runs):
    manifest = {"title": "Grey images & more", "images": 600, "classes": ["a", "b"], "groups": 0}
    manifest["images_by_class"] = {"a": 438, "b": 162}
    cost = {"params": 10, "macs": 12_340_000, "latency_ms": 3.14159, "latency_ratio": 1.5, "latency_quartiles": [3, 4]}
    costs = [Costs(64, "a machine", {"cnn": cost | {"latency_ratio_interval": [1.4, 1.6]}}, "as said", "emanet")]
    measured = {model: [scores(value) for value in values] for model, values in runs.items()}
    of_images = {
        model: {measure: {run: np.full(5, value) for run, value in enumerate(values)} for measure in QUALITY}
        for model, values in runs.items()
    }
    clusters = {run: np.arange(5) for run in range(max(map(len, runs.values()), default=0))}
    answered = Answers(task, "a source", "Grey images", task == "phantom", 3 / 14, clusters, of_images, costs, [*runs])
    best = {model: [7] * len(values) for model, values in runs.items() if model != "svm"}
    return results.Results(task, answered, measured, masks or {}, manifest, best)


def files(params, measured):
    """Return file name → text of all tables."""
    return {
        f"{name}.{kind}": text
        for name, table in tables.make(params, measured).items()
        for kind, text in renderings.all_kinds(table, name).items()
    }


@pytest.fixture
def build(settings, workplace):
    def made(*arguments, **changes):
        return files(settings, made_up(*arguments, **changes))

    return made


def without_units(text):
    """Return a table's CSV, its headings without units."""
    return pd.read_csv(io.StringIO(text)).rename(columns=lambda heading: heading.split(" (")[0])


def csv(texts, name):
    return without_units(texts[f"{name}.csv"]).set_index("system")


def test_every_table_comes_as_csv_markdown_and_latex(build):
    assert set(build(cnn=[0.8])) == {f"{name}.{kind}" for name in NAMES for kind in ("csv", "md", "tex")}


@pytest.mark.parametrize("name", PAPERS)
def test_rows_stand_in_the_papers_order_whatever_has_evidence(build, two_papers, name):
    files = build(emanet=[0.9], cnn=[0.8], random_forest=[0.7])
    rows = {table: list(paper.tables[table].rows) for paper in two_papers for table in paper.tables}[name]
    assert list(csv(files, name).index) == [*rows, "1-NN on pixels"]
    for kind in ("md", "tex"):
        places = [files[f"{name}.{kind}"].index(f" {system} ") for system in rows]
        assert places == sorted(places)


def test_numbers_are_means_of_the_runs_beside_the_papers_numbers(build):
    files = build(cnn=[0.80, 0.84, 0.88])
    row = csv(files, "emanet_table1").loc["Standard CNN"]
    assert row["runs"] == 3
    assert row["accuracy"] == pytest.approx(0.84)
    assert row["accuracy_low"] < 0.84 < row["accuracy_high"]
    assert row["accuracy_printed"] == 90.2
    assert row["macs"] == 12_340_000
    assert re.search(r"84\.0 \[\d+\.\d, \d+\.\d\] \(90\.2\)", files["emanet_table1.md"])
    assert "12.3 (High)" in files["emanet_table1.md"]
    assert "3.14 (42)" in files["emanet_table1.md"]


def test_the_headings_of_a_csv_name_units_and_what_is_claimed_is_a_number_in_the_same(build):
    table = pd.read_csv(io.StringIO(build(cnn=[0.8], emanet=[0.9])["emanet_table1.csv"])).set_index("system")
    row = table.loc["Standard CNN"]
    assert row["accuracy (share)"] == 0.8 and row["accuracy_claimed (share)"] == pytest.approx(0.902)
    assert row["accuracy_printed (text)"] == 90.2
    assert (row["macs (count)"], row["latency_ms"], row["latency_ms_claimed"]) == (12_340_000, 3.14159, 42)
    figure = pd.read_csv(io.StringIO(build(svm=[0.8])["adaptive_figure8.csv"])).set_index("system")
    assert figure["accuracy_claimed (share)"].to_dict()["SVM"] == 0.8  # printed: .20%(80%)
    for heading in [*table, *figure]:
        assert re.search(r"\((share|text|count)\)$|_ms|^(model|runs|auc)", heading), heading


def test_an_end_to_end_time_below_the_models_own_is_explained(settings):
    measured = made_up(cnn=[0.8])
    of_cnn = measured.answers.costs[0].models["cnn"] | {"end_to_end_ms": 3.0, "end_to_end_quartiles": [2.8, 3.5]}
    measured.answers.costs[0].models["cnn"] = of_cnn
    text = files(settings, measured)["cost.md"]
    assert "in 1 of 1 rows; the quartiles overlap in 1 of them" in text
    assert "2.80 to 3.50" in text


def test_the_auc_is_shown_as_a_share_and_accuracy_in_per_cent(build):
    row = next(line for line in build(cnn=[0.875])["adaptive_table1.md"].splitlines() if "CNN Baseline" in line)
    assert "87.5 (88.2)" in row
    assert "0.875 (0.89)" in row


def test_a_row_without_evidence_says_so_and_holds_no_number_but_the_papers(build):
    files = build(cnn=[0.8])
    row = csv(files, "emanet_table1").loc["Proposed EMANet"]
    assert row["runs"] == 0
    assert row[["accuracy", "accuracy_low", "macs", "latency_ms"]].isna().all()
    line = next(line for line in files["emanet_table1.md"].splitlines() if "Proposed EMANet" in line)
    assert line.count("no evidence (") == 6
    assert "No evidence yet: ResNet-50, " in files["emanet_table1.md"]


def test_tables_of_synthetic_images_say_that_no_verdict_rests_on_them(build):
    synthetic, real = build("phantom", cnn=[0.8]), build("breastmnist", cnn=[0.8])
    for name in NAMES:
        for kind in ("md", "tex"):
            assert notes.SYNTHETIC in synthetic[f"{name}.{kind}"]
            assert "ynthetic" not in real[f"{name}.{kind}"]


def test_tables_say_which_split_they_rest_on(build):
    assert "by clusters of near-duplicates" in build("breastmnist")["emanet_table1.md"]
    kept = "the source's own split, near-duplicates of test images left in training"
    assert kept in build("breastmnist-official")["emanet_table1.md"]


def test_latex_escapes_what_latex_would_read_as_commands(build):
    body = build(cnn=[0.8, 0.9])["adaptive_figure8.tex"]
    lines = [line for line in body.splitlines() if not line.startswith(("%", "\\label"))]
    assert "0.98 (99\\%)" in body
    assert "“" not in body
    assert "random\\_forest" in body
    assert not re.search(r"(?<!\\)[%$#_]", "\n".join(lines))


def test_latex_is_a_float_with_caption_and_label(build):
    body = build(cnn=[0.8, 0.9])["models.tex"]
    lines = [line for line in body.splitlines() if not line.startswith("%")]
    assert lines[:3] == [
        r"\begin{table}",
        r"\caption{All models with evidence, on \texttt{phantom}}",
        r"\label{tab:models}",
    ]
    assert [line for line in lines if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\bottomrule"]
    assert lines[-2:] == [r"\end{tabular}", r"\end{table}"]


def test_the_table_of_all_models_has_calibration_and_the_ratio_of_cost(build):
    row = pd.read_csv(io.StringIO(build(cnn=[0.8, 0.9])["models.csv"])).iloc[0]
    assert row[["ece (share)", "latency_ratio", "ratio_low", "ratio_high"]].tolist() == [0.1, 1.5, 1.4, 1.6]


@pytest.mark.parametrize("name", NAMES)
def test_latex_rows_have_as_many_cells_as_the_heading(build, name):
    body = build(cnn=[0.8, 0.9])[f"{name}.tex"]
    counts = {len(re.findall(r"(?<!\\)&", line)) for line in body.splitlines() if line.endswith(r"\\")}
    assert len(counts) == 1


@pytest.fixture
def evidence_of_cnn(settings, workplace):
    """Labels and probabilities of two runs of the CNN on phantom, whose evidence the workplace contains."""
    task = workplace / "results/tasks/phantom"
    task.mkdir(parents=True)
    (task / "samples.csv").write_text("sample_id,cluster\na,0\nb,1\nc,2\nd,2\n")
    labels, probabilities = np.array([0, 1, 2, 0]), np.eye(3)[[0, 1, 2, 1]]
    for run in (0, 1):
        folder = task / f"runs/cnn/run-{run}"
        folder.mkdir(parents=True)
        evidence.write_predictions(folder / "predictions.csv", list("abcd"), labels, probabilities)
        evidence.write_json(folder / "metrics.json", metrics.score(labels, probabilities))
        (folder / "robustness.csv").write_text("corruption,strength,right\njpeg,5,r1101\n")
    described = {"title": "x", "images": 4, "classes": ["a", "b", "c"], "groups": 0, "images_by_class": {"a": 2}}
    evidence.write_json(task / "manifest.json", described)
    return labels, probabilities


def test_results_are_those_of_the_evidence(settings, evidence_of_cnn):
    read = results.read(settings, "phantom")
    assert read.scores == {"cnn": [metrics.score(*evidence_of_cnn)] * 2}
    assert read.cost("cnn") == {}
    assert tables.summary(read)["cnn"]["accuracy"] == 0.75
    assert tables.summary(read)["cnn"]["runs"] == 2


def test_runs_of_a_model_that_params_yaml_no_longer_has_are_left_out(settings, evidence_of_cnn, workplace):
    runs = workplace / "results/tasks/phantom/runs"
    shutil.copytree(runs / "cnn", runs / "gone")
    (runs / "gone/run-0/history.csv").write_text("epoch,validation_loss\n1,0.5\n2,0.4\n")
    assert set(results.read(settings, "phantom").scores) == {"cnn"}


def test_best_epochs_stand_in_the_order_of_the_runs(settings, evidence_of_cnn, workplace):
    runs = workplace / "results/tasks/phantom/runs/cnn"
    for run in (2, 10):
        (runs / f"run-{run}").mkdir()
        losses = "1,0.5\n2,0.4\n" if run == 2 else "1,0.4\n2,0.5\n"
        (runs / f"run-{run}/history.csv").write_text(f"epoch,validation_loss\n{losses}")
    assert results.read(settings, "phantom").best_epochs == {"cnn": [2, 1]}


def brier(labels, probabilities):
    return ((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(1).mean()


BRIER = metrics.Measure("brier", "Brier score", brier, unit="of 2", digits=4, bounds=(0, 2), higher_is_better=False)


def test_a_measure_more_stands_in_the_table_of_all_models_and_changes_nothing_else(
    settings, evidence_of_cnn, monkeypatch, command, workplace
):
    command("tables", "--task", "phantom")
    before = texts_below(workplace / "results")
    monkeypatch.setitem(metrics.MEASURES, "brier", BRIER)
    status, _, errors = command("tables", "--task", "phantom")
    assert (status, errors) == (0, "")
    after = texts_below(workplace / "results")
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {f"tasks/phantom/tables/models.{kind}" for kind in ("csv", "json", "md", "tex")}
    assert set(after) == set(before)
    made = {kind: after[f"tasks/phantom/tables/models.{kind}"] for kind in ("csv", "md", "tex")}
    row = without_units(made["csv"]).set_index("model").loc["cnn"]
    assert row[["brier", "brier_low", "brier_high"]].tolist() == [0.5] * 3
    for text in (made["md"], made["tex"]):
        assert " 0.5000 [0.5000, 0.5000] " in text
        assert "Brier score is over runs alone." in text
    assert "| Brier score (of 2) ↓ " in made["md"]
    assert "& Brier score (of 2) $\\downarrow$ " in made["tex"]


def texts_below(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.*") if path.is_file()}


def test_an_interval_stays_within_the_bounds_of_its_measure(build, monkeypatch):
    monkeypatch.setitem(metrics.MEASURES, "log_loss", replace(metrics.measure("log_loss"), shown_in=("models",)))
    row = without_units(build(cnn=[0.8, 0.9])["models.csv"]).iloc[0]
    assert row[["log_loss_low", "log_loss", "log_loss_high"]].tolist() == [2, 2, 2]
    assert row["accuracy_high"] == 1


def test_a_measure_more_with_values_per_image_has_an_interval_over_images(settings, evidence_of_cnn, monkeypatch):
    right = metrics.measure("accuracy").per_image
    monkeypatch.setitem(metrics.MEASURES, "again", replace(metrics.measure("accuracy"), name="again", per_image=right))
    row = tables.models_table(settings, results.read(settings, "phantom")).rows[0]
    assert row["again_low"] == row["accuracy_low"] < row["again"] < row["again_high"]


def test_costs_stand_in_a_table_with_their_condition_and_the_interval_of_their_ratio(build):
    line = next(line for line in build(cnn=[0.8])["cost.md"].splitlines() if line.startswith("| CNN"))
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        *("CNN", "cnn", "64", "0.00", "12.3", "", "", "", "3.14", "", ""),
        *("3.00 to 4.00", "", "1.50 [1.40, 1.60]"),
    ]
    assert "Time relative to EMANet [95 % interval]" in build(cnn=[0.8])["cost.md"]
    note = "one image at a time, a machine: as said; 0 of 1 ratios are known to ±3 %, the widest, that of cnn, to ±7 %."
    assert f"64 px, {note}" in build(cnn=[0.8])["cost.md"]


def test_costs_are_those_of_the_records_at_the_tasks_size(settings, evidence_of_cnn):
    write("cpu-32", "emanet", *(measures(share, share) for share in (0.4, 0.5)))
    write("cpu-32", "cnn", measures(ratio=3.0, macs=12_340_000))
    made = tables.make(settings, results.read(settings, "phantom"))
    assert {"cost", "pareto"} <= set(made)
    assert [(row["model"], row["kept_share"]) for row in made["cost"].rows] == [("emanet", 0.5), ("cnn", None)]
    assert made["cost"].rows[1]["latency_ratio"] == pytest.approx(6.0)
    (row,) = made["models"].rows
    assert (row["params"], row["macs"], row["latency_ms"]) == (1000, 12_340_000, 6)
    assert tables.summary(results.read(settings, "phantom"))["cnn"]["macs"] == 12_340_000


def test_without_records_there_is_no_table_of_costs_and_the_others_name_the_command(settings, evidence_of_cnn):
    write("cpu-64", "cnn", measures())  # not the size of the task
    made = tables.make(settings, results.read(settings, "phantom"))
    assert not {"cost", "pareto"} & set(made)
    for name in ("models", "emanet_table1"):
        assert any(note.startswith("Costs at this input size were not measured;") for note in made[name].notes)
    assert (made["models"].rows[0]["params"], made["models"].rows[0]["macs"]) == (None, "no evidence")


def test_times_on_an_accelerator_are_not_said_to_be_of_a_cpu(settings, workplace):
    measured = made_up("brain-mri-224", cnn=[0.8])
    assert "batch 1, on a machine, preprocessing aside" in files(settings, measured)["models.md"]


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ({"a": (0.9, 5), "b": (0.8, 2), "c": (0.7, 3)}, {"a", "b"}),
        ({"a": (0.9, 5), "b": (0.9, 5), "c": (0.9, 6), "d": (0.8, 5)}, {"a", "b"}),
        ({"a": (0.9, None), "b": (0.8, 1)}, {"b"}),
        ({}, set()),
    ],
)
def test_the_pareto_front_holds_what_no_other_model_beats(points, front):
    assert tables.on_front(points) == front


def test_the_table_of_accuracy_against_cost_names_the_front(build):
    table = without_units(build(cnn=[0.8], vit=[0.9])["pareto.csv"]).set_index("model")
    assert list(table.index) == ["cnn", "vit"]
    assert table.loc["cnn", "front_macs"]
    assert not table.loc["vit", "front_macs"]


def test_the_summary_is_json_of_means(settings):
    summary = tables.summary(made_up(cnn=[0.8, 0.9], svm=[0.7]))
    assert json.loads(json.dumps(summary))["cnn"]["accuracy"] == pytest.approx(0.85)
    assert summary["svm"]["runs"] == 1


def test_a_summary_has_no_times_so_only_other_evidence_changes_it(settings):
    measured = made_up(cnn=[0.8, 0.9])
    before = tables.summary(measured)
    measured.answers.costs.append(Costs(32, "a machine", {"cnn": {"latency_ms": 2.0, "macs": 5_000_000}}))
    assert tables.summary(measured)["cnn"] == before["cnn"]


def test_latex_has_no_power_outside_of_mathematics(build):
    body = build()["emanet_table1.tex"]
    assert not re.search(r"(?<!\\)[\^~]", re.sub(r"\$[^$]*\$|^%.*$", "", body, flags=re.MULTILINE))


@pytest.mark.parametrize("name", PAPERS)
def test_every_table_of_a_paper_ends_with_the_leakage_sentinel(build, name):
    files = build(one_nn=[0.99])
    row = csv(files, name).iloc[-1]
    assert (row.name, row["model"], row["accuracy"]) == ("1-NN on pixels", "one_nn", 0.99)
    assert "1-NN on pixels: the leakage sentinel" in files[f"{name}.md"]


def test_a_row_without_a_number_in_the_paper_shows_ours_alone(build):
    row = next(line for line in build(one_nn=[0.5])["adaptive_figure8.md"].splitlines() if "| 1-NN" in line)
    assert row.split("|")[4].strip() == "50.0"


def test_the_table_of_models_holds_all_that_have_evidence_in_the_order_of_the_parameters(build, settings):
    files = build(svm=[0.6], cnn=[0.8], emanet_weights=[0.7])
    rows = without_units(files["models.csv"]).set_index("model")
    assert list(rows.index) == [name for name in settings.models if name in ("svm", "cnn", "emanet_weights")]
    assert rows.loc["cnn", "params"] == 10
    assert rows["best_epochs"].isna().to_dict() == {"emanet_weights": False, "cnn": False, "svm": True}


def test_the_best_epoch_is_the_one_that_validation_chose(settings):
    known = results.read(settings, "brain-mri").best_epochs
    history = pd.read_csv("results/tasks/brain-mri/runs/transfer/run-1/history.csv")
    assert known["transfer"][1] == history["epoch"][history["validation_loss"].idxmin()]
    assert "svm" not in known


def test_a_column_of_one_task_stands_in_its_tables_alone(build, workplace):
    shutil.copy(ROOT / "papers/medmnist_v2.yaml", workplace / "papers")
    assert "medmnist_v2_2d.md" not in build("breastmnist", resnet18_28=[0.8])
    files = build("breastmnist-official", resnet18_28=[0.8, 0.9])
    table = without_units(files["medmnist_v2_2d.csv"]).set_index("system")
    assert "PneumoniaMNIST" not in files["medmnist_v2_2d.md"]
    assert table.loc["ResNet-18 (28)", ["auc_printed", "accuracy_printed"]].tolist() == [0.901, 0.863]


def test_bounds_stay_within_zero_and_one(build):
    row = csv(build(cnn=[0.1, 0.99]), "emanet_table1").loc["Standard CNN"]
    assert (row["accuracy_low"], row["accuracy_high"]) == (0, 1)


def test_what_deviates_stands_under_the_table(build):
    files = build(adaptive_no_augmentation=[0.8], transfer_breastmnist=[0.8], adaptive_parts_4=[0.7])
    assert "adaptive_parts_4: learns from 4 of 14 training parts." in files["models.md"]
    assert "adaptive_no_augmentation: deviates from the recipe: augmentation.flip 0.0, " in files["models.md"]
    assert "transfer_breastmnist: initial weights: trained on the task breastmnist." in files["models.md"]
    assert "Transfer Learning: Falih names no backbone; this is EfficientNet-Lite0" in files["adaptive_table1.md"]


def test_a_table_of_real_images_says_when_the_source_does_not_name_its_patients(small):
    with_groups = made_up("breastmnist", cnn=[0.8])
    with_groups.manifest["groups"] = 3
    unnamed = "the source does not name its patients."
    assert unnamed in files(small, made_up("breastmnist", cnn=[0.8]))["emanet_table1.md"]
    assert unnamed not in files(small, with_groups)["emanet_table1.md"]
    assert unnamed not in files(small, made_up("phantom", cnn=[0.8]))["emanet_table1.md"]


def test_a_table_says_what_guessing_the_largest_class_would_score_and_that_small_images_are_enlarged(small):
    said = files(small, made_up("breastmnist", cnn=[0.8]))["emanet_table1.md"]
    assert "600 images, 2 classes, 73 % in the largest; input size 64 px, enlarged from 28;" in said


def test_a_note_of_a_task_stands_under_its_tables_alone(workplace, edit):
    edit("notes", {"breastmnist-cnn": "trained twice"})
    changed = params.load()
    assert "Standard CNN: trained twice." in files(changed, made_up("breastmnist"))["emanet_table1.md"]
    assert "trained twice" not in files(changed, made_up("phantom"))["emanet_table1.md"]


def test_the_recall_of_every_class_stands_beside_what_always_answering_the_largest_gives(settings, workplace):
    measured = made_up(cnn=[0.0, 0.0])
    right, labels = np.array([1.0, 1.0, 0.0, 1.0, 0.0]), np.array([0, 0, 0, 1, 1])
    measured.answers.values["cnn"]["accuracy"].update({0: right, 1: right})
    measured.answers.labels.update({0: labels, 1: labels})
    table = tables.make(settings, measured)["classes"]
    cnn, largest = table.rows
    assert (cnn["recall_0"], cnn["recall_1"]) == pytest.approx((2 / 3, 1 / 2))
    assert cnn["recall_1_low"] < 0.5 < cnn["recall_1_high"]
    assert (largest["accuracy"], largest["recall_0"], largest["recall_1"]) == (0.6, 1.0, 0.0)
    assert any("of b it is the sensitivity, of a the specificity" in note for note in table.notes)
    summary = tables.summary(measured)["cnn"]
    assert (summary["recall_a"], summary["recall_b"]) == pytest.approx((2 / 3, 1 / 2))


def test_masks_are_set_against_chance(build):
    of_run = {"kept_share": 0.4, "kept_share_min": 0.1, "kept_share_max": 0.9}
    of_run |= {"on_lesion": 0.8, "chance": 0.25, "lesion_kept": 0.7}
    files = build(emanet=[0.9], masks={"emanet": [of_run]})
    row = next(line for line in files["masks.md"].splitlines() if "| emanet" in line)
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells == ["EMANet", "emanet", "1", "40.0", "80.0", "25.0", "70.0", "10 to 90"]
    assert without_units(files["masks.csv"])["chance"].tolist() == [0.25]


def test_masks_where_no_lesion_is_known_show_what_is_kept(build):
    of_run = {"kept_share": 0.4, "kept_share_min": 0.1, "kept_share_max": 0.9}
    files = build(emanet=[0.9], masks={"emanet": [of_run]})
    assert "lesion" not in files["masks.md"]


def test_a_bar_in_a_cell_does_not_end_it(build, monkeypatch):
    monkeypatch.setattr(tables, "SENTINEL_ROW", "1-NN | pixels")
    assert "| 1-NN \\| pixels " in build(one_nn=[0.5])["adaptive_figure8.md"]


def test_times_that_a_paper_prints_in_seconds_are_not_set_over_milliseconds(settings, workplace, two_papers):
    _, paper = two_papers
    seconds = papers.Column(heading="Time (s)", measure="latency_ms")
    table = paper.tables["emanet_table1"].model_copy(update={"columns": [seconds], "rows": {"Standard CNN": ["0.042"]}})
    made = tables.paper_table(settings, made_up(cnn=[0.8]), paper, table)
    assert made.columns[3].title == "Time (s) (measured in ms)"
    assert made.rows[0]["latency_ms_claimed"] is None


def test_a_number_at_a_scale_of_its_own_has_no_unit_in_the_csv(build, monkeypatch):
    per_mille = metrics.Measure("brier", "Brier score", brier, unit="‰", digits=1, scale=1000, bounds=(0, 2))
    monkeypatch.setitem(metrics.MEASURES, "brier", per_mille)
    table = result_table.ResultTable("x", [tables._quality_column("brier", "brier")], [{"brier": 0.3185}], [])
    assert renderings.csv(table).split() == ["brier", "0.3185"]


def test_a_measure_that_stands_twice_in_a_table_keeps_both_printed_numbers(settings, workplace, two_papers):
    _, paper = two_papers
    any_task, of_task = (papers.Column(heading="A", measure="accuracy", task=task) for task in (None, "breastmnist"))
    table = paper.tables["emanet_table1"].model_copy(
        update={"columns": [any_task, of_task], "rows": {"Standard CNN": ["90.2", "80.1"]}}
    )
    made = result_table.rounded(tables.paper_table(settings, made_up("breastmnist", cnn=[0.8]), paper, table))
    assert [column.text_beside_printed(made.rows[0]) for column in made.columns[3:]] == ["80.0 (90.2)", "80.0 (80.1)"]


def test_a_table_is_read_as_it_was_written(settings, workplace, tmp_path):
    for table in tables.make(settings, made_up(cnn=[0.81234567891], svm=[0.7])).values():
        result_table.write(tmp_path / "table.json", table)
        assert result_table.read(tmp_path / "table.json") == table


def test_what_is_no_table_is_refused(tmp_path):
    evidence.write_json(tmp_path / "table.json", {"title": "x"})
    with pytest.raises(BadInput, match=r"table.json: is no table; it must be one that `python -m pipelines.tables`"):
        result_table.read(tmp_path / "table.json")


def test_what_the_mask_saves_is_a_table_of_every_shape_that_has_a_record(settings, workplace):
    assert tables.attention_table(settings) is None
    forms = [
        {"form": "none", "kept_share": None, "macs": 9_000_000, "ms": 2.0, "times_as_fast": 1.0, "interval": [1, 1]},
        {"form": "gather", "kept_share": 0.25, "macs": None, "ms": 1.0, "times_as_fast": 2.0, "interval": [1.9, 2.1]},
    ]
    for size in (32, 64):
        record = {"device": "cpu", "size": size, "machine": {"processor": "a processor"}, "precision": "float32"}
        batches = [{"batch": batch, "blocks": batch, "forms": forms} for batch in (1, 16)]
        record |= {"layout": "channels-last", "versions": {"torch": "2.0"}, "batches": batches}
        evidence.write_json(COSTS / f"cpu-{size}/attention-part.json", record)
    table = tables.attention_table(settings)
    rows = [[column.text(row) for column in table.columns] for row in table.rows]
    where = "32 px, one thread of a processor"
    assert rows[0] == [where, "1", "none", "", "9.0", "2.000", "1.00 [1.00, 1.00]"]
    assert rows[1] == [where, "1", "gather", "25", "not counted", "1.000", "2.00 [1.90, 2.10]"]
    assert len(rows) == 8
    assert "in 1 to 16 blocks" in table.notes[0]


def test_sizes_are_the_models_of_a_rows_factory_that_change_its_width_alone(settings):
    larger = {"huge": settings.models["emanet_large"].model_copy(update={"options": {"width": 512, "heads": 16}})}
    deeper = {"deep": settings.models["emanet_large"].model_copy(update={"options": {"width": 512, "alpha": "one"}})}
    other = {"trained": settings.models["emanet_large"].model_copy(update={"recipe": {"epochs": 1}})}
    params = settings.model_copy(update={"models": settings.models | larger | deeper | other})
    assert results.sizes(params, ["emanet", "light_cnn", "cnn"]) == {
        **dict.fromkeys(["emanet_small", "emanet_large"], "emanet"),
        **dict.fromkeys(["light_cnn_small", "light_cnn_large"], "light_cnn"),
        "huge": "emanet",
    }
