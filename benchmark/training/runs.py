"""One run: one task × model × K, from images to evidence.

The test split is touched once, after the best epoch was chosen on validation: for the predictions, and for those under
corruption.
"""

import inspect
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import data, evidence
from benchmark.data import Images, manifest, preprocessing, splits
from benchmark.data.resize import resize
from benchmark.errors import BadInput, closest
from benchmark.evidence import metrics
from benchmark.params import CORRUPTIONS, Params, Recipe, Task
from benchmark.training import corruptions

SHARED = (
    "benchmark/data/resize.py",
    "benchmark/data/preprocessing.py",
    "benchmark/training/corruptions.py",
    "benchmark/training/runs.py",
    "benchmark/data/splits.py",
)
OF_KIND = {
    "network": (
        "benchmark/training/explanations.py",
        "benchmark/models/__init__.py",
        "benchmark/models/blocks.py",
        "benchmark/training/networks.py",
        "benchmark/training/weights.py",
    ),
    "estimator": ("benchmark/training/estimators.py",),
}
PACKAGES = ("numpy", "scipy", "scikit-learn", "scikit-image", "pillow", "torch", "torchvision", "timm", "captum")
PROTOCOL = ("native_size", "input_size", "split", "keep_leaks", "device")

Predict = Callable[[np.ndarray], np.ndarray]  # uint8 test images at native size → probabilities
OnEpoch = Callable[[int, int], None]  # hears how many epochs are done, and of how many
Part = tuple[np.ndarray, np.ndarray]  # images (float32, N × C × H × W) and labels (int64, N)


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


@dataclass(frozen=True)
class Trained:
    """What training gives: how the test images are classified, the history, and of a network itself and its input."""

    predict: Predict
    history: list[dict[str, float]]
    network: Any = None
    prepare: Predict | None = None  # uint8 test images at native size → what the network sees


@dataclass(frozen=True)
class Dataset:
    """A task's images, and the rows of ``train``, ``validation`` and ``test`` among them for one run."""

    task: Task
    images: Images
    rows: dict[str, np.ndarray]

    def prepared(self, lesion: bool = False) -> tuple[Part, Part, Predict]:
        """Return training and validation images with their labels, and how test images are prepared like them.

        With ``lesion``, its mask follows the channels of the image.
        """
        pixels, labels = self.images.pixels, self.images.labels
        levels = preprocessing.normaliser(preprocessing.resized(pixels[self.rows["train"]], self.task), self.task)

        def prepare(pixels: np.ndarray, part: str) -> np.ndarray:
            seen = preprocessing.normalised(preprocessing.resized(pixels, self.task), levels)
            return np.concatenate([seen, self.lesions(part)[:, None]], 1, dtype=np.float32) if lesion else seen

        train, validation = (
            (prepare(pixels[rows], part), labels[rows]) for part, rows in self.rows.items() if part != "test"
        )
        return train, validation, lambda pixels: prepare(pixels, "test")

    def lesions(self, part: str) -> np.ndarray:
        """Return where the lesions of a part are, at the input size (bool, N × H × W)."""
        masks = self.images.masks[self.rows[part]].astype(np.uint8) * 255
        return resize(masks, self.task.input_size)[..., 0] > 127


def inputs(params: Params, run: Run) -> dict[str, str]:
    """Return the digests of all that the evidence of ``run`` depends on; :class:`BadInput` if any of it is wrong."""
    task, model = params.task(run.task), params.model(run.model)
    build = factory(params, run)
    described = evidence.read_json(evidence.TASKS / run.task / "manifest.json")
    _, parts = _read_split(params, run)
    code = code_files(params, run)
    found = {
        "code": evidence.digest("".join(evidence.digest(Path(path).read_bytes()) for path in code)),
        "params": evidence.digest(
            [_protocol(task), params.recipe(run.task, run.model).model_dump(), model.model_dump(), params.robustness]
        ),
        "data": described["digest"],
        "split": evidence.digest({name: rows.tolist() for name, rows in parts.items()}),
    }
    if model.kind == "network":
        from benchmark.training import weights

        if of_file := weights.check(run.model, model, build):
            found["weights"] = of_file
    if model.pretraining:
        found["pretraining"] = _inputs_of_pretraining(params, run, model.pretraining)
    return found


def _protocol(task: Task) -> dict[str, Any]:
    return {key: value for key, value in task.model_dump().items() if key in PROTOCOL}


def _inputs_of_pretraining(params: Params, run: Run, name: str) -> str:
    """Return the digest of what the first weights of ``run`` are trained on, by the rules of the task ``name``."""
    task, other = params.task(run.task), params.task(name)
    if other.source.name == task.source.name:
        where = f"params.yaml: models.{run.model}.init: task:{name}"
        raise BadInput(f"{where} has the images of {run.task}; it must be a task with others")
    described = evidence.read_json(evidence.TASKS / name / "manifest.json")
    _, parts = _read_split(params, replace(run, task=name))
    rows = {key: value.tolist() for key, value in parts.items()}
    return evidence.digest([described["digest"], _protocol(other), other.recipe.model_dump(), rows])


