"""What decides a run: the digests of its inputs change with these alone."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmark import evidence
from benchmark.errors import BadInput
from benchmark.training import runs
from benchmark.training.runs import code_files, inputs


def changed(before, after):
    assert set(before) == set(after)
    return {name for name in before if before[name] != after[name]}


def rewrite(path, old, new):
    path = Path(path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("tasks.phantom.recipe.epochs", 2, {"params"}),
        ("tasks.phantom.recipe.precision", "bfloat16", {"params"}),
        ("tasks.phantom.keep_leaks", True, {"params"}),
        ("models.knn.options", {"neighbours": 3}, {"params"}),
        ("models.knn.features", "pixels", {"params"}),
        ("models.knn.tasks", [], set()),
        ("models.knn.label", "nearest neighbours", set()),
        ("models.knn.tasks", ["phantom", "chestxray-medmnist"], set()),
        ("tasks.phantom.runs", 5, set()),
        ("tasks.breastmnist.recipe.epochs", 2, set()),
        ("models.svm.options", {"C": 1.0}, set()),
        ("notes", {}, set()),
        ("costs", {}, set()),
    ],
)
def test_the_digests_of_a_run_change_with_its_own_inputs_only(small, edit, run_of, key, value, expected):
    before = inputs(run_of("knn"))
    assert set(before) == {"code", "params", "data", "split"}
    edit(key, value)
    assert changed(before, inputs(run_of("knn"))) == expected


def test_what_deviates_from_the_recipe_changes_the_models_own_runs_alone(small, edit, run_of):
    before = [inputs(run_of(model)) for model in ("cnn", "vit")]
    edit("models.cnn.recipe", {"precision": "bfloat16"})
    after = [inputs(run_of(model)) for model in ("cnn", "vit")]
    assert [changed(*both) for both in zip(before, after, strict=True)] == [{"params"}, set()]


def test_runs_have_splits_of_their_own(small, run_of):
    assert changed(inputs(run_of("knn", 0)), inputs(run_of("knn", 1))) == {"split"}


def test_the_digests_of_a_run_change_with_its_split(small, run_of):
    before = inputs(run_of("knn"))
    path = evidence.TASKS / "phantom/split.csv"
    split = pd.read_csv(path)
    split["part"] = (split["part"] + 1) % 20
    split.to_csv(path, index=False)
    assert changed(before, inputs(run_of("knn"))) == {"split"}


def test_the_digests_of_a_run_change_with_its_images(small, run_of):
    before = inputs(run_of("knn"))
    path = evidence.TASKS / "phantom/manifest.json"
    evidence.write_json(path, evidence.read_json(path) | {"digest": "another"})
    assert changed(before, inputs(run_of("knn"))) == {"data"}


NETWORKS, ESTIMATORS = "benchmark/training/networks.py", "benchmark/training/estimators.py"


@pytest.mark.parametrize("model", ["cnn", "knn"])
def test_words_in_the_trainer_leave_every_run_as_it_is(small, own_code, run_of, model):
    before = inputs(run_of(model))
    rewrite(NETWORKS, '"""One trainer for every torch model.', '# A comment\n"""Another docstring.')
    rewrite(NETWORKS, "    cos, sin, zero", "    # Why.\n\n    cos, sin, zero")
    rewrite(ESTIMATORS, '"""One trainer for every scikit-learn estimator', '"""Another docstring')
    assert inputs(run_of(model)) == before


def test_another_name_in_the_trainer_of_networks_changes_the_code_of_networks_alone(small, own_code, run_of):
    before = [inputs(run_of(model)) for model in ("cnn", "knn")]
    rewrite(NETWORKS, "rest", "remainder")
    after = [inputs(run_of(model)) for model in ("cnn", "knn")]
    assert [changed(*both) for both in zip(before, after, strict=True)] == [{"code"}, set()]


@pytest.mark.parametrize("path", sorted(runs.SHARED_CODE))
def test_code_that_all_runs_share_is_part_of_each(small, own_code, run_of, path):
    before = [inputs(run_of(model)) for model in ("cnn", "knn")]
    with Path(path).open("a", encoding="utf-8") as file:
        file.write("\nANOTHER = 1\n")
    after = [inputs(run_of(model)) for model in ("cnn", "knn")]
    assert [changed(*both) for both in zip(before, after, strict=True)] == [{"code"}, {"code"}]


def test_the_code_of_corruptions_is_no_input_of_a_run(small, own_code, run_of):
    before = inputs(run_of("cnn"))
    rewrite("benchmark/training/corruptions.py", "np.rint", "np.floor")
    assert inputs(run_of("cnn")) == before


@pytest.mark.parametrize("model", ["emanet", "knn", "regnetx_002", "transfer_breastmnist"])
def test_all_code_of_a_run_exists(run_of, model):
    files = code_files(run_of(model))
    assert [path for path in files if not path.is_file()] == []
    assert (Path("benchmark/data/duplicates.py") in files) == (model == "transfer_breastmnist")


