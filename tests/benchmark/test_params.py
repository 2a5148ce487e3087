"""params.yaml is read typed, and what is wrong with it is said in one line."""

import json

import pytest

from benchmark import params
from benchmark.errors import BadInput

MISTAKES = {
    "misspelt key at the top": ("taskz", {}, ["taskz", "did you mean 'tasks'?"]),
    "misspelt key of a recipe": ("tasks.phantom.recipe.epoch", 3, ["tasks.phantom.recipe", "did you mean 'epochs'?"]),
    "text for a number": ("tasks.phantom.runs", "three", ["tasks.phantom.runs", "integer", "'three'"]),
    "fraction for a count": ("tasks.phantom.recipe.epochs", 1.5, ["tasks.phantom.recipe.epochs", "1.5"]),
    "text for a truth value": ("tasks.phantom.keep_leaks", "yes", ["tasks.phantom.keep_leaks", "'yes'"]),
    "value out of a choice": ("tasks.phantom.split", "pool", ["tasks.phantom.split", "'pooled' or 'official'"]),
    "size below what networks take": ("tasks.phantom.input_size", 8, ["tasks.phantom.input_size", "16", "8"]),
    "probability above one": ("tasks.phantom.recipe.augmentation.flip", 1.5, ["augmentation.flip", "1.5"]),
    "split that does not add up": ("pooled_split.train", 13, ["pooled_split", "19", "parts = 20"]),
    "unknown corruption": ("robustness.jpg", [1.0] * 5, ["robustness", "did you mean 'jpeg'?"]),
    "four strengths": ("robustness.jpeg", [1.0] * 4, ["robustness.jpeg", "5"]),
    "unknown model of a stage": ("stages.train.model", ["emanett"], ["stages.train.model", "did you mean 'emanet'?"]),
    "unknown task of a stage": ("stages.fetch.task", ["fantom"], ["stages.fetch.task", "did you mean 'phantom'?"]),
    "estimator listed as network": ("stages.baseline.model", ["knn"], ["stages.baseline.model", "'knn'", "network"]),
    "estimator without features": ("models.knn", {"kind": "estimator"}, ["models.knn", "pixels or hog"]),
    "network with features": ("models.cnn.features", "hog", ["models.cnn", "a network has none"]),
    "network without first weights": ("models.cnn", {"kind": "network"}, ["models.cnn", "init", "scratch", "imagenet"]),
    "unknown first weights": ("models.cnn.init", "imagnet", ["models.cnn.init", "'imagnet'", "imagenet"]),
    "estimator with first weights": ("models.knn.init", "scratch", ["models.knn", "an estimator none"]),
    "estimator with a recipe": ("models.knn.recipe", {"epochs": 3}, ["models.knn", "recipe", "networks"]),
    "preprocessing of one model": ("models.cnn.recipe", {"gaussian_sigma": 1.0}, ["models.cnn", "belongs to the task"]),
    "deviation from nothing": ("models.cnn.recipe", {"epoch": 1}, ["models.cnn.recipe", "did you mean 'epochs'?"]),
    "deviation of another type": ("models.cnn.recipe", {"epochs": "1"}, ["models.cnn.recipe: epochs", "'1'"]),
    "lesions where none are known": (
        "stages.lesion_emanet.task",
        ["breastmnist"],
        ["stages.lesion_emanet.model", "emanet_lesion_mask", "'breastmnist' does not know"],
    ),
    "parts of a split without any": (
        "stages.learning.task",
        ["breastmnist-official"],
        ["stages.learning.model", "train_parts", "'breastmnist-official'", "pooled"],
    ),
    "more parts than are trained on": (
        "models.adaptive_parts_7.train_parts",
        15,
        ["stages.learning.model", "15", "14"],
    ),
    "parts of one of two tasks": ("models.transfer_breastmnist.train_parts", 3, ["models.transfer_breastmnist", "two"]),
    "weights of a task outside its stage": (
        "models.cnn.init",
        "task:breastmnist",
        ["stages.baseline.model", "'cnn'", "task:breastmnist", "stage transfer"],
    ),
    "weights of another task than the stage's": (
        "stages.transfer.on",
        "chestxray",
        ["stages.transfer.model", "'transfer_breastmnist'", "init: task:chestxray"],
    ),
    "note on an unknown model": ("notes", {"cnnn": "x"}, ["notes", "did you mean 'cnn'?"]),
    "note on an unknown cell": ("notes", {"fantom-cnn": "x"}, ["notes", "did you mean 'phantom-cnn'?"]),
    "unknown kind of source": ("sources.phantom.kind", "fantom", ["sources.phantom", "'phantom'", "'folder'"]),
    "no list where one is needed": ("stages.fetch.task", "phantom", ["stages.fetch.task", "list", "'phantom'"]),
    "nothing where tasks are needed": ("tasks", None, ["tasks", "mapping"]),
    "checksum of another length": ("sources.chestxray.sha256", "abc", ["sources.chestxray.sha256", "'abc'"]),
}


