"""Draw the figures of a task from its evidence."""

from pathlib import Path

from benchmark import evidence
from benchmark.audit import papers
from benchmark.errors import BadInput
from benchmark.params import load
from pipelines import Parser, run


def main() -> None:
    """Write ``figures/svg/`` and ``figures/png/`` of a task."""
    parser = Parser("figures", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    task = parser.parse_args().task
    params, all_papers = load(), papers.load_all()
    protocol = params.task(task)
    papers.check(all_papers, params)
    from benchmark import data
    from benchmark.report import results
    from benchmark.report.figures.drawing import draw
    from benchmark.report.figures.figure_data import FigureData
    from benchmark.report.figures.style import save

    folder, figures = evidence.TASKS / task / "figures", {}
    if protocol.sealed:
        print(f"{task} is sealed: {protocol.sealed}")
    elif params.cells(task):
        try:
            images = data.load(protocol)
        except BadInput as error:
            images = None
            print(f"{task}: no figure that shows images: {error}")
        figures = draw(FigureData(params, all_papers, results.read(params, task), images))
    save(figures, Path("scratch/figures", task), folder)
    for kind in ("svg", "png"):
        evidence.keep(folder / kind)
    print(f"{task}: {', '.join(figures) or 'nothing to draw'}")


if __name__ == "__main__":
    run(main)
