"""What a machine may fail to offer, and files that nobody controls: one line, and no evidence is touched."""

import errno
import os
import random

import numpy as np
import pytest
from PIL import Image

from benchmark import evidence, params
from benchmark.data import folder, npz, pictures
from benchmark.data.images import group_name
from benchmark.errors import BadInput, one_line
from benchmark.evidence import provenance
from benchmark.evidence.checks import Check
from benchmark.evidence.digests import file_digest
from benchmark.report import renderings
from benchmark.report.result_table import ResultColumn, ResultTable
from benchmark.training import engine, preflight
from tests.benchmark.data import variants

TRAIN = ("train", "--task", "phantom", "--model", "knn")


def one_error(errors):
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    return errors


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no room is left on the disk"),
        (OSError(errno.EROFS, "Read-only file system", "results/x"), "results/x: Read-only file system"),
        (FileNotFoundError(errno.ENOENT, "No such file", "git"), "git: not installed"),
        (MemoryError(), "out of memory"),
    ],
)
def test_what_the_machine_cannot_do_is_said_in_one_line(command, monkeypatch, raised, said):
    def fail(*_):
        raise raised

    monkeypatch.setattr(params, "load", fail)
    status, _, errors = command(*TRAIN)
    assert status == 1
    assert said in one_error(errors)


def test_a_line_is_never_longer_than_300_characters():
    line = one_line("x" * 3_000_000 + "\nmust be y")
    assert len(line) == 300
    assert line.endswith("must be y")


def test_scratch_on_another_disk_is_said_before_any_training(command, small, monkeypatch):
    def rename(path, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr("pathlib.Path.rename", rename)
    status, _, errors = command(*TRAIN)
    assert status == 2
    assert "Invalid cross-device link; both must be writable, and lie on one file system" in one_error(errors)
    assert not list((evidence.TASKS / "phantom").glob("runs"))


def test_too_little_room_is_said_before_any_training(command, small, monkeypatch):
    monkeypatch.setattr(preflight, "CHECKPOINTS", 10**15)
    status, _, errors = command(*TRAIN)
    assert status == 2
    assert "GB are free on its disk; training needs 1000000.0 GB" in one_error(errors)


LOCK = """schema: '2.0'
stages:
  train@phantom:
    cmd: python
    deps:
    - path: baselines
      hash: md5
      md5: 7ae4f01c07c4300c913d873aa732a76e.dir
      size: 20045
    outs:
    - path: runs
      hash: md5
      md5: 7ae4f01c07c4300c913d873aa732a76e.dir
      size: 20045
"""


def test_a_whole_lock_passes_and_a_missing_one_too(workplace):
    loaded = params.load()
    preflight.check_lock(loaded)
    (workplace / "dvc.lock").write_text(LOCK)
    preflight.check_lock(loaded)


@pytest.mark.parametrize("length", [0, 5, 20, 60, 90, 200, len(LOCK) - 16, len(LOCK) - 3])
def test_a_lock_cut_by_a_kill_is_refused_with_the_command_that_mends_it(command, workplace, length):
    (workplace / "dvc.lock").write_text(LOCK[:length])
    status, _, errors = command(*TRAIN)
    assert status == 2
    assert "`git checkout dvc.lock` brings it back" in one_error(errors)


def test_a_lock_that_lacks_a_stage_of_the_committed_one_is_refused(workplace, monkeypatch):
    monkeypatch.setattr(preflight, "_committed", lambda path: LOCK + "  train@breastmnist:\n    cmd: python\n")
    (workplace / "dvc.lock").write_text(LOCK)
    (workplace / "dvc.yaml").write_text("stages:\n  train:\n    foreach: x\n")
    with pytest.raises(BadInput, match="was cut"):
        preflight.check_lock(params.load())


def test_a_torn_checkpoint_is_set_aside_with_a_line(tmp_path, capsys):
    run_folder = tmp_path / "run-0-key"
    run_folder.mkdir()
    np.savez(run_folder / "whole.npz", np.arange(1000))
    whole = (run_folder / "whole.npz").read_bytes()
    (run_folder / "whole.npz").unlink()
    for torn in (b"", whole[:300], whole[:-40], whole[:300] + bytes(100) + whole[400:]):
        (run_folder / "checkpoint.pt").write_bytes(torn)
        engine._set_torn_checkpoints_aside("phantom-cnn run 0", run_folder)
        assert not (run_folder / "checkpoint.pt").exists()
        assert "is torn; set aside as run-0-key.torn.pt" in capsys.readouterr().err
    (run_folder / "checkpoint.pt").write_bytes(whole)
    engine._set_torn_checkpoints_aside("phantom-cnn run 0", run_folder)
    assert (run_folder / "checkpoint.pt").exists()


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "too large with its aliases"),
        ("a: &a [*a]", "too large with its aliases"),
        ("[" * 1000 + "]" * 1000, "too deep"),
        ("a: " + "9" * 5000, "a value cannot be read"),
        ("a: !!int x", "a value cannot be read"),
        ("a: !!float ''", "a value cannot be read"),
    ],
)
def test_hostile_yaml_is_refused(tmp_path, text, said):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(BadInput, match=said):
        params.load(tmp_path / "x.yaml")


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_number_that_is_not_finite_is_named(workplace, edit, value):
    edit("tasks.phantom.recipe.learning_rate", 1)
    text = (workplace / "params.yaml").read_text()
    shown = ".inf" if value > 0 else ".nan"
    (workplace / "params.yaml").write_text(text.replace('"learning_rate": 1,', f'"learning_rate": {shown},'))
    with pytest.raises(BadInput, match="learning_rate: input should be a finite number"):
        params.load()


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (params.load, evidence.read_json, evidence.read_predictions, evidence.read_table):
        with pytest.raises(BadInput, match="no regular file"):
            read(tmp_path / "pipe")
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(BadInput, match="no regular file"):
        pictures.read(tmp_path / "x.png", variants.source(), 32)


