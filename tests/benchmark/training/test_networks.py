"""The trainer of torch models: deterministic, resumable, and left at its best epoch."""

import math
import re

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.data import preprocessing
from benchmark.data.preprocessing import Levels
from benchmark.errors import TrainingFailed
from benchmark.evidence import metrics
from benchmark.training import networks
from benchmark.training.dataset import Part


@pytest.fixture
def recipe(settings):
    """Return a function that changes the phantom's recipe: six epochs of small batches, if not said otherwise."""

    def make(**changes):
        changed = {"epochs": 6, "batch_size": 16, "learning_rate": 0.01}
        return settings.task("phantom").recipe.model_copy(update=changed | changes)

    return make


@pytest.fixture
def augmentation(settings):
    def make(**changes):
        nothing = {"flip": 0.0, "share": 0.0, "rotation": 0.0, "scaling": 0.0}
        return settings.task("phantom").recipe.augmentation.model_copy(update=nothing | changes)

    return make


def data(seed, count):
    """Noise, with a brighter upper half in images of class 1."""
    random = np.random.RandomState(seed)
    labels = np.arange(count) % 2
    images = 128 + 40 * random.normal(size=(count, 1, 16, 16))
    images[labels == 1, :, :8] += 16
    return Part(images.clip(0, 255).round().astype(np.uint8), labels)


TRAIN, VALIDATION, TEST = data(0, 49), data(1, 24), data(2, 24)
LEVELS = Levels((128.0,), (40.0,))


