"""Evidence is written so that it can be read, compared and put in place without loss."""

import json
import math

import numpy as np
import pytest

from benchmark import evidence
from benchmark.errors import BadInput
from benchmark.evidence import differences, metrics, placing


@pytest.fixture
def predictions():
    random = np.random.RandomState(0)
    labels = random.randint(0, 3, 100)
    probabilities = random.dirichlet([0.3] * 3, 100)
    return [f"test/{index}" for index in range(100)], labels, probabilities


def leave(folder, predictions, **others):
    folder.mkdir(parents=True)
    evidence.write_predictions(folder / "predictions.csv", *predictions)
    for name in ("metrics.json", "history.csv", "robustness.csv"):
        (folder / name).write_text(others.get(name.split(".")[0], "the same"), encoding="utf-8")
    return folder


def test_metrics_are_the_same_from_the_file_every_time(tmp_path, predictions):
    path = tmp_path / "predictions.csv"
    evidence.write_predictions(path, *predictions)
    ids, labels, probabilities = evidence.read_predictions(path)
    once = metrics.score(labels, probabilities)
    evidence.write_predictions(path, ids, labels, probabilities)
    again = evidence.read_predictions(path)
    assert metrics.score(*again[1:]) == once
    assert again[0] == predictions[0]
    assert (again[2] == probabilities).all()


def test_the_file_keeps_the_metrics_of_what_was_written(tmp_path, predictions):
    evidence.write_predictions(tmp_path / "predictions.csv", *predictions)
    _, labels, probabilities = evidence.read_predictions(tmp_path / "predictions.csv")
    assert metrics.score(labels, probabilities) == pytest.approx(metrics.score(*predictions[1:]), abs=1e-8)
    assert (probabilities.argmax(1) == predictions[2].argmax(1)).all()


def test_eleven_classes_keep_their_order(tmp_path):
    probabilities = np.eye(11)[[10, 2, 1]]
    evidence.write_predictions(tmp_path / "predictions.csv", ["a", "b", "c"], np.array([10, 2, 1]), probabilities)
    assert (evidence.read_predictions(tmp_path / "predictions.csv")[2] == probabilities).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sample_id,label,p0,p2\na,0,1,0\n", "p1"),
        ("sample_id,label,p0,p1\na,0,one,0\n", "one"),
        ("sample_id,p0,p1\na,1,0\n", "sample_id,label,p0"),
        ("", "sample_id,label,p0"),
    ],
    ids=["column missing", "text", "no labels", "empty"],
)
def test_a_broken_predictions_file_is_refused_in_one_line(tmp_path, text, said):
    path = tmp_path / "predictions.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        evidence.read_predictions(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    for read in (evidence.read_predictions, evidence.read_json):
        with pytest.raises(BadInput, match="nothing: missing"):
            read(tmp_path / "nothing")


def test_broken_json_is_refused_with_its_line(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text('{\n"accuracy": 0,8\n}', encoding="utf-8")
    with pytest.raises(BadInput, match=r"metrics.json: line 2: "):
        evidence.read_json(path)


def test_numbers_that_are_not_finite_become_null(tmp_path):
    path = tmp_path / "metrics.json"
    evidence.write_json(path, {"a": math.nan, "b": [math.inf, 1.5, {"c": -math.inf}], "d": np.float64("nan"), "e": 0})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": None, "b": [None, 1.5, {"c": None}], "d": None, "e": 0}


def test_json_keeps_every_digit(tmp_path):
    evidence.write_json(tmp_path / "x.json", {"x": 0.1 + 0.2})
    assert evidence.read_json(tmp_path / "x.json")["x"] == 0.1 + 0.2


def test_writing_leaves_no_half_file_beside_it(tmp_path):
    evidence.replace_text(tmp_path / "new/file.txt", "text")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file.txt"]


def test_an_output_folder_is_kept_by_a_file_as_long_as_it_is_empty(tmp_path):
    for _ in range(2):
        placing.keep(tmp_path / "figures")
        assert [path.name for path in (tmp_path / "figures").iterdir()] == [".gitkeep"]
    (tmp_path / "figures/one.svg").touch()
    placing.keep(tmp_path / "figures")
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["one.svg"]


def test_the_same_files_compare_as_the_same_bytes(tmp_path, predictions):
    one, other = (leave(tmp_path / name, predictions) for name in ("one", "other"))
    (one / "provenance.json").write_text("here", encoding="utf-8")
    assert differences.differing_files(one, other) == ()
    assert differences.between(one, other) == differences.Difference()


def test_a_changed_history_alone_is_named(tmp_path, predictions):
    one = leave(tmp_path / "one", predictions)
    other = leave(tmp_path / "other", predictions, history="another")
    assert differences.differing_files(one, other) == ("history.csv",)
    assert differences.between(one, other) == differences.Difference()


def test_changed_predictions_are_measured_image_by_image(tmp_path):
    ids, labels = ["a", "b"], np.array([0, 1])
    one = leave(tmp_path / "one", (ids, labels, np.array([[0.9, 0.1], [0.4, 0.6]])))
    other = leave(tmp_path / "other", (ids, labels, np.array([[0.8, 0.2], [0.7, 0.3]])))
    found = differences.between(one, other)
    assert found.mean_probability == pytest.approx(0.2)
    assert found.changed_labels == 0.5
    assert (found.lost, found.gained) == (1, 0)


def test_predictions_for_other_images_cannot_be_within_any_bound(tmp_path, predictions):
    ids, labels, probabilities = predictions
    one = leave(tmp_path / "one", predictions)
    found = differences.between(one, leave(tmp_path / "other", (ids[::-1], labels, probabilities)))
    assert found.mean_probability == math.inf
    assert found.changed_labels == 1.0


def test_a_file_that_one_side_lacks_counts_as_different(tmp_path, predictions):
    one, other = (leave(tmp_path / name, predictions) for name in ("one", "other"))
    (other / "robustness.csv").unlink()
    assert differences.differing_files(one, other) == ("robustness.csv",)


def test_swap_replaces_the_whole_folder(tmp_path):
    finished, target = tmp_path / "scratch/finished", tmp_path / "results/cell"
    for folder, name in ((finished, "new"), (target, "old")):
        folder.mkdir(parents=True)
        (folder / name).touch()
    placing.swap(finished, target)
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_swap_makes_a_place_where_there_is_none(tmp_path):
    (tmp_path / "finished").mkdir()
    placing.swap(tmp_path / "finished", tmp_path / "results/cell")
    assert (tmp_path / "results/cell").is_dir()


def test_a_kill_inside_a_swap_loses_nothing(tmp_path, monkeypatch):
    finished, target = tmp_path / "scratch/finished", tmp_path / "results/cell"
    for folder, name in ((finished, "new"), (target, "old")):
        folder.mkdir(parents=True)
        (folder / name).touch()
    real, calls = placing.os.replace, []

    def killed_at_the_second_rename(source, place):
        calls.append(source)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(source, place)

    monkeypatch.setattr(placing.os, "replace", killed_at_the_second_rename)
    with pytest.raises(KeyboardInterrupt):
        placing.swap(finished, target)
    assert not target.exists()
    placing.recover(finished, target)
    assert [path.name for path in target.iterdir()] == ["old"]


def test_recover_leaves_evidence_that_stands(tmp_path):
    finished, target = tmp_path / "finished", tmp_path / "cell"
    for folder, name in ((tmp_path / "finished.old", "old"), (target, "new")):
        folder.mkdir()
        (folder / name).touch()
    placing.recover(finished, target)
    assert [path.name for path in target.iterdir()] == ["new"]