def error_of(path):
    with pytest.raises(BadInput) as caught:
        params.load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_in_one_line_that_names_the_key(workplace, edit, mistake):
    key, value, said = MISTAKES[mistake]
    edit(key, value)
    message = error_of(workplace / "params.yaml")
    assert [words for words in said if words not in message] == []


@pytest.mark.parametrize("key", ["pooled_split", "tasks.phantom.runs", "tasks.phantom.recipe.augmentation.flip"])
def test_a_missing_key_is_named(workplace, key):
    path = workplace / "params.yaml"
    raw = json.loads(path.read_text(encoding="utf-8"))
    *way, last = key.split(".")
    here = raw
    for step in way:
        here = here[step]
    del here[last]
    path.write_text(json.dumps(raw), encoding="utf-8")
    assert f"{key}: this key is missing" in error_of(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pooled_split: {parts: 20\ntasks: {}\n", "line 2"),
        ("tasks: {}\ntasks: {}\n", "duplicate key"),
        ("pooled_split:\n\tparts: 20\n", "line 2"),
        ("tasks: *nothing\n", "line 1"),
        ("", "mapping"),
    ],
    ids=["unclosed bracket", "key twice", "tab", "unknown alias", "empty file"],
)
def test_broken_yaml_is_said_in_one_line(tmp_path, text, said):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    assert said in error_of(path)


def test_a_missing_file_says_where_to_run(tmp_path):
    assert "top folder" in error_of(tmp_path / "params.yaml")


def test_an_unknown_name_gets_the_closest_one_or_all_of_them(settings):
    with pytest.raises(BadInput, match=r"no model 'emanett'; did you mean 'emanet'\?"):
        settings.model("emanett")
    with pytest.raises(BadInput, match=r"no task 'zzz'; known: phantom, breastmnist"):
        settings.task("zzz")


def test_the_cells_of_a_task_are_the_models_that_stages_list_for_it(workplace, edit):
    edit("stages.train", {"task": ["phantom"], "model": ["emanet"]})
    edit("stages.baseline", {"task": ["breastmnist"], "model": ["cnn"]})
    edit("stages.estimator", {"task": ["phantom"], "model": ["knn", "svm"]})
    found = params.load(workplace / "params.yaml")
    assert sorted(found.cells("phantom", params.ROWS)) == ["emanet", "knn", "svm"]
    assert found.cells("chestxray") == []


def test_only_phantom_tasks_count_as_synthetic(settings):
    assert {name for name, task in settings.tasks.items() if task.synthetic} == {"phantom"}


def test_a_missing_key_of_a_source_is_named(workplace, edit):
    edit("sources.phantom", {"kind": "phantom", "name": "phantom", "title": "", "licence": "", "seed": 1})
    assert "sources.phantom.images_per_class: this key is missing" in error_of(workplace / "params.yaml")


def test_a_list_as_a_models_option_is_named(workplace, edit):
    edit("models.cnn.options", {"dropout": [0.1]})
    assert "models.cnn.options.dropout" in error_of(workplace / "params.yaml")


def test_a_file_that_is_not_utf8_is_said_in_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes("title: Café".encode("latin-1"))
    assert "UTF-8" in error_of(path).upper()


def test_a_missing_corruption_is_named(workplace, edit):
    edit("robustness", {name: [1.0] * 5 for name in params.CORRUPTIONS if name != "jpeg"})
    assert "jpeg" in error_of(workplace / "params.yaml")


def test_a_models_recipe_is_the_tasks_but_for_what_deviates(settings):
    of_task = settings.task("phantom").recipe
    assert settings.recipe("phantom", "cnn") == of_task
    changed = settings.recipe("phantom", "adaptive_no_augmentation")
    assert changed.augmentation.flip == 0
    assert changed.model_copy(update={"augmentation": of_task.augmentation}) == of_task


def test_a_part_of_the_augmentation_can_deviate_alone(workplace, edit):
    edit("models.cnn.recipe", {"augmentation": {"flip": 0.0}})
    changed = params.load().recipe("phantom", "cnn").augmentation
    assert (changed.flip, changed.rotation) == (0.0, 15.0)


def test_the_papers_rows_are_apart_from_what_is_beyond_them(settings):
    rows, everything = settings.cells("phantom", params.ROWS), settings.cells("phantom")
    assert {"emanet", "adaptive", "svm"} <= set(rows) < set(everything)
    assert "emanet_literal" in set(everything) - set(rows)
