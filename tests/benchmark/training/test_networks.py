"""The trainer of torch models: deterministic, resumable, and left at its best epoch."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.evidence import metrics
from benchmark.training import networks


@pytest.fixture
def recipe(settings):
    """Return a function that changes the phantom's recipe: six epochs of small batches, if not said otherwise."""

    def make(**changes):
        known = {"epochs": 6, "batch_size": 16, "learning_rate": 0.01}
        return settings.task("phantom").recipe.model_copy(update=known | changes)

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
    images = random.normal(size=(count, 1, 16, 16)).astype(np.float32)
    images[labels == 1, :, :8] += 0.4
    return images, labels


TRAIN, VALIDATION, TEST = data(0, 49), data(1, 24), data(2, 24)


def network():
    """A small network with all that makes training random or stateful: dropout and batch normalisation."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(4 * 49, 2)
    )


def fit(recipe, checkpoint, seed=0, on_epoch=lambda _: None, built=None):
    built = built or network()
    history = networks.fit(built, TRAIN, VALIDATION, recipe, seed, "cpu", checkpoint, on_epoch)
    return history, networks.predict(built, TEST[0])


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
    random = np.random.RandomState(1)
    noise = random.normal(size=(40, 1, 16, 16)).astype(np.float32), random.randint(0, 2, 40)
    built, how = network(), recipe(best_epoch_by=measure, learning_rate=0.02)
    history = networks.fit(built, TRAIN, noise, how, 0, "cpu", tmp_path / "checkpoint.pt", lambda _: None)
    values = [row[f"validation_{measure}"] for row in history]
    best = min(values) if measure == "loss" else max(values)
    assert values[-1] != best
    reached = metrics.score(noise[1], networks.predict(built, noise[0]))
    assert reached["log_loss" if measure == "loss" else measure] == pytest.approx(best)


def test_the_history_has_a_row_an_epoch_with_what_a_reader_needs(recipe, tmp_path):
    history, _ = fit(recipe(), tmp_path / "checkpoint.pt")
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    columns = {"epoch", "learning_rate", "train_loss", "train_accuracy"}
    assert set(history[0]) == columns | {f"validation_{name}" for name in ("loss", "accuracy", "f1_macro", "auc")}
    assert all(math.isfinite(value) for row in history for value in row.values())


def test_training_learns(recipe, tmp_path):
    _, probabilities = fit(recipe(epochs=10), tmp_path / "checkpoint.pt")
    assert (probabilities.argmax(1) == TEST[1]).mean() > 0.9


def test_predictions_are_probabilities_whatever_the_batch():
    built = network()
    together = networks.predict(built, TEST[0])
    alone = np.concatenate([networks.predict(built, TEST[0][index : index + 1]) for index in range(24)])
    assert together.sum(1) == pytest.approx(np.ones(24))
    assert together == pytest.approx(alone, abs=1e-5)


def test_a_last_batch_of_one_image_does_not_break_batch_normalisation(recipe, tmp_path):
    built = nn.Sequential(nn.Flatten(), nn.Linear(256, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    assert len(TRAIN[0]) % 16 == 1
    assert len(fit(recipe(epochs=1), tmp_path / "checkpoint.pt", built=built)[0]) == 1


def test_a_network_without_a_finite_epoch_leaves_no_result(recipe, tmp_path):
    with pytest.raises(FloatingPointError):
        fit(recipe(learning_rate=1e38), tmp_path / "checkpoint.pt")


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
