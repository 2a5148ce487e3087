"""params.yaml is read typed, and what is wrong with it is said in one line."""

import json

import pytest

from benchmark import params
from benchmark.audit import papers
from benchmark.errors import BadInput
from tests.conftest import ROOT

MISTAKES = {
    "misspelt key at the top": ("taskz", {}, ["taskz", "did you mean 'tasks'?"]),
    "key of before": ("stages", {}, ["unknown key 'stages'"]),
    "misspelt key of a recipe": ("tasks.phantom.recipe.epoch", 3, ["tasks.phantom.recipe", "did you mean 'epochs'?"]),
    "text for a number": ("tasks.phantom.runs", "three", ["tasks.phantom.runs", "integer", "'three'"]),
    "fraction for a count": ("tasks.phantom.recipe.epochs", 1.5, ["tasks.phantom.recipe.epochs", "1.5"]),
    "text for a truth value": ("tasks.phantom.keep_leaks", "yes", ["tasks.phantom.keep_leaks", "'yes'"]),
    "value out of a choice": ("tasks.phantom.split", "pool", ["tasks.phantom.split", "'pooled' or 'official'"]),
    "unknown precision": ("tasks.phantom.recipe.precision", "float16", ["recipe.precision", "'bfloat16'", "'float16'"]),
    "size below what networks take": ("tasks.phantom.input_size", 8, ["tasks.phantom.input_size", "16", "8"]),
    "probability above one": ("tasks.phantom.recipe.augmentation.flip", 1.5, ["augmentation.flip", "1.5"]),
    "split that does not add up": ("pooled_split.train", 13, ["pooled_split", "19", "parts = 20"]),
    "unknown task of a model": ("models.cnn.tasks", ["fantom"], ["models.cnn.tasks", "did you mean 'phantom'?"]),
    "no list where one is needed": ("models.cnn.tasks", "phantom", ["models.cnn.tasks", "list", "'phantom'"]),
    "name beside the key": ("models.cnn.name", "cnn", ["cnn: unknown key 'name'; the name is 'cnn', the key"]),
    "label of another model": ("models.cnn.label", "EMANet", ["models.cnn.label: 'EMANet' stands for emanet too"]),
    "name of another model as a label": ("models.cnn.label", "vit", ["models.cnn.label: 'vit' stands for vit too"]),
    "label of two lines": ("models.cnn.label", "a\nb", ["models.cnn.label", "pattern"]),
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
        "models.emanet_lesion_mask.tasks",
        ["breastmnist"],
        ["models.emanet_lesion_mask.tasks: breastmnist: the model takes the true mask", "'breastmnist' does not know"],
    ),
    "parts of a split without any": (
        "models.adaptive_parts_7.tasks",
        ["breastmnist-official"],
        ["models.adaptive_parts_7.tasks", "train_parts", "'breastmnist-official'", "pooled"],
    ),
    "more parts than are trained on": (
        "models.adaptive_parts_7.train_parts",
        15,
        ["models.adaptive_parts_7.tasks: phantom", "15", "14"],
    ),
    "parts of one of two tasks": ("models.transfer_breastmnist.train_parts", 3, ["models.transfer_breastmnist", "two"]),
    "first weights of an unknown task": (
        "models.transfer_breastmnist.init",
        "task:breastmnst",
        ["models.transfer_breastmnist.init", "did you mean 'breastmnist'?"],
    ),
    "first weights of the same images": (
        "models.transfer_breastmnist.tasks",
        ["breastmnist-official"],
        ["models.transfer_breastmnist.tasks", "a task with the images of 'breastmnist-official'"],
    ),
    "note on an unknown model": ("notes", {"cnnn": "x"}, ["notes", "did you mean 'cnn'?"]),
    "note on an unknown cell": ("notes", {"fantom-cnn": "x"}, ["notes", "did you mean 'phantom-cnn'?"]),
    "costs on unknown images": ("costs.cpu-32.images", "fantom", ["costs.cpu-32.images", "did you mean 'phantom'?"]),
    "unknown reference": ("timing.reference", "emanett", ["timing.reference", "did you mean 'emanet'?"]),
    "estimator as reference": ("timing.reference", "knn", ["timing.reference", "'knn' is no network"]),
    "fewer blocks than the least": ("timing.most", 6, ["timing", "least = 8 or more"]),
    "unknown kind of source": (
        "tasks.phantom.source.kind",
        "fantom",
        ["tasks.phantom.source", "'phantom'", "'folder'"],
    ),
    "nothing where tasks are needed": ("tasks", None, ["tasks", "mapping"]),
    "checksum of another length": ("tasks.chestxray.source.sha256", "abc", ["tasks.chestxray.source.sha256", "'abc'"]),
    "two classes of one name": ("tasks.chestxray.source.classes", ["ill", "ill"], ["source.classes", "the same name"]),
    "one class alone": ("tasks.chestxray.source.classes", ["ill"], ["source.classes", "1 values", "at least 2"]),
    "class without a folder": ("tasks.chest-ct-224.source.classes.normal", [], ["source.classes.normal", "at least 1"]),
    "folder of two classes": (
        "tasks.chest-ct-224.source.classes.normal",
        ["normal", "adenocarcinoma"],
        ["tasks.chest-ct-224.source.classes", "'adenocarcinoma' is listed twice"],
    ),
    "size that the file of a source does not have": (
        "tasks.breastmnist.native_size",
        224,
        ["tasks.breastmnist", "native_size is 224", "images of 28 px"],
    ),
    "size that medmnist has no file of": ("tasks.breastmnist.source.size", 32, ["source.size", "28, 64, 128 or 224"]),
    "seed that NumPy does not take": ("tasks.phantom.source.seed", -1, ["tasks.phantom.source.seed", "0, not -1"]),
    "seed of 33 bits": ("tasks.phantom.source.seed", 2**32, ["phantom.source.seed", "less than 4294967296"]),
    "address of no kind": ("tasks.chestxray.source.url", "example.org/a.npz", ["source.url"]),
    "set of Kaggle without its owner": ("tasks.brain-mri.source.kaggle", "set", ["source.kaggle"]),
    "resizing of no kind": ("tasks.brain-mri.source.resize", "crop", ["source.resize", "'stretch' or 'pad'"]),
    "group pattern without a group": ("tasks.brain-mri.source.group_pattern", "p", ["group_pattern", "one group"]),
}


