"""What counts as having come out again, and which evidence may be noted as made by the code of today."""

import json
import shutil

import numpy as np
import pytest

from benchmark import evidence, params, yaml_files
from benchmark.errors import BadInput
from benchmark.evidence import metrics, provenance
from benchmark.training import reproduction
from benchmark.training.corruptions import CORRUPTIONS
from benchmark.training.runs import inputs
from tests.conftest import git

IMAGES = 60


@pytest.fixture
def predicted(tmp_path):
    """Return a function that leaves a run's evidence below a folder: its probabilities of the true class, and where."""

    def make(name, probabilities, processor="one", ids=None):
        labels, ids = np.arange(IMAGES) % 2, ids or [str(index) for index in range(IMAGES)]
        column = np.broadcast_to(probabilities, IMAGES)
        both = np.where(np.arange(2) == labels[:, None], column[:, None], 1 - column[:, None])
        for model in ("knn", "cnn"):
            folder = tmp_path / name / f"phantom/runs/{model}/run-0"
            folder.mkdir(parents=True)
            evidence.write_predictions(folder / "predictions.csv", ids, labels, both)
            evidence.write_json(
                folder / "metrics.json", metrics.score(*evidence.read_predictions(folder / "predictions.csv")[1:])
            )
            (folder / "history.csv").write_text("epoch,validation_loss\n1,0.5\n")
            (folder / "robustness.csv").write_text(f"corruption,strength,unit,right\njpeg,80,quality,r{'1' * IMAGES}\n")
            machine = {"processor": processor, "kind": processor, "system": "Linux"}
            provenance.write(folder, {"machine": machine, "versions": {}})
        return tmp_path / name

    return make


@pytest.fixture
def outcome(settings, run_of):
    """Return a function that compares run 0 of a model below two folders."""
    return lambda model, one, other: reproduction.compare([run_of(model)], settings.other_processor, one, other)[0]


@pytest.fixture
def answers(outcome):
    """Return a function that compares the answers alone of run 0 of a model below two folders."""
    return lambda *arguments: outcome(*arguments).parts[0]


def right(*indices):
    """Return probabilities of the true class with which those images come out right."""
    return np.where(np.isin(np.arange(IMAGES), indices), 0.9, 0.1)


@pytest.mark.parametrize("model", ["knn", "cnn"])
def test_equal_bytes_pass_on_any_machine(outcome, predicted, model):
    assert outcome(model, predicted("one", 0.8), predicted("other", 0.8, "another")).passed


@pytest.mark.parametrize("model", ["knn", "cnn"])
def test_on_the_same_stack_every_byte_must_agree(outcome, predicted, model):
    result = outcome(model, predicted("one", 0.8), predicted("other", 0.8001))
    assert not result.passed
    assert "0 of 1 runs came out the same" in str(result)
    assert "not the same: metrics.json, predictions.csv; on the same kind of processor" in str(result)


def test_on_another_processor_a_small_difference_of_an_estimator_is_within_and_stated(answers, predicted):
    part = answers("knn", predicted("one", 0.8), predicted("other", 0.795, "another"))
    assert part.within
    assert "per image, a probability by 0.0050 on average and the class for 0.0 %" in part.what


@pytest.mark.parametrize("probability", [0.6, 0.45], ids=["far off", "another class"])
def test_on_another_processor_a_large_difference_of_an_estimator_is_outside(answers, predicted, probability):
    assert not answers("knn", predicted("one", 0.8), predicted("other", probability, "another")).within


def test_on_another_processor_another_class_of_an_estimator_is_outside_however_near(answers, predicted):
    assert not answers("knn", predicted("one", 0.501), predicted("other", 0.499, "another")).within


def test_on_another_processor_a_network_may_be_right_on_other_images(answers, predicted):
    one, other = predicted("one", right(*range(20))), predicted("other", right(*range(10, 34)), "another")
    part = answers("cnn", one, other)
    assert part.within
    assert "10 images are now wrong, 14 now right, McNemar's p 0.54" in part.what


@pytest.mark.parametrize("share", [range(0), range(60)], ids=["worse", "better"])
def test_on_another_processor_another_accuracy_of_a_network_is_outside(answers, predicted, share):
    one, other = predicted("one", right(*range(30))), predicted("other", right(*share), "another")
    assert not answers("cnn", one, other).within


