"""One trainer for every torch model.

Cross-entropy, Adam, a schedule, best epoch by a measure on the validation split. Every random draw of an epoch comes
from (seed, epoch) alone, so a run that was killed goes on from its last checkpoint and ends with the same bytes.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic matrix products on a GPU; read at start-up

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score, roc_auc_score
from torch import Tensor, nn

from benchmark.data.preprocessing import Levels
from benchmark.errors import TrainingFailed
from benchmark.params import Augmentation, Recipe
from benchmark.training.dataset import Part

EVALUATION_BATCH = 256
CHECKPOINT_EVERY_S = 60.0


@dataclass
class State:
    """What a checkpoint contains: where the training is, and the best epoch so far."""

    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: float = -math.inf
    weights: dict[str, Tensor] = field(default_factory=dict)


def fit(
    network: nn.Module,
    train: Part,
    validation: Part,
    levels: Levels,
    recipe: Recipe,
    seed: int,
    device: str,
    checkpoint: Path,
    on_epoch: Callable[[int], None],
) -> list[dict[str, float]]:
    """Train ``network`` in place, to the weights of its best epoch; return the history, one row per epoch.

    ``levels`` says how images are normalised. ``checkpoint`` is resumed from where it exists. ``on_epoch`` hears how
    many epochs are done. :class:`TrainingFailed` names the first epoch whose loss is NaN or infinite.
    """
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a guard for faulty operations, up to 20 % of the time
    network.to(device, memory_format=torch.channels_last)
    images, labels = (torch.from_numpy(array).to(device) for array in (train.images, train.labels))
    optimizer = torch.optim.Adam(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    state = _resume(checkpoint, network, optimizer, device)
    saved = time.monotonic()
    for epoch in range(state.epoch, recipe.epochs):
        on_epoch(epoch)
        row = {"epoch": epoch + 1} | _train_epoch(network, optimizer, images, labels, levels, recipe, seed, epoch)
        probabilities = predict(network, validation.images, levels, recipe.precision)
        measures = _measures(validation.labels, probabilities)
        row |= {f"validation_{name}": value for name, value in measures.items()}
        _refuse_not_finite(row, recipe)
        state.history.append(row)
        score = -measures["loss"] if recipe.best_epoch_by == "loss" else measures[recipe.best_epoch_by]
        if score > state.best:
            state.best, state.weights = score, {key: value.clone() for key, value in network.state_dict().items()}
        state.epoch = epoch + 1
        if time.monotonic() - saved > CHECKPOINT_EVERY_S:
            _save(checkpoint, state, network, optimizer)
            saved = time.monotonic()
    network.load_state_dict(state.weights)
    on_epoch(recipe.epochs)
    return state.history


def predict(network: nn.Module, images: np.ndarray, levels: Levels, precision: str) -> np.ndarray:
    """Return class probabilities (float64, N × classes) of images (uint8, N × C × H × W)."""
    network.eval()
    device = next(network.parameters()).device
    logits = []
    with torch.inference_mode(), arithmetic(precision, device.type):
        for batch in torch.from_numpy(images).split(EVALUATION_BATCH):
            inputs = normalised(batch.to(device), levels).contiguous(memory_format=torch.channels_last)
            logits.append(network(inputs).double())
    return torch.cat(logits).cpu().softmax(1).numpy()


def normalised(batch: Tensor, levels: Levels) -> Tensor:
    """Return images (uint8, N × C × H × W) as float32, the same numbers as :func:`preprocessing.normalised` gives."""
    offset, scale = (
        torch.tensor(values, dtype=torch.float32, device=batch.device).view(-1, 1, 1)
        for values in (levels.offset, levels.scale)
    )
    return (batch.float() - offset) / scale


@contextmanager
def arithmetic(precision: str, device: str) -> Iterator[None]:
    """Have matrix products and convolutions computed in a precision of :class:`benchmark.params.Recipe`."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    with torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
        yield


