"""The figures: what they show is what the evidence holds, and what is missing is said or left out."""

import re
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from benchmark import data, evidence, params
from benchmark.cost.records import Costs
from benchmark.data.resize import resize
from benchmark.errors import BadInput, NotHere
from benchmark.evidence import metrics
from benchmark.report import results
from benchmark.report.figures import audit as audit_figure
from benchmark.report.figures import corruptions, costs, drawing, explanations, robustness, scores, style, svg, training
from benchmark.report.figures.audit import gaps
from benchmark.report.figures.drawing import draw
from benchmark.report.figures.duplicates import near_duplicates
from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.samples import samples
from benchmark.training.corruptions import CORRUPTIONS
from pipelines import static_checks

RUNS, IMAGES = 2, 12


@pytest.fixture
def figure_data(small, two_papers):
    """A workplace whose phantom has two runs of EMANet, the hybrid on all and on few images, CNN and SVM."""
    task = evidence.TASKS / "phantom"
    images = data.load(small.task("phantom"))
    random = np.random.default_rng(0)
    listed = pd.DataFrame({"sample_id": images.ids, "cluster": range(len(images.ids))})
    listed.to_csv(task / "samples.csv", index=False)
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
    yield FigureData(small, two_papers, measured)
    plt.close("all")


@pytest.fixture
def images(small):
    """The images of the workplace."""
    return data.load(small.task("phantom"))


def all_of(figure_data, images):
    """Return every figure of a task, those that show images too."""
    drawn = {name: picture.draw(images) for name, picture in drawing.pictures(figure_data).items()}
    return draw(figure_data) | drawn


def paper_of(figure_data, name):
    return next(paper for paper in figure_data.papers if paper.name == name)


def test_explanations_show_every_class_where_not_all_images_fit(figure_data, images):
    path = evidence.run_folder("phantom", "emanet", 0) / "explanations.json"
    fields = next(iter(evidence.read_json(path).values()))
    names = evidence.read_predictions(path.with_name("predictions.csv"))[0]
    maps = {name: fields | {"label": 0, "cluster": index} for index, name in enumerate(names)}
    for name, label in zip(names[-2:], (1, 2), strict=True):
        maps[name]["label"] = label
    chosen = explanations.choose_images(maps)
    assert [maps[name]["label"] for name in chosen] == [0] * (explanations.SHOWN - 2) + [1, 2]


def test_of_images_that_look_alike_one_is_explained(figure_data, images):
    maps = {name: {"label": 0, "cluster": cluster} for name, cluster in (("a", 1), ("b", 1), ("c", 2))}
    assert explanations.choose_images(maps) == ["a", "c"]


def test_an_explained_image_has_its_name_its_probability_and_its_share_of_tokens(figure_data, images):
    figure = explanations.explanations(figure_data, "emanet", images)
    name = next(iter(explanations.explained(figure_data, "emanet")))
    top, bottom = figure.axes[0], figure.axes[6]
    assert top.get_xlabel() == name
    assert re.fullmatch(r"no_finding\n(right|taken for\nround_lesion)\np 0\.87", top.get_title())
    assert bottom.get_xlabel() == "25 % kept"  # a mask of 4 × 4 tokens with ones on its diagonal
    assert [tick.get_text() for tick in figure.axes[-1].get_yticklabels()] == ["0", "½", "1"]


def test_every_row_of_explanations_has_room_for_its_pictures(figure_data, images):
    figure = explanations.explanations(figure_data, "emanet", images)
    rows = figure.axes[0].get_gridspec().nrows
    assert rows >= 3
    assert figure.get_size_inches()[1] / rows > 1.5


def test_what_a_mask_drops_is_fogged_and_what_it_keeps_is_as_it_was():
    picture = np.zeros((8, 8, 1), np.uint8)
    fogged = explanations._fogged(picture, np.array([[1, 0], [0, 1]]))
    assert (fogged[:4, :4] == 0).all() and (fogged[4:, 4:] == 0).all()
    assert (fogged[:4, 4:] == round(0.7 * explanations.FOG)).all()