TABLE = {"kind": "table", "name": "x", "title": "", "licence": "", "path": "x", "obtain": "", "table": "t.csv"}
TABLE |= {"columns": {"path": "file", "label": "label"}}
MISTAKES_OF_A_TABLE = {
    "channels": (2, "tasks.brain-mri.source.channels: input should be 1 or 3, not 2"),
    "levels": ([9.0, 1.0], "tasks.brain-mri.source.levels: 9 is not below 1"),
    "table": (1, "tasks.brain-mri.source.table: must be text"),
    "columns": ({"path": "file"}, "tasks.brain-mri.source.columns.label: this key is missing"),
    "sufix": (".png", "tasks.brain-mri.source: unknown key 'sufix'"),
    "test": ("b", "tasks.brain-mri.source: a split needs train and test"),
    "classes": ({"a": [0], "b": ["1"]}, "tasks.brain-mri.source.classes.a.0: must be text"),
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


@pytest.mark.parametrize("key", MISTAKES_OF_A_TABLE)
def test_a_mistake_in_a_table_is_said_of_its_own_key(workplace, edit, key):
    value, said = MISTAKES_OF_A_TABLE[key]
    edit("tasks.brain-mri.source", TABLE | {key: value})
    assert f"params.yaml: {said}" in error_of(workplace / "params.yaml")


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


def test_the_cells_of_a_task_are_the_models_that_list_it_in_their_order(workplace, edit):
    for model in params.load().models:
        edit(f"models.{model}.tasks", [])
    edit("models.svm.tasks", ["phantom"])
    edit("models.emanet.tasks", ["breastmnist", "phantom"])
    loaded = params.load()
    assert loaded.cells("phantom") == ["emanet", "svm"]
    assert loaded.cells("breastmnist") == ["emanet"]
    assert loaded.cells("chestxray") == []


def test_a_task_can_train_models_that_do_not_list_it_unless_they_cannot_fit(settings):
    chestxray, phantom = settings.task("chestxray-medmnist"), settings.task("phantom")
    assert settings.misfit(chestxray, settings.model("knn")) is None
    assert "the true mask" in settings.misfit(chestxray, settings.model("emanet_lesion_mask"))
    assert "train_parts" in settings.misfit(chestxray, settings.model("adaptive_parts_1"))
    assert settings.misfit(phantom, settings.model("emanet_lesion_mask")) is None
    assert settings.misfit(phantom, settings.model("adaptive_parts_1")) is None


def test_only_phantom_tasks_count_as_synthetic(settings):
    assert {name for name, task in settings.tasks.items() if task.synthetic} == {"phantom"}


def test_tasks_and_models_know_their_names_and_leave_them_out_of_a_digest(settings):
    for entries in (settings.tasks, settings.models):
        assert [entry.name for entry in entries.values()] == list(entries)
        assert all("name" not in entry.model_dump() for entry in entries.values())
    assert all({"label", "tasks"}.isdisjoint(model.model_dump()) for model in settings.models.values())


def test_a_model_is_called_by_its_name_unless_it_has_a_label(settings):
    assert settings.models["emanet"].label == "EMANet"
    assert settings.models["emanet_literal"].label == "emanet_literal"


def test_every_row_of_a_paper_has_a_label_for_people(settings):
    systems = {model for paper in papers.load_all(ROOT / "papers") for model in paper.systems.values()}
    assert [name for name in sorted(systems) if settings.models[name].label == name] == []


def test_a_missing_key_of_a_source_is_named(workplace, edit):
    edit("tasks.phantom.source", {"kind": "phantom", "name": "phantom", "title": "", "licence": "", "seed": 1})
    assert "tasks.phantom.source.images_per_class: this key is missing" in error_of(workplace / "params.yaml")


def test_a_list_as_a_models_option_is_named(workplace, edit):
    edit("models.cnn.options", {"dropout": [0.1]})
    assert "models.cnn.options.dropout" in error_of(workplace / "params.yaml")


def test_a_file_that_is_not_utf8_is_said_in_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes("title: Café".encode("latin-1"))
    assert "UTF-8" in error_of(path).upper()


def test_a_models_recipe_is_the_tasks_but_for_what_deviates(settings):
    phantom = settings.task("phantom")
    assert settings.recipe(phantom, settings.model("cnn")) == phantom.recipe
    changed = settings.recipe(phantom, settings.model("adaptive_no_augmentation"))
    assert changed.augmentation.flip == 0
    assert changed.model_copy(update={"augmentation": phantom.recipe.augmentation}) == phantom.recipe


def test_a_part_of_the_augmentation_can_deviate_alone(workplace, edit):
    edit("models.cnn.recipe", {"augmentation": {"flip": 0.0}})
    loaded = params.load()
    changed = loaded.recipe(loaded.task("phantom"), loaded.model("cnn")).augmentation
    assert (changed.flip, changed.rotation) == (0.0, 15.0)


def test_the_task_that_first_weights_are_trained_on_is_named_in_init(settings):
    assert settings.model("transfer_breastmnist").pretraining == "breastmnist"
    assert settings.model("transfer").pretraining is None
    assert settings.model("knn").pretraining is None


def test_a_source_without_parts_can_only_be_pooled(workplace, edit):
    raw = json.loads((workplace / "params.yaml").read_text(encoding="utf-8"))["tasks"]["brain-mri-official"]["source"]
    edit("tasks.brain-mri-official.source", {key: raw[key] for key in raw if key not in ("train", "test")})
    assert "tasks.brain-mri-official: split is official, and the source names no parts" in error_of(
        workplace / "params.yaml"
    )
