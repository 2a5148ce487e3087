"""A paper's table over tasks: its columns, its remarks, and which tables count as made."""

import shutil
from dataclasses import replace

import pytest

from benchmark import evidence
from benchmark.report import over_tasks, result_table, task_files
from tests.benchmark.report.made import NEAREST, NET, PROVENANCE, TABLE
from tests.conftest import ROOT


@pytest.fixture
def made(small):
    """A workplace with one run of the CNN on phantom and its table."""
    evidence.write_json(evidence.run_folder("phantom", "cnn", 0) / evidence.PROVENANCE, PROVENANCE)
    result_table.write(evidence.TASKS / "phantom/tables/table1.json", TABLE)
    return small


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


def test_a_table_from_before_a_change_of_its_paper_is_not_made_yet(made, paper):
    table = paper.tables["table1"]
    longer = table.model_copy(update={"rows": table.rows | {"New": ["1", "2"]}})
    column = table.columns[0].model_copy(update={"heading": "AUC", "measure": "auc"})
    wider = table.model_copy(update={"columns": [*table.columns, column], "rows": {"Net | x": ["90.2", "42", "0.9"]}})
    (phantom,) = (task for task in task_files.all_tasks(made, [paper]) if task.name == "phantom")
    assert over_tasks.made_table(paper, "table1", phantom) == TABLE
    for changed in (longer, wider):
        systems = paper.systems | {"New": "vit"}
        known = paper.model_copy(update={"systems": systems, "tables": {"table1": changed}})
        assert over_tasks.made_table(known, "table1", phantom) is None


def test_the_committed_tables_are_those_of_the_papers(settings, two_papers, monkeypatch):
    monkeypatch.chdir(ROOT)
    tasks = {task.name: task for task in task_files.all_tasks(settings, two_papers)}
    for paper in two_papers:
        for name, table in paper.tables.items():
            for task in (task for task in tasks if settings.cells(task)):
                assert not table.on(task) or over_tasks.made_table(paper, name, tasks[task]), (name, task)