def test_each_figure_of_the_papers_is_drawn_for_what_has_evidence(figure_data, images):
    assert set(all_of(figure_data, images)) == {
        *("curves_emanet", "confusion_emanet", "explanations_emanet", "curves_adaptive", "confusion_adaptive"),
        *("learning_adaptive", "accuracy_emanet_table1", "accuracy_adaptive_table1", "accuracy_adaptive_figure8"),
        *("robustness", "cost", "reliability", "corruptions"),
    }


def points_of(axis):
    """Return the values that an axis shows as points."""
    return [line.get_xdata()[0] for line in axis.lines if line.get_marker() == "o"]


def test_accuracy_is_the_measured_mean_and_what_is_printed_of_other_images_is_not_shown(figure_data):
    paper = paper_of(figure_data, "adaptive")
    figure = scores.accuracy(figure_data, paper, paper.tables["adaptive_figure8"])
    axis = figure.axes[0]
    measured = figure_data.results.by_rows_of(paper)  # as in the paper's table
    estimates = [measured.mean(model, "accuracy") for model in ("adaptive", "svm")]
    assert points_of(axis) == pytest.approx([100 * estimate.value for estimate in estimates])
    for value, low, high in (estimate.of_share() for estimate in estimates):
        assert f"{100 * value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]" in figure.get_label()
    assert [text.get_text() for text in axis.texts] == ["no evidence"] * 5
    _, labels = axis.get_legend_handles_labels()
    assert set(labels) == {"measured [95 %]", "proposed model, measured [95 %]", "always the largest class"}


def test_a_table_without_evidence_has_no_figure(figure_data):
    paper = paper_of(figure_data, "emanet")
    table = paper.tables["emanet_table1"]
    rows = {system: row for system, row in table.rows.items() if paper.systems[system] in ("vit", "resnet50")}
    assert scores.accuracy(figure_data, paper, table.model_copy(update={"rows": rows})) is None


def test_what_a_paper_prints_of_the_same_images_stands_beside_what_was_measured(figure_data):
    paper = paper_of(figure_data, "adaptive")
    table = paper.tables["adaptive_figure8"]
    columns = [column.model_copy(update={"task": "phantom"}) for column in table.columns]
    axis = scores.accuracy(figure_data, paper, table.model_copy(update={"columns": columns})).axes[0]
    printed = [line.get_xdata()[0] for line in axis.lines if line.get_label() == "printed in the paper"]
    assert printed == pytest.approx([98, 91, 90, 87, 81, 80])


def test_a_dollar_in_a_papers_words_is_a_dollar(figure_data):
    paper = figure_data.papers[0].model_copy(update={"cite": r"$\frac$"})
    style.use_style()
    text = svg.text_of(scores.accuracy(figure_data, paper, paper.tables["adaptive_figure8"])).decode()
    assert r"$\frac$" in text


def test_the_matrix_of_a_proposed_model_stands_beside_its_best_rivals_and_counts_all_runs(figure_data):
    figure = scores.confusion(figure_data, paper_of(figure_data, "emanet"))
    rival = figure_data.rival(paper_of(figure_data, "emanet"))
    assert rival == "cnn"
    assert [axis.get_title().split("\n")[0] for axis in figure.axes[:2]] == ["EMANet", "CNN"]
    for axis in figure.axes[:2]:
        assert sum(int(text.get_text().split("\n")[1]) for text in axis.texts) == RUNS * IMAGES


def test_the_learning_curve_is_over_training_images_with_the_share_of_the_largest_class(figure_data):
    axis = training.learning(figure_data, "adaptive").axes[0]
    assert list(axis.get_xticks()) == [10, 50]
    line = next(line for line in axis.lines if line.get_label() == "always the largest class, test")
    assert line.get_ydata()[0] == pytest.approx(100 * figure_data.largest_class) == pytest.approx(100 / 3)
    assert training.learning(figure_data, "emanet") is None


