"""Images of four kinds of texture, drawn from a seed, and copies of some, changed as copies in published sets are.

The kinds: smooth blobs; fundus-like discs with vessels, which all look alike; scans, bodies with organs; fine tissue.
"""

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

SIZE = 64
Y, X = np.mgrid[:SIZE, :SIZE] / (SIZE - 1) * 2 - 1


def blobs(random):
    return _scaled(gaussian_filter(random.normal(size=(SIZE, SIZE)), 6))


def tissue(random):
    return _scaled(gaussian_filter(random.normal(size=(SIZE, SIZE)), 1.2))


def fundus(random):
    radius = np.hypot(Y, X)
    image = 120 * (1 - 0.35 * radius**2) + 15 * random.normal() + 20 * random.normal() * X + 20 * random.normal() * Y
    row, column = 0.1 * random.normal(), random.choice([-1, 1]) * (0.45 + 0.05 * random.normal())
    image += 70 * np.exp(-((Y - row) ** 2 + (X - column) ** 2) / 0.012)
    along = np.linspace(0, 1, 80)
    for _ in range(6):
        angle = random.uniform(0, 2 * np.pi) + 0.8 * random.normal() * along
        rows, columns = row + 1.4 * along * np.sin(angle), column + 1.4 * along * np.cos(angle)
        places = np.stack([rows, columns])[:, (abs(rows) <= 1) & (abs(columns) <= 1)]
        vessel = np.zeros((SIZE, SIZE))
        vessel[tuple(((places + 1) / 2 * (SIZE - 1)).round().astype(int))] = 1
        image -= 60 * np.minimum(2 * gaussian_filter(vessel, 0.8), 1)
    image += random.normal(0, 2, image.shape)
    return np.where(radius < 0.92 + 0.01 * random.normal(), image, 0)


def scan(random):
    height, width = 0.75 + 0.08 * random.normal(), 0.6 + 0.06 * random.normal()
    row, column = 0.06 * random.normal(size=2)
    body = ((Y - row) / height) ** 2 + ((X - column) / width) ** 2
    image = np.where(body < 0.85, 90.0, np.where(body < 1, 200.0, 0.0))
    inside = body < 0.85
    for _ in range(8):
        row, column = random.uniform(-0.5, 0.5), random.uniform(-0.4, 0.4)
        high, wide = random.uniform(0.08, 0.3, 2)
        image += inside * 40 * random.normal() * np.exp(-(((Y - row) / high) ** 2) - ((X - column) / wide) ** 2)
    image += inside * 48 * gaussian_filter(random.normal(size=image.shape), 1.5)
    return image + random.normal(0, 3, image.shape)


KINDS = {"blobs": blobs, "fundus": fundus, "scan": scan, "tissue": tissue}
CHANGES = {
    "copy": lambda image: image,
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "turned by 90°": lambda image: np.rot90(image),
    "turned by 180°": lambda image: np.rot90(image, 2),
    "turned by 270°": lambda image: np.rot90(image, 3),
    "JPEG 50": lambda image: _jpeg(image, 50),
    "resized × 0.5": lambda image: _resized(image, 0.5),
    "resized × 1.5": lambda image: _resized(image, 1.5),
    "cropped by 2 %": lambda image: _cropped(image, 0.02),
    "brighter by 10 %": lambda image: _to_uint8(1.1 * image),
    "darker by 10 %": lambda image: _to_uint8(0.9 * image),
}


def planted(kind, count, each, seed=0):
    """Return ``count`` unrelated images and ``each`` copies for each of ``CHANGES``, in this order, of different ones.

    Pixels are uint8, N × 64 × 64 × 1; labels, of two classes, are those of the originals; then the original of each.
    """
    random = np.random.RandomState(seed)
    originals = np.stack([_to_uint8(KINDS[kind](random)) for _ in range(count)])
    sources = random.permutation(count)[: each * len(CHANGES)]
    changes = np.repeat(list(CHANGES), each)
    copies = [CHANGES[change](originals[source]) for change, source in zip(changes, sources, strict=True)]
    labels = random.randint(0, 2, count)
    pixels = np.concatenate([originals, np.stack(copies)])[..., np.newaxis]
    return pixels, np.concatenate([labels, labels[sources]]), sources


def _scaled(values):
    return 20 + 215 * (values - values.min()) / np.ptp(values)


def _to_uint8(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "jpeg", quality=quality)
    return np.asarray(Image.open(file))


def _resized(image, scale):
    other = Image.fromarray(image).resize((int(SIZE * scale),) * 2, Image.Resampling.BILINEAR)
    return np.asarray(other.resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def _cropped(image, share):
    edge = share / 2 * SIZE
    box = (edge, edge, SIZE - edge, SIZE - edge)
    return np.asarray(Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=box))
