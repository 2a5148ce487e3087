"""A run, resolved: all that decides what it trains, and the digests of it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import evidence
from benchmark.data import splits
from benchmark.errors import BadInput, closest, lacks_memory
from benchmark.evidence.digests import code_digest, digest
from benchmark.imports import imported, places
from benchmark.params import Duplicates, Model, Params, PooledSplit, Recipe, Task

SHARED_CODE = (
    "benchmark/data/preprocessing.py",
    "benchmark/data/resize.py",
    "benchmark/data/splits.py",
    "benchmark/training/dataset.py",
    "benchmark/training/perform.py",
)
TRAINER_CODE = {
    "network": (
        "benchmark/training/explanations.py",
        "benchmark/training/networks.py",
        "benchmark/training/weights.py",
    ),
    "estimator": ("benchmark/training/estimators.py",),
}
PROTOCOL = ("native_size", "input_size", "split", "keep_leaks", "device")
GIVEN = {"network": ("num_classes", "in_chans", "img_size"), "estimator": ("seed",)}  # what every factory takes


@dataclass(frozen=True, eq=False)
class Run:
    """One training of ``model`` on ``task`` by ``recipe``.

    ``number`` is K: it sets the split of a pooled task and every random draw. ``code`` is the file that contains the
    model's factory. ``pretraining`` is the task that first weights are trained on, if any; its images are refused where
    ``duplicates`` finds near-duplicates between the two.
    """

    task: Task
    model: Model
    number: int
    recipe: Recipe
    code: Path
    shares: PooledSplit
    duplicates: Duplicates
    pretraining: Task | None = None

    def __str__(self) -> str:
        return f"{self.task.name}-{self.model.name} run {self.number}"

    @property
    def cell(self) -> tuple[str, str]:
        """The names of the task and the model."""
        return self.task.name, self.model.name

    @property
    def tasks(self) -> list[Task]:
        """The tasks whose images the run sees: its own, and the one that its first weights are trained on."""
        return [self.task, *filter(None, [self.pretraining])]

    @property
    def folder(self) -> Path:
        """Where the evidence of the run belongs."""
        return evidence.run_folder(*self.cell, self.number)

    @property
    def factory(self) -> Callable[..., Any]:
        """The function that builds the model; :class:`BadInput` if it or its options in params.yaml do not fit."""
        name = self.code.stem
        try:
            module = import_module(".".join(self.code.with_suffix("").parts))
        except Exception as error:  # whatever the module's own code raises
            if isinstance(error, MemoryError) or (isinstance(error, ImportError) and lacks_memory(error)):
                raise MemoryError(error) from None
            why = f"{type(error).__name__}: {error}"
            raise BadInput(
                f"{self.code}: cannot be imported ({why}); it must be a module that contains the model"
            ) from None
        build = getattr(module, name, None)
        if not callable(build):
            raise BadInput(f"{self.code}: has no function {name!r}; it must have one of the file's name")
        self._check_options(build)
        return build

    def _check_options(self, build: Callable[..., Any]) -> None:
        given = GIVEN[self.model.kind]
        parameters = inspect.signature(build).parameters.values()
        options = [p.name for p in parameters if p.kind != p.VAR_KEYWORD and p.name not in (*given, "pretrained")]
        for option in self.model.options:
            if option not in options:
                where = f"params.yaml: models.{self.model.name}.options"
                raise BadInput(f"{where}: no option {option!r}; {closest(option, options)}")
        try:
            inspect.signature(build).bind(**dict.fromkeys((*given, *self.model.options)))
        except TypeError as error:
            raise BadInput(f"{self.code}: {self.model.name}: {error}; it must take {', '.join(given)}") from None


def resolve(params: Params, task: str, model: str, number: int, code: Path) -> Run:
    """Return a run by the names of its task and model; :class:`BadInput` names an unknown one, or a misfit."""
    protocol, entry = params.task(task), params.model(model)
    if misfit := params.misfit(protocol, entry):
        raise BadInput(f"params.yaml: models.{model} {misfit}")
    return Run(
        task=protocol,
        model=entry,
        number=number,
        recipe=params.recipe(protocol, entry),
        code=code,
        shares=params.pooled_split,
        duplicates=params.duplicates,
        pretraining=params.task(entry.pretraining) if entry.pretraining else None,
    )


def inputs(run: Run) -> dict[str, str]:
    """Return the digests of all that the evidence of ``run`` depends on, but for its robustness under corruption.

    :class:`BadInput` says what of it is missing or wrong.
    """
    manifest = evidence.manifest(run.task.name)
    _, rows = read_split(run)
    digests = {
        "code": code_digest(code_files(run)),
        "params": digest([_protocol(run.task), run.recipe.model_dump(), run.model.model_dump()]),
        "data": manifest["digest"],
        "split": digest({name: index.tolist() for name, index in rows.items()}),
    }
    if (run.model.init or "").startswith("file:"):
        from benchmark.training import weights

        digests["weights"] = weights.file_digest_of(run.model)
    if run.pretraining:
        digests["pretraining"] = _pretraining_digest(run, run.pretraining)
    return digests


def _protocol(task: Task) -> dict[str, Any]:
    return {key: value for key, value in task.model_dump().items() if key in PROTOCOL}


def _pretraining_digest(run: Run, task: Task) -> str:
    """Return the digest of what the first weights of ``run`` are trained on."""
    manifest = evidence.manifest(task.name)
    _, rows = read_split(replace(run, task=task))
    index = {name: rows_of_part.tolist() for name, rows_of_part in rows.items()}
    return digest([manifest["digest"], _protocol(task), task.recipe.model_dump(), index])


def code_files(run: Run) -> list[Path]:
    """Return the files whose code decides what a run leaves, its robustness aside.

    They are the model's own file with what it imports of this project, and the trainer's.
    """
    trainer = [*TRAINER_CODE[run.model.kind], *SHARED_CODE]
    if run.pretraining:
        trainer.append("benchmark/data/duplicates.py")
    return [*with_imports(run.code), *sorted(Path(path) for path in trainer)]


def with_imports(code: Path) -> list[Path]:
    """Return a file and, sorted, the files in ``baselines`` and ``benchmark/models`` that it imports, by any way."""
    waiting, reached = [code], {code}
    while waiting:
        for path in _imported(waiting.pop()):
            if path not in reached:
                reached.add(path)
                waiting.append(path)
    return [code, *sorted(reached - {code})]


def _imported(code: Path) -> list[Path]:
    try:
        modules = imported(code.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{code}: {error.strerror}; it must be the file of a model") from None
    except (SyntaxError, ValueError) as error:
        raise BadInput(f"{code}: {error}; it must be a Python file") from None
    if relative := next((module for module in modules if module.startswith(".")), None):
        raise BadInput(
            f"{code}: imports {relative!r}; a model's file must import by absolute names, as baselines.blocks"
        )
    models = [module for module in modules if module.startswith(("baselines", "benchmark.models"))]
    reached = [place for module in models for place in places(module)]
    return [path for path in reached if path.exists()]


def read_split(run: Run) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return the split of the run's task, and the row numbers of ``train``, ``validation`` and ``test`` in it."""
    path = evidence.TASKS / run.task.name / "split.csv"
    anew = f"make it anew with `dvc repro --force split@{run.task.name}`"
    try:
        split = evidence.read_table(path, "label", "cluster", must=anew, sample_id=str, part=str)
        return split, splits.of_run(split, run.task, run.shares, run.number, run.model.train_parts)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: does not fit the split of the task ({error}); {anew}") from None