def test_under_corruption_few_lines_stand_out_and_each_begins_without_any(figure_data):
    axis = robustness.robustness(figure_data).axes[0]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["none", "4", "8", "16", "32", "64"]
    lines = {line.get_label(): line for line in axis.lines}
    assert set(lines) == {"EMANet", "Adaptive hybrid", "CNN", robustness.OTHERS, "always the largest class"}
    assert lines["CNN"].get_ydata()[0] == pytest.approx(100 * figure_data.accuracy("cnn"))
    assert lines["CNN"].get_ydata()[1:] == pytest.approx([50] * 5)
    assert lines[robustness.OTHERS].get_color() == style.PALE


def test_a_reliability_diagram_says_the_calibration_error(figure_data):
    figure = scores.reliability(figure_data)
    errors = [evidence.read_json(evidence.run_folder("phantom", "cnn", run) / "metrics.json")["ece"] for run in (0, 1)]
    assert f"CNN\nECE {100 * np.mean(errors):.1f} %" in [axis.get_title() for axis in figure.axes]
    (low, high), (bottom, top) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    assert low <= 0 and bottom <= 0 and high >= 1 and top >= 1


def test_an_image_is_shown_without_corruption_and_at_every_strength(figure_data, images):
    figure = corruptions.corruptions(figure_data, images)
    assert [axis.get_title() for axis in figure.axes[:6]] == ["none", "4", "8", "16", "32", "64"]
    first = images.pixels[images.ids.index(corruptions.example(figure_data))].squeeze()
    assert (figure.axes[0].images[0].get_array() == first).all()
    assert (figure.axes[5].images[0].get_array() != first).any()


def test_a_corruption_with_fewer_strengths_leaves_the_rest_of_its_row_empty(figure_data, images, monkeypatch):
    first, *_ = CORRUPTIONS
    weak = replace(CORRUPTIONS[first], strengths=CORRUPTIONS[first].strengths[:2])
    monkeypatch.setattr(corruptions, "CORRUPTIONS", CORRUPTIONS | {first: weak})
    figure = corruptions.corruptions(figure_data, images)
    assert [axis.get_title() for axis in figure.axes[:6]] == ["none", "4", "8", "", "", ""]
    assert [axis.axison for axis in figure.axes[:6]] == [True] * 3 + [False] * 3


def test_a_model_looks_the_same_in_every_figure_and_no_two_look_alike(figure_data):
    names = list(figure_data.results.answers.rows)
    looks = [(figure_data.look(name).color, figure_data.look(name).marker) for name in names]
    assert len(set(looks)) == len(names)


LABELS = {  # kind of figure → the labels of its axes; names on an axis and images have none
    "curves": ["accuracy (%)", "cross-entropy (nats)", "epoch", "epoch"],
    "confusion": ["of the true class (%)", "predicted", "predicted", "true"],
    "learning": ["accuracy (%)", "training images"],
    "explanations": ["Grad-CAM", "feature map", "image", "of the map's largest value", "tokens kept\n(grey: dropped)"],
    "corruptions": [f"{kind.replace('_', ' ')}\n({each.unit})" for kind, each in CORRUPTIONS.items()],
    "accuracy": ["accuracy (%)"],
    "robustness": [
        "accuracy (%)",
        *("gaussian noise (grey levels)", "gaussian blur (native pixels)", "contrast (factor)", "jpeg (quality)"),
    ],
    "cost": ["accuracy (%)", "latency of one image (ms)", "multiply-accumulates of one image (millions)"],
    "reliability": ["accuracy (share)", "confidence: probability of the predicted class"],
}


def labels_of(figure):
    labels = [label for axis in figure.axes for label in (axis.get_xlabel(), axis.get_ylabel())]
    labels += [text.get_text() for text in (figure._supxlabel, figure._supylabel) if text]
    return sorted(filter(None, labels))


def test_axes_name_what_they_show_with_units(figure_data, images):
    drawn = all_of(figure_data, images)
    assert {name.partition("_")[0] for name in drawn} == set(LABELS)
    names = explanations.explained(figure_data, "emanet")
    for name, figure in drawn.items():
        labels = [label for label in labels_of(figure) if label not in names and not label.endswith("% kept")]
        assert labels == sorted(LABELS[name.partition("_")[0]]), name


def test_every_figure_says_that_images_are_synthetic(figure_data, images):
    for name, figure in all_of(figure_data, images).items():
        assert "phantom, synthetic images" in " ".join(figure.get_suptitle().split()), name


