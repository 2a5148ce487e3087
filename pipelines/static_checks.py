"""The whole chain of evidence, checked without training: each link is made again from the one before it."""

from collections.abc import Callable, Iterator
from typing import Any

from joblib import cpu_count

from benchmark import data, evidence, workers
from benchmark import params as parameters
from benchmark.audit import papers
from benchmark.cost.records import COSTS
from benchmark.data import Images, files, medmnist
from benchmark.errors import BadInput, NotHere
from benchmark.evidence.checks import Check, merged
from benchmark.params import Params, Task
from pipelines import audit, docs, fetch, figures, report, split, tables
from pipelines.listed import cells, code_of

PRELOAD = ("pipelines.static_checks", "benchmark.cost.recount", "benchmark.report.figures.drawing")


def run_all(params: Params) -> list[Check]:
    """Return every check, done side by side on every core."""
    with workers.pool(cpu_count(), PRELOAD, _use_one_thread) as pool:
        with workers.interrupts_held_back():
            futures = [pool.submit(_do, *job) for job in _jobs(params)]
        return merged(check for future in futures for check in future.result())


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _do(check: Callable[..., list[Check]], *names: Any) -> list[Check]:
    return check(parameters.load(), *names)


def _jobs(params: Params) -> Iterator[tuple[Any, ...]]:
    """Return functions and what each is to check, the longest first."""
    by_runs = sorted(params.tasks, key=lambda task: -params.task(task).runs * len(params.cells(task)))
    yield from ((_task, task) for task in by_runs)
    yield from ((_counts, shape) for shape in params.costs if (COSTS / shape).exists())
    yield from ((_data, tasks) for tasks in _tasks_by_images(params))
    yield from ((_audit,), (_report,), (_docs,))


def _task(params: Params, task: str) -> list[Check]:
    """Check what reads the runs of a task, in one process: their predictions are parsed once."""
    return [
        *_runs(params, task),
        *_untrained(params, task),
        *_split_and_tables(params, task),
        *_figures(params, task),
    ]


def _tasks_by_images(params: Params) -> list[list[str]]:
    """Return the tasks, those with the same images together."""
    groups: dict[tuple[str, int], list[str]] = {}
    for name, task in params.tasks.items():
        groups.setdefault((task.source.model_dump_json(), task.native_size), []).append(name)
    return [*groups.values()]


def _runs(params: Params, task: str) -> list[Check]:
    from benchmark.training.origin import checks_of_task

    runs = [run for runs_of_cell in cells(params, [task], None) for run in runs_of_cell]
    return checks_of_task(task, runs)


def _untrained(params: Params, task: str) -> list[Check]:
    """Check the maps of untrained networks; of synthetic images, which are always at hand, make them again."""
    from benchmark.training import untrained

    check, proposed = Check("maps of untrained networks are of what is explained"), papers.proposed(papers.load_all())
    firsts = [runs[0] for runs in cells(params, [task], None) if runs[0].model.name in proposed]
    explained = {evidence.untrained_file(*run.cell): run for run in firsts if untrained.has_maps(run)}
    for path, run in explained.items():
        with check.reading(path):
            right = untrained.is_current(run)
            if right and run.task.synthetic:
                right = untrained.agree(evidence.read_json(path), untrained.made(run))
            check.expect(right, f"{path}: is not what an untrained network shows; `dvc repro` makes it anew")
    check.expect_no_others((evidence.TASKS / task / "untrained").glob("*.json"), explained)
    return [check]


def _data(params: Params, tasks: list[str]) -> list[Check]:
    """Describe images again, where they are at hand; nothing is downloaded."""
    check, first = Check("manifests and samples describe the data"), params.task(tasks[0])
    try:
        images = _at_hand(first)
    except NotHere as error:
        check.skipped.append(f"images of {', '.join(tasks)}: {error}")
        return [check]
    except BadInput as error:
        check.expect(False, str(error))
        return [check]
    _, texts = fetch.describe(images, first, params)
    for task in tasks:
        for name, text in texts.items():
            check.expect_file(evidence.TASKS / task / name, text)
    return [check]


def _at_hand(task: Task) -> Images:
    """Return the images of a task, read from their files; :class:`NotHere` where these would have to be downloaded."""
    source = task.source
    path = medmnist.file_name(source) if source.kind == "medmnist" else getattr(source, "path", None)
    if path and not files.find(path):
        raise NotHere(f"{files.data_folder() / path}: missing; `python -m pipelines.fetch` says how to have it")
    return data.load(task)


def _split_and_tables(params: Params, task: str) -> list[Check]:
    folder = evidence.TASKS / task
    splits, made = Check("splits follow from samples"), Check("tables and summaries follow from runs")
    with splits.reading(folder):
        splits.expect_file(folder / "split.csv", split.made(params, task).to_csv(index=False))
    with made.reading(folder):
        texts = tables.texts(params, task)
        for path, text in texts.items():
            made.expect_file(folder / path, text)
        present = [path for part in ("tables", "summary") for path in (folder / part).glob("*")]
        made.expect_no_others(present, [folder / path for path in texts])
    return [splits, made]


def _figures(params: Params, task: str) -> list[Check]:
    """Draw the figures of an open task again; where images are not at hand, check what theirs were drawn from."""
    check, folder = Check("figures follow from runs"), evidence.TASKS / task / "figures/svg"
    with check.reading(folder):
        drawn = figures.draw(params, papers.load_all(), task)
        for name, content in drawn.files.items():
            check.expect_file(folder / f"{name}.svg", content)
        for name, drawn_from in drawn.undrawn.items():
            if (path := folder / f"{name}.svg").exists():
                right = figures.is_current(path, drawn_from)
                check.expect(right, f"{path}: was drawn from something else; `dvc repro` draws it anew")
                check.skipped += [f"{path}: {drawn.why}"] if right else []
        wanted = [folder / f"{name}.svg" for name in drawn.files | drawn.undrawn]
        check.expect_no_others(folder.glob("*.svg"), wanted)
    return [check]


def _counts(params: Params, shape: str) -> list[Check]:
    from benchmark.cost.recount import counts_are_the_networks
    from benchmark.cost.subjects import models_at
    from benchmark.training.runs import resolve

    at = params.shape(shape)
    runs = [resolve(params, at.images, name, 0, code_of(params, name)) for name in models_at(params, at)]
    return [counts_are_the_networks(shape, at, runs)]


def _audit(params: Params) -> list[Check]:
    check, all_papers = Check("audit follows from runs, costs and papers"), papers.load_all()
    with check.reading("results/audit.json"):
        texts = audit.texts(all_papers, audit.all_records(params, all_papers))
        for path, text in texts.items():
            check.expect_file(path, text)
        check.expect_no_others(audit.DETAILS.glob("*"), texts)
    return [check]


def _report(params: Params) -> list[Check]:
    from benchmark.report.figures.audit import gaps
    from benchmark.report.figures.svg import text_of

    check, all_papers = Check("report follows from tables, figures and audit"), papers.load_all()
    with check.reading(report.PAGE):
        check.expect_file(report.FIGURES / "svg/audit.svg", text_of(gaps(report.records() or [], all_papers, params)))
        check.expect_file(report.PAGE, report.text(params, all_papers))
    return [check]


def _docs(params: Params) -> list[Check]:
    check = Check("README and docs follow from evidence and papers")
    with check.reading("docs"):
        for page, text in docs.texts(params).items():
            check.expect_file(page, text)
    return [check]
