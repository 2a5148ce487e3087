"""The figure of Grad-CAM, feature maps and masks over test images."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from benchmark import evidence
from benchmark.data import Images
from benchmark.data.resize import resize
from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.style import (
    LARGEST_PICTURE,
    class_key,
    class_names,
    draw_picture,
    end_of,
    entitle,
    evenly,
    per_cent,
)

SHOWN = 8  # images, at most
NAME_LETTERS = 24  # of a longer name the end is shown
MAPS = {
    "grad_cam": "Grad-CAM",
    "untrained": "Grad-CAM,\nuntrained",
    "feature_map": "feature map",
    "mask": "tokens kept",
}

FOG = 150  # grey level
SCALE = "of the map's largest value"


def explained(data: FigureData, model: str) -> dict[str, dict[str, Any]]:
    """Return image → its maps, its class, what it was taken for and how probably, of images that look different.

    They are of the first run.
    """
    folder = evidence.run_folder(data.task, model, data.runs(model)[0])
    if not (folder / "explanations.json").exists():
        return {}
    ids, _, probabilities = evidence.read_predictions(folder / "predictions.csv")
    row_of = {name: row for row, name in enumerate(ids)}
    clusters = data.results.answers.clusters[data.runs(model)[0]]
    maps = {
        name: fields | {"probability": float(probabilities[row_of[name]].max()), "cluster": int(clusters[row_of[name]])}
        for name, fields in evidence.read_json(folder / "explanations.json").items()
        if "grad_cam" in fields
    }
    path = evidence.untrained_file(data.task, model)
    untrained = evidence.read_json(path) if path.exists() else {}
    if all(untrained.get(name, {}).get("predicted") == fields["predicted"] for name, fields in maps.items()):
        for name, fields in maps.items():
            fields["untrained"] = untrained[name]["grad_cam"]
    return {name: maps[name] for name in choose_images(maps)}


def choose_images(maps: dict[str, dict[str, Any]]) -> list[str]:
    """Return at most ``SHOWN`` of some images, one of a cluster, and of each class as many as of the others."""
    clusters = [fields["cluster"] for fields in maps.values()]
    labels = {
        name: fields["label"]
        for index, (name, fields) in enumerate(maps.items())
        if fields["cluster"] not in clusters[:index]
    }
    names = [*labels]
    return [names[place] for place in evenly([*labels.values()], SHOWN)]


def explanations(data: FigureData, model: str, images: Images) -> Figure:
    """Draw maps and mask over test images of the first run (adaptive, Figure 4; EMANet's mask).

    Beside Grad-CAM stands that of the same network before training, which says what does not come from training.
    """
    chosen = explained(data, model)
    shown = [key for key in MAPS if key in next(iter(chosen.values()))]
    size = (1.5 * len(chosen) + 1.1, 1.55 * (len(shown) + 1) + 1.1)
    figure, axes = plt.subplots(len(shown) + 1, len(chosen), figsize=size, squeeze=False)
    for column, (name, maps) in zip(axes.T, chosen.items(), strict=True):
        _draw_image(column, data, images, name, maps, shown)
    for axis, label in zip(axes[:, 0], ["image", *(MAPS[key] for key in shown)], strict=True):
        axis.set_ylabel(f"{label}\n(grey: dropped)" if label == MAPS["mask"] else label)
    maps_shown = [place for place, key in enumerate(shown, 1) if key != "mask"]
    scale = figure.colorbar(ScalarMappable(cmap="viridis"), ax=list(axes[maps_shown].flat), label=SCALE, aspect=30)
    scale.set_ticks([0, 0.5, 1], labels=["0", "½", "1"])
    class_key(figure, data.classes)
    white = "; white: the true lesion" if images.masks is not None else ""
    entitle(figure, f"{data.label(model)} on {data.title}, run {data.runs(model)[0]}{white}")
    said = "; ".join(_said(data, name, maps) for name, maps in chosen.items())
    maps = ", ".join(MAPS[key].replace("\n", " ") for key in shown)
    figure.set_label(f"{maps} over {len(chosen)} test images: {said}.")
    return figure


def _said(data: FigureData, name: str, maps: dict[str, Any]) -> str:
    true, predicted = (data.classes[maps[key]] for key in ("label", "predicted"))
    kept = f", {per_cent(np.mean(maps['mask']))} of its tokens kept" if "mask" in maps else ""
    answer = f"taken for {end_of(predicted, 80)} with p {maps['probability']:.2f}"
    return f"{end_of(name, 80)} ({end_of(true, 80)}) {answer}{kept}"


def _draw_image(
    column: np.ndarray, data: FigureData, images: Images, name: str, maps: dict[str, Any], shown: Sequence[str]
) -> None:
    """Draw a test image with its maps below; its title says whether the model was right."""
    index = images.ids.index(name)
    size = min(data.params.task(data.task).input_size, LARGEST_PICTURE)
    picture = resize(images.pixels[index][None], size)[0]
    pictures = {"image": picture} | {key: _laid_over(picture, np.array(maps[key])) for key in shown if key != "mask"}
    if "mask" in shown:
        pictures["mask"] = _fogged(picture, np.array(maps["mask"]))
        column[-1].set_xlabel(f"{100 * np.mean(maps['mask']):.0f} % kept", fontsize=8)
    for axis, pixels in zip(column, pictures.values(), strict=True):
        draw_picture(axis, pixels)
        if images.masks is not None and images.masks[index].any():
            _draw_outline(axis, images.masks[index], size)
    true, predicted = (class_names(data.classes)[maps[key]] for key in ("label", "predicted"))
    verdict = "right" if true == predicted else f"taken for\n{predicted}"
    column[0].set_title(f"{true}\n{verdict}\np {maps['probability']:.2f}", fontsize=7)
    column[0].set_xlabel(end_of(name, NAME_LETTERS), fontsize=6)


def _draw_outline(axis: Axes, mask: np.ndarray, size: int) -> None:
    """Draw the outline of a lesion (bool, H × W) over a picture."""
    lesion = resize(mask[None].astype(np.uint8) * 255, size)[0, ..., 0]
    axis.contour(np.arange(size), np.arange(size), lesion, [127], colors="white", linewidths=1)


def _laid_over(picture: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Lay a map (0 to 1, h × w) over an image (uint8, H × W × C), brighter for more: RGB, uint8, H × W × 3."""
    heat = resize((255 * values).round().astype(np.uint8)[None], len(picture))[0, ..., 0]
    return (0.55 * 255 * plt.get_cmap("viridis")(heat)[..., :3] + 0.45 * picture).round().astype(np.uint8)


def _fogged(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Lay a grey fog over what a mask (0 or 1, h × w) drops of an image (uint8, H × W × C)."""
    rows, columns = (np.arange(side) * grid // side for side, grid in zip(picture.shape, mask.shape, strict=False))
    kept = mask[np.ix_(rows, columns)][..., None] > 0
    return np.where(kept, picture, 0.3 * picture + 0.7 * FOG).round().astype(np.uint8)