def augment(images: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Flip, rotate and scale a batch (N × C × H × W), each image by its own draw, in one resampling.

    Resampling smooths an image, so a share of them must stay as they are, as validation and test images do.
    """
    if not (how.flip or how.share):
        return images
    flip, moved, turn, size = torch.rand(4, len(images), generator=generator)
    sign = torch.where(flip < how.flip, -1.0, 1.0)
    angle = (moved < how.share) * (2 * turn - 1) * math.radians(how.rotation)
    zoom = 1 + (moved < how.share) * (2 * size - 1) * how.scaling
    cos, sin, zero = angle.cos() / zoom, angle.sin() / zoom, torch.zeros(len(images))
    matrices = torch.stack([sign * cos, -sin, zero, sign * sin, cos, zero], 1).view(-1, 2, 3)
    grid = F.affine_grid(matrices.to(images.device), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def learning_rate(recipe: Recipe, progress: float) -> float:
    """Return the learning rate at ``progress`` (share of all steps done, 0 to 1)."""
    if progress < recipe.warmup:
        return recipe.learning_rate * progress / recipe.warmup
    if recipe.schedule == "step":
        return recipe.learning_rate * 0.1 ** ((progress >= 0.5) + (progress >= 0.75))
    rest = (progress - recipe.warmup) / max(1 - recipe.warmup, 1e-9)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * rest))


def _train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    levels: Levels,
    recipe: Recipe,
    seed: int,
    epoch: int,
) -> dict[str, float]:
    """Take one pass over the training split; loss and accuracy are means over the augmented batches, as trained."""
    network.train()
    torch.manual_seed(seed * 100_003 + epoch)  # dropout and the like
    generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
    order = torch.randperm(len(labels), generator=generator)
    # Batches of nearly equal size: a last batch of one image would break batch normalisation.
    batches = order.tensor_split(math.ceil(len(order) / recipe.batch_size))
    device = images.device
    loss_sum, hits = torch.zeros((), dtype=torch.float64, device=device), torch.zeros((), device=device)
    for step, batch in enumerate(batches):
        rate = learning_rate(recipe, (epoch + step / len(batches)) / recipe.epochs)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = batch.to(device)
        inputs = augment(normalised(images[batch], levels), recipe.augmentation, generator)
        with arithmetic(recipe.precision, device.type):
            logits = network(inputs.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), labels[batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach().double() * len(batch)
        hits += (logits.detach().argmax(1) == labels[batch]).sum()
    count = len(labels)
    return {"learning_rate": rate, "train_loss": loss_sum.item() / count, "train_accuracy": int(hits) / count}


def _refuse_not_finite(row: dict[str, float], recipe: Recipe) -> None:
    """Stop a training whose loss has left the finite numbers: no later epoch brings it back."""
    for name in ("train_loss", "validation_loss"):
        if not math.isfinite(row[name]):
            raise TrainingFailed(
                f"{name.replace('_', ' ')} is {row[name]} in epoch {row['epoch']} of {recipe.epochs}; "
                f"try a smaller learning_rate than {recipe.learning_rate:g} in its recipe"
            )


def _measures(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return what the best epoch may be chosen by; a network that left the finite numbers scores nan everywhere."""
    if not np.isfinite(probabilities).all():
        return dict.fromkeys(("loss", "accuracy", "f1_macro", "auc"), math.nan)
    predicted = probabilities.argmax(1)
    scores = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities
    true = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1)
    return {
        "loss": float(-np.log(true).mean()),
        "accuracy": float((predicted == labels).mean()),
        "f1_macro": float(f1_score(labels, predicted, average="macro", zero_division=0)),
        "auc": float(roc_auc_score(labels, scores, multi_class="ovr")),
    }


def _save(checkpoint: Path, state: State, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    content = vars(state) | {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
    part = checkpoint.with_suffix(".part")
    torch.save(content, part)
    part.replace(checkpoint)


def _resume(checkpoint: Path, network: nn.Module, optimizer: torch.optim.Optimizer, device: str) -> State:
    if not checkpoint.exists():
        return State()
    content: dict[str, Any] = torch.load(checkpoint, map_location=device, weights_only=True)
    network.load_state_dict(content.pop("network"))
    optimizer.load_state_dict(content.pop("optimizer"))
    return State(**content)
