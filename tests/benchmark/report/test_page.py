"""The report: complete in itself, true to the tables, honest about what is missing, deaf to markup in its sources."""

import base64
import json
import re
import shutil
from html import unescape
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark import evidence
from benchmark.cost.records import Costs
from benchmark.evidence import metrics
from benchmark.report import result_table
from benchmark.report.page import cost_plot, cost_ratios, pictures
from benchmark.report.page import render as page
from benchmark.report.page.task_results import Bar, initials
from tests.benchmark.cost.made_records import measures, write
from tests.benchmark.report.made import CLASSES, HOSTILE, MODELS, PROVENANCE, TABLE

SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'
RIGHT = [True, False, True, True, False, True, True, True, True]


def leave_run(model, right, folder_of=evidence.run_folder):
    """Leave a run whose answers are right or wrong as given, on two classes in turn."""
    folder, labels = folder_of("phantom", model, 0), np.arange(len(right)) % 2
    answers = np.where(right, labels, 1 - labels)
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"phantom/{index:04}" for index in range(len(right))]
    evidence.write_predictions(folder / "predictions.csv", ids, labels, np.eye(2)[answers])
    evidence.write_json(folder / "metrics.json", metrics.score(labels, np.eye(2)[answers]))
    (folder / "robustness.csv").write_text("corruption,strength,right\n")
    evidence.write_json(folder / evidence.PROVENANCE, PROVENANCE)


@pytest.fixture
def record():
    """A claim about a pair and its mean over two sources."""
    pair = {"pair": ["cnn", "vit"], "gap": 0.12345, "low": 0.1, "high": 0.15, "p_adjusted": 0.0004}
    pair |= {"verdict": "supported", "p": 0.0001, "p_same": 0.9, "runs": 3, "images": 90}
    task = {"source": "x", "synthetic": False, "counted": True, "verdict": "supported", "missing": [], "pairs": [pair]}
    tasks = [task | {"task": "brain-mri"}, task | {"task": "brain-mri-official", "counted": False}]
    return {
        "claim": "a_paper/one",
        "paper": "a_paper",
        "place": HOSTILE,
        "kind": "better",
        "table": None,
        "says": HOSTILE,
        "family": "headline",
        "claimed": {},
        "by_hand": False,
        "verdict": "supported",
        "reason": ["brain-mri: supported: a gap", "but brain-mri-official by itself: contradicted"],
        "scope": ["brain-mri"],
        "command": "a command",
        "response": HOSTILE,
        "numbers": {"tasks": tasks, "mean": {"verdict": "supported", "missing": [], "pairs": [pair]}},
    }


@pytest.fixture
def made(small):
    """A workplace with one run of two models on phantom, tables and a figure."""
    folder = evidence.TASKS / "phantom"
    manifest = evidence.read_json(folder / "manifest.json") | {"classes": ["ill", HOSTILE], "licence": HOSTILE}
    evidence.write_json(folder / "manifest.json", manifest)
    ids = "".join(f"phantom/{index:04},{index}\n" for index in range(len(RIGHT)))
    (folder / "samples.csv").write_text(f"sample_id,cluster\n{ids}")
    leave_run("cnn", RIGHT)
    leave_run("vit", RIGHT[::-1])
    for name, table in (("table1", TABLE), ("models", MODELS), ("classes", CLASSES)):
        result_table.write(folder / f"tables/{name}.json", table)
    (folder / "tables/models.csv").write_text("model\n")
    evidence.replace_text(folder / "figures/svg/curves_cnn.svg", SVG)
    return small


@pytest.fixture
def render(small, workplace):
    """Return a function that renders the page."""
    evidence.replace_text(workplace / "results/figures/svg/audit.svg", SVG)

    def made_page(all_papers, records):
        return page.render(small, all_papers, records, pictures.Path("results/figures/svg/audit.svg"), None)

    return made_page