def code_files(params: Params, run: Run) -> list[str]:
    """Return the files whose code decides what a run leaves; its stage in dvc.yaml depends on the same ones."""
    model = params.model(run.model)
    pretraining = ("benchmark/data/duplicates.py",) if model.pretraining else ()
    return [f"{run.module.replace('.', '/')}.py", *OF_KIND[model.kind], *pretraining, *SHARED]


def factory(params: Params, run: Run) -> Callable[..., Any]:
    """Return the function that builds the model; :class:`BadInput` if it or its options in params.yaml do not fit."""
    file, name = f"{run.module.replace('.', '/')}.py", run.module.rpartition(".")[2]
    try:
        build = getattr(import_module(run.module), name)
    except (ImportError, SyntaxError) as error:
        raise BadInput(f"{file}: cannot be imported ({error}); it must be a module that holds the model") from None
    except AttributeError:
        raise BadInput(f"{file}: holds no function {name!r}; it must hold one of the file's name") from None
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


def perform(params: Params, run: Run, scratch: Path, on_epoch: OnEpoch) -> None:
    """Train, predict, leave the evidence in ``scratch``, ``provenance.json`` last; a checkpoint there is resumed."""
    started, clock = datetime.now(UTC), time.monotonic()
    task = params.task(run.task)
    digests, commit = inputs(params, run), _commit(code_files(params, run))
    dataset = dataset_of(params, run)
    images, rows = dataset.images, dataset.rows
    scratch.mkdir(parents=True, exist_ok=True)
    fit = _fit_estimator if params.model(run.model).kind == "estimator" else _fit_network
    done = fit(params, run, dataset, scratch, on_epoch)
    trained = time.monotonic()

    test = rows["test"]
    pixels, labels = images.pixels[test], images.labels[test]
    ids, of_pixels = ([known[row] for row in test] for known in (images.ids, images.digests))
    evidence.write_predictions(scratch / "predictions.csv", ids, labels, done.predict(pixels))
    _, labels, probabilities = evidence.read_predictions(scratch / "predictions.csv")
    evidence.write_json(scratch / "metrics.json", metrics.score(labels, probabilities))
    pd.DataFrame(done.history).to_csv(scratch / "history.csv", index=False, float_format=evidence.DIGITS)
    corrupted = _under_corruption(params, done.predict, pixels, labels, of_pixels)
    corrupted.to_csv(scratch / "robustness.csv", index=False, float_format=evidence.DIGITS)
    if done.network is not None:
        lesions = None if images.masks is None else dataset.lesions("test")
        _explain(scratch, done, pixels, labels, probabilities.argmax(1), ids, of_pixels, lesions)
    if inputs(params, run) != digests:
        raise BadInput(f"{run}: its code or data changed while it trained; start it again")
    for checkpoint in scratch.glob("*.pt"):
        checkpoint.unlink()
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
            "versions": {"python": platform.python_version()} | versions(),
        },
    )


@cache
def versions() -> dict[str, str]:
    """Return the versions of the packages that a run's numbers rest on."""
    found = {name: metadata.version(name) for name in PACKAGES}
    names = {name.lower() for name in metadata.packages_distributions()["xgboost"]}  # xgboost or xgboost-cpu
    return found | {"xgboost": metadata.version(min(names))}


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


def dataset_of(params: Params, run: Run) -> Dataset:
    """Return the images of a run's task with its split; :class:`BadInput` if they are not the manifest's."""
    split, rows = _read_split(params, run)
    images = data.load(params.task(run.task))
    manifest.check(images, evidence.read_json(evidence.TASKS / run.task / "manifest.json"), run.task)
    if split["sample_id"].tolist() != images.ids:
        raise BadInput(f"{run.task}: split.csv lists other images; make it anew with `dvc repro split@{run.task}`")
    return Dataset(params.task(run.task), images, rows)


def _fit_estimator(params: Params, run: Run, dataset: Dataset, scratch: Path, on_epoch: OnEpoch) -> Trained:
    from benchmark.training import estimators

    model = params.model(run.model)
    train, validation, prepare = dataset.prepared()
    estimator = factory(params, run)(seed=run.run, **model.options)
    history = estimators.fit(estimator, train, validation, model.features)
    on_epoch(1, 1)
    return Trained(lambda pixels: estimators.predict(estimator, prepare(pixels), model.features), history)