def network():
    """A small network with all that makes training random or stateful: dropout and batch normalisation."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(4 * 49, 2)
    )


def fit(recipe, checkpoint, seed=0, on_epoch=lambda _: None, built=None):
    built = built or network()
    history = networks.fit(built, TRAIN, VALIDATION, LEVELS, recipe, seed, "cpu", checkpoint, on_epoch)
    return history, networks.predict(built, TEST.images, LEVELS, recipe.precision)


def batch():
    return torch.rand(64, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def test_the_same_seed_ends_with_the_same_bytes(recipe, tmp_path):
    one, other = (fit(recipe(), tmp_path / "checkpoint.pt", seed=3) for _ in range(2))
    assert one[0] == other[0]
    assert one[1].tobytes() == other[1].tobytes()


def test_another_seed_trains_otherwise(recipe, tmp_path):
    one, other = (fit(recipe(), tmp_path / "checkpoint.pt", seed=seed) for seed in (3, 4))
    assert one[0] != other[0]


@pytest.mark.parametrize("killed_at", [1, 4])
def test_a_killed_run_goes_on_from_its_checkpoint_and_ends_with_the_same_bytes(
    recipe, tmp_path, monkeypatch, killed_at
):
    monkeypatch.setattr(networks, "CHECKPOINT_EVERY_S", -1)
    whole = fit(recipe(), tmp_path / "whole.pt")
    heard = []

    def kill(done):
        if done == killed_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(recipe(), tmp_path / "killed.pt", on_epoch=kill)
    history, probabilities = fit(recipe(), tmp_path / "killed.pt", on_epoch=heard.append)
    assert heard == list(range(killed_at, 7))
    assert history == whole[0]
    assert probabilities.tobytes() == whole[1].tobytes()


def test_a_finished_run_that_is_resumed_trains_no_more(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "CHECKPOINT_EVERY_S", -1)
    whole = fit(recipe(), tmp_path / "checkpoint.pt")
    heard = []
    again = fit(recipe(), tmp_path / "checkpoint.pt", on_epoch=heard.append)
    assert heard == [6]
    assert again[0] == whole[0]
    assert again[1].tobytes() == whole[1].tobytes()


@pytest.mark.parametrize("measure", ["loss", "accuracy", "f1_macro", "auc"])
def test_the_weights_of_the_best_epoch_are_returned_though_it_is_not_the_last(recipe, tmp_path, measure):
    random = np.random.RandomState(2)
    noise = Part(random.randint(0, 256, (40, 1, 16, 16)).astype(np.uint8), random.randint(0, 2, 40))
    built, how = network(), recipe(best_epoch_by=measure, learning_rate=0.02)
    history = networks.fit(built, TRAIN, noise, LEVELS, how, 0, "cpu", tmp_path / "checkpoint.pt", lambda _: None)
    values = [row[f"validation_{measure}"] for row in history]
    best = min(values) if measure == "loss" else max(values)
    assert values[-1] != best
    reached = metrics.score(noise.labels, networks.predict(built, noise.images, LEVELS, "float32"))
    assert reached["log_loss" if measure == "loss" else measure] == pytest.approx(best)


def test_the_history_has_one_row_per_epoch_with_what_a_reader_needs(recipe, tmp_path):
    history, _ = fit(recipe(), tmp_path / "checkpoint.pt")
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    columns = {"epoch", "learning_rate", "train_loss", "train_accuracy"}
    assert set(history[0]) == columns | {f"validation_{name}" for name in ("loss", "accuracy", "f1_macro", "auc")}
    assert all(math.isfinite(value) for row in history for value in row.values())


def test_training_learns(recipe, tmp_path):
    _, probabilities = fit(recipe(epochs=10), tmp_path / "checkpoint.pt")
    assert (probabilities.argmax(1) == TEST.labels).mean() > 0.9


def test_predictions_are_probabilities_whatever_the_batch():
    built = network()
    together = networks.predict(built, TEST.images, LEVELS, "float32")
    ones = [TEST.images[index : index + 1] for index in range(24)]
    alone = np.concatenate([networks.predict(built, one, LEVELS, "float32") for one in ones])
    assert together.sum(1) == pytest.approx(np.ones(24))
    assert together == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_normalised_as_those_of_an_estimator_bit_for_bit(channels):
    images = np.random.RandomState(0).randint(0, 256, (5, channels, 16, 16)).astype(np.uint8)
    levels = Levels((117.31, 0.0, 3.7)[:channels], (43.77, 255.0, 1.3)[:channels])
    normalised = networks.normalised(torch.from_numpy(images), levels)
    assert normalised.dtype == torch.float32
    assert normalised.numpy().tobytes() == preprocessing.normalised(images, levels).tobytes()


def test_a_channel_of_a_mask_stays_as_it_is():
    images = np.random.RandomState(0).randint(0, 2, (5, 2, 16, 16)).astype(np.uint8)
    normalised = networks.normalised(torch.from_numpy(images), Levels((128.0, 0.0), (40.0, 1.0)))
    assert np.array_equal(normalised[:, 1], images[:, 1])


def test_float32_predictions_are_those_of_the_network_itself():
    built = network().eval()
    with torch.inference_mode():
        expected = built(networks.normalised(torch.from_numpy(TEST.images), LEVELS)).double().softmax(1).numpy()
    assert networks.predict(built, TEST.images, LEVELS, "float32") == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("precision", "expected"), [("float32", torch.float32), ("tf32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_the_precision_is_that_of_matrix_products_and_convolutions(recipe, tmp_path, precision, expected):
    built, types = network(), []
    for layer in (built[0], built[-1]):
        layer.register_forward_hook(lambda layer, given, result: types.append((layer.training, result.dtype)))
    history, probabilities = fit(recipe(epochs=2, precision=precision), tmp_path / "checkpoint.pt", built=built)
    assert set(types) == {(True, expected), (False, expected)}
    assert probabilities.dtype == np.float64
    assert np.isfinite(probabilities).all()
    assert probabilities.sum(1) == pytest.approx(np.ones(24))
    assert all(math.isfinite(value) for row in history for value in row.values())
    assert {parameter.dtype for parameter in built.parameters()} == {torch.float32}


def test_bfloat16_learns_and_comes_out_near_float32_and_the_same_each_time(recipe, tmp_path):
    results = [
        fit(recipe(precision=precision), tmp_path / "x.pt")[1] for precision in ("bfloat16", "bfloat16", "float32")
    ]
    assert results[0].tobytes() == results[1].tobytes()
    assert results[0].tobytes() != results[2].tobytes()
    assert (results[0].argmax(1) == TEST.labels).mean() > 0.8


def test_the_arithmetic_ends_with_its_block():
    matrix = torch.ones(2, 2)
    with networks.arithmetic("bfloat16", "cpu"):
        assert (matrix @ matrix).dtype == torch.bfloat16
    assert (matrix @ matrix).dtype == torch.float32
    with networks.arithmetic("tf32", "cpu"):
        assert torch.backends.cuda.matmul.allow_tf32 and torch.backends.cudnn.allow_tf32
    with networks.arithmetic("float32", "cpu"):
        assert not (torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32)


def test_a_last_batch_of_one_image_does_not_break_batch_normalisation(recipe, tmp_path):
    built = nn.Sequential(nn.Flatten(), nn.Linear(256, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    assert len(TRAIN.labels) % 16 == 1
    assert len(fit(recipe(epochs=1), tmp_path / "checkpoint.pt", built=built)[0]) == 1


def test_a_loss_that_is_no_number_stops_the_training_at_once(recipe, tmp_path):
    with pytest.raises(TrainingFailed) as caught:
        fit(recipe(learning_rate=1e38, epochs=6), tmp_path / "checkpoint.pt")
    assert re.fullmatch(
        r"(train|validation) loss is (nan|inf) in epoch 1 of 6; try a smaller learning_rate than 1e\+38 in its recipe",
        str(caught.value),
    )


def test_the_cosine_schedule_warms_up_and_falls_to_zero(recipe):
    cosine = recipe(schedule="cosine", warmup=0.1, learning_rate=0.01)
    assert networks.learning_rate(cosine, 0.0) == 0
    assert networks.learning_rate(cosine, 0.05) == pytest.approx(0.005)
    assert networks.learning_rate(cosine, 0.1) == pytest.approx(0.01)
    assert networks.learning_rate(cosine, 0.55) == pytest.approx(0.005)
    assert networks.learning_rate(cosine, 1.0) == pytest.approx(0)


def test_the_step_schedule_falls_to_a_tenth_twice(recipe):
    step = recipe(schedule="step", warmup=0.0, learning_rate=0.01)
    rates = [networks.learning_rate(step, progress) for progress in (0, 0.49, 0.5, 0.74, 0.75, 0.99)]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001])


def test_without_augmentation_images_stay_as_they_are(augmentation):
    assert torch.equal(networks.augment(batch(), augmentation(), torch.Generator()), batch())


def test_flips_mirror_some_images_and_leave_the_others(augmentation):
    out = networks.augment(batch(), augmentation(flip=0.5), torch.Generator().manual_seed(0))
    same = [torch.allclose(after, before, atol=1e-4) for after, before in zip(out, batch(), strict=True)]
    mirrored = [torch.allclose(after, before.flip(2), atol=1e-4) for after, before in zip(out, batch(), strict=True)]
    assert all(one != other for one, other in zip(same, mirrored, strict=True))
    assert 16 < sum(mirrored) < 48


def test_a_share_of_the_images_is_rotated_and_scaled(augmentation):
    how = augmentation(share=0.5, rotation=15.0, scaling=0.1)
    out = networks.augment(batch(), how, torch.Generator().manual_seed(0))
    same = [torch.allclose(after, before, atol=1e-4) for after, before in zip(out, batch(), strict=True)]
    assert 16 < sum(same) < 48


def test_rotations_turn_by_the_angle_at_most(augmentation):
    spot = torch.zeros(200, 1, 33, 33)
    spot[..., 14:19, 26:31] = 1  # 12 px right of the centre
    out = networks.augment(spot, augmentation(share=1.0, rotation=30.0), torch.Generator().manual_seed(0))
    rows, columns = torch.meshgrid(torch.arange(33.0) - 16, torch.arange(33.0) - 16, indexing="ij")
    mass = out.sum((1, 2, 3))
    angles = torch.atan2((out[:, 0] * rows).sum((1, 2)) / mass, (out[:, 0] * columns).sum((1, 2)) / mass).rad2deg()
    assert angles.abs().max() < 31
    assert angles.max() > 20
    assert angles.min() < -20


def test_augmentation_keeps_the_grey_levels_and_the_shape(augmentation):
    how = augmentation(flip=0.5, share=1.0, rotation=15.0, scaling=0.1)
    out = networks.augment(batch(), how, torch.Generator().manual_seed(0))
    assert out.shape == batch().shape
    assert out.min() >= 0
    assert out.max() <= 1