def test_a_reader_of_json_names_the_key_that_it_needs(tmp_path):
    evidence.write_json(tmp_path / "x.json", {"a": {"b": 1}})
    content = evidence.read_json(tmp_path / "x.json")
    with pytest.raises(BadInput, match="lacks the key 'digest'"):
        content["digest"]
    with pytest.raises(BadInput, match="lacks the key 'c'"):
        content["a"]["c"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "must contain a JSON object"),
        ("{", "line 1"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1, "a": 2}', "twice"),
        ("[" * 100_000, "recursion"),
        ('{"a": ' + "9" * 5000 + "}", "4300 digits"),
        (b"\xff", "UTF-8"),
    ],
)
def test_json_that_is_none_is_refused(tmp_path, text, said):
    (tmp_path / "x.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadInput, match=said):
        evidence.read_json(tmp_path / "x.json")


@pytest.mark.parametrize(
    "row", ["a,0.4,1,0", "a,-1,1,0", "a,2,1,0", ",0,1,0", "a,0,nan,0", "a,0,inf,0", "a,0,1,0,5", "a,0,one,0", "a,0,1"]
)
def test_a_row_of_predictions_that_cannot_be_is_named(tmp_path, row):
    (tmp_path / "p.csv").write_text(f"sample_id,label,p0,p1\nb,1,0.5,0.5\n{row}\n")
    with pytest.raises(BadInput, match=r"line|field|columns"):
        evidence.read_predictions(tmp_path / "p.csv")


def write_npz(path, **changes):
    arrays = {}
    for part in ("train", "val", "test"):
        arrays |= {f"{part}_images": np.zeros((4, 8, 8), np.uint8), f"{part}_labels": np.arange(4) % 2}
    np.savez_compressed(path, **arrays | changes)
    return path


def test_groups_that_mean_the_same_are_one(tmp_path):
    groups = {"train_groups": np.array([3, 4, 5, 6]), "val_groups": np.array([3.0, 8, np.nan, 9])}
    path = write_npz(tmp_path / "x.npz", **groups, test_groups=np.array([" 4", "", "b", "b "]))
    images = npz.read(path, ["a", "b"], 8)
    assert images.groups == ["3", "4", "5", "6", "3", "8", "", "9", "4", "", "b", "b"]
    assert group_name(b"3") == group_name(3.0) == "3"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train_groups": np.arange(4)}, "val_groups is missing, and train_groups is there"),
        ({f"{part}_groups": np.array(3) for part in ("train", "val", "test")}, "one entry per image"),
        ({"train_labels": np.array([0.4, 1, 0, 1])}, "whole numbers"),
    ],
)
def test_groups_and_labels_that_do_not_fit_are_refused(tmp_path, changes, said):
    with pytest.raises(BadInput, match=said):
        npz.read(write_npz(tmp_path / "x.npz", **changes), ["a", "b"], 8)


def test_a_file_that_declares_more_than_there_is_memory_is_refused_unread(tmp_path, monkeypatch):
    path = write_npz(tmp_path / "x.npz", train_images=np.zeros((4000, 64, 64), np.uint8))
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(npz, "MEMORY", 10_000_000)
    with pytest.raises(BadInput, match="it declares 0 GB"):
        npz.read(path, ["a", "b"], 8)


