"""Bad input of any kind ends a command with one line that names what is at fault, and touches no evidence."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT


@pytest.fixture
def refused(workplace, command):
    """Return a function that runs a command, sees that it ends with one error line, and returns the line."""

    def run(stage, *arguments):
        before = kept(workplace)
        status, output, errors = command(stage, *arguments)
        assert status not in (0, None)
        assert output == ""
        assert kept(workplace) == before
        return one_line(errors)

    return run


@pytest.fixture
def scans(workplace, edit, monkeypatch):
    """The brain-mri task's folder, with two classes of 25 small images in each part."""
    monkeypatch.setenv("RETABLE_DATA", str(workplace))
    edit("tasks.brain-mri.source.path", "scans")
    edit("tasks.brain-mri.native_size", 32)
    random = np.random.RandomState(0)
    for part in ("Training", "Testing"):
        for name in ("glioma", "none"):
            folder = workplace / "scans" / part / name
            folder.mkdir(parents=True)
            for index in range(25):
                pixels = random.randint(0, 256, (32, 32)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.png")
    return workplace / "scans"


@pytest.fixture
def recovered(workplace, edit, monkeypatch):
    """Return a function that writes the chestxray task's file, of other bytes if given, with its checksum."""
    monkeypatch.setenv("RETABLE_DATA", str(workplace))
    edit("tasks.chestxray.source.path", "recovered.npz")
    path = workplace / "recovered.npz"

    def write(content=None):
        random = np.random.RandomState(0)
        arrays = {}
        for part, count in (("train", 40), ("val", 10), ("test", 10)):
            arrays[f"{part}_images"] = random.randint(0, 256, (count, 28, 28)).astype(np.uint8)
            arrays[f"{part}_labels"] = np.arange(count).reshape(-1, 1) % 2
        np.savez(path, **arrays)
        if content is not None:
            path.write_bytes(content)
        edit("tasks.chestxray.source.sha256", hashlib.sha256(path.read_bytes()).hexdigest())
        return path

    return write


def kept(folder):
    return {path: path.read_bytes() for path in (folder / "results").rglob("*") if path.is_file()}


def one_line(errors):
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    return errors


def in_its_own_process(folder, stage, *arguments):
    call = [sys.executable, "-m", f"pipelines.{stage}", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("stage", ["fetch", "split", "score", "tables", "train"])
def test_an_unknown_task_gets_the_closest_one(refused, stage):
    assert "no task 'fantom'; did you mean 'phantom'?" in refused(stage, "--task", "fantom")


def test_an_unknown_model_gets_the_closest_one(refused):
    line = refused("train", "--task", "phantom", "--model", "emanett")
    assert "no model 'emanett'; did you mean 'emanet'?" in line


def test_a_model_without_a_file_is_named(refused, edit):
    edit("models.vip", {"kind": "network", "init": "scratch"})
    assert "baselines/vip.py: missing; model 'vip'" in refused("train", "--task", "phantom", "--model", "vip")
    edit("models.vip", {"kind": "network", "init": "scratch", "of": "vap"})
    assert "baselines/vap.py: missing; model 'vip'" in refused("train", "--task", "phantom", "--model", "vip")


@pytest.mark.parametrize("stage", ["fetch", "split", "score", "tables", "train"])
def test_a_misspelt_key_is_named_by_every_command(refused, edit, stage):
    edit("tasks.phantom.recipe.epoch", 3)
    line = refused(stage, "--task", "phantom")
    assert "params.yaml: tasks.phantom.recipe: unknown key 'epoch'; did you mean 'epochs'?" in line


def test_a_value_of_the_wrong_type_is_named(refused, edit):
    edit("tasks.phantom.runs", "three")
    assert "tasks.phantom.runs" in refused("train", "--task", "phantom", "--model", "knn")


def test_a_split_that_does_not_add_up_is_named(refused, edit):
    edit("pooled_split.train", 13)
    assert "pooled_split: train + validation + test is 19" in refused("split", "--task", "phantom")


def test_broken_yaml_is_said_with_its_line(refused, workplace):
    (workplace / "params.yaml").write_text("tasks:\n  phantom: {runs: 3\nmodels: {}\n", encoding="utf-8")
    assert "params.yaml: line 3" in refused("fetch", "--task", "phantom")


def test_a_missing_params_yaml_says_where_to_run(refused, workplace):
    (workplace / "params.yaml").unlink()
    assert "top folder" in refused("fetch", "--task", "phantom")


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("knn", {"neighbors": 5}, "models.knn.options: no option 'neighbors'; did you mean 'neighbours'?"),
        ("emanet", {"form": "wieghts"}, "form is 'wieghts'; it must be one of gather, before_softmax, weights"),
    ],
)
def test_a_wrong_option_of_a_model_is_named(refused, command, edit, model, options, said):
    command("fetch", "--task", "phantom")
    command("split", "--task", "phantom")
    edit(f"models.{model}.options", options)
    assert said in refused("train", "--task", "phantom", "--model", model)