def texts(html):
    """Return the page's text, tags apart, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def data(html):
    return json.loads(re.search(r'id="data">(.*?)</script>', html, re.DOTALL)[1])


def test_a_row_has_its_scores_its_interval_the_printed_number_and_its_classes(made, render, paper):
    table = render([paper], []).split('data-task="phantom"')[1].split("</table>")[0]
    row = texts(table.split('<tr data-model="cnn">')[1].split("</tr>")[0].replace("<td", " | <td"))
    assert row.endswith("| 1 | 81.2 [70.1, 92.3] | 75.0 | 25.0 | 50.0 | 90.2")
    assert 'title="[40.0, 60.0]">50.0' in table
    foot = texts(table.split("<tfoot>")[1])
    assert foot.startswith("always the largest class 1 60.0 100.0 0.0")


def test_an_interval_is_drawn_on_the_scale_of_its_table(made, render, paper):
    html = render([paper], [])
    assert "Intervals of accuracy are drawn from 70 to 100 %." in texts(html)
    assert '<path d="M0.3 4H74.3M37.3 0V8"/>' in html


def test_a_table_can_be_had_as_a_file(made, render, paper):
    html = render([paper], [])
    assert '<a href="tasks/phantom/tables/models.csv" download>CSV</a>' in html
    assert "models.tex" not in html


def test_behind_a_number_are_the_values_files_and_commit_of_its_runs(made, render, paper):
    known = data(render([paper], []))
    (run,) = known["tasks"]["phantom"]["models"]["cnn"]["runs"]
    number, values, files, commit, day, seconds, bits = run
    assert (number, day, seconds) == (0, "2026-01-02", 12)
    assert values[[name for name, *_ in known["measures"]].index("accuracy")] == pytest.approx(7 / 9, abs=1e-4)
    present = {"metrics.json", "predictions.csv", "robustness.csv", "provenance.json"}
    assert {known["files"][place] for place in files} == present
    assert known["commits"][commit] == "0123456789abcdef"
    unpacked = np.unpackbits(np.frombuffer(base64.b64decode(bits), np.uint8))[: len(RIGHT)]
    assert unpacked.tolist() == RIGHT


def test_what_two_models_have_right_comes_with_the_names_of_the_images_once(made, render, paper):
    task = data(render([paper], []))["tasks"]["phantom"]
    assert task["order"] == ["cnn", "vit"]
    assert task["images"] == {"0": 0}
    assert task["lists"][0]["ids"][:2] == ["phantom/0000", "phantom/0001"]
    assert task["gaps"] == [0]  # one run has no interval


def test_a_paper_has_two_sentences_and_a_matrix_whose_cells_lead_to_the_claim(made, render, paper, record):
    html = render([paper], [record])
    answer = texts(html.split('class="answer"')[1].split("</section>")[0])
    assert "CNN beside its rivals: on brain-mri it is" not in answer
    assert "it is 12.3 points above ViT-Ti [+10.0, +15.0]" in answer
    matrix = html.split('<table class="matrix">')[1].split("</table>")[0]
    assert 'href="#claim-a_paper-one" data-task="brain-mri-official"' in matrix
    assert "<i>brain-mri-official</i>" in matrix
    assert texts(matrix).endswith("+12.3 [+10.0, +15.0] supported supported")


def test_a_claim_has_a_line_and_a_card_with_its_numbers_and_what_they_do_not_say(made, render, paper, record):
    html = render([paper], [record])
    claim = html.split('id="claim-a_paper-one"')[1].split("</details>")[0]
    assert claim.startswith(' data-paper="a_paper" data-verdict="supported" data-kind="headline"')
    said = texts(claim)
    assert "+12.3 [+10.0, +15.0] < 0.001 supported" in said
    assert "brain-mri-official, not counted" in said
    assert "but brain-mri-official by itself: contradicted" in said
    assert "brain-mri: supported: a gap" not in said
    assert "a command" in said
    assert "The authors:" in said


def test_a_card_has_synthetic_images_where_there_are_no_others(made, render, paper, record):
    def card(tasks):
        html = render([paper], [record | {"numbers": {"tasks": tasks}}])
        return texts(html.split('id="claim-a_paper-one"')[1].split("</details>")[0])

    real = record["numbers"]["tasks"]
    synthetic = {**real[0], "task": "phantom", "synthetic": True, "counted": False}
    assert "phantom" not in card([synthetic, *real])
    assert "phantom, synthetic" in card([synthetic])


def test_a_source_has_its_classes_by_part_its_licence_and_its_leaks(made, render, paper):
    path = evidence.TASKS / "phantom/manifest.json"
    counts = {"images": 30, "images_by_class": {"ill": 10, "well": 20}}
    counts["images_by_official_part"] = {"train": {"ill": 8, "well": 15}, "test": {"ill": 2, "well": 5}}
    found = {"exact_copies": 3, "near_pairs": 1234, "clusters": 25, "largest_cluster": 4}
    found["across_official_split"] = {"test_images_with_a_twin_in_train": {"exact": 1, "near": 2}}
    found["pairs_of_two_classes"] = {"near": 5}
    evidence.write_json(path, evidence.read_json(path) | counts | {"duplicates": found})
    said = texts(render([paper], []).split('<section id="images">')[1])
    assert "class images own split: train own split: test ill 10 8 2 well 20 15 5 all 30 23 7" in said
    assert "Licence: " in said
    assert "3 exact copies and 1,234 pairs of near-duplicates; 25 clusters, the largest of 4 images." in said
    assert "test images, 2 have a near-duplicate among its training images and 1 an exact copy." in said
    assert "5 pairs of near-duplicates have two labels." in said
    assert "10 / / 5" not in said
    counts["images_by_official_part"] = {"train": {"ill": 10, "well": 20}}  # a source without a split
    evidence.write_json(path, evidence.read_json(path) | counts)
    assert "own split: train" not in texts(render([paper], []).split('<section id="images">')[1])
    assert (
        "phantom 32 px split 70/15/15 by clusters of near-duplicates; each run tests on different images 10 / 5" in said
    )


def test_names_in_the_plot_of_costs_cover_no_other():
    dots = [cost_plot.Dot(50, 50, name, False) for name in ("one", "two", "three")]
    places = sorted(dot.text_y for dot in cost_plot._named(dots))
    assert all(below - above >= cost_plot.LINE for above, below in pairwise(places))


def test_in_the_plot_of_costs_the_best_are_at_the_top_and_the_slowest_at_the_right():
    assert [cost_plot._up(score, 50, 90) for score in (90, 70, 50)] == [0, cost_plot.HEIGHT / 2, cost_plot.HEIGHT]
    across = [cost_plot._across(ratio, [0.5, 1, 2, 4, 8, 16]) for ratio in (0.5, 1, 16)]
    assert across == [0, cost_plot.WIDTH / 5, cost_plot.WIDTH]


def test_a_ratio_of_costs_is_drawn_from_low_to_high_on_a_scale_from_an_eighth_to_32():
    cell = cost_ratios._cell({"latency_ratio": 2.0, "latency_ratio_interval": [1.0, 8.0], "latency_ms": 4.0})
    assert (cell.ratio, cell.interval, cell.bar) == ("2.00", "[1.00, 8.00]", Bar(37.5, 50.0, 75.0))
    assert [cost_ratios._place(ratio) for ratio in (1 / 16, 1 / 8, 32, 64)] == [0, 0, 100, 100]


def test_a_cost_at_a_size_is_by_what_masks_keep_on_a_task_of_that_size(settings):
    def task(name, kept):
        models = {"emanet": {"latency_ratio": kept, "latency_ratio_interval": [kept, kept], "latency_ms": 1.0}}
        at_224 = Costs(224, "a machine", models, reference="emanet", shape="cpu-224")
        protocol = SimpleNamespace(input_size=int(name))
        return SimpleNamespace(name=name, costs=[at_224], protocol=protocol, rows=["emanet"])

    shown = cost_ratios.cost_ratios(settings, [task("64", 0.2), task("224", 0.5)])
    assert [column.task for column in shown.columns] == ["224"]
    assert shown.rows[0].cells[0].ratio == "0.50"


def test_costs_of_another_torch_stand_in_a_column_of_their_own(settings):
    def of(model):
        measured = {"latency_ratio": 1.0, "latency_ratio_interval": [1.0, 1.0], "latency_ms": 1.0}
        return Costs(32, "a machine", {model: measured}, reference="emanet", shape="cpu-32")

    costs = [of("emanet"), of("cnn")]
    task = SimpleNamespace(name="x", costs=costs, protocol=SimpleNamespace(input_size=32), rows=["emanet", "cnn"])
    assert [row.model for row in cost_ratios.cost_ratios(settings, [task]).rows] == ["emanet", "cnn"]


def test_papers_whose_citations_begin_alike_have_letters_that_tell_them_apart():
    cited = [SimpleNamespace(name=cite, cite=cite) for cite in ("Falih (2026)", "Fang (2026)", "Ramasubbu (2026)")]
    assert [*initials(cited).values()] == ["Fal", "Fan", "R"]


def test_a_proposed_model_without_grad_cam_or_epochs_lacks_no_figure_of_them(made, render, paper):
    folder = evidence.run_folder("phantom", "svm", 0)
    shutil.copytree(evidence.run_folder("phantom", "cnn", 0), folder)
    proposing = paper.model_copy(update={"proposed": "svm", "systems": {"Net | x": "svm"}})
    said = texts(render([proposing], []))
    assert "confusion_svm" in said
    assert "curves_svm" not in said
    assert "explanations_svm" not in said


def test_a_note_stands_once_and_rows_refer_to_it(small, made, paper, workplace):
    params = made.model_copy(update={"notes": {"cnn": "a note on both", "vit": "a note on both"}})
    html = page.render(params, [paper], [], pictures.Path("missing.svg"), None)
    assert html.count("a note on both") == 1
    assert "a note on both (CNN; ViT-Ti" in texts(html)
    assert html.count('href="#note-1"') >= 1


def test_the_newest_run_dates_the_page(made, render, paper):
    folder = evidence.run_folder("phantom", "vit", 0)
    newer = {"started": "2026-02-03T00:00:00+00:00", "commit": "fedcba9876543210+changes"}
    evidence.write_json(folder / evidence.PROVENANCE, PROVENANCE | newer)
    assert "Newest run: 2026-02-03 , commit fedcba9876 ." in texts(render([paper], []))


def test_figures_fit_into_the_page_or_are_links_and_the_worthier_come_first(made, render, paper, monkeypatch):
    path = evidence.TASKS / "phantom/figures/svg/confusion_cnn.svg"
    evidence.replace_text(path, SVG)
    assert len(re.findall('<img src="data:', render([paper], []))) == 3
    monkeypatch.setattr(pictures, "MOST_BYTES", 2 * len(pictures._data(path)))
    html = render([paper], [])
    shown = re.findall(r'<img src="data:[^"]+" alt="([^"]+)"', html)
    assert [alt.split(":")[0].split(" ")[0] for alt in shown] == ["Gaps", "Confusion"]
    assert '<a href="tasks/phantom/figures/svg/curves_cnn.svg" title="Accuracy and loss' in html


def test_every_link_within_the_page_leads_somewhere(made, render, paper, record):
    html = render([paper], [record])
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    anchors = {link.partition("?")[0] for link in re.findall(r'href="#([^"]+)"', html)}
    assert anchors <= set(ids)


def test_what_is_missing_is_named_with_its_command(render, two_papers):
    said = texts(render(two_papers, None))
    assert "There is no audit yet; python -m pipelines.audit" in said
    for command in (
        "train --task brain-mri --model cnn transfer attention_resnet adaptive",
        "fetch --task chestxray",
    ):
        assert f"python -m pipelines.{command}" in said
    assert "no run has evidence yet" in said
    assert "Costs were not measured yet; dvc repro cost" in said
    assert "mask saves was not measured yet; dvc repro cost" in said


def test_a_paper_that_the_audit_does_not_know_says_so(made, render, paper, record):
    assert "Not in the audit yet; python -m pipelines.audit" in texts(render([paper], [record | {"paper": "another"}]))


def test_a_lost_file_is_named(made, render, paper):
    (evidence.run_folder("phantom", "cnn", 0) / "predictions.csv").unlink()
    assert "Missing: results/tasks/phantom/runs/cnn/run-0/predictions.csv ." in texts(render([paper], []))


def test_a_task_without_tables_and_figures_says_how_to_make_them(made, render, paper):
    shutil.rmtree(evidence.TASKS / "phantom/figures")
    assert "No figures yet; python -m pipelines.figures --task phantom" in texts(render([paper], []))
    shutil.rmtree(evidence.TASKS / "phantom/tables")
    assert "no table yet; python -m pipelines.tables --task phantom" in texts(render([paper], []))


def test_a_figure_that_is_not_drawn_is_named_with_its_command(made, render, two_papers):
    said = texts(render(two_papers, None))
    command = "python -m pipelines.train --task phantom --model"
    assert f"curves_adaptive, confusion_adaptive, explanations_adaptive. {command} adaptive" in said
    assert f"learning_adaptive. {command} adaptive_parts_1" in said
    assert "curves_cnn" not in said.split("Not drawn yet:", 1)[1]


def test_costs_come_as_ratios_with_intervals_and_lead_to_their_records(made, render, paper):
    write("cpu-32", "cnn", measures())
    write("cpu-32", "emanet", measures(0.5))
    html = render([paper], [])
    row = texts(html.split('<table class="costs">')[1].split("</table>")[0])
    assert re.search(r"CNN [\d.]+ [\d.]+ × (\[[\d.]+, [\d.]+\] )?[\d.]+ ms; [\d.,]+ million MACs", row)
    assert "python -m pipelines.cost --shape cpu-32 --verify" in texts(html)
    assert data(html)["tasks"]["phantom"]["models"]["cnn"]["costs"] == ["costs/cpu-32/cnn.json"]


def test_markup_of_a_paper_of_an_answer_or_of_a_class_is_text(made, render, paper, record):
    html = render([paper], [record])
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert texts(html).count("alert(1)") >= 8
    assert len(re.findall("<script>", html)) == 1


def test_nothing_is_loaded_and_no_other_script_runs(made, render, paper, record):
    html = render([paper], [record])
    policy = unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[1])
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert re.search(r"script-src 'sha256-[^']+'$", policy)
    assert all(source.startswith("data:") for source in re.findall(r' src="([^"]+)"', html))
    assert not re.search(r' style="| on\w+="', html)


def test_the_same_evidence_gives_the_same_page(made, render, paper, record):
    assert render([paper], [record]) == render([paper], json.loads(json.dumps([record])))
