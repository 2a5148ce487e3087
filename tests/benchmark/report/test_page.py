"""The report: complete in itself, true to the tables, honest about what is missing, deaf to markup in its sources."""

import json
import re
import shutil
from dataclasses import replace
from html import unescape

import pytest

from benchmark import evidence
from benchmark.audit.papers import Paper
from benchmark.report import over_tasks, page, result_table, task_files
from benchmark.report.result_table import ResultColumn, ResultTable
from benchmark.report.tables import COSTS, MODEL, RUNS, SYSTEM
from tests.benchmark.cost.made_records import measures, write
from tests.conftest import ROOT

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
PROVENANCE = {
    "run": 0,
    "images": {"train": 10, "test": 5},
    "device": "cpu",
    "machine": {"processor": "a processor", "system": "Linux"},
    "versions": {"python": "3.11.0"},
    "commit": "0123456789abcdef",
    "started": "2026-01-02T03:04:05+00:00",
    "seconds": 12.3,
}
ACCURACY = ResultColumn(
    "accuracy", "Accuracy (%)", "", 100, 1, "", "accuracy_low", "accuracy_high", printed="accuracy_printed"
)
TIME = replace(COSTS["latency_ms"], heading="Time (ms)", unit="", printed="latency_ms_printed")
NET = {"system": "Net | x", "model": "cnn", "runs": 1, "accuracy": 0.812, "accuracy_low": 0.701}
NET |= {"accuracy_high": 0.923, "accuracy_printed": "90.2", "latency_ms": 4.05, "latency_ms_printed": "42"}
NEAREST = {"system": "1-NN on pixels", "model": "one_nn", "runs": 0, "accuracy": "no evidence", "accuracy_low": None}
NEAREST |= {"accuracy_high": None, "accuracy_printed": None, "latency_ms": None, "latency_ms_printed": None}
TABLE = ResultTable(
    "A paper, Table 1, on `phantom`", [SYSTEM, MODEL, RUNS, ACCURACY, TIME], [NET, NEAREST], ["A note."]
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def paper():
    """A paper with one table, whose words are markup."""
    column = {"heading": "Accuracy (%)", "measure": "accuracy"}
    time = {"heading": "Time (ms)", "measure": "latency_ms"}
    return Paper.model_validate(
        {
            "name": "a_paper",
            "title": HOSTILE,
            "cite": HOSTILE,
            "margin": 0.02,
            "systems": {"Net | x": "cnn"},
            "choices": [{"open": HOSTILE, "chosen": f"{HOSTILE} `{HOSTILE}`", "others": "none"}],
            "tables": {
                "table1": {
                    "title": HOSTILE,
                    "place": "Table 1",
                    "columns": [column, time],
                    "rows": {"Net | x": ["90.2", "42"]},
                }
            },
        }
    )


@pytest.fixture
def record():
    return {
        "claim": "a_paper/one",
        "paper": "a_paper",
        "place": HOSTILE,
        "kind": "better",
        "says": HOSTILE,
        "family": None,
        "claimed": {},
        "verdict": "supported",
        "reason": ["shown"],
        "scope": ["phantom"],
        "command": "a command",
        "response": HOSTILE,
        "numbers": {"tasks": [{"task": "phantom", "pairs": [{"pair": ["cnn", "vit"], "gap": 0.12345}]}]},
    }


@pytest.fixture
def made(small):
    """A workplace with one run of the CNN on phantom, its table and a figure."""
    folder = evidence.TASKS / "phantom"
    manifest = evidence.read_json(folder / "manifest.json") | {"classes": [HOSTILE]}
    evidence.write_json(folder / "manifest.json", manifest)
    evidence.write_json(evidence.run_folder("phantom", "cnn", 0) / evidence.PROVENANCE, PROVENANCE)
    result_table.write(folder / "tables/table1.json", TABLE)
    evidence.replace_text(folder / "figures/svg/curves_cnn.svg", SVG)
    return small


@pytest.fixture
def render(small, tmp_path):
    """Return a function that renders the page."""

    (tmp_path / "gaps.svg").write_text(SVG, encoding="utf-8")

    def made_page(all_papers, records):
        return page.render(small, all_papers, records, tmp_path / "gaps.svg", None)

    return made_page


def texts(page):
    """Return the page's text, tags apart."""
    return unescape(re.sub(r"<[^>]+>", " ", page))


def test_a_number_stands_beside_the_papers_and_leads_to_its_files_and_command(made, render, paper):
    page = render([paper], [])
    button = '<button popovertarget="made-phantom-cnn">81.2 [70.1, 92.3]</button>'
    assert f'{button}<span class="printed">paper: 90.2</span>' in page
    assert '<button popovertarget="cost-phantom">4.05</button><span class="printed">paper: 42</span>' in page
    evidence_of = page.split('id="made-phantom-cnn"')[1].split("</div>")[0]
    assert "results/tasks/phantom/runs/cnn/" in evidence_of
    assert "run-0/predictions.csv" in evidence_of
    assert "commit <code>0123456789</code>" in evidence_of
    assert "python -m pipelines.verify --task phantom --model cnn" in evidence_of


def test_a_table_over_tasks_sets_the_first_quality_measure_of_each_task_side_by_side(made, paper):
    shutil.copytree(evidence.TASKS / "phantom", evidence.TASKS / "breastmnist")
    nothing = NET | {"accuracy": "no evidence", "accuracy_low": None, "accuracy_high": None}
    result_table.write(evidence.TASKS / "breastmnist/tables/table1.json", replace(TABLE, rows=[nothing, NEAREST]))
    tasks = task_files.all_tasks(made, [paper])
    over = over_tasks.over_tasks(paper, "table1", tasks)
    assert [column.title for column in over.columns] == ["System", "Model", "Paper", "breastmnist", "phantom"]
    net, sentinel = ([column.text(row) for column in over.columns] for row in over.rows)
    assert net == ["Net | x", "cnn", "90.2", "no evidence", "81.2 [70.1, 92.3]"]
    assert sentinel == ["1-NN on pixels", "one_nn", "", "no evidence", "no evidence"]


def test_a_remark_stands_once_with_the_tasks_that_it_concerns(made, paper):
    shutil.copytree(evidence.TASKS / "phantom", evidence.TASKS / "breastmnist")
    params = made.model_copy(update={"notes": {"cnn": "of both", "phantom-cnn": "of one"}})
    over = over_tasks.over_tasks(paper, "table1", task_files.all_tasks(params, [paper]))
    assert {"Net | x: of both.", "Net | x on `phantom`: of one."} <= set(over.notes)


def test_a_table_whose_columns_name_their_tasks_has_no_table_over_tasks(made, paper):
    accuracy, time = paper.tables["table1"].columns
    columns = [accuracy.model_copy(update={"task": "phantom"}), time]
    table = paper.tables["table1"].model_copy(update={"columns": columns})
    changed = paper.model_copy(update={"tables": {"table1": table}})
    assert over_tasks.over_tasks(changed, "table1", task_files.all_tasks(made, [changed])) is None


@pytest.mark.parametrize(
    ("commit", "said"),
    [
        ("0123456789abcdef+changes", "commit 0123456789+changes,"),
        ("0123456789abcdef", "commit 0123456789,"),
        (None, "none,"),
    ],
)
def test_a_commit_says_whether_the_code_was_in_it(made, render, paper, commit, said):
    path = evidence.run_folder("phantom", "cnn", 0) / evidence.PROVENANCE
    evidence.write_json(path, PROVENANCE | {"commit": commit})
    page = " ".join(texts(render([paper], [])).replace(" ,", ",").split())
    assert said in page


def test_a_table_from_before_a_change_of_its_paper_is_not_made_yet(made, render, paper):
    table = paper.tables["table1"]
    rows = table.rows | {"New": ["1", "2"]}
    longer = paper.model_copy(
        update={
            "systems": paper.systems | {"New": "vit"},
            "tables": {"table1": table.model_copy(update={"rows": rows})},
        }
    )
    column = table.columns[0].model_copy(update={"heading": "AUC", "measure": "auc"})
    wider = table.model_copy(update={"columns": [*table.columns, column], "rows": {"Net | x": ["90.2", "42", "0.9"]}})
    for known in (longer, paper.model_copy(update={"tables": {"table1": wider}})):
        page = texts(render([known], []))
        assert "there is evidence, and python -m pipelines.tables --task phantom makes the table" in " ".join(
            page.split()
        )


def test_the_committed_tables_are_those_of_the_papers(settings, two_papers, monkeypatch):
    monkeypatch.chdir(ROOT)
    tasks = {task.name: task for task in task_files.all_tasks(settings, two_papers)}
    for paper in two_papers:
        for name, table in paper.tables.items():
            for task in (task for task in tasks if settings.cells(task)):
                assert not table.on(task) or over_tasks.made_table(paper, name, tasks[task]), (name, task)


def test_every_button_has_what_it_opens(made, render, paper):
    page = render([paper], [])
    assert set(re.findall(r'popovertarget="([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))


def test_what_is_missing_is_named_with_its_command(render, two_papers):
    page = texts(render(two_papers, None))
    assert "There is no audit yet; python -m pipelines.audit" in " ".join(page.split())
    for command in (
        "train --task brain-mri --model cnn resnet50 vit cnn_attention light_cnn emanet",
        "fetch --task chestxray",
    ):
        assert f"python -m pipelines.{command}" in page
    assert "no run has evidence yet" in page
    assert "input size were not measured yet; dvc repro cost" in " ".join(page.split())
    assert "mask saves was not measured yet; dvc repro cost" in " ".join(page.split())


def test_costs_lead_to_their_records_and_to_the_command_that_measures_again(made, render, paper):
    write("cpu-32", "cnn", measures())
    write("cpu-224", "cnn", measures())
    write("cpu-32", "emanet", measures(0.5))
    page = texts(render([paper], []))
    assert "results/costs/cpu-32/cnn.json ,  results/costs/cpu-224/cnn.json" in page
    assert "cpu-224/emanet.json" not in page
    assert "python -m pipelines.cost --shape cpu-224 --verify" in page
    costs = render([paper], []).split('id="cost-phantom"')[1].split("</div>")[0]
    assert "32 px, one image at a time, one thread of a processor, in <code>results/costs/cpu-32/</code>" in costs
    assert "not measured yet" in render([paper], []).split('id="cost-breastmnist"')[1].split("</div>")[0]


def test_a_task_without_tables_and_figures_says_how_to_make_them(made, render, paper):
    for folder in ("tables", "figures"):
        shutil.rmtree(evidence.TASKS / "phantom" / folder)
    page = texts(render([paper], []))
    assert "No figures yet; python -m pipelines.figures --task phantom" in " ".join(page.split())
    assert "No tables yet; python -m pipelines.tables --task phantom" in " ".join(page.split())


def test_a_figure_that_is_not_drawn_is_named_with_its_command(made, render, two_papers):
    page = " ".join(texts(render(two_papers, None)).split())
    command = "python -m pipelines.train --task phantom --model"
    assert f"curves_adaptive, confusion_adaptive, explanations_adaptive. {command} adaptive" in page
    assert f"learning_adaptive. {command} adaptive_parts_1" in page
    assert "curves_cnn" not in page.split("Not drawn yet:", 1)[1]


def test_markup_of_a_paper_of_an_answer_or_of_a_class_is_text(made, render, paper, record):
    page = render([paper], [record])
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert texts(page).count("alert(1)") >= 8
    assert len(re.findall("<script>", page)) == 1


def test_a_claim_shows_its_verdict_its_numbers_and_the_authors_answer(made, render, paper, record):
    claim = render([paper], [record]).split("<article ")[1].split("</article>")[0]
    assert 'data-paper="a_paper" data-verdict="supported"' in claim
    for text in ("shown", "Scope: phantom", "a command", "The authors:", "cnn against vit", "0.1235"):
        assert text in texts(claim) or text in claim


def test_nothing_is_loaded_and_no_other_script_runs(made, render, paper, record):
    page = render([paper], [record])
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1]
    assert "default-src 'none'" in unescape(policy)
    assert re.search(r"script-src 'sha256-[^']+'$", unescape(policy))
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert all(source.startswith(("data:", "#")) for source in sources)


def test_the_same_evidence_gives_the_same_page(made, render, paper, record):
    assert render([paper], [record]) == render([paper], json.loads(json.dumps([record])))
