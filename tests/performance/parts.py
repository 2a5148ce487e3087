"""Where the time of a run goes, and what the runs of a task save by making features and corrupted images once.

``python -m tests.performance.parts`` performs the first run of some models of ``brain-mri`` one after another, prints
the table and puts it into docs/performance.md. Networks are trained for one epoch. Needs the images; run nothing else
meanwhile.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from tabulate import tabulate

from benchmark import params
from benchmark.training import dataset, estimators, local, networks, perform
from benchmark.training.runs import Run
from pipelines.listed import cell
from tests.performance import page

TASK = "brain-mri"
MAKER = "naive_bayes"  # the model that makes what the others share
MODELS = (
    *(MAKER, "knn", "random_forest", "svm", "xgboost", "one_nn"),
    *("emanet_alpha_0", "transfer", "cnn", "shufflenet", "light_cnn", "emanet"),
)
TRAINING, ANSWERS, MAPS, IMAGES, OTHER = "training", "answers", "maps", "images", "other"
FEATURES, CORRUPTED = "HOG features", "corrupted images"
PARTS = (TRAINING, ANSWERS, MAPS, IMAGES, OTHER, FEATURES, CORRUPTED)
CALLS: list[tuple[ModuleType, str, str]] = [
    (dataset, "load", IMAGES),
    (estimators, "extract_once", FEATURES),
    (estimators, "fit", TRAINING),
    (estimators, "predict", ANSWERS),
    (networks, "fit", TRAINING),
    (networks, "predict", ANSWERS),
    (perform, "corrupted", CORRUPTED),
    (perform, "_explain", MAPS),
]


class Clock:
    """Seconds of each part of a run; of calls within each other, the outermost counts."""

    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()
        self._within = False
        for module, name, part in CALLS:
            setattr(module, name, self._timed(getattr(module, name), part))

    def _timed(self, function: Callable, part: str) -> Callable:
        def timed(*values, **named):
            if self._within:
                return function(*values, **named)
            self._within, began = True, time.perf_counter()
            try:
                return function(*values, **named)
            finally:
                self._within = False
                self._seconds[part] += time.perf_counter() - began

        return timed

    def of(self, run: Run, shared: Path) -> dict[str, float]:
        """Perform a run; return the seconds of each part."""
        self._seconds.clear()
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            local.perform_alone(run, Path(folder), shared, lambda *_: None)
        whole = time.perf_counter() - began
        parts = {**self._seconds, OTHER: whole - self._seconds.total()}
        if run.model.features != "hog":  # the call that gives pixels takes no time
            parts.pop(FEATURES, None)
        return parts


def first_run(name: str) -> Run:
    """Return the first run of a model; a network is trained for one epoch."""
    run = cell(params.load(), TASK, name)[0]
    return run if run.model.kind == "estimator" else replace(run, recipe=run.recipe.model_copy(update={"epochs": 1}))


def row(name: str, parts: dict[str, float], made: dict[str, float]) -> list[str]:
    """Return a model's row; last, what its run takes if it makes itself what it shares with others."""
    alone = parts | {part: made[part] for part in (FEATURES, CORRUPTED) if part in parts}
    columns = [parts.get(part) for part in PARTS]
    whole = [sum(parts.values()), sum(alone.values())]
    return [name, *("" if seconds is None else f"{seconds:.1f}" for seconds in (*columns, *whole))]


def main() -> None:
    """Perform the runs, the first of which makes what the others take; print the table, write it into the page."""
    clock, rows = Clock(), []
    with tempfile.TemporaryDirectory() as shared:
        made = clock.of(first_run(MAKER), Path(shared))
        rows.append(row(f"{MAKER}, first", made, made))
        for name in MODELS:
            rows.append(row(name, clock.of(first_run(name), Path(shared)), made))
            print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    heads = ["model", *PARTS, "all", "all, if nothing is shared"]
    aligned = ("left", *["right"] * (len(heads) - 1))
    page.put({"parts": tabulate(rows, heads, tablefmt="github", disable_numparse=True, colalign=aligned)})


if __name__ == "__main__":
    main()
