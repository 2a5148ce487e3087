"""The command that trains: what it trains and says, and when it leaves evidence alone. The training is played here."""

import sys

import pytest

from benchmark import evidence
from benchmark.evidence import provenance
from benchmark.params import load
from benchmark.training import local, plan
from benchmark.training.corruptions import CORRUPTIONS
from benchmark.training.runs import read_split


@pytest.fixture
def played(monkeypatch, leave):
    """Play the training: keep the list of what was trained; ``meanwhile`` is called after each run."""
    state = {"runs": [], "meanwhile": lambda: None}

    def play(waiting, folders, shared, tell):
        for run in waiting:
            state["runs"].append(str(run))
            text = f"trained {len(state['runs'])}"
            leave(run, folders[run], text, robustness={name: kind.digest for name, kind in CORRUPTIONS.items()})
            state["meanwhile"]()
            yield run, None

    monkeypatch.setattr(local, "outcomes", play)
    return state


@pytest.fixture
def train(small, command):
    """Return a function that trains k-NN on the small phantom; it returns status, output and errors."""
    return lambda *arguments: command("train", "--task", "phantom", "--model", "knn", *arguments)


def kept():
    return {path: path.read_bytes() for path in evidence.TASKS.rglob("*") if path.is_file()}


def test_a_task_without_manifest_or_split_is_fetched_and_split_first(command, workplace, played):
    status, output, _ = command("train", "--task", "phantom", "--model", "knn")
    assert status == 0
    fetched, split, trained = output.splitlines()
    assert fetched.startswith("phantom: 72 images, 3 classes")
    assert split.startswith("phantom: 72 clusters; run 0 has ")
    assert trained == "phantom: 1 of 1 runs trained; the others were up to date"
    assert provenance.is_whole(workplace / "results/tasks/phantom/runs/knn/run-0")


def test_what_is_up_to_date_is_not_trained_and_that_is_said(train, played):
    train()
    before = kept()
    assert train()[:2] == (0, "phantom: 0 of 1 runs trained; the others were up to date\n")
    assert played["runs"] == ["phantom-knn run 0"]
    assert kept() == before


def test_by_force_what_is_up_to_date_is_trained_too(train, played):
    train()
    assert train("--force")[:2] == (0, "phantom: 1 of 1 runs trained; the others were up to date\n")
    assert played["runs"] == ["phantom-knn run 0"] * 2
    assert (evidence.run_folder("phantom", "knn", 0) / "history.csv").read_text() == "trained 2"


def test_all_models_that_list_a_task_are_trained_if_none_is_named(small, command, edit, played):
    for model in small.cells("phantom"):
        edit(f"models.{model}.tasks", ["phantom"] if model in ("knn", "svm") else [])
    edit("tasks.phantom.runs", 2)
    assert command("train", "--task", "phantom")[1] == "phantom: 4 of 4 runs trained; the others were up to date\n"
    assert sorted(played["runs"]) == [f"phantom-{model} run {number}" for model in ("knn", "svm") for number in (0, 1)]


def test_evidence_of_a_model_that_no_longer_lists_the_task_is_named(small, command, edit, played):
    for model in small.cells("phantom"):
        edit(f"models.{model}.tasks", ["phantom"] if model in ("knn", "svm") else [])
    command("train", "--task", "phantom")
    edit("models.svm.tasks", [])
    status, output, _ = command("train", "--task", "phantom")
    assert status == 0
    assert output.splitlines()[1:] == [
        "results/tasks/phantom/runs/svm: params.yaml does not list phantom for this model; delete the folder, or list "
        "the task"
    ]
    assert provenance.is_whole(evidence.run_folder("phantom", "svm", 0))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("models.knn.options", {"neighbours": 3}),
        ("tasks.phantom.recipe.epochs", 2),
        ("tasks.phantom.runs", 1),
    ],
)
def test_parameters_that_change_meanwhile_leave_the_evidence_as_it_was(train, edit, played, key, value):
    edit("tasks.phantom.runs", 2)
    train()
    before = kept()
    played["meanwhile"] = lambda: edit(key, value)
    status, output, errors = train("--force")
    assert status == 2
    assert output == ""
    assert errors.startswith("error: phantom-knn run ")
    assert errors.endswith(": params.yaml changed while it trained; start the command again\n")
    assert kept() == before


def test_parameters_of_other_models_may_change_meanwhile(train, edit, played):
    played["meanwhile"] = lambda: edit("models.svm.options", {"C": 2.0})
    assert train()[0] == 0
    assert provenance.is_whole(evidence.run_folder("phantom", "knn", 0))


def test_copies_are_left_in_a_folder_and_the_evidence_stays(train, edit, played, tmp_path):
    edit("tasks.phantom.runs", 3)
    train()
    before = kept()
    status, output, _ = train("--into", "copies", "--run", "0", "2")
    assert (status, output) == (0, "2 runs trained into copies\n")
    assert sorted(path.name for path in (tmp_path / "copies/phantom/runs/knn").iterdir()) == ["run-0", "run-2"]
    assert kept() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--into", "results/tasks"), "results/tasks: lies in the evidence, which is replaced by whole cells"),
        (("--into", "results/tasks/phantom/runs/knn"), "knn: lies in the evidence"),
        (("--run", "0"), "--run: goes with --into only"),
    ],
)
def test_parts_of_the_evidence_are_not_trained_by_themselves(train, played, arguments, said):
    train()
    before, trained = kept(), list(played["runs"])
    status, output, errors = train(*arguments)
    assert (status, output) == (2, "")
    assert said in errors
    assert errors.count("\n") == 1
    assert kept() == before
    assert played["runs"] == trained


def test_a_plan_says_what_would_be_trained_and_trains_nothing(train, played, leave, run_of):
    leave(run_of("cnn"), run_of("cnn").folder, seconds=720.0, images={"train": 50})
    status, output, _ = train("cnn", "--force", "--plan")
    assert (status, played["runs"]) == (0, [])
    assert "2 of 2 runs would be trained" in output
    assert [line.split() for line in output.splitlines() if line.startswith("phantom")] == [
        ["phantom", "knn", "1", "unknown", "no", "evidence"],
        ["phantom", "cnn", "1", "0.20", "phantom"],
    ]


def test_a_plan_scales_the_time_on_another_task_by_images_pixels_and_epochs(small, edit, run_of, leave):
    edit("tasks.phantom.input_size", 64)
    params = load()
    run = run_of("cnn")
    images = len(read_split(run)[1]["train"])
    other = params.task("breastmnist")
    folder = evidence.run_folder("breastmnist", "cnn", 0)
    leave(run, folder, seconds=100.0, images={"train": images // 2})
    epochs = params.recipe(other, run.model).epochs
    expected = 100.0 * 2 * (64 / other.input_size) ** 2 / epochs
    seconds, source = plan._seconds(params, run)
    assert seconds == pytest.approx(expected, rel=0.05)
    assert source == "breastmnist, scaled"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--address", "somewhere:1"], "--address: goes with --engine ray only"),
        (["--engine", "dask"], "invalid choice: 'dask'"),
    ],
)
def test_what_does_not_fit_an_engine_is_refused(train, played, arguments, said):
    status, _, error = train(*arguments)
    assert (status, played["runs"]) == (2, [])
    assert said in error


def test_without_ray_its_engine_is_refused_in_one_line(train, played, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    status, _, error = train("--engine", "ray")
    assert (status, error) == (2, "error: --engine ray: Ray is not installed; `pip install .[ray]` installs it\n")
