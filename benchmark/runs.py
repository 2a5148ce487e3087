"""One run: one task × model × K, from images to evidence.

The test split is touched once, after the best epoch was chosen on validation: for the predictions, and for those under
corruption.
"""

import inspect
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import data, evidence, manifest, metrics, preprocessing, robustness, splits
from benchmark.errors import BadInput, closest
from benchmark.params import CORRUPTIONS, Params

SHARED = (
    "benchmark/data/resize.py",
    "benchmark/preprocessing.py",
    "benchmark/robustness.py",
    "benchmark/runs.py",
    "benchmark/splits.py",
)
TRAINER = {"network": "benchmark/training.py", "estimator": "benchmark/classical.py"}
PACKAGES = ("numpy", "scipy", "scikit-learn", "scikit-image", "pillow", "torch", "timm")
RECIPE_OF_TASK = ("native_size", "input_size", "split", "keep_leaks", "device", "recipe")

Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Run:
    """Names a run; ``module`` is where its model's factory lies, such as ``baselines.cnn``."""

    task: str
    model: str
    run: int
    module: str

    def __str__(self) -> str:
        return f"{self.task}-{self.model} run {self.run}"

    @property
    def folder(self) -> Path:
        """Where the run's evidence belongs."""
        return evidence.run_folder(self.task, self.model, self.run)


def inputs(params: Params, run: Run) -> dict[str, str]:
    """Return the digests of all that the evidence of ``run`` depends on; :class:`BadInput` if any of it is wrong."""
    task, model = params.task(run.task), params.model(run.model)
    factory(params, run)
    described = evidence.read_json(evidence.TASKS / run.task / "manifest.json")
    _, parts = _read_split(params, run)
    code = code_files(params, run)
    settings = {key: value for key, value in task.model_dump().items() if key in RECIPE_OF_TASK}
    return {
        "code": evidence.digest("".join(evidence.digest(Path(path).read_bytes()) for path in code)),
        "params": evidence.digest([settings, model.model_dump(), params.robustness]),
        "data": described["digest"],
        "split": evidence.digest({name: rows.tolist() for name, rows in parts.items()}),
    }


def code_files(params: Params, run: Run) -> list[str]:
    """Return the files whose code decides what a run leaves; its stage in dvc.yaml depends on the same ones."""
    return [f"{run.module.replace('.', '/')}.py", TRAINER[params.model(run.model).kind], *SHARED]


def factory(params: Params, run: Run) -> Callable[..., Any]:
    """Return the function that builds the model; :class:`BadInput` if it or its options in params.yaml do not fit."""
    file = f"{run.module.replace('.', '/')}.py"
    try:
        build = getattr(import_module(run.module), run.model)
    except (ImportError, SyntaxError) as error:
        raise BadInput(f"{file}: cannot be imported ({error}); it must be a module that holds the model") from None
    except AttributeError:
        raise BadInput(f"{file}: holds no function {run.model!r}; it must hold one of the file's name") from None
    model = params.model(run.model)
    given = ("seed",) if model.kind == "estimator" else ("num_classes", "in_chans", "img_size")
    signature = inspect.signature(build)
    known = [name for name, value in signature.parameters.items() if value.kind != value.VAR_KEYWORD]
    known = [name for name in known if name not in (*given, "pretrained")]
    for option in model.options:
        if option not in known:
            raise BadInput(f"params.yaml: models.{run.model}.options: no option {option!r}; {closest(option, known)}")
    try:
        signature.bind(**dict.fromkeys((*given, *model.options)))
    except TypeError as error:
        raise BadInput(f"{file}: {run.model}: {error}; it must take {', '.join(given)}") from None
    return build


def perform(params: Params, run: Run, scratch: Path, on_epoch: Callable[[int], None]) -> None:
    """Train, predict, leave the evidence in ``scratch``, ``provenance.json`` last; a checkpoint there is resumed."""
    started, clock = datetime.now(UTC), time.monotonic()
    task = params.task(run.task)
    digests, commit = inputs(params, run), _commit(code_files(params, run))
    split, rows = _read_split(params, run)
    images = data.load(task)
    manifest.check(images, evidence.read_json(evidence.TASKS / run.task / "manifest.json"), run.task)
    if split["sample_id"].tolist() != images.ids:
        raise BadInput(f"{run.task}: split.csv lists other images; make it anew with `dvc repro split@{run.task}`")
    scratch.mkdir(parents=True, exist_ok=True)
    predict, history = _fit(params, run, images, rows, scratch / "checkpoint.pt", on_epoch)
    trained = time.monotonic()

    test = rows["test"]
    pixels, labels = images.pixels[test], images.labels[test]
    ids = split["sample_id"].iloc[test].tolist()
    evidence.write_predictions(scratch / "predictions.csv", ids, labels, predict(pixels))
    _, labels, probabilities = evidence.read_predictions(scratch / "predictions.csv")
    evidence.write_json(scratch / "metrics.json", metrics.score(labels, probabilities))
    pd.DataFrame(history).to_csv(scratch / "history.csv", index=False, float_format=evidence.DIGITS)
    corrupted = _under_corruption(params, predict, pixels, labels, [images.digests[row] for row in test])
    corrupted.to_csv(scratch / "robustness.csv", index=False, float_format=evidence.DIGITS)
    if inputs(params, run) != digests:
        raise BadInput(f"{run}: its code or data changed while it trained; start it again")
    (scratch / "checkpoint.pt").unlink(missing_ok=True)
    evidence.write_json(
        scratch / evidence.PROVENANCE,
        {
            "task": run.task,
            "model": run.model,
            "run": run.run,
            "synthetic": task.synthetic,
            "images": {name: len(index) for name, index in rows.items()},
            "inputs": digests,
            "commit": commit,
            "started": started.isoformat(timespec="seconds"),
            "training_seconds": round(trained - clock, 1),
            "seconds": round(time.monotonic() - clock, 1),
            "device": task.device,
            "threads": 1,
            "machine": machine(),
            "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES},
        },
    )


