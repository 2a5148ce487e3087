"""All figures of a task that its evidence allows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmark.data import Images
from benchmark.data import resize as resizing
from benchmark.evidence.digests import code_digest, digest
from benchmark.report.figures import style
from benchmark.report.figures.corruptions import corruptions, example
from benchmark.report.figures.costs import accuracy_against_cost
from benchmark.report.figures.duplicates import near_duplicates
from benchmark.report.figures.explanations import explained, explanations
from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.robustness import robustness
from benchmark.report.figures.samples import samples
from benchmark.report.figures.scores import accuracy, confusion, reliability
from benchmark.report.figures.training import curves, learning
from benchmark.training.corruptions import CORRUPTIONS

CODE = Path(__file__).parent
SHARED_CODE = ("style", "svg", "figure_data")


@dataclass(frozen=True)
class Picture:
    """A figure that shows images: the digest of what it is drawn from, and how it is drawn once they are at hand."""

    drawn_from: str
    draw: Callable[[Images], Figure]


def draw(data: FigureData) -> dict[str, Figure]:
    """Return name → figure, of all figures without images that the evidence allows."""
    style.use_style()
    figures: dict[str, Figure | None] = {}
    for paper in data.papers:
        if (model := paper.proposed) in data.results.scores:
            figures[f"curves_{model}"] = curves(data, model)
            figures[f"confusion_{model}"] = confusion(data, paper)
            figures[f"learning_{model}"] = learning(data, model)
        for name, table in paper.tables.items():
            figures[f"accuracy_{name}"] = accuracy(data, paper, table)
    figures["robustness"] = robustness(data)
    figures["cost"] = accuracy_against_cost(data)
    figures["reliability"] = reliability(data)
    return {name: figure for name, figure in figures.items() if figure}


def pictures(data: FigureData) -> dict[str, Picture]:
    """Return name → figure, of the figures with images that the evidence of a task's runs allows."""
    style.use_style()
    shared = [data.results.manifest["digest"], data.title, data.params.task(data.task).input_size]
    drawn = {}
    for model in (paper.proposed for paper in data.papers if paper.proposed in data.results.scores):
        if chosen := explained(data, model):
            inputs = [*shared, data.label(model), data.runs(model)[0], data.classes, chosen]
            drawn[f"explanations_{model}"] = Picture(
                _digest("explanations", inputs), lambda images, model=model: explanations(data, model, images)
            )
    if name := example(data):
        inputs = [*shared, name, {kind: each.digest for kind, each in CORRUPTIONS.items()}]
        drawn["corruptions"] = Picture(_digest("corruptions", inputs), lambda images: corruptions(data, images))
    return drawn


def pictures_of_images(manifest: dict[str, Any], title: str, size: int) -> dict[str, Picture]:
    """Return the figures of a task's images alone: some of them at their input ``size``, and near-duplicates."""
    inputs = [manifest["digest"], title, size]
    drawn = {"samples": Picture(_digest("samples", inputs), lambda images: samples(images, title, size))}
    if manifest["duplicates"]["shown"]:
        digest = _digest("duplicates", [manifest, title])
        drawn["duplicates"] = Picture(digest, lambda images: near_duplicates(manifest, images, title))
    return drawn


def _digest(module: str, inputs: list[Any]) -> str:
    """Return the digest of what a figure is drawn from: the code that draws it, and its inputs."""
    code = [*(CODE / f"{name}.py" for name in (module, *SHARED_CODE)), Path(resizing.__file__)]
    return digest([code_digest(code), inputs])
