"""The figure of Grad-CAM, feature maps and masks over test images."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark import evidence
from benchmark.data.resize import resize
from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.style import LARGEST_PICTURE

SHOWN = 8  # images, at most
MAPS = {"grad_cam": "Grad-CAM", "feature_map": "feature map", "mask": "tokens kept"}


def explanations(data: FigureData, model: str) -> Figure | None:
    """Draw Grad-CAM, feature map and mask over test images of the first run (adaptive, Figure 4; EMANet's mask).

    None without the images, or without explanations.
    """
    run = data.runs(model)[0]
    path = evidence.run_folder(data.task, model, run) / "explanations.json"
    if data.images is None or not path.exists():
        return None
    explained = {name: maps for name, maps in evidence.read_json(path).items() if "grad_cam" in maps}
    chosen = choose_images({name: maps["label"] for name, maps in explained.items()})
    if not chosen:
        return None
    shown = [key for key in MAPS if key in explained[chosen[0]]]
    figure, axes = plt.subplots(
        len(shown) + 1, len(chosen), figsize=(1.6 * len(chosen) + 0.4, 1.6 * (len(shown) + 1) + 0.8)
    )
    for column, name in zip(axes.T, chosen, strict=True):
        _draw_image(column, data, name, explained[name], shown)
    for axis, label in zip(axes[:, 0], ["image", *(MAPS[key] for key in shown)], strict=True):
        axis.set_ylabel(label)
    white = "; white: the true lesion" if data.images.masks is not None else ""
    figure.suptitle(f"{model} on {data.title}, run {run}; yellow: the largest value of a map{white}")
    return figure


def choose_images(labels: dict[str, int]) -> list[str]:
    """Return at most ``SHOWN`` of the images in ``labels`` (image → class), of each class as many as of the others."""
    nth = {name: list(labels.values())[:index].count(label) for index, (name, label) in enumerate(labels.items())}
    chosen = sorted(labels, key=nth.get)[:SHOWN]
    return [name for name in labels if name in chosen]


def _draw_image(column: np.ndarray, data: FigureData, name: str, maps: dict[str, Any], shown: list[str]) -> None:
    """Draw a test image with its maps below; its title says whether the model was right."""
    index = data.images.ids.index(name)
    size = min(data.params.task(data.task).input_size, LARGEST_PICTURE)
    picture = resize(data.images.pixels[index][None], size)[0]
    for axis, key in zip(column, ["image", *shown], strict=True):
        pixels = _laid_over(picture, np.array(maps[key])) if key in ("grad_cam", "feature_map") else picture
        axis.imshow(pixels.squeeze(), cmap="gray", vmin=0, vmax=255, extent=(0, size, size, 0), interpolation="none")
        axis.set(xticks=[], yticks=[])
        if data.images.masks is not None and data.images.masks[index].any():
            lesion = resize(data.images.masks[index][None].astype(np.uint8) * 255, size)[0, ..., 0]
            axis.contour(np.arange(size) + 0.5, np.arange(size) + 0.5, lesion, [127], colors="white", linewidths=1)
    true, predicted = (data.classes[maps[key]] for key in ("label", "predicted"))
    column[0].set_title(f"{true}\n{'right' if true == predicted else f'taken for {predicted}'}", fontsize=8)
    if "mask" in shown:
        _darken(column[-1], np.array(maps["mask"]), size)


def _laid_over(picture: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Lay a map (0 to 1, h × w) over an image (uint8, H × W × C), brighter for more: RGB, uint8, H × W × 3."""
    heat = resize((255 * values).round().astype(np.uint8)[None], len(picture))[0, ..., 0]
    return (0.55 * 255 * plt.get_cmap("viridis")(heat)[..., :3] + 0.45 * picture).round().astype(np.uint8)


def _darken(axis: Axes, mask: np.ndarray, size: int) -> None:
    """Darken what a mask drops."""
    shade = np.zeros((*mask.shape, 4))
    shade[mask == 0, 3] = 0.75
    axis.imshow(shade, extent=(0, size, size, 0), interpolation="none")
