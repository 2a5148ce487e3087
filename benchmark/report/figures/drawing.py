"""All figures of a task that its evidence allows."""

from matplotlib.figure import Figure

from benchmark.report.figures import style
from benchmark.report.figures.costs import accuracy_against_cost
from benchmark.report.figures.explanations import explanations
from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.robustness import robustness
from benchmark.report.figures.scores import accuracy, confusion, reliability
from benchmark.report.figures.training import curves, learning


def draw(data: FigureData) -> dict[str, Figure]:
    """Return name → figure, of all figures that the evidence allows."""
    style.use_style()
    figures: dict[str, Figure | None] = {}
    for model in (paper.proposed for paper in data.papers if paper.proposed in data.results.scores):
        figures[f"curves_{model}"] = curves(data, model)
        figures[f"confusion_{model}"] = confusion(data, model)
        figures[f"learning_{model}"] = learning(data, model)
        figures[f"explanations_{model}"] = explanations(data, model)
    for paper in data.papers:
        for name, table in paper.tables.items():
            figures[f"accuracy_{name}"] = accuracy(data, paper, table)
    figures["robustness"] = robustness(data)
    figures["cost"] = accuracy_against_cost(data)
    figures["reliability"] = reliability(data)
    return {name: figure for name, figure in figures.items() if figure}