def machine() -> dict[str, str]:
    """Return the kind of processor and the operating system; evidence is the same byte for byte on equal ones."""
    found = {}
    cpu = Path("/proc/cpuinfo")
    for line in cpu.read_text().split("\n\n")[0].splitlines() if cpu.exists() else []:
        key, _, value = line.partition(":")
        found[key.strip()] = value.strip()
    name = found.get("model name") or platform.processor() or platform.machine()
    kind = [found[key] for key in ("cpu family", "model", "stepping") if key in found]
    flags = evidence.digest(sorted(found.get("flags", "").split()))[:8]
    return {"processor": name, "kind": "-".join([*kind, flags]), "system": f"{platform.system()} {platform.machine()}"}


def _fit(
    params: Params,
    run: Run,
    images: data.Images,
    rows: dict[str, np.ndarray],
    checkpoint: Path,
    on_epoch: Callable[[int], None],
) -> tuple[Predict, list[dict[str, float]]]:
    """Train the model; return how it maps uint8 images at native size to probabilities, and its history."""
    task, model = params.task(run.task), params.model(run.model)
    build = factory(params, run)
    resized = {name: preprocessing.resized(images.pixels[rows[name]], task) for name in ("train", "validation")}
    levels = preprocessing.normaliser(resized["train"], task)
    train, validation = (
        (preprocessing.normalised(resized[name], levels), images.labels[rows[name]]) for name in ("train", "validation")
    )

    def prepare(pixels: np.ndarray) -> np.ndarray:
        return preprocessing.normalised(preprocessing.resized(pixels, task), levels)

    if model.kind == "estimator":
        from benchmark import classical

        estimator = build(seed=run.run, **model.options)
        history = classical.fit(estimator, train, validation, model.features)
        on_epoch(1)
        return lambda pixels: classical.predict(estimator, prepare(pixels), model.features), history

    import torch

    from benchmark import training

    if task.device == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"params.yaml: tasks.{run.task}.device: no CUDA device here; it must be cpu on this machine")
    torch.manual_seed(run.run)
    shape = {"num_classes": len(images.classes), "in_chans": images.pixels.shape[3], "img_size": task.input_size}
    network = build(**shape, **model.options)
    history = training.fit(network, train, validation, task.recipe, run.run, task.device, checkpoint, on_epoch)
    return lambda pixels: training.predict(network, prepare(pixels)), history


def _under_corruption(
    params: Params, predict: Predict, pixels: np.ndarray, labels: np.ndarray, digests: list[str]
) -> pd.DataFrame:
    """Return a row a corruption × strength: metrics, and for each test image whether the class is right (0 or 1)."""
    table = []
    for kind in CORRUPTIONS:
        for strength in params.robustness[kind]:
            probabilities = predict(robustness.corrupt(pixels, digests, kind, strength))
            right = probabilities.argmax(1) == labels
            scores = metrics.score(labels, probabilities)
            row = {"corruption": kind, "strength": strength, "unit": robustness.UNITS[kind]}
            row |= {name: scores[name] for name in ("accuracy", "balanced_accuracy", "f1_macro", "auc", "log_loss")}
            table.append(row | {"right": "r" + "".join("01"[int(hit)] for hit in right)})
    return pd.DataFrame(table)


def _read_split(params: Params, run: Run) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    path = evidence.TASKS / run.task / "split.csv"
    anew = f"make it anew with `dvc repro --force split@{run.task}`"
    try:
        split = pd.read_csv(path, dtype={"sample_id": str, "part": str})
        return split, splits.of_run(split, params.task(run.task), params.pooled_split, run.run)
    except FileNotFoundError:
        raise BadInput(f"{path}: missing; {anew}") from None
    except (KeyError, ValueError) as error:
        raise BadInput(f"{path}: does not fit the task's split ({error}); {anew}") from None


def _commit(code: list[str]) -> str | None:
    """Return the commit that trains, marked if ``code`` or params.yaml differ from it; None outside a repository."""
    try:
        call = ["git", "rev-parse", "HEAD"]
        commit = subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
        call = ["git", "status", "--porcelain", "--", *code, "params.yaml"]
        changed = subprocess.run(call, capture_output=True, text=True, check=True).stdout
        return commit + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None
