"""Grad-CAM of networks that have learned nothing, beside which a trained network's must look different.

What both show does not come from training (Adebayo et al. 2018, arXiv:1810.03292).
"""

from typing import Any

import numpy as np

from benchmark import evidence
from benchmark.training.runs import Run

SAME = 0.02  # of a map's largest value


def is_current(run: Run) -> bool:
    """Whether the maps stand for the images and the classes that those of ``run``, trained, are of."""
    path = evidence.untrained_file(*run.cell)
    return path.exists() and _about(evidence.read_json(path)) == _about(_explained(run))


def has_maps(run: Run) -> bool:
    """Whether there is a map of the trained network to be compared with."""
    return any("grad_cam" in fields for fields in _explained(run).values())


def write(run: Run) -> None:
    """Leave the maps of the network of ``run`` with random weights, for what those of the trained one are of.

    :class:`BadInput` if the images are not at hand.
    """
    from benchmark.training import explanations

    explanations.write(evidence.untrained_file(*run.cell), made(run))


def made(run: Run) -> dict[str, dict[str, Any]]:
    """Return image → label, predicted class, and the map of the untrained network for that class (0 to 1, h × w)."""
    import torch

    from benchmark.data.preprocessing import normalised
    from benchmark.training import dataset as datasets
    from benchmark.training import explanations

    explained, dataset = _explained(run), datasets.load(run)
    levels, test = dataset.levels(dataset.part("train")), dataset.part("test")
    ids = [dataset.images.ids[row] for row in dataset.rows["test"]]
    shown = [ids.index(name) for name in explained]
    classes = np.array([fields["predicted"] for fields in explained.values()])
    torch.set_num_threads(1)
    torch.manual_seed(run.number)
    shape = {"num_classes": dataset.classes, "in_chans": dataset.channels, "img_size": run.task.input_size}
    network = run.factory(**shape, **run.model.options)
    maps = explanations.maps(network, normalised(test.images[shown], levels), classes)["grad_cam"]
    return {
        name: {key: fields[key] for key in ("label", "predicted")} | {"grad_cam": drawn}
        for (name, fields), drawn in zip(explained.items(), maps, strict=True)
    }


def agree(one: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]) -> bool:
    """Whether maps are the same, but for what processors round otherwise."""
    if _about(one) != _about(other):
        return False
    return all(np.allclose(one[name]["grad_cam"], other[name]["grad_cam"], atol=SAME) for name in one)


def _explained(run: Run) -> dict[str, dict[str, Any]]:
    path = run.folder / "explanations.json"
    return evidence.read_json(path) if path.exists() else {}


def _about(maps: dict[str, dict[str, Any]]) -> dict[str, int]:
    return {name: fields["predicted"] for name, fields in maps.items()}