@pytest.mark.parametrize("model", ["knn", "cnn"])
def test_other_test_images_fail_on_any_processor(outcome, predicted, model):
    others = [f"x{index}" for index in range(IMAGES)]
    result = outcome(model, predicted("one", 0.8), predicted("other", 0.8, "another", ids=others))
    assert not result.passed
    assert "predictions.csv: sample_id differs, which no processor changes" in str(result)


@pytest.fixture
def base(small, edit, leave, run_of):
    """A commit with whole evidence of other code: k-NN's and the CNN's on phantom, and k-NN's on a task ``ghost``."""
    phantom = yaml_files.read(params.FILE)["tasks"]["phantom"]
    edit("tasks.ghost", phantom | {"source": phantom["source"] | {"name": "ghost", "seed": 7}})
    shutil.copytree(evidence.TASKS / "phantom", evidence.TASKS / "ghost")
    for run in (run_of("knn"), run_of("cnn"), run_of("knn", task="ghost")):
        leave(run, run.folder, inputs=inputs(run) | {"code": "of before"}, commit="abc")
    return commit


def commit():
    """Commit the parameters and the evidence; return the commit."""
    git("init", "-q")
    git("add", "params.yaml", "results")
    git("commit", "-qm", "Evidence")
    return git("rev-parse", "HEAD")


def facts_of(run):
    return evidence.read_json(run.folder / evidence.PROVENANCE)


def restamp(commit, *runs, models=("knn", "cnn"), up_to_date=None):
    """Restamp runs by a comparison of some models with a commit where runs, all by default, were up to date."""
    folders = [str(run.folder) for run in runs] if up_to_date is None else up_to_date
    base = reproduction.Base(reproduction._commit(commit), frozenset(models), frozenset(folders))
    return reproduction.restamp(base, list(runs), params.load().task("phantom"))


def refused(commit, run, **shown):
    """Return why a run is not noted; its provenance stays as it was."""
    before = facts_of(run)
    count, reasons = restamp(commit, run, **shown)
    assert count == 0
    assert facts_of(run) == before
    return reasons


def test_runs_of_which_the_code_alone_changed_are_noted(base, run_of):
    commit, runs = base(), [run_of("knn"), run_of("cnn"), run_of("knn", task="ghost")]
    assert restamp(commit, *runs) == (3, [])
    for run in runs:
        facts = facts_of(run)
        assert facts["inputs"] == inputs(run)
        assert facts["same_bytes_as"] == commit
        assert facts["commit"] == "abc"  # that trained it
        assert facts["robustness"] == {name: kind.digest for name, kind in CORRUPTIONS.items()}
        assert provenance.is_whole(run.folder)


def test_runs_that_are_up_to_date_stay_as_they_are(base, leave, run_of):
    run = run_of("knn")
    leave(run, run.folder)
    commit, before = base(), facts_of(run)
    assert restamp(commit, run) == (0, [])
    assert facts_of(run) == before


@pytest.mark.parametrize("name", ["data", "split", "weights", "pretraining"])
def test_a_run_of_other_images_another_split_or_other_weights_is_not_noted(base, leave, run_of, name):
    run = run_of("knn")
    leave(run, run.folder, inputs=inputs(run) | {name: "of before"})
    assert refused(base(), run) == [f"phantom-knn run 0: its {name} changed"]


def test_evidence_that_was_stale_at_the_base_is_not_noted(base, run_of):
    commit, run = base(), run_of("knn")
    reason = f"phantom-knn run 0: its evidence was not up to date at {commit}"
    assert refused(commit, run, up_to_date=[]) == [reason]


def test_a_model_that_was_not_compared_must_have_the_file_that_it_had(base, own_code, run_of):
    git("init", "-q")
    git("add", "baselines", "benchmark")
    commit, run = base(), run_of("knn")
    evidence.replace_text(run.code, run.code.read_text(encoding="utf-8") + "\n# A word\n")
    assert restamp(commit, run, models=["cnn"]) == (1, [])
    git("checkout", "-q", "--", "results")
    evidence.replace_text(run.code, run.code.read_text(encoding="utf-8") + "\nK = 1\n")
    reason = f"it was not compared, and baselines/knn.py or what it imports is not what it was at {commit}"
    assert refused(commit, run, models=["cnn"]) == [f"phantom-knn run 0: {reason}"]