def test_one_folder_for_two_parts_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path))
    for name in "ab":
        (tmp_path / "scans/all" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / "scans/all" / name / "1.png")
    names = {"kind": "folder", "name": "x", "title": "x", "licence": "x", "path": "scans", "obtain": "x"}
    source = params.Folder(**names, train="all", test="./all/")
    with pytest.raises(BadInput, match="x: train and test are the same folder"):
        folder.load(source, 8)


def test_an_optional_group_that_a_file_name_lacks_is_refused():
    with pytest.raises(BadInput, match="every file must have its group there"):
        folder._group("scan.png", r"scan(\d+)?", "mine: ill/scan.png")


def test_notes_and_cells_are_text_in_every_rendering():
    columns = [ResultColumn("model", "Model"), ResultColumn("accuracy", "Accuracy", digits=2)]
    rows = [{"model": "=cmd()", "accuracy": -0.5}, {"model": "<b>", "accuracy": None}, {"model": "-1.5e-3"}]
    table = ResultTable("A title\n\\input{x}", columns, rows, ["a note\n\\input{y}", "<script>1 < 2</script>"])
    texts = renderings.all_kinds(table, "a-table")
    assert texts["csv"] == "model,accuracy\n'=cmd(),-0.5\n<b>,\n-1.5e-3,\n"
    assert "<script" not in texts["md"]
    assert "&lt;script>1 < 2&lt;/script>" in texts["md"]
    assert not [line for line in texts["tex"].splitlines() if line.startswith("\\input")]


@pytest.mark.parametrize("count", ["0", "-1"])
def test_no_cell_can_be_drawn_at_random(command, small, leave, run_of, count):
    run = run_of("knn")
    leave(run, run.folder)
    status, _, errors = command("verify", "--task", "phantom", "--random", count)
    assert status == 2
    assert "--random" in one_error(errors)


@pytest.mark.parametrize("content", ['{"files": []}', '{"files": {}, "inputs": "a"}'])
def test_provenance_of_another_shape_is_refused(tmp_path, content):
    (tmp_path / evidence.PROVENANCE).write_text(content)
    with pytest.raises(BadInput, match="must be an object"):
        provenance.read(tmp_path)


def test_what_cannot_be_read_fails_its_check():
    check = Check("it")
    with check.reading("x.json"):
        {}["a"]
    assert check.failures == ["x.json: cannot be read (KeyError: 'a'); it must be whole"]


@pytest.fixture
def without_first_images(small, edit, describe, workplace):
    """The small phantom, whose ``cnn`` starts from weights of a task whose file is gone."""
    noise, file = np.random.RandomState(0), workplace / "data" / "set.npz"
    labels = np.arange(24).reshape(-1, 1) % 2
    images = {f"{part}_images": noise.randint(0, 256, (24, 28, 28)).astype(np.uint8) for part in npz.KEYS.values()}
    file.parent.mkdir()
    np.savez(file, **images, **{f"{part}_labels": labels for part in npz.KEYS.values()})
    source = {"kind": "npz", "name": "other", "title": "Other", "licence": "MIT", "path": "set.npz"}
    source |= {"sha256": file_digest(file), "classes": ["healthy", "ill"]}
    edit("tasks.other", params.read_yaml(params.FILE)["tasks"]["phantom"] | {"source": source, "native_size": 28})
    edit("models.cnn.init", "task:other")
    describe("other")
    file.unlink()


def test_missing_images_of_first_weights_are_told_before_any_training(command, without_first_images):
    status, _, errors = command("train", "--task", "phantom", "--model", "cnn", "knn")
    assert status == 2
    assert "data/set.npz: missing; put it there" in one_error(errors)
    assert not list((evidence.TASKS / "phantom").glob("runs/*/run-*"))


def test_a_draw_passes_over_models_whose_images_are_not_here(command, without_first_images, leave, run_of, monkeypatch):
    command(*TRAIN)
    leave(run_of("cnn"), run_of("cnn").folder)
    monkeypatch.setattr(random, "sample", lambda cells, count: sorted(cells, key=lambda runs: runs[0].model.name))
    status, printed, _ = command("verify", "--task", "phantom", "--random", "1")
    assert status == 0
    assert "not checked: phantom-cnn: data/set.npz: missing" in printed
    assert "phantom-knn: 1 of 1 runs came out the same" in printed
    status, _, errors = command("verify", "--task", "phantom", "--random", "2")
    assert status == 2
    assert "--random: 2; the images of 1 of 2 models are here: data/set.npz: missing" in one_error(errors)
