"""Draw the figures of a task from its evidence."""

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark import evidence
from benchmark.audit import papers
from benchmark.audit.papers import Paper
from benchmark.errors import BadInput
from benchmark.params import Params, load
from pipelines import Parser, run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def main() -> None:
    """Write ``figures/svg/`` and ``figures/png/`` of a task."""
    parser = Parser("figures", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    task = parser.parse_args().task
    params, all_papers = load(), papers.load_all()
    papers.check(all_papers, params)
    from benchmark.report.figures.style import save

    figures, why = draw(params, all_papers, task)
    if why:
        print(f"{task}: {why}")
    folder = evidence.TASKS / task / "figures"
    save(figures, Path("scratch/figures", task), folder)
    for kind in ("svg", "png"):
        evidence.keep(folder / kind)
    print(f"{task}: {', '.join(figures) or 'nothing to draw'}")


def draw(params: Params, all_papers: list[Paper], task: str) -> "tuple[dict[str, Figure], str | None]":
    """Return name → figure of a task, and why some or all of its figures cannot be drawn, if so."""
    from benchmark import data
    from benchmark.report import results
    from benchmark.report.figures import drawing
    from benchmark.report.figures.duplicates import near_duplicates
    from benchmark.report.figures.figure_data import FigureData

    protocol, why = params.task(task), None
    manifest = evidence.read_json(evidence.TASKS / task / "manifest.json")
    try:
        images = data.load(protocol, manifest["digest"])
    except BadInput as error:
        images, why = None, f"no figure that shows images: {error}"
    title = f"{task}, synthetic images" if protocol.synthetic else task
    pairs = near_duplicates(manifest, images, title)
    figures = {"duplicates": pairs} if pairs else {}
    if protocol.sealed:
        return figures, f"sealed: {protocol.sealed}"
    if not params.cells(task):
        return figures, why
    drawn = drawing.draw(FigureData(params, all_papers, results.read(params, task), images))
    return figures | drawn, why


if __name__ == "__main__":
    run(main)
