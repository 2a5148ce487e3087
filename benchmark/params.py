"""``params.yaml``, typed and validated: every number that a run depends on.

Whatever is wrong with the file is said in one line, before anything else is done.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from benchmark import yaml_files
from benchmark.errors import BadInput, closest

FILE = Path("params.yaml")

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Pixels = Annotated[int, Field(ge=16, le=1024)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
Checksum = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Url = Annotated[str, Field(pattern=r"^(https?|ftp|file)://")]
Resize = Literal["stretch", "pad"]


class Strict(BaseModel):
    """Refuses unknown keys and values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, value: Any) -> Any:
        for key in value if isinstance(value, dict) else ():
            if key not in cls.model_fields:
                raise ValueError(f"unknown key {key!r}; {closest(str(key), list(cls.model_fields))}")
        return value


class Phantom(Strict):
    """Synthetic images, drawn from a seed."""

    kind: Literal["phantom"]
    name: Name
    title: str
    licence: str
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    images_per_class: Count


class MedMNIST(Strict):
    """A dataset of the ``medmnist`` package, by its flag; address and checksum are the package's.

    ``size`` is the side of the images in its file, in pixels.
    """

    kind: Literal["medmnist"]
    name: Name
    title: str
    licence: str
    flag: str
    size: Literal[28, 64, 128, 224] = 28


class Npz(Strict):
    """A MedMNIST-shaped ``.npz`` file with a checksum of its own, and, if it can be downloaded, its address."""

    kind: Literal["npz"]
    name: Name
    title: str
    licence: str
    path: str
    sha256: Checksum
    url: Url | None = None
    classes: Annotated[list[str], Field(min_length=2)]
    resize: Resize = "stretch"

    @field_validator("classes")
    @classmethod
    def _names_differ(cls, classes: list[str]) -> list[str]:
        if len(set(classes)) < len(classes):
            raise ValueError("two classes have the same name")
        return classes


