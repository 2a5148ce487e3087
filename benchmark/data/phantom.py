"""Sources of kind ``phantom``: synthetic grey images, drawn from a seed; no finding rests on them.

Each image is a body (an ellipse) over a dark background, with soft tissue of low spatial frequency, a few bright
vessels that cross it, and detector noise. One class has no finding, one a smooth round lesion, one a spiculated lesion:
a core of the same size with thin spikes around it. Contrast, size and place vary, so a model has to look at the
lesion's border, not at its brightness.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmark.data import Images
from benchmark.data.resize import resize
from benchmark.params import Phantom

CLASSES = ["no_finding", "round_lesion", "spiculated_lesion"]
SIZE = 32  # pixels; lengths below are in pixels of this size
FINE = 2  # drawn this many times finer, then averaged, so borders are smooth


def load(source: Phantom, size: int) -> Images:
    """Draw the images and the masks of their lesions; the native size is 32, other sizes are resized from it."""
    labels = np.repeat(np.arange(len(CLASSES)), source.images_per_class)
    # RandomState, since numpy promises that its stream never changes; one stream per image.
    drawn = [_draw(int(label), np.random.RandomState([source.seed, index])) for index, label in enumerate(labels)]
    pixels = np.stack([image for image, _ in drawn])
    masks = np.stack([mask for _, mask in drawn])
    return Images(
        pixels=resize(pixels, size),
        labels=labels,
        ids=[f"phantom/{index:04d}" for index in range(len(labels))],
        classes=CLASSES,
        official=["train"] * len(labels),
        groups=[""] * len(labels),
        masks=resize(masks.astype(np.uint8) * 255, size)[..., 0] > 127,
    )


def _draw(label: int, random: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Return one image (uint8, 32 × 32) and the mask of its lesion (bool)."""
    n = SIZE * FINE
    y, x = (np.mgrid[:n, :n] + 0.5) / FINE
    centre, axes = random.uniform(14, 18, 2), random.uniform(12, 15.5, 2)
    body = ((y - centre[0]) / axes[0]) ** 2 + ((x - centre[1]) / axes[1]) ** 2 < 1
    tissue = _tissue(random, n, sigma=3.0) * 14 + _tissue(random, n, sigma=1.0) * 6
    image = np.where(body, 95 + random.uniform(-15, 15) + tissue, 18.0)
    for _ in range(random.randint(1, 4)):
        image += body * _vessel(random, y, x)
    lesion = np.zeros((n, n))
    if label:
        lesion = _lesion(random, y, x, centre, axes, spiculated=label == 2)
        image += random.uniform(50, 80) * lesion
    image = _average(gaussian_filter(image, 0.3 * FINE)) + random.normal(0, 9, (SIZE, SIZE))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), _average(lesion) > 0.5


def _tissue(random: np.random.RandomState, n: int, sigma: float) -> np.ndarray:
    """Return smooth noise of unit variance, correlated over ``sigma`` pixels."""
    field = gaussian_filter(random.normal(size=(n, n)), sigma * FINE, mode="wrap")
    return field / field.std()


def _vessel(random: np.random.RandomState, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return a bright, slightly bent line across the image."""
    angle, offset, bend = random.uniform(0, np.pi), random.uniform(-10, 10), random.uniform(-0.02, 0.02)
    along = (x - SIZE / 2) * np.cos(angle) + (y - SIZE / 2) * np.sin(angle)
    across = (y - SIZE / 2) * np.cos(angle) - (x - SIZE / 2) * np.sin(angle) - offset - bend * along**2
    return random.uniform(20, 45) * np.exp(-((across / random.uniform(0.5, 0.9)) ** 2))


def _lesion(
    random: np.random.RandomState, y: np.ndarray, x: np.ndarray, centre: np.ndarray, axes: np.ndarray, spiculated: bool
) -> np.ndarray:
    """Return a lesion of height 1, round or with spikes, somewhere inside the body."""
    angle, far = random.uniform(0, 2 * np.pi), np.sqrt(random.uniform(0, 1)) * 0.5
    dy = y - centre[0] - far * axes[0] * np.sin(angle)
    dx = x - centre[1] - far * axes[1] * np.cos(angle)
    distance, direction = np.hypot(dy, dx), np.arctan2(dy, dx)
    radius = random.uniform(2.5, 3.8)
    core = 1 / (1 + np.exp((distance - radius) / 0.25))
    if not spiculated:
        return core
    spikes = random.randint(6, 10)
    directions = np.arange(spikes) * 2 * np.pi / spikes + random.uniform(-0.2, 0.2, spikes)
    for spike in directions + random.uniform(0, 2 * np.pi):
        away = np.angle(np.exp(1j * (direction - spike)))
        length = radius + random.uniform(2.5, 5)
        width = 0.7 * np.clip(1.3 - distance / length, 0, 1) + 0.1
        core = np.maximum(
            core,
            0.9
            * np.exp(-((distance * np.sin(away) / width) ** 2))
            * (np.cos(away) > 0)
            / (1 + np.exp((distance - length) / 0.2)),
        )
    return core


def _average(image: np.ndarray) -> np.ndarray:
    """Return the image at 32 × 32, each pixel the mean of its finer ones."""
    return image.reshape(SIZE, FINE, SIZE, FINE).mean((1, 3))