def test_evidence_that_is_not_the_bases_is_not_noted(base, run_of):
    commit, run = base(), run_of("knn")
    evidence.replace_text(run.folder / "history.csv", "other")
    assert refused(commit, run) == [f"phantom-knn run 0: its evidence is not that of {commit}"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("tasks.phantom.recipe.epochs", 2, "recipe.epochs"),
        ("tasks.phantom.input_size", 40, "input_size"),
        ("models.knn.options", {"neighbours": 3}, "models.options"),
        ("models.knn.features", "pixels", "models.features"),
        ("models.knn.of", "one_nn", "models.of"),
    ],
)
def test_a_run_of_another_protocol_recipe_or_model_is_not_noted(base, edit, run_of, key, value, said):
    commit = base()
    edit(key, value)
    assert refused(commit, run_of("knn")) == [f"phantom-knn run 0: {said} is not what it was at {commit}"]


def test_listing_more_tasks_for_a_model_is_no_change_of_it(base, edit, run_of):
    commit = base()
    edit("models.knn.tasks", ["phantom", "brain-mri"])
    assert restamp(commit, run_of("knn")) == (1, [])


def older(remove):
    """Rewrite params.yaml as it was before a key was there; return what it is now."""
    text = params.FILE.read_text(encoding="utf-8")
    raw = json.loads(text)
    remove(raw)
    params.FILE.write_text(json.dumps(raw), encoding="utf-8")
    return text


@pytest.mark.parametrize("value", ["float32", "bfloat16"])
def test_a_new_key_of_the_recipe_must_have_the_value_that_the_synthetic_task_was_trained_with(
    base, edit, run_of, value
):
    edit("tasks.ghost.recipe.precision", value)
    now = older(lambda raw: [task["recipe"].pop("precision") for task in raw["tasks"].values()])
    commit = base()
    params.FILE.write_text(now, encoding="utf-8")
    run = run_of("knn", task="ghost")
    if value == "float32":
        assert restamp(commit, run) == (1, [])
    else:
        assert refused(commit, run) == [f"ghost-knn run 0: recipe.precision is not what it was at {commit}"]


@pytest.mark.parametrize(("key", "name"), [("tasks", "ghost"), ("models", "knn")])
def test_a_task_or_model_that_the_base_does_not_know_is_not_noted(base, run_of, key, name):
    now = older(lambda raw: raw[key].pop(name))
    commit = base()
    params.FILE.write_text(now, encoding="utf-8")
    run = run_of("knn", task="ghost")
    assert refused(commit, run) == [f"ghost-knn run 0: {key}.{name} is not what it was at {commit}"]


def test_a_torn_copy_of_what_the_base_trained_is_trained_again(leave, run_of, small, tmp_path):
    run = run_of("knn")
    folder = leave(run, tmp_path / "there" / run.folder.relative_to(evidence.TASKS))
    assert reproduction._trained(tmp_path / "there", run)
    (folder / "history.csv").write_text("")
    assert not reproduction._trained(tmp_path / "there", run)


def test_a_base_that_is_no_commit_is_named(base, run_of):
    base()
    with pytest.raises(BadInput, match=r"git rev-parse: .*; --base must name a commit") as error:
        restamp("nowhere", run_of("knn"))
    assert "\n" not in str(error.value)


def test_the_base_is_trained_where_this_code_gives_other_bytes_than_its_evidence_and_kept(
    base, leave, run_of, monkeypatch
):
    commit, trained = base(), []

    def train(runs, folder, by, **texts):
        for run in runs:
            trained.append((by, run.model.name))
            leave(run, folder / run.folder.relative_to(evidence.TASKS), texts.get(run.model.name, "the same"))

    def train_base(tree, task, models, into):
        chosen = [run for run in runs if run.task.name == task and run.model.name in models]
        train(chosen, into, "base", cnn="elsewhere")

    runs = [run_of("knn"), run_of("cnn")]
    here = [("this", "knn"), ("this", "cnn")]
    monkeypatch.setattr(
        reproduction.cells, "train_into", lambda todo, folder, engine: train(todo, folder, "this", cnn="elsewhere")
    )
    monkeypatch.setattr(reproduction, "_train_base", train_base)
    monkeypatch.setattr(reproduction, "_elsewhere", lambda *_: None)
    monkeypatch.setattr(reproduction, "_up_to_date_at", lambda base, tree: frozenset(["a run"]))
    for expected in ([*here, ("base", "cnn")], here):  # what the base trained is kept
        trained.clear()
        outcomes, shown = reproduction.with_base(commit, runs, params.load().other_processor)
        assert [outcome.exact for outcome in outcomes] == [True, True]
        assert shown == reproduction.Base(commit, frozenset(["knn", "cnn"]), frozenset(["a run"]))
        assert trained == expected
