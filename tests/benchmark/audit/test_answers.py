"""Answers are read from evidence, image by image."""

import numpy as np
import pytest

from benchmark import evidence
from benchmark.audit import answers
from benchmark.audit.papers import Robustness
from benchmark.errors import BadInput
from benchmark.evidence import metrics
from benchmark.statistics import Design, Estimate, RunVariance, crossed, usual_variance
from tests.benchmark.audit import simulator

LABELS = np.array([0, 1, 2, 0])
SURE = np.eye(3)[[0, 1, 2, 1]]  # three of four are right
CORRUPTED = "corruption,strength,right\njpeg,5,r1100\njpeg,10,r1111\ncontrast,0.1,r0000\n"


@pytest.fixture
def read(settings, workplace):
    """Return a function that reads the answers of models with two runs, each of the same predictions."""
    home = workplace / "results/tasks/phantom"
    home.mkdir(parents=True)
    (home / "samples.csv").write_text("sample_id,cluster\na,0\nb,1\nc,2\nd,2\n")

    def of(**models):
        for model, ids in models.items():
            for run in (0, 1):
                folder = home / f"runs/{model}/run-{run}"
                folder.mkdir(parents=True)
                evidence.write_predictions(folder / "predictions.csv", list(ids), LABELS, SURE)
                (folder / "robustness.csv").write_text(CORRUPTED)
        return answers.load(settings, "phantom", ["cnn", "knn"])

    return of


def test_each_image_has_a_value_and_a_cluster(read):
    found = read(cnn="abcd")
    assert found.clusters[0].tolist() == [0, 1, 2, 2]
    for measure, values in metrics.per_image(LABELS, SURE).items():
        assert found.per_image("cnn", measure, 1).tolist() == values.tolist()
    assert (found.runs("cnn"), found.runs("cnn", "knn"), found.synthetic) == ([0, 1], [], True)
    kinds = {"knn": "estimator", "one_nn": "estimator", "emanet_output": "network", "yours": "network"}
    assert {model: found.kind(model) for model in kinds} == kinds


def test_what_is_kept_under_corruption_is_set_against_the_clean_answer(read):
    found = read(cnn="abcd")
    assert found.per_image("cnn", Robustness(("jpeg",)), 0).tolist() == [0, 0, -0.5, 0.5]
    assert found.per_image("cnn", Robustness(("jpeg", "contrast")), 0).tolist() == [-0.5, -0.5, -0.75, 0.25]


def test_two_models_with_the_same_answers_have_no_gap(read):
    gap = read(cnn="abcd", knn="abcd").gap("cnn", "knn", "accuracy")
    assert (gap.estimate.value, gap.runs, gap.images) == (0, 2, 8)


def test_models_that_were_tested_on_other_images_are_refused(read):
    with pytest.raises(BadInput, match=r"knn/run-0/predictions\.csv: lists other test images"):
        read(cnn="abcd", knn="abdc")


def test_a_corruption_that_was_not_measured_has_no_runs_and_no_gap(read):
    found = read(cnn="abcd", knn="abcd")
    assert found.runs("cnn", "knn", measure=Robustness(("jpeg",))) == [0, 1]
    assert found.runs("cnn", "knn", measure=Robustness(("jpeg", "gaussian_blur"))) == []
    assert found.gap("cnn", "knn", Robustness(("gaussian_blur",))) is None


def test_a_pooled_split_has_the_ratio_of_its_test_part_to_its_training_part(read, settings):
    assert read(cnn="abcd").test_to_train == pytest.approx(3 / 14)
    assert answers.load(settings, "breastmnist-official", []).test_to_train == 0


def test_a_network_and_an_estimator_vary_as_the_mean_of_both_kinds_which_is_as_sure_as_the_less_sure_one(random):
    kinds = [f"network{index}" for index in range(6)], [f"estimator{index}" for index in range(3)]
    task = simulator.answers(random, dict.fromkeys([*kinds[0], *kinds[1]], 2.0), estimators=kinds[1])
    clusters = np.concatenate([*task.clusters.values()])
    design = Design(np.repeat([*task.clusters], [len(one) for one in task.clusters.values()]), clusters)
    values = {model: np.concatenate([*of_model["accuracy"].values()]) for model, of_model in task.values.items()}
    networks, estimators = (usual_variance([values[model] for model in kind], design, paired=True) for kind in kinds)
    assert networks.variance > estimators.variance and networks.freedom > estimators.freedom
    usual = RunVariance((networks.variance + estimators.variance) / 2, estimators.freedom)
    expected = crossed(values["network0"] - values["estimator0"], design, usual)
    assert task.gap("network0", "estimator0", "accuracy").estimate == expected


@pytest.mark.parametrize(("error", "bounds"), [(0.1, None), (5.0, (-1.0, 1.0))])
def test_no_gap_reaches_beyond_one(error, bounds):
    estimate = Estimate(-0.6, error, 1.0)
    assert answers.Gap("a", "b", estimate, estimate, 2, 20).interval()[0] == -1
    assert answers.Gap("a", "b", Estimate(0.1, error, 20.0), estimate, 2, 20).interval() == (
        bounds or Estimate(0.1, error, 20.0).interval()
    )