@pytest.mark.parametrize(
    ("imported", "expected"),
    [
        ("from baselines import cnn", {"baselines/cnn.py", "baselines/__init__.py"}),
        ("import baselines.cnn as x", {"baselines/cnn.py"}),
        ("from baselines.cnn import cnn as build", {"baselines/cnn.py"}),
        ("from benchmark.models.blocks import Classifier", {"benchmark/models/blocks.py"}),
        ("def mine():\n    from benchmark.models import blocks", {"benchmark/models/blocks.py"}),
        ("from baselines.cnn_attention import WIDTHS", {"baselines/cnn_attention.py", "benchmark/models/blocks.py"}),
        ("import torch\nfrom benchmark.params import Params", set()),
    ],
)
def test_code_that_a_models_file_imports_is_part_of_its_runs(small, own_code, edit, run_of, imported, expected):
    edit("models.mine", {"kind": "network", "init": "scratch"})
    path = Path("baselines/mine.py")
    path.write_text(imported + "\n", encoding="utf-8")
    reached = {str(path) for path in runs.with_imports(path)}
    assert runs.with_imports(path)[0] == path
    assert expected <= reached
    assert set(map(Path, reached)) <= set(code_files(run_of("mine")))
    for name in sorted(expected):
        before = inputs(run_of("mine"))
        with Path(name).open("a", encoding="utf-8") as file:
            file.write("\nANOTHER = 1\n")
        assert changed(before, inputs(run_of("mine"))) == {"code"}
    if not expected:
        assert reached == {"baselines/mine.py"}


@pytest.mark.parametrize("imported", ["from .cnn import WIDTHS", "from . import cnn", "from ..benchmark import params"])
def test_relative_imports_are_refused(own_code, imported):
    path = Path("baselines/mine.py")
    path.write_text(imported + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"mine.py: imports '\.+.*'; a model's file must import by absolute names"):
        runs.with_imports(path)


def test_files_that_import_each_other_are_reached_once(own_code):
    Path("baselines/one.py").write_text("from baselines.other import x\n", encoding="utf-8")
    Path("baselines/other.py").write_text("from baselines.one import y\n", encoding="utf-8")
    assert [path.name for path in runs.with_imports(Path("baselines/one.py"))][:2] == ["one.py", "other.py"]


def test_the_first_weights_of_a_file_are_an_input(small, edit, run_of, tmp_path):
    (tmp_path / "one.pt").write_bytes(b"one")
    edit("models.cnn.init", f"file:{tmp_path}/one.pt")
    before = inputs(run_of("cnn"))
    (tmp_path / "one.pt").write_bytes(b"other")
    assert changed(before, inputs(run_of("cnn"))) == {"weights"}
    (tmp_path / "one.pt").unlink()
    with pytest.raises(BadInput, match=r"models.cnn.init: .*/one.pt: no such file"):
        inputs(run_of("cnn"))


@pytest.mark.parametrize("missing", ["manifest.json", "split.csv"])
def test_a_missing_manifest_or_split_says_how_to_make_it(small, run_of, missing):
    (evidence.TASKS / "phantom" / missing).unlink()
    with pytest.raises(BadInput, match=rf"phantom/{missing}: missing; .*dvc repro"):
        inputs(run_of("knn"))


@pytest.mark.parametrize("content", ["", "sample_id,label\na,0\n", "sample_id,part\na,train\n"], ids=repr)
def test_a_split_of_another_shape_is_named(small, run_of, content):
    (evidence.TASKS / "phantom/split.csv").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=r"phantom/split.csv: .*; make it anew with `dvc repro --force"):
        inputs(run_of("knn"))


def test_a_run_knows_its_names_and_its_place(run_of):
    run = run_of("knn", 2)
    assert str(run) == "phantom-knn run 2"
    assert run.cell == ("phantom", "knn")
    assert run.folder == Path("results/tasks/phantom/runs/knn/run-2")
    assert run.code == Path("baselines/knn.py")


def test_names_that_params_yaml_does_not_know_get_the_closest_one(settings):
    for task, model, expected in (("fantom", "knn", "'phantom'"), ("phantom", "knnn", "'knn'")):
        with pytest.raises(BadInput, match=f"did you mean {expected}"):
            runs.resolve(settings, task, model, 0, Path("baselines/knn.py"))


def test_a_model_that_a_task_cannot_train_is_refused(settings):
    with pytest.raises(BadInput, match=r"models.emanet_lesion_mask takes the true mask .* 'breastmnist' does not"):
        runs.resolve(settings, "breastmnist", "emanet_lesion_mask", 0, Path("benchmark/models/emanet.py"))


def test_an_unknown_option_of_a_model_gets_the_closest_one(edit, run_of):
    edit("models.knn.options", {"neighbors": 3})
    with pytest.raises(BadInput, match=r"models.knn.options: no option 'neighbors'; did you mean 'neighbours'\?"):
        _ = run_of("knn").factory


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("import nothing_of_this_name\n", "cannot be imported .*nothing_of_this_name"),
        ("def\n", "cannot be imported"),
        ("mine = nothing_of_this_name\n", "cannot be imported .NameError: .*nothing_of_this_name"),
        ("import json\njson.nothing\n", "cannot be imported .AttributeError: "),
        ("x = 1\n", "has no function 'mine'"),
        ("def mine(classes): ...\n", "mine: .*; it must take num_classes, in_chans, img_size"),
    ],
)
def test_a_file_without_the_models_factory_is_named(edit, run_of, monkeypatch, tmp_path, content, reason):
    edit("models.mine", {"kind": "network", "init": "scratch"})
    (tmp_path / "imports").mkdir()
    (tmp_path / "imports/mine.py").write_text(content, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "imports")
    monkeypatch.delitem(runs.import_module("sys").modules, "mine", raising=False)
    run = replace(run_of("cnn"), code=Path("mine.py"))
    run = replace(run, model=run.model.model_copy(update={"name": "mine"}))
    with pytest.raises(BadInput, match=f"mine.py: {reason}") as error:
        _ = run.factory
    assert "\n" not in str(error.value)