def test_every_figure_describes_itself_with_numbers_and_no_two_alike(figure_data, images):
    files = {name: svg.text_of(figure) for name, figure in all_of(figure_data, images).items()}
    words = {}
    for name, content in files.items():
        root = ElementTree.fromstring(content)
        title, description = (root.find(f"{svg.SVG}{tag}").text for tag in ("title", "desc"))
        assert "phantom" in title and re.search(r"\d", description), name
        words[name] = (title, description)
    assert len({title for title, _ in words.values()}) == len({said for _, said in words.values()}) == len(files)
    accuracy = figure_data.accuracy("cnn")
    assert f"CNN, {100 * accuracy:.1f} % right" in words["confusion_emanet"][1]


def test_a_title_stays_within_its_figure(figure_data, images):
    long = [
        paper.model_copy(update={"cite": "A paper of many authors and of more words " * 3})
        for paper in figure_data.papers
    ]
    for name, figure in all_of(replace(figure_data, papers=long), images).items():
        box = figure._suptitle.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1, name


def test_a_figure_is_small(figure_data, images):
    with_images = drawing.pictures(figure_data)
    for name, figure in all_of(figure_data, images).items():
        assert len(svg.text_of(figure)) <= (250_000 if name in with_images else 60_000), name


def test_models_are_called_by_their_labels(figure_data, images):
    for name, figure in all_of(figure_data, images).items():
        text = re.sub(r"<metadata>.*?</metadata>", "", svg.text_of(figure).decode())
        assert not re.search(r">[^<]*\b(emanet|resnet50|knn)\b[^<]*<", text), name


LONG = "adenocarcinoma_left.lower.lobe_T2_N0_M0_Ib"


def test_classes_of_any_script_and_length_are_readable(figure_data, images):
    manifest = figure_data.results.manifest | {"classes": ["肺炎", LONG, "норма"]}
    named = replace(figure_data, results=replace(figure_data.results, manifest=manifest))
    drawn = {name: svg.text_of(figure).decode() for name, figure in all_of(named, images).items()}
    assert ">норма<" in drawn["confusion_emanet"]
    for name in ("confusion_emanet", "explanations_emanet"):
        assert "class 1: 肺炎 (U+80BA U+708E)" in drawn[name], name
        assert f"class 2: {LONG}" in drawn[name], name
        assert not re.search(rf"<text[^>]*>{LONG}", drawn[name]), name


@pytest.mark.parametrize(
    ("text", "said"), [("a\x0bb", "aU+000B b"), ("肺", "U+80BA"), ("a\udc80", "aU+DC80"), ("é−½", "é−½")]
)
def test_letters_that_the_font_lacks_are_shown_by_their_numbers(text, said):
    assert svg.shown(text) == said


def test_near_duplicates_are_shown_beside_each_other_with_what_they_are(images):
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
    manifest = {"digest": "0", "duplicates": {"shown": [], **counts}}
    assert "duplicates" not in drawing.pictures_of_images(manifest, "scans", 64)


