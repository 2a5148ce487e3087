"""The figures: what they show is what the evidence holds, and what is missing is said or left out."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from benchmark import data, evidence
from benchmark.cost.records import Costs
from benchmark.evidence import metrics
from benchmark.report import results
from benchmark.report.figures import costs, explanations, scores, training
from benchmark.report.figures.audit import gaps
from benchmark.report.figures.drawing import draw
from benchmark.report.figures.duplicates import near_duplicates
from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.style import save, use_style
from benchmark.training.corruptions import CORRUPTIONS

RUNS, IMAGES = 2, 12


@pytest.fixture
def figure_data(small, two_papers):
    """A workplace whose phantom has two runs of EMANet, the hybrid on all and on few images, CNN and SVM."""
    task = evidence.TASKS / "phantom"
    images = data.load(small.task("phantom"))
    random = np.random.default_rng(0)
    samples = pd.DataFrame({"sample_id": images.ids, "cluster": range(len(images.ids))})
    samples.to_csv(task / "samples.csv", index=False)
    for model in ("emanet", "adaptive", "adaptive_parts_2", "cnn", "svm"):
        for run in range(RUNS):
            folder = evidence.run_folder("phantom", model, run)
            folder.mkdir(parents=True)
            rows = np.arange(run, 72, 72 // IMAGES)
            labels = images.labels[rows]
            probabilities = 0.8 * np.eye(3)[(labels + (random.random(IMAGES) < 0.3)) % 3] + 0.2 / 3
            names = [images.ids[row] for row in rows]
            evidence.write_predictions(folder / "predictions.csv", names, labels, probabilities)
            evidence.write_json(folder / "metrics.json", metrics.score(labels, probabilities))
            evidence.write_json(folder / evidence.PROVENANCE, {"images": {"train": 10 if "parts" in model else 50}})
            history = {
                f"{part}_{what}": [0.5, 0.6] for part in ("train", "validation") for what in ("accuracy", "loss")
            }
            pd.DataFrame({"epoch": [1, 2]} | history).to_csv(folder / "history.csv", index=False)
            corrupted = [
                (kind, strength, 0.5, 0.5, "r" + "01" * (IMAGES // 2))
                for kind, corruption in CORRUPTIONS.items()
                for strength in corruption.strengths
            ]
            columns = ["corruption", "strength", "accuracy", "balanced_accuracy", "right"]
            pd.DataFrame(corrupted, columns=columns).to_csv(folder / "robustness.csv", index=False)
            if model == "emanet":
                grid = np.eye(4).tolist()
                fields = {"label": 0, "predicted": 1, "grad_cam": grid, "feature_map": grid, "mask": grid}
                evidence.write_json(folder / "explanations.json", dict.fromkeys(names[:2], fields))
    measured = results.read(small, "phantom")
    cost = {"latency_ms": 2.0, "macs": 5_000_000}
    measured.answers.costs.append(
        Costs(32, "a machine", {"emanet": cost, "cnn": cost | {"macs": 9_000_000}, "svm": {"macs": None}})
    )
    yield FigureData(small, two_papers, measured, images)
    plt.close("all")


def test_explanations_show_every_class_where_not_all_images_fit(figure_data):
    path = evidence.run_folder("phantom", "emanet", 0) / "explanations.json"
    fields = next(iter(evidence.read_json(path).values()))
    names = figure_data.images.ids[: 2 * explanations.SHOWN]
    labels = [0] * (len(names) - 2) + [1, 2]
    evidence.write_json(path, {name: fields | {"label": of} for name, of in zip(names, labels, strict=True)})
    figure = explanations.explanations(figure_data, "emanet")
    titles = [axis.get_title().split("\n")[0] for axis in figure.axes if axis.get_title()]
    classes = figure_data.results.manifest["classes"]
    assert titles == [classes[0]] * (explanations.SHOWN - 2) + classes[1:]


def test_each_figure_of_the_papers_is_drawn_for_what_has_evidence(figure_data):
    assert set(draw(figure_data)) == {
        *("curves_emanet", "confusion_emanet", "explanations_emanet", "curves_adaptive", "confusion_adaptive"),
        *("learning_adaptive", "accuracy_emanet_table1", "accuracy_adaptive_table1", "accuracy_adaptive_figure8"),
        *("robustness", "cost", "reliability"),
    }


def test_bars_are_the_measured_means_and_marks_the_printed_numbers(figure_data):
    paper = next(paper for paper in figure_data.papers if paper.name == "adaptive")
    axis = scores.accuracy(figure_data, paper, paper.tables["adaptive_figure8"]).axes[0]
    means = [100 * figure_data.results.answers.mean(model, "accuracy").value for model in ("adaptive", "svm")]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx(means)
    printed = [line.get_xdata()[0] for line in axis.lines if line.get_marker() == "|" and line.get_markersize() == 14]
    assert printed == pytest.approx([98, 91, 90, 87, 81, 80])
    assert [text.get_text() for text in axis.texts] == ["no evidence"] * 5


def test_a_dollar_in_a_papers_words_is_a_dollar(figure_data, tmp_path):
    paper = figure_data.papers[0].model_copy(update={"cite": r"$\frac$"})
    use_style()
    figure = scores.accuracy(figure_data, paper, paper.tables["adaptive_figure8"])
    figure.savefig(tmp_path / "figure.svg")
    assert r"$\frac$" in (tmp_path / "figure.svg").read_text(encoding="utf-8")


def test_a_confusion_matrix_counts_the_images_of_all_runs(figure_data):
    texts = [text.get_text() for text in scores.confusion(figure_data, "cnn").axes[0].texts]
    assert sum(int(text.split("\n")[1]) for text in texts) == RUNS * IMAGES


def test_the_learning_curve_is_over_training_images(figure_data):
    axis = training.learning(figure_data, "adaptive").axes[0]
    assert list(axis.get_xticks()) == [10, 50]
    assert training.learning(figure_data, "emanet") is None


def test_a_model_looks_the_same_in_every_figure_and_no_two_look_alike(figure_data):
    names = list(figure_data.results.answers.rows)
    looks = [(figure_data.look(name).color, figure_data.look(name).marker) for name in names]
    assert len(set(looks)) == len(names)


LABELS = {  # kind of figure → the labels of its axes; names on an axis and images have none
    "curves": ["accuracy (%)", "cross-entropy (nats)", "epoch", "epoch"],
    "confusion": ["of the true class (%)", "predicted", "true"],
    "learning": ["accuracy (%)", "training images"],
    "explanations": ["Grad-CAM", "feature map", "image", "tokens kept"],
    "accuracy": ["accuracy (%)"],
    "robustness": [
        *("accuracy (%)", "balanced accuracy\nkept beyond chance (share)"),
        *("gaussian noise (grey levels)", "gaussian blur (native pixels)", "contrast (factor)", "jpeg (quality)"),
    ],
    "cost": ["accuracy (%)", "latency of one image (ms)", "multiply-accumulates of one image (millions)"],
    "reliability": ["accuracy (share)", "confidence: probability of the predicted class"],
}


def labels_of(figure):
    labels = [label for axis in figure.axes for label in (axis.get_xlabel(), axis.get_ylabel())]
    labels += [text.get_text() for text in (figure._supxlabel, figure._supylabel) if text]
    return sorted(filter(None, labels))


def test_axes_name_what_they_show_with_units(figure_data):
    drawn = draw(figure_data)
    assert {name.partition("_")[0] for name in drawn} == set(LABELS)
    for name, figure in drawn.items():
        assert labels_of(figure) == sorted(LABELS[name.partition("_")[0]]), name


def test_every_figure_says_that_images_are_synthetic(figure_data):
    for name, figure in draw(figure_data).items():
        titles = [figure.get_suptitle(), *(axis.get_title() for axis in figure.axes)]
        assert "phantom, synthetic images" in " ".join(titles), name


def test_near_duplicates_are_shown_beside_each_other_with_what_they_are(figure_data):
    images = figure_data.images
    pair = {"images": images.ids[:2], "labels": [0, 1], "parts": ["train", "test"], "first_is": "mirrored"}
    pair |= {"correlation": 0.9612, "of_residuals": 0.9501}
    counts = {"near_pairs": 3, "turned_pairs": 2}
    figure = near_duplicates({"duplicates": {"shown": [pair, pair], **counts}}, images, "scans")
    assert figure.get_suptitle() == "3 near-duplicate pairs in scans, 2 of them turned"
    assert len(figure.subfigs) == 2
    frame = figure.subfigs[0]
    assert frame.get_suptitle() == "r 0.961, 0.950 without the mean image\nleft image mirrored"
    assert [axis.get_title() for axis in frame.axes] == ["train\nno_finding", "test\nround_lesion"]
    for axis, name in zip(frame.axes, images.ids, strict=False):
        assert (axis.images[0].get_array() == images.pixels[images.ids.index(name)].squeeze()).all()
    assert near_duplicates({"duplicates": {"shown": [], **counts}}, images, "scans") is None
    assert near_duplicates({"duplicates": {"shown": [pair], **counts}}, None, "scans") is None


def test_without_the_images_the_other_figures_are_drawn(figure_data):
    drawn = draw(replace(figure_data, images=None))
    assert "explanations_emanet" not in drawn
    assert "curves_emanet" in drawn


def test_the_same_evidence_gives_the_same_bytes(figure_data, tmp_path):
    for name in ("one", "other"):
        save({"confusion": scores.confusion(figure_data, "cnn")}, tmp_path / "scratch", tmp_path / name)
    for file in ("svg/confusion.svg", "png/confusion.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_the_figure_of_the_audit_sets_claimed_gaps_beside_measured_ones_on_real_images():
    pair = {"pair": ["emanet", "cnn"], "gap": 0.01, "low": -0.03, "high": 0.05}
    tasks = [
        {"task": task, "synthetic": task == "phantom", "counted": task == "mri", "pairs": [pair]}
        for task in ("phantom", "scans", "mri")
    ]
    claim = {"table": "table1", "family": "headline", "verdict": "mixed"}
    claim |= {"claimed": {"gap": 0.067}, "numbers": {"tasks": tasks}}
    other = claim | {"table": "figure8", "claimed": {"gap": 0.2}}
    axis = gaps([claim, claim | {"family": None}, other]).axes[0]
    shown = ["emanet − cnn: mixed\n(table1)", "emanet − cnn: mixed\n(figure8)"]
    assert [label.get_text() for label in axis.get_yticklabels()] == shown
    points = [line.get_xdata() for line in axis.lines if line.get_label() == "claimed"]
    assert np.ravel(points) == pytest.approx([6.7, 20])
    _, labels = axis.get_legend_handles_labels()
    assert set(labels) == {"claimed", "measured on mri [95 %]", "measured on scans [95 %], not counted"}
    nothing = gaps([claim | {"numbers": {"tasks": tasks[:1]}}])
    assert [text.get_text() for text in nothing.texts] == [
        "No gap that a paper claims was measured on real images yet."
    ]


def test_accuracy_against_cost_is_drawn_where_only_estimators_have_evidence(figure_data):
    figure_data.results.answers.costs[:] = [Costs(32, "a machine", {"svm": {"latency_ms": 2.0, "macs": None}})]
    latency, macs = costs.accuracy_against_cost(figure_data).axes[:2]
    assert len(latency.lines) == 2  # a point, and the front
    assert not macs.lines


def test_a_larger_network_has_a_larger_marker_however_many_there_are(figure_data):
    sizes = {"tiny": (8, 1), "emanet_small": (64, 2), "emanet": (128, 4), "emanet_large": (256, 8), "huge": (512, 16)}
    base = figure_data.params.models["emanet_large"]
    more = {
        name: base.model_copy(update={"options": dict(width=sizes[name][0], heads=sizes[name][1])})
        for name in ("huge", "tiny")
    }
    params = figure_data.params.model_copy(update={"models": figure_data.params.models | more})
    figure_data.results.answers.costs[:] = [
        Costs(32, "a machine", {name: {"params": size} for name, (size, _) in sizes.items()})
    ]
    markers = costs.marker_sizes(replace(figure_data, params=params)) | {"emanet": costs.USUAL}
    points = [markers[name] for name in sizes]
    assert points == sorted(set(points))
    assert (points[0], points[-1]) == (costs.SMALLEST, costs.LARGEST)