def test_a_missing_npz_says_where_to_put_it(refused, recovered):
    path = recovered()
    path.unlink()
    line = refused("fetch", "--task", "chestxray")
    assert str(path) in line
    assert "missing; put it there" in line


def test_a_corrupt_npz_is_named(refused, recovered):
    path = recovered(b"PK\x03\x04 and no more")
    line = refused("fetch", "--task", "chestxray")
    assert f"{path}: cannot be read" in line


def test_an_npz_with_another_checksum_is_refused(refused, recovered):
    path = recovered()
    path.write_bytes(path.read_bytes() + b" ")
    assert f"{path}: sha256 is " in refused("fetch", "--task", "chestxray")


def test_a_dataset_that_cannot_be_downloaded_is_named(refused, workplace):
    line = refused("fetch", "--task", "breastmnist")
    assert "data/medmnist/breastmnist.npz: could not be downloaded" in line
    assert "RETABLE_MIRROR" in line


def test_an_empty_class_folder_is_named(refused, scans):
    for path in (scans / "Testing/none").iterdir():
        path.unlink()
    assert f"{scans / 'Testing/none'}: no images" in refused("fetch", "--task", "brain-mri")


@pytest.mark.parametrize("length", [0, 700], ids=["empty", "half"])
def test_an_unreadable_image_is_named(refused, scans, length):
    path = scans / "Training/glioma/7.png"
    path.write_bytes(path.read_bytes()[:length])
    assert f"{path}: cannot be read" in refused("fetch", "--task", "brain-mri")


def test_a_missing_folder_of_images_says_how_to_obtain_it(refused, edit):
    line = refused("fetch", "--task", "brain-mri")
    assert "RETABLE_MIRROR" in line
    assert "contains Training/ and Testing/" in line


def test_a_class_with_fewer_clusters_than_parts_is_named(refused, command, edit):
    edit("tasks.phantom.source.images_per_class", 7)
    command("fetch", "--task", "phantom")
    line = refused("split", "--task", "phantom")
    assert "class no_finding has 7 clusters of near-duplicates" in line
    assert "at least 20" in line


def test_a_split_before_a_fetch_says_what_to_do(refused):
    assert "samples.csv: missing; make it with `dvc repro fetch@phantom`" in refused("split", "--task", "phantom")


def test_a_command_before_a_fetch_names_the_missing_manifest(refused):
    assert "phantom/manifest.json: missing" in refused("tables", "--task", "phantom")


def test_a_broken_predictions_file_is_named(refused, command, workplace):
    command("fetch", "--task", "phantom")
    folder = workplace / "results/tasks/phantom/runs/knn/run-0"
    folder.mkdir(parents=True)
    (folder / "predictions.csv").write_text("sample_id,label,p0\nx,0,one\n", encoding="utf-8")
    for stage in ("score", "tables"):
        assert "run-0/predictions.csv: " in refused(stage, "--task", "phantom")


def test_a_mistake_in_a_paper_is_named(refused, command, workplace):
    command("fetch", "--task", "phantom")
    (workplace / "papers").unlink()
    (workplace / "papers").mkdir()
    (workplace / "papers/other.yaml").write_text("name: other\n", encoding="utf-8")
    assert "papers/other.yaml: title: this key is missing" in refused("tables", "--task", "phantom")
    text = (ROOT / "papers/emanet.yaml").read_text(encoding="utf-8").replace("name: emanet", "name: other", 1)
    (workplace / "papers/other.yaml").write_text(text, encoding="utf-8")
    (workplace / "papers/emanet.yaml").symlink_to(ROOT / "papers/emanet.yaml")
    assert "papers: 'emanet_table1' names two papers or tables" in refused("tables", "--task", "phantom")


def test_a_command_in_its_own_process_says_one_line_too(workplace):
    done = in_its_own_process(workplace, "fetch", "--task", "fantom")
    assert done.returncode == 2
    assert "did you mean 'phantom'?" in one_line(done.stderr)


@pytest.mark.long
def test_images_that_are_gone_when_training_starts_are_named_without_a_traceback(command, recovered, workplace):
    path = recovered()
    command("fetch", "--task", "chestxray")
    command("split", "--task", "chestxray")
    path.unlink()
    done = in_its_own_process(workplace, "train", "--task", "chestxray", "--model", "knn")
    assert done.returncode == 2
    assert str(path) in one_line(done.stderr)
    assert not (workplace / "results/tasks/chestxray/runs").exists()