class Pictures(Strict):
    """A folder of picture files: what ``folder`` and ``table`` share.

    ``path`` is the folder. Where it is missing, it is downloaded: an archive from ``url``, whose checksum is
    ``sha256``, or the ``kaggle`` set OWNER/NAME. ``train``, ``validation`` and ``test`` name the parts of the source's
    own split; without ``train`` and ``test`` it has none. ``classes`` maps the name of a class to what it is called in
    the source, where that differs or the order matters. ``channels`` is 1 (grey) or 3; if it is not given, a picture
    with colours is refused. ``levels`` are the two levels that become 0 and 255 in pictures of more than 8 bits: what
    lies beyond becomes 0 or 255, as by a window. ``resize: pad`` makes a picture square with black bars, so its
    aspect ratio is kept. ``ignore`` lists patterns of files and folders that are left out. ``groups`` says that DICOM
    files of one patient are one group.
    """

    name: Name
    title: str
    licence: str
    path: str
    obtain: str
    url: Url | None = None
    sha256: Checksum | None = None
    kaggle: Annotated[str, Field(pattern=r"^[\w-]+/[\w-]+(/versions/\d+)?$")] | None = None
    train: str | None = None
    validation: str | None = None
    test: str | None = None
    classes: Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=2)] | None = None
    channels: Literal[1, 3] | None = None
    levels: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    resize: Resize = "stretch"
    ignore: list[str] = []
    groups: Literal["patient_id"] | None = None

    @property
    def parts(self) -> dict[str, str]:
        """The parts of the source's own split, each with its name there; none if it has no split."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {part: name for part, name in named.items() if name is not None}

    @field_validator("classes")
    @classmethod
    def _each_belongs_to_one_class(cls, classes: dict[str, list[str]] | None) -> dict[str, list[str]] | None:
        listed = [name for names in (classes or {}).values() for name in names]
        for name in listed:
            if listed.count(name) > 1:
                raise ValueError(f"{name!r} is listed twice; each belongs to one class")
        return classes

    @field_validator("levels")
    @classmethod
    def _levels_differ(cls, levels: list[float] | None) -> list[float] | None:
        if levels and levels[0] >= levels[1]:
            raise ValueError(f"{levels[0]:g} is not below {levels[1]:g}; the first becomes 0, the second 255")
        return levels

    @model_validator(mode="after")
    def _fits_together(self) -> "Pictures":
        if self.parts and not (self.train and self.test):
            raise ValueError("a split needs train and test; a source without a split names no part")
        if (self.url is None) != (self.sha256 is None):
            raise ValueError("url and sha256 belong together")
        if self.url and self.kaggle:
            raise ValueError("it has both url and kaggle; one of them says where the images come from")
        return self


class Folder(Pictures):
    """Images of any size in one folder per class, below the folder of each part of the source's own split, if any.

    ``classes`` maps the name of a class to its folders, where their names differ from part to part; if it is not
    given, each folder is a class of its own name.
    """

    kind: Literal["folder"]
    group_pattern: str | None = None

    @field_validator("group_pattern")
    @classmethod
    def _finds_a_group(cls, pattern: str | None) -> str | None:
        try:
            if pattern is not None and re.compile(pattern).groups != 1:
                raise ValueError(f"{pattern!r} must contain one group, in parentheses")
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _names_groups_once(self) -> "Folder":
        if self.group_pattern and self.groups:
            raise ValueError("it has both group_pattern and groups; one of them names the groups")
        return self


class Columns(Strict):
    """The columns of a table: the path of an image and its label, and, if there are such, its group and its part."""

    path: str
    label: str
    group: str | None = None
    part: str | None = None


class Table(Pictures):
    """Images of any size, one row each in a CSV or TSV file ``table`` below ``path``.

    Their paths are relative to ``root``, a folder below ``path``; ``suffix`` is appended to each. ``classes`` maps the
    name of a class to its labels; ``train``, ``validation`` and ``test`` are what the column ``part`` says.
    """

    kind: Literal["table"]
    table: str
    root: str = "."
    suffix: str = ""
    columns: Columns

    @model_validator(mode="after")
    def _columns_fit(self) -> "Table":
        if (self.columns.part is None) != (not self.parts):
            raise ValueError("columns.part names the column of the parts, train and test what it says: all, or none")
        if len(set(self.parts.values())) < len(self.parts):
            raise ValueError("two of train, validation and test are the same; each image belongs to one part")
        if self.columns.group and self.groups:
            raise ValueError("it has both columns.group and groups; one of them names the groups")
        return self


Source = Annotated[Phantom | MedMNIST | Npz | Folder | Table, Field(discriminator="kind")]


class Augmentation(Strict):
    """Random changes: flip (probability), and on a ``share`` of the images rotation (degrees) and scaling (of size)."""

    flip: Share
    share: Share
    rotation: Annotated[float, Field(ge=0, le=180)]
    scaling: Annotated[float, Field(ge=0, lt=1)]


class Recipe(Strict):
    """How every model of a task is trained.

    ``precision`` is that of a network's matrix products and convolutions: ``float32``; ``tf32``, which rounds their
    inputs to 10 bits of mantissa on a GPU; ``bfloat16``, by automatic mixed precision.
    """

    gaussian_sigma: Annotated[float, Field(ge=0)]
    normalisation: Literal["unit", "zscore"]
    optimizer: Literal["adam"]
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    schedule: Literal["cosine", "step"]
    warmup: Share
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    precision: Literal["float32", "tf32", "bfloat16"]
    best_epoch_by: Literal["loss", "accuracy", "f1_macro", "auc"]
    augmentation: Augmentation


class Task(Strict):
    """A source with its protocol; ``name`` is its key under ``tasks``.

    ``sealed`` says why nobody may look at its test scores yet: its evidence stands, and tables, figures, audit and
    report leave it out.
    """

    name: Annotated[str, Field(exclude=True)]
    sealed: str | None = None
    source: Source
    native_size: Pixels
    input_size: Pixels
    split: Literal["pooled", "official"]
    keep_leaks: bool
    runs: Count
    device: Literal["cpu", "cuda"]
    recipe: Recipe

    @model_validator(mode="after")
    def _fits_its_source(self) -> "Task":
        if self.source.kind == "medmnist" and self.native_size != self.source.size:
            raise ValueError(
                f"native_size is {self.native_size}, and its file contains images of {self.source.size} px; name the "
                f"file of another size by `size` of the source, or enlarge its images by input_size"
            )
        if self.split == "official" and isinstance(self.source, Pictures) and not self.source.parts:
            raise ValueError("split is official, and the source names no parts; it must be pooled")
        return self

    @property
    def pixels(self) -> str:
        """Say at which size models see the images."""
        enlarged = f", enlarged from {self.native_size}" if self.native_size < self.input_size else ""
        return f"{self.input_size} px{enlarged}"

    @property
    def synthetic(self) -> bool:
        """Whether the images are synthetic, so no verdict on a paper may rest on them."""
        return self.source.kind == "phantom"


class Model(Strict):
    """What is trained: a torch module (``network``) or a scikit-learn ``estimator`` on some ``features``.

    ``name`` is its key under ``models``, ``label`` what people call it: the same, if not given. ``tasks`` are those
    that it has evidence on. ``of`` names the file that
    contains its factory, where that has another name. ``init`` says where a network's first weights come from:
    ``scratch``, ``imagenet``, ``file:PATH``, or ``task:NAME``, which trains it on the images of that task first.
    ``lesion`` hands a network the true mask of the lesion as one more channel. ``train_parts`` says how many training
    parts of a pooled split it learns from, for a learning curve; all of them, if not given. ``recipe`` contains what
    deviates from the recipe of the task; the tables show it beside the row.
    """

    name: Annotated[str, Field(exclude=True)]
    label: Annotated[str, Field(exclude=True, pattern=r"^\S.{0,39}$")]
    tasks: Annotated[list[Name], Field(exclude=True)] = []
    kind: Literal["network", "estimator"]
    of: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] | None = None
    init: Annotated[str, Field(pattern=r"^(scratch|imagenet|file:.+|task:[a-z0-9_-]+)$")] | None = None
    features: Literal["pixels", "hog"] | None = None
    lesion: bool = False
    train_parts: Count | None = None
    recipe: dict[str, Any] = {}
    options: dict[str, str | int | float | bool] = {}

    @model_validator(mode="before")
    @classmethod
    def _is_called_by_its_name(cls, value: Any) -> Any:
        return {"label": value["name"]} | value if isinstance(value, dict) and "name" in value else value

    @property
    def pretraining(self) -> str | None:
        """The task that its first weights are trained on, if any."""
        return self.init.removeprefix("task:") if self.init and self.init.startswith("task:") else None

    @field_validator("recipe")
    @classmethod
    def _preprocessing_is_the_tasks(cls, recipe: dict[str, Any]) -> dict[str, Any]:
        for key in ("gaussian_sigma", "normalisation"):
            if key in recipe:
                raise ValueError(f"{key} belongs to the task; it is the same for all its models")
        return recipe

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Model":
        if (self.kind == "estimator") != (self.features is not None):
            raise ValueError("an estimator names its features (pixels or hog); a network has none")
        if (self.kind == "network") != (self.init is not None):
            raise ValueError("a network names its init (scratch, imagenet, file:PATH or task:NAME); an estimator none")
        if self.kind == "estimator" and (self.recipe or self.lesion):
            raise ValueError("recipe and lesion are for networks; an estimator has options alone")
        if self.pretraining and self.train_parts:
            raise ValueError("train_parts does not go with init: task:NAME, which learns from two tasks")
        return self


class PooledSplit(Strict):
    """How many of the parts go where."""

    parts: Count
    train: Count
    validation: Count
    test: Count

    @model_validator(mode="after")
    def _adds_up(self) -> "PooledSplit":
        total = self.train + self.validation + self.test
        if total != self.parts:
            raise ValueError(f"train + validation + test is {total}; it must be parts = {self.parts}")
        return self

    def __str__(self) -> str:
        return "/".join(f"{100 * part / self.parts:g}" for part in (self.train, self.validation, self.test))


class Duplicates(Strict):
    """When two images count as near-duplicates: perceptual hash first, then their pixels."""

    hash_distance: Annotated[int, Field(ge=0, le=64)]
    pixel_correlation: Share


class NetworkBand(Strict):
    """The least p-value of exact McNemar's test of whether a cell's accuracy is the same on another processor."""

    mcnemar: Annotated[float, Field(gt=0, lt=1)]


class EstimatorBand(Strict):
    """How far a cell may differ on another kind of processor, image by image, on average."""

    mean_probability: Share
    changed_labels: Share


class Bands(Strict):
    """The band of each kind of model; training amplifies rounding in networks alone."""

    network: NetworkBand
    estimator: EstimatorBand


class Shape(Strict):
    """An input shape that models are measured at, on a ``device``.

    ``images`` is the task whose training images models are shown and estimators are fitted to. Models that have
    evidence at this size are measured, and those in ``also``.
    """

    device: Literal["cpu", "cuda"]
    size: Pixels
    images: str
    also: Annotated[list[str], Field(exclude=True)] = []


class Timing(Strict):
    """How long costs are measured, in blocks of ``seconds`` (see :mod:`benchmark.cost.timing`).

    Every model is timed beside the ``reference``. There are ``least`` to ``most`` blocks, until half the width of every
    ratio's interval is at most ``precise``.
    """

    reference: str
    least: Annotated[int, Field(ge=6)]  # below, no interval has bounds
    most: Count
    seconds: Annotated[float, Field(ge=0)]
    precise: Annotated[float, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _at_least_the_least(self) -> "Timing":
        if self.most < self.least:
            raise ValueError(f"most is {self.most}; it must be least = {self.least} or more")
        return self


class Params(Strict):
    """The whole of ``params.yaml``."""

    pooled_split: PooledSplit
    duplicates: Duplicates
    other_processor: Bands
    timing: Timing
    tasks: dict[Name, Task]
    models: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], Model]
    notes: dict[str, str]  # model, or task-model → what its row must say
    costs: dict[Name, Shape]

    @model_validator(mode="before")
    @classmethod
    def _entries_know_their_names(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        named = {key: _named(entries) for key, entries in value.items() if key in ("tasks", "models")}
        return value | named

    @model_validator(mode="after")
    def _names_are_known(self) -> "Params":
        rows = [*self.models, *(f"{task}-{model}" for task in self.tasks for model in self.models)]
        _require("notes", list(self.notes), rows)
        _refuse_shared_labels(self.models)
        for model in self.models.values():
            _require(f"models.{model.name}.tasks", model.tasks, list(self.tasks))
            if model.pretraining:
                _require(f"models.{model.name}.init", [model.pretraining], list(self.tasks))
            for task in self.tasks.values():
                self.recipe(task, model)
            for name in model.tasks:
                if misfit := self.misfit(self.tasks[name], model):
                    raise ValueError(f"models.{model.name}.tasks: {name}: the model {misfit}")
        for name, shape in self.costs.items():
            _require(f"costs.{name}.images", [shape.images], list(self.tasks))
            _require(f"costs.{name}.also", shape.also, list(self.models))
        _require("timing.reference", [self.timing.reference], list(self.models))
        if self.models[self.timing.reference].kind != "network":
            raise ValueError(f"timing.reference: {self.timing.reference!r} is no network; it must be one")
        return self

    def misfit(self, task: Task, model: Model) -> str | None:
        """Return why ``task`` cannot train ``model``, if it cannot."""
        if model.lesion and not task.synthetic:
            return f"takes the true mask of the lesion, which {task.name!r} does not know; phantom does"
        if model.train_parts and task.split != "pooled":
            return f"has train_parts, and the split of {task.name!r} has none; it must be pooled"
        if model.train_parts and model.train_parts > self.pooled_split.train:
            return f"has train_parts: {model.train_parts}; pooled_split has {self.pooled_split.train} of them"
        if model.pretraining and self.tasks[model.pretraining].source.name == task.source.name:
            return f"has init: {model.init}, a task with the images of {task.name!r}; it must be one with others"
        return None

    def recipe(self, task: Task, model: Model) -> Recipe:
        """Return the recipe that ``model`` is trained by: that of the task, and what deviates from it.

        ValueError names a bad key.
        """
        common = task.recipe.model_dump()
        merged = common | {
            key: common[key] | value if isinstance(value, dict) and isinstance(common.get(key), dict) else value
            for key, value in model.recipe.items()
        }
        try:
            return Recipe.model_validate(merged)
        except ValidationError as error:
            raise ValueError(f"models.{model.name}.recipe: {say(error, merged)}") from None

    def task(self, name: str) -> Task:
        """Return the task of this name; :class:`BadInput` names the known ones."""
        if name not in self.tasks:
            raise BadInput(f"params.yaml: no task {name!r}; {closest(name, list(self.tasks))}")
        return self.tasks[name]

    def split(self, name: str) -> str:
        """Say how the images of a task are split, and which of them each run tests on."""
        task = self.task(name)
        if task.split == "official":
            leaks = "left in" if task.keep_leaks else "taken out of"
            return f"the source's own split, near-duplicates of test images {leaks} training; all runs test on the same"
        disjoint = task.runs * self.pooled_split.test <= self.pooled_split.parts
        tests = "each run tests on different images" if disjoint else "runs share test images"
        return f"split {self.pooled_split} by clusters of near-duplicates; {tests}"

    def model(self, name: str) -> Model:
        """Return the model of this name; :class:`BadInput` names the known ones."""
        if name not in self.models:
            raise BadInput(f"params.yaml: no model {name!r}; {closest(name, list(self.models))}")
        return self.models[name]

    def shape(self, name: str) -> Shape:
        """Return the input shape of this name; :class:`BadInput` names the known ones."""
        if name not in self.costs:
            raise BadInput(f"params.yaml: no shape {name!r} in costs; {closest(name, list(self.costs))}")
        return self.costs[name]

    @property
    def open_tasks(self) -> list[str]:
        """The names of the tasks that are not sealed."""
        return [name for name, task in self.tasks.items() if task.sealed is None]

    def cells(self, task: str) -> list[str]:
        """Return the models that have evidence on ``task``, in the order of ``models``."""
        return [model.name for model in self.models.values() if task in model.tasks]


def load(path: Path = FILE) -> Params:
    """Read and validate ``params.yaml``; :class:`BadInput` names the key at fault and what would be right."""
    raw = yaml_files.read(path)
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise BadInput(f"{path}: {say(error, raw)}") from None


def say(error: ValidationError, raw: Any) -> str:
    """Say the first error of ``error`` as ``key: what is wrong, and what would be right``."""
    first, *others = error.errors(include_url=False)
    path: list[str] = []
    here, tagged = raw, False
    for step in first["loc"]:
        if isinstance(here, dict) and step == here.get("kind") and not tagged:
            tagged = True  # the tag of a union of kinds, which may be the name of a key too, as `table` is
            continue
        is_key = step in here if isinstance(here, dict) else isinstance(here, list) and isinstance(step, int)
        if is_key:
            path.append(str(step))
            here = here[step]  # other steps are types of a union, no keys of the file
    if first["type"] == "missing":
        path.append(str(first["loc"][-1]))
        what = "this key is missing"
    elif first["type"] == "union_tag_not_found":
        path.append(first["ctx"]["discriminator"].strip("'"))
        what = "this key is missing"
    elif first["type"] == "value_error":
        what = str(first["ctx"]["error"])
    elif first["type"] == "union_tag_invalid":
        key = first["ctx"]["discriminator"].strip("'")
        what = f"unknown {key} {first['ctx']['tag']!r}; known: {first['ctx']['expected_tags']}"
    elif first["type"] == "string_type":
        what = f"must be text, in quotes, not {_shown(first['input'])}"
    elif first["type"] in ("model_type", "model_attributes_type", "dict_type"):
        what = f"must be a mapping, not {_shown(first['input'])}"
    elif first["type"] in ("too_short", "too_long"):
        key, bound = ("min_length", "at least") if first["type"] == "too_short" else ("max_length", "at most")
        what = f"contains {first['ctx']['actual_length']} values; it must contain {bound} {first['ctx'][key]}"
    else:
        what = f"{first['msg'][0].lower()}{first['msg'][1:]}, not {_shown(first['input'])}"
    return ": ".join(filter(None, [".".join(path), what])) + (f" (and {len(others)} more)" if others else "")


def _shown(value: Any) -> str:
    """Return a value as Python writes it, or the beginning of a long one."""
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:80]}…"


def _named(entries: Any) -> Any:
    """Give each entry of a mapping its key as ``name``; an entry that brings a name of its own is refused."""
    if not isinstance(entries, dict):
        return entries
    for key, entry in entries.items():
        if isinstance(entry, dict) and "name" in entry:
            raise ValueError(f"{key}: unknown key 'name'; the name is {key!r}, the key of the entry")
    return {key: {"name": key} | entry if isinstance(entry, dict) else entry for key, entry in entries.items()}


def _refuse_shared_labels(models: dict[str, Model]) -> None:
    """Refuse a label that is the label or the name of another model too, so a row says which model it is."""
    taken: dict[str, str] = {name: name for name in models}
    for model in models.values():
        if taken.setdefault(model.label, model.name) != model.name:
            other = taken[model.label]
            raise ValueError(f"models.{model.name}.label: {model.label!r} stands for {other} too; it must be its own")


def _require(where: str, names: list[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: unknown name {name!r}; {closest(name, known)}")
