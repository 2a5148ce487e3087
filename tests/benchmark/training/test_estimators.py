"""The trainer of scikit-learn estimators."""

import numpy as np
import pytest
from skimage.feature import hog

from benchmark.training import estimators

OPTIONS = {"svm": {}, "knn": {}, "random_forest": {"trees": 30}}


def data(seed, count):
    """Noise with a bright bar: upright in class 0, lying in class 1."""
    random = np.random.RandomState(seed)
    labels = np.arange(count) % 2
    images = random.normal(scale=0.2, size=(count, 1, 32, 32)).astype(np.float32)
    images[labels == 0, :, :, 12:20] += 1
    images[labels == 1, :, 12:20, :] += 1
    return images, labels


TRAIN, VALIDATION = data(0, 40), data(1, 20)


@pytest.fixture
def fitted(run_of):
    def fit(name, seed=0, features="hog"):
        estimator = run_of(name).factory(seed=seed, **OPTIONS[name])
        seen = [(estimators.extract(images, features), labels) for images, labels in (TRAIN, VALIDATION)]
        return estimator, estimators.fit(estimator, *seen)

    return fit


def answers(estimator, images, features="hog"):
    return estimators.predict(estimator, estimators.extract(images, features))


def test_pixels_are_one_row_per_image():
    rows = estimators.extract(TRAIN[0], "pixels")
    assert rows.shape == (40, 1024)
    assert (rows[3] == TRAIN[0][3].ravel()).all()


@pytest.mark.parametrize(("size", "channels", "length"), [(28, 1, 4 * 36), (32, 3, 9 * 36), (64, 1, 49 * 36)])
def test_hog_features_depend_on_the_size_and_not_on_the_channels(size, channels, length):
    images = np.random.RandomState(0).normal(size=(2, channels, size, size)).astype(np.float32)
    rows = estimators.extract(images, "hog")
    assert rows.shape == (2, length)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()


def test_hog_features_of_a_blank_image_are_finite():
    assert np.isfinite(estimators.extract(np.zeros((1, 1, 32, 32), np.float32), "hog")).all()


def test_hog_is_computed_once_for_the_same_images(tmp_path, monkeypatch):
    computed = []
    monkeypatch.setattr(estimators, "hog", lambda *given, **options: computed.append(1) or hog(*given, **options))
    rows = [estimators.extract_once(TRAIN[0], "hog", tmp_path) for _ in range(2)]
    assert rows[0].tobytes() == rows[1].tobytes() == estimators.extract(TRAIN[0], "hog").tobytes()
    other = estimators.extract_once(TRAIN[0] + 1, "hog", tmp_path)
    assert len(computed) == 3 * len(TRAIN[0]) and other.tobytes() != rows[0].tobytes()


@pytest.mark.parametrize("features", ["hog", "pixels"])
@pytest.mark.parametrize("name", OPTIONS)
def test_every_estimator_learns_and_gives_probabilities(fitted, name, features):
    estimator, _ = fitted(name, features=features)
    probabilities = answers(estimator, VALIDATION[0], features)
    assert probabilities.shape == (20, 2)
    assert probabilities.dtype == np.float64
    assert probabilities.sum(1) == pytest.approx(np.ones(20))
    assert (probabilities.argmax(1) == VALIDATION[1]).mean() > 0.9


@pytest.mark.parametrize("name", OPTIONS)
def test_the_same_seed_gives_the_same_bytes(fitted, name):
    one, other = (answers(fitted(name, seed=5)[0], VALIDATION[0]) for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_another_seed_grows_another_forest(fitted):
    noise = np.random.RandomState(0).normal(size=(20, 1, 32, 32)).astype(np.float32)
    one, other = (answers(fitted("random_forest", seed=seed)[0], noise) for seed in (0, 1))
    assert one.tobytes() != other.tobytes()


def test_the_history_is_one_row_with_scores_on_both_parts(fitted):
    _, history = fitted("knn")
    assert len(history) == 1
    assert history[0]["epoch"] == 1
    assert history[0]["train_accuracy"] == 1.0
    assert {f"{part}_{name}" for part in ("train", "validation") for name in ("loss", "accuracy", "f1_macro")} < set(
        history[0]
    )


def test_the_nearest_neighbours_of_training_images_are_themselves(fitted):
    estimator, _ = fitted("knn")
    assert (answers(estimator, TRAIN[0]).argmax(1) == TRAIN[1]).all()
