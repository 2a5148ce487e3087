"""Draw the figures of a task from its evidence."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark import evidence
from benchmark.audit import papers
from benchmark.audit.papers import Paper
from benchmark.errors import NotHere
from benchmark.params import Params, load
from pipelines import Parser, run

if TYPE_CHECKING:
    from benchmark.report.figures.drawing import Picture


@dataclass(frozen=True)
class Drawn:
    """The figures of a task: name → SVG, and what is to be said of them.

    ``undrawn`` maps the names of figures whose images are not at hand to the digest of what they would be drawn from;
    ``why`` says so.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    undrawn: dict[str, str] = field(default_factory=dict)
    why: str = ""


def main() -> None:
    """Write ``figures/svg/`` of a task; what cannot be drawn here stays if nothing it was drawn from has changed."""
    parser = Parser("figures", __doc__, "--task brain-mri")
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    task = parser.parse_args().task
    params, all_papers = load(), papers.load_all()
    papers.check(all_papers, params)
    from benchmark.report.figures.style import save

    drawn = draw(params, all_papers, task)
    if drawn.why:
        print(f"{task}: {drawn.why}")
    standing = {name: path for name in drawn.undrawn if (path := _path(task, name)).exists()}
    kept = {name: path.read_bytes() for name, path in standing.items() if is_current(path, drawn.undrawn[name])}
    for names, said in (
        (kept, "stay, drawn from the same"),
        (standing.keys() - kept, "go, drawn from something else"),
    ):
        if names:
            print(f"{task}: {', '.join(sorted(names))}: {said}")
    files = drawn.files | kept
    save(files, Path("scratch/figures", task), evidence.TASKS / task / "figures")
    print(f"{task}: {', '.join(files) or 'nothing to draw'}")


def _path(task: str, name: str) -> Path:
    return evidence.TASKS / task / "figures/svg" / f"{name}.svg"


def is_current(path: Path, drawn_from: str) -> bool:
    """Return whether a figure was drawn from what it would be drawn from now."""
    from benchmark.report.figures import svg

    return svg.drawn_from(path) == drawn_from


def draw(params: Params, all_papers: list[Paper], task: str) -> Drawn:
    """Return the figures of a task; of a sealed one, those of its images alone."""
    from benchmark.report import results
    from benchmark.report.figures import drawing, svg
    from benchmark.report.figures.figure_data import FigureData

    protocol = params.task(task)
    manifest = evidence.manifest(task)
    title = f"{task}, synthetic images" if protocol.synthetic else task
    pictures, files = drawing.pictures_of_images(manifest, title, protocol.input_size), {}
    if params.cells(task) and not protocol.sealed:
        data = FigureData(params, all_papers, results.read(params, task))
        files = {name: svg.text_of(figure) for name, figure in drawing.draw(data).items()}
        pictures |= drawing.pictures(data)
    drawn = _with_images(params, task, pictures, manifest["digest"])
    why = "; ".join(filter(None, [protocol.sealed and f"sealed: {protocol.sealed}", drawn.why]))
    return Drawn(drawn.files | files, drawn.undrawn, why)


def _with_images(params: Params, task: str, pictures: "dict[str, Picture]", digest: str) -> Drawn:
    """Draw the figures that show images; none where the images are not at hand."""
    from benchmark import data
    from benchmark.report.figures import svg

    if not pictures:
        return Drawn()
    try:
        images = data.load(params.task(task), digest)
    except NotHere as error:
        undrawn = {name: picture.drawn_from for name, picture in pictures.items()}
        return Drawn(undrawn=undrawn, why=f"figures that show images are not drawn anew: {error}")
    files = {name: svg.text_of(each.draw(images), each.drawn_from) for name, each in pictures.items()}
    return Drawn(files)


if __name__ == "__main__":
    run(main)
