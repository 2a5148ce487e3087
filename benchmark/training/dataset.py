"""The images of a run as a model is given them: resized, still uint8, in the parts of the run's split."""

from dataclasses import dataclass, replace

import numpy as np

from benchmark import data, evidence
from benchmark.data import Images, manifest, preprocessing
from benchmark.data.preprocessing import Levels
from benchmark.data.resize import resize
from benchmark.errors import BadInput
from benchmark.params import Task
from benchmark.training.runs import Run, read_split


@dataclass(frozen=True)
class Part:
    """Images (uint8, N × C × H × W, at the input size) and their labels (int64, N)."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """The images of a task, and the rows of ``train``, ``validation`` and ``test`` among them for one run.

    With ``lesion``, its mask follows the channels of each image as one more, of zeros and ones.
    """

    task: Task
    images: Images
    rows: dict[str, np.ndarray]
    lesion: bool = False

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.images.classes)

    @property
    def channels(self) -> int:
        """The number of channels of the images themselves."""
        return self.images.pixels.shape[3]

    def part(self, name: str) -> Part:
        """Return a part as a model is given it."""
        rows = self.rows[name]
        return Part(self.seen(self.images.pixels[rows], name), self.images.labels[rows])

    def seen(self, pixels: np.ndarray, part: str) -> np.ndarray:
        """Return images of a part (uint8, N × H × W × C, native size) as a model is given them."""
        planes = np.ascontiguousarray(preprocessing.resized(pixels, self.task).transpose(0, 3, 1, 2))
        if not self.lesion:
            return planes
        return np.concatenate([planes, self.lesions(part)[:, None].astype(np.uint8)], 1)

    def levels(self, train: Part) -> Levels:
        """Return how grey levels are normalised, by the training images; a mask stays as it is."""
        own = np.ascontiguousarray(train.images[:, : self.channels])
        offset, scale = preprocessing.normaliser(own, self.task)
        offsets, scales = [offset] * self.channels, [scale] * self.channels
        return Levels((*offsets, 0.0), (*scales, 1.0)) if self.lesion else Levels(tuple(offsets), tuple(scales))

    def lesions(self, part: str) -> np.ndarray:
        """Return where the lesions of a part are, at the input size (bool, N × H × W)."""
        masks = self.images.masks[self.rows[part]].astype(np.uint8) * 255
        return resize(masks, self.task.input_size)[..., 0] > 127


def load(run: Run) -> Dataset:
    """Return the images of a run's task with its split; :class:`BadInput` if they are not those of the manifest."""
    split, rows = read_split(run)
    name = run.task.name
    described = evidence.read_json(evidence.TASKS / name / "manifest.json")
    images = data.load(run.task, described["digest"])
    manifest.check(images, described, name)
    if split["sample_id"].tolist() != images.ids:
        raise BadInput(f"{name}: split.csv lists other images; make it anew with `dvc repro split@{name}`")
    return Dataset(run.task, images, rows, run.model.lesion)


def load_pretraining(run: Run, dataset: Dataset) -> Dataset:
    """Return the dataset that the first weights of ``run`` are trained on, at the input size of its own dataset."""
    from benchmark.training import weights

    where = f"params.yaml: models.{run.model.name}.init: {run.model.init}"
    other = load(replace(run, task=run.pretraining))
    if other.channels != dataset.channels:
        raise BadInput(f"{where}: its images have other channels; it must be a task with {dataset.channels}")
    weights.refuse_shared(dataset.images, other.images, run.duplicates, where)
    task = other.task.model_copy(update={"input_size": dataset.task.input_size, "device": dataset.task.device})
    return replace(other, task=task)