def _fit_network(params: Params, run: Run, dataset: Dataset, scratch: Path, on_epoch: OnEpoch) -> Trained:
    from benchmark.training import networks, weights

    model, recipe, classes = params.model(run.model), params.recipe(run.task, run.model), len(dataset.images.classes)
    network, before, total = _built(params, run, dataset), 0, recipe.epochs
    if model.pretraining:
        other = _other_dataset(params, run, model.pretraining, dataset)
        before = other.task.recipe.epochs
        total += before
        teacher = _built(params, run, other)
        weights.hand_over(run.model, teacher, network, classes)  # what does not fit is said before any training
        checkpoint = scratch / "pretraining.pt"
        _train(run, teacher, other, other.task.recipe, False, checkpoint, lambda done: on_epoch(done, total))
        weights.hand_over(run.model, teacher, network, classes)
    checkpoint = scratch / "checkpoint.pt"
    prepare, history = _train(
        run, network, dataset, recipe, model.lesion, checkpoint, lambda done: on_epoch(before + done, total)
    )
    return Trained(lambda pixels: networks.predict(network, prepare(pixels)), history, network, prepare)


def _other_dataset(params: Params, run: Run, name: str, own: Dataset) -> Dataset:
    """Return the dataset that first weights are trained on, at the input size of the run's own."""
    from benchmark.training import weights

    where = f"params.yaml: models.{run.model}.init: task:{name}"
    other = dataset_of(params, replace(run, task=name))
    channels = own.images.pixels.shape[3]
    if other.images.pixels.shape[3] != channels:
        raise BadInput(f"{where}: its images have other channels; it must be a task with {channels}")
    weights.refuse_shared(own.images, other.images, params.duplicates, where)
    task = other.task.model_copy(update={"input_size": own.task.input_size, "device": own.task.device})
    return replace(other, task=task)


def _built(params: Params, run: Run, dataset: Dataset) -> Any:
    """Return the network of a run with its first weights, for the images of ``dataset``."""
    import torch

    from benchmark.training import weights

    images, task = dataset.images, dataset.task
    if task.device == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"params.yaml: tasks.{run.task}.device: no CUDA device here; it must be cpu on this machine")
    torch.manual_seed(run.run)
    shape = {"num_classes": len(images.classes), "in_chans": images.pixels.shape[3], "img_size": task.input_size}
    return weights.build(run.model, params.model(run.model), factory(params, run), shape)


def _train(
    run: Run,
    network: Any,
    dataset: Dataset,
    recipe: Recipe,
    lesion: bool,
    checkpoint: Path,
    on_epoch: Callable[[int], None],
) -> tuple[Predict, list[dict[str, float]]]:
    """Train a network on a dataset; return how test images are prepared for it, and its history."""
    from benchmark.training import networks

    train, validation, prepare = dataset.prepared(lesion)
    device = dataset.task.device
    return prepare, networks.fit(network, train, validation, recipe, run.run, device, checkpoint, on_epoch)


def _explain(
    scratch: Path,
    done: Trained,
    pixels: np.ndarray,
    labels: np.ndarray,
    predicted: np.ndarray,
    ids: list[str],
    digests: list[str],
    lesions: np.ndarray | None,
) -> None:
    """Write what explains a network's answers for some test images, and what its mask keeps of all of them."""
    from benchmark.training import explanations

    shown = explanations.chosen(labels, digests)
    seen = done.prepare(pixels)
    maps = explanations.maps(done.network, seen[shown], predicted[shown])
    kept = explanations.masks(done.network, seen)
    found: dict[str, dict[str, Any]] = {}
    for place, index in enumerate(shown):
        found[ids[index]] = {"label": labels[index], "predicted": predicted[index]}
        found[ids[index]] |= {name: of_images[place] for name, of_images in maps.items()}
        if kept is not None:
            found[ids[index]]["mask"] = kept[index]
    explanations.write(scratch / "explanations.json", found)
    if kept is not None:
        touched = None if lesions is None else explanations.on_tokens(lesions, done.network.token_size)
        explanations.mask_table(ids, kept, touched).to_csv(scratch / "masks.csv", index=False)


def _under_corruption(
    params: Params, predict: Predict, pixels: np.ndarray, labels: np.ndarray, digests: list[str]
) -> pd.DataFrame:
    """Return a row a corruption × strength: metrics, and for each test image whether the class is right (0 or 1)."""
    table = []
    for kind in CORRUPTIONS:
        for strength in params.robustness[kind]:
            probabilities = predict(corruptions.corrupt(pixels, digests, kind, strength))
            right = probabilities.argmax(1) == labels
            scores = metrics.score(labels, probabilities)
            row = {"corruption": kind, "strength": strength, "unit": corruptions.UNITS[kind]}
            row |= {name: scores[name] for name in ("accuracy", "balanced_accuracy", "f1_macro", "auc", "log_loss")}
            table.append(row | {"right": "r" + "".join("01"[int(hit)] for hit in right)})
    return pd.DataFrame(table)


def _read_split(params: Params, run: Run) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    path = evidence.TASKS / run.task / "split.csv"
    anew = f"make it anew with `dvc repro --force split@{run.task}`"
    train_parts = params.model(run.model).train_parts
    try:
        split = pd.read_csv(path, dtype={"sample_id": str, "part": str})
        return split, splits.of_run(split, params.task(run.task), params.pooled_split, run.run, train_parts)
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