def test_six_images_are_shown_of_each_class_as_many_as_of_the_others(images):
    figure = samples(images, "scans", 16)
    labels = [axis.get_title() for axis in figure.axes]
    assert labels == sorted(labels, key=images.classes.index)
    assert Counter(labels) == dict.fromkeys(images.classes, 6 // len(images.classes))
    names = [line.split(" (")[0] for line in figure.get_label().split(": ")[1].split("; ")]
    for axis, name in zip(figure.axes, names, strict=True):
        pixels = images.pixels[images.ids.index(name)][None]
        assert (axis.images[0].get_array() == resize(pixels, 16)[0].squeeze()).all()


def test_the_map_of_the_untrained_network_stands_below_that_of_the_trained_one(figure_data, images):
    maps = evidence.read_json(evidence.run_folder("phantom", "emanet", 0) / "explanations.json")
    path = evidence.untrained_file("phantom", "emanet")
    path.parent.mkdir()
    evidence.write_json(path, maps)
    labels = [axis.get_ylabel() for axis in explanations.explanations(figure_data, "emanet", images).axes]
    drawn = labels.index("Grad-CAM,\nuntrained")
    assert "Grad-CAM" in labels[:drawn]
    name = next(iter(maps))
    evidence.write_json(path, maps | {name: maps[name] | {"predicted": maps[name]["predicted"] + 1}})
    assert not any("untrained" in fields for fields in explanations.explained(figure_data, "emanet").values())


def test_a_picture_knows_what_it_was_drawn_from(figure_data, images, tmp_path, monkeypatch):
    picture = drawing.pictures(figure_data)["explanations_emanet"]
    path = tmp_path / "figure.svg"
    assert svg.drawn_from(path) is None
    path.write_bytes(svg.text_of(picture.draw(images), picture.drawn_from))
    assert svg.drawn_from(path) == picture.drawn_from

    def digest():
        return drawing.pictures(figure_data)["explanations_emanet"].drawn_from

    assert digest() == picture.drawn_from
    maps = evidence.run_folder("phantom", "emanet", 0) / "explanations.json"
    before = maps.read_text(encoding="utf-8")
    maps.write_text(before.replace("1.0", "0.9", 1), encoding="utf-8")
    assert digest() != picture.drawn_from
    maps.write_text(before, encoding="utf-8")
    monkeypatch.setattr(drawing, "SHARED_CODE", ("style",))
    assert digest() != picture.drawn_from


def test_the_same_evidence_gives_the_same_bytes(figure_data, images):
    one, other = ({name: svg.text_of(each) for name, each in all_of(figure_data, images).items()} for _ in range(2))
    assert one == other


def test_the_last_bits_of_a_layout_change_no_byte():
    def drawn(left):
        figure = plt.figure(layout="none")
        for place in (left, 0.6):
            axis = figure.add_axes((place, 0.1, 0.3, 0.8))
            axis.plot([0, 1], [0, 1], marker="D")
        return svg.text_of(figure)

    one, other = drawn(0.1), drawn(np.nextafter(0.1, 1) + 1e-15)
    assert one == other
    assert not re.search(r"-0(?![.\d])", one.decode())  # a sign that the last bits give
    clips = re.findall(r'<clipPath id="(\w+)"', one.decode())
    assert len(clips) == 2
    assert all(f'clip-path="url(#{name})"' in one.decode() for name in clips)


def texts_of(axis):
    return [label.get_text() for label in axis.get_yticklabels()]


def test_the_figure_of_the_audit_is_a_forest_plot_of_each_papers_headline(settings, two_papers):
    pair = {"pair": ["emanet", "cnn"], "gap": 0.01, "low": -0.03, "high": 0.05}
    tasks = [
        {"task": task, "synthetic": task == "phantom", "counted": counted, "pairs": [pair | {"gap": gap}]}
        for task, counted, gap in (
            ("phantom", False, 0.4),
            ("scans", False, 0.3),
            ("mri", True, 0.01),
            ("ct", True, 0.02),
        )
    ]
    claim = {
        "claim": "emanet/mri/one",
        "paper": "emanet",
        "family": "headline",
        "verdict": "mixed",
        "claimed": {"gap": 0.067},
    }
    claim |= {"numbers": {"tasks": tasks, "mean": {"pairs": [pair | {"gap": 0.015}]}}}
    other = claim | {"paper": "adaptive", "claimed": {"gap": 0.2}}
    figure = gaps([claim, claim | {"family": None}, other], two_papers, settings)
    _, emanet = figure.axes
    assert texts_of(emanet) == ["EMANet − CNN on mri\nmixed"]
    assert emanet.get_title(loc="left") == next(paper.cite for paper in two_papers if paper.name == "emanet")
    by_label = {line.get_label(): line.get_xdata() for line in emanet.lines}
    assert by_label["claimed"] == pytest.approx([6.7])
    assert by_label["one source"] == pytest.approx([1, 2])  # the sources that count
    assert (
        "EMANet − CNN on mri, mixed: claimed +6.7 points, measured +1.5 [−3.0, +5.0] over 2 sources"
        in figure.get_label()
    )
    nothing = gaps([claim | {"numbers": {"tasks": tasks[:2]}}], two_papers, settings)
    assert [text.get_text() for text in nothing.texts] == [audit_figure.NOTHING]


def test_accuracy_against_cost_is_drawn_where_only_estimators_have_evidence(figure_data):
    figure_data.results.answers.costs[:] = [Costs(32, "a machine", {"svm": {"latency_ms": 2.0, "macs": None}})]
    latency, macs = costs.accuracy_against_cost(figure_data).axes[:2]
    assert len(latency.lines) == 2  # a point, and the front
    assert not macs.lines


def test_names_beside_points_cover_no_other_name_and_no_point(figure_data):
    figure = costs.accuracy_against_cost(figure_data)
    for axis in figure.axes:
        points = [line for line in axis.lines if line.get_drawstyle() == "default"]
        assert sorted(text.get_text() for text in axis.texts) == sorted(line.get_label() for line in points)
        boxes = [text.get_window_extent() for text in axis.texts] + [costs._box_of_point(line) for line in points]
        assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])


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


