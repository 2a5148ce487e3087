"""The figure of what each corruption does to an image."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from benchmark import evidence
from benchmark.data import Images
from benchmark.data.resize import resize
from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.style import class_names, draw_picture, end_of, entitle
from benchmark.training.corruptions import CORRUPTIONS

LARGEST = 96  # pixels of a picture


def example(data: FigureData) -> str | None:
    """Return the image that stands for the others: the first test image of the first run of a row."""
    if not data.rows:
        return None
    model = data.rows[0]
    path = evidence.run_folder(data.task, model, data.runs(model)[0]) / "predictions.csv"
    return evidence.read_predictions(path)[0][0]


def corruptions(data: FigureData, images: Images) -> Figure:
    """Draw one test image under every corruption, as networks see it, stronger to the right."""
    name = example(data)
    index = images.ids.index(name)
    pixels, digests = images.pixels[index][None], [images.digests[index]]
    size = min(data.params.task(data.task).input_size, LARGEST)
    columns = 1 + max(len(kind.strengths) for kind in CORRUPTIONS.values())
    figure, axes = plt.subplots(len(CORRUPTIONS), columns, figsize=(1.25 * columns, 1.45 * len(CORRUPTIONS) + 0.6))
    for row, (kind, corruption) in zip(axes, CORRUPTIONS.items(), strict=True):
        shown = {"none": pixels} | {
            f"{strength:g}": corruption.apply(pixels, digests, strength) for strength in corruption.strengths
        }
        for axis, (strength, picture) in zip(row, shown.items(), strict=False):
            draw_picture(axis, resize(picture, size)[0])
            axis.set_title(strength, fontsize=8)
        for axis in row[len(shown) :]:
            axis.axis("off")
        row[0].set_ylabel(f"{kind.replace('_', ' ')}\n({corruption.unit})", fontsize=8)
    true = class_names(images.classes)[images.labels[index]]
    entitle(figure, f"Corruptions on {data.title}\n{end_of(name, 40)}, {true}")
    kinds = ", ".join(f"{kind.replace('_', ' ')} ({each.unit})" for kind, each in CORRUPTIONS.items())
    figure.set_label(
        f"The test image {end_of(name, 80)} at {size} px, without corruption and stronger by steps: {kinds}."
    )
    return figure
