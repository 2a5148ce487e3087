"""Draw the figures of a task from its evidence."""

from pathlib import Path

from benchmark import evidence, params
from benchmark.audit import papers
from benchmark.errors import BadInput
from pipelines import Parser, run


def main() -> None:
    """Write ``figures/svg/`` and ``figures/png/`` of a task."""
    parser = Parser("figures", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    name = parser.parse_args().task
    settings = params.load()
    settings.task(name)
    from benchmark import data
    from benchmark.report import figures, tables

    known_papers = papers.load_all()
    papers.check(known_papers, settings)
    found = tables.find(settings, name)
    try:
        images = data.load(settings.task(name))
    except BadInput as error:
        images = None
        print(f"{name}: no figure that shows images: {error}")
    drawn = figures.draw(figures.Known(settings, known_papers, found, images))
    figures.save(drawn, Path("scratch/figures", name), evidence.TASKS / name / "figures")
    print(f"{name}: {', '.join(drawn) or 'nothing to draw, since nothing has evidence'}")


if __name__ == "__main__":
    run(main)