@pytest.fixture
def without_images(figure_data, command, monkeypatch):
    """Figures drawn with the images, which are then taken away; returns their folder and the command."""

    def missing(*_):
        raise NotHere("data/scans: missing; put them there")

    assert command("figures", "--task", "phantom")[0] == 0
    monkeypatch.setattr(data, "load", missing)
    return evidence.TASKS / "phantom/figures/svg", lambda: command("figures", "--task", "phantom")


def failures_of_figures():
    check = static_checks._figures(params.load(), "phantom")[0]
    return check.failures, check.skipped


def test_without_the_images_a_figure_stays_while_nothing_it_was_drawn_from_changes(without_images, workplace):
    folder, figures = without_images
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {"explanations_emanet.svg", "corruptions.svg"} < set(before)
    (workplace / "papers/mine.yaml").write_text(
        (workplace / "papers/emanet.yaml").read_text(encoding="utf-8").replace("emanet_table1", "mine_table1")
        .replace("name: emanet", "name: mine", 1), encoding="utf-8",
    )  # fmt: skip
    status, told, _ = figures()
    assert status == 0
    assert "phantom: corruptions, explanations_emanet, samples: stay, drawn from the same\n" in told
    assert "data/scans: missing" in told
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(after) == {*before, "accuracy_mine_table1.svg"}
    pictures = ("samples", "explanations_emanet", "corruptions")
    assert all(after[f"{name}.svg"] == before[f"{name}.svg"] for name in pictures)
    failures, skipped = failures_of_figures()
    assert failures == []
    assert [line.split(": ")[0] for line in skipped] == [f"{folder}/{name}.svg" for name in pictures]


def test_damaged_images_are_no_missing_ones(without_images, monkeypatch):
    def damaged(*_):
        raise BadInput("data/scans/a.png: is damaged")

    monkeypatch.setattr(data, "load", damaged)
    status, _, errors = without_images[1]()
    assert (status, errors) == (2, "error: data/scans/a.png: is damaged\n")
    assert failures_of_figures()[0]


def test_without_the_images_a_figure_of_something_else_goes_and_is_named(without_images):
    folder, figures = without_images
    path = evidence.run_folder("phantom", "emanet", 0) / "explanations.json"
    path.write_text(path.read_text(encoding="utf-8").replace("1.0", "0.9", 1), encoding="utf-8")
    failures, _ = failures_of_figures()
    assert failures == [f"{folder}/explanations_emanet.svg: was drawn from something else; `dvc repro` draws it anew"]
    status, told, _ = figures()
    assert status == 0
    assert "phantom: explanations_emanet: go, drawn from something else\n" in told
    assert not (folder / "explanations_emanet.svg").exists()
    assert (folder / "corruptions.svg").exists()


def test_a_forged_figure_is_found(figure_data, command):
    assert command("figures", "--task", "phantom")[0] == 0
    path = evidence.TASKS / "phantom/figures/svg/explanations_emanet.svg"
    path.write_bytes(path.read_bytes().replace(b" % kept", b"0 % kept", 1))
    failures, skipped = failures_of_figures()
    assert [line.split(": ")[0] for line in failures] == [str(path)]
    assert skipped == []
