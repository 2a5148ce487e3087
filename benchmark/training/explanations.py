"""What explains a network's answers: Grad-CAM, its last feature map, and the mask of a network that has one.

Grad-CAM (Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74) needs a feature map: a network names the module that puts out
its last one (N × C × H × W) in the attribute ``last_feature_map``, timm's networks in their ``feature_info``. A network
that masks its tokens has a method ``masks``: images to bool, N × rows × columns, and says in ``token_size`` how many
pixels of its input a token is wide.
"""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from benchmark import evidence
from benchmark.data.preprocessing import Levels, normalised

OF_EACH_CLASS = 2  # images
BATCH = 256


def chosen(labels: np.ndarray, digests: list[str]) -> list[int]:
    """Return which images are explained: of each class the two whose pixels' digests come first, for any model."""
    order = sorted(range(len(labels)), key=lambda index: digests[index])
    return sorted(
        index for label in np.unique(labels) for index in [i for i in order if labels[i] == label][:OF_EACH_CLASS]
    )


def maps(network: nn.Module, images: np.ndarray, classes: np.ndarray) -> dict[str, np.ndarray]:
    """Return two maps per image (float, N × h × w, 0 to 1) at the size of the network's last feature map.

    ``grad_cam`` is what speaks for ``classes`` (N), ``feature_map`` the mean strength of all channels. Nothing where
    the network has no feature map. ``images`` is float32, N × C × H × W.
    """
    layer = last_feature_map(network)
    if layer is None:
        return {}
    with warnings.catch_warnings(action="ignore"):  # captum's own import, and its advice on inputs
        from captum.attr import LayerActivation, LayerGradCam

        seen, targets = _on_device(network.eval(), images), torch.from_numpy(classes).to(_device(network))
        features = LayerActivation(network, layer).attribute(seen)
        if features.ndim != 4:
            return {}
        cams = LayerGradCam(network, layer).attribute(seen, targets, relu_attributions=True)
    return {"grad_cam": _scaled(cams[:, 0]), "feature_map": _scaled(features.abs().mean(1))}


def masks(network: nn.Module, images: np.ndarray, levels: Levels) -> np.ndarray | None:
    """Return what the network keeps of images (uint8, N × C × H × W): bool, N × rows × columns of tokens.

    None where it masks nothing.
    """
    if not hasattr(network, "masks"):
        return None
    with torch.inference_mode():
        batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        found = [network.eval().masks(_on_device(network, normalised(batch, levels))) for batch in batches]
    return None if found[0] is None else torch.cat(found).cpu().numpy()


def on_tokens(lesions: np.ndarray, token: int) -> np.ndarray:
    """Return which tokens touch the lesion (bool, N × rows × columns); ``lesions`` is bool, N × H × W."""
    count, height, width = lesions.shape
    padded = np.pad(lesions, ((0, 0), (0, -height % token), (0, -width % token)))
    return padded.reshape(count, padded.shape[1] // token, token, padded.shape[2] // token, token).any((2, 4))


def mask_table(ids: list[str], kept: np.ndarray, lesion: np.ndarray | None) -> pd.DataFrame:
    """Return one row per image: how many tokens there are and are kept and, where known, touch the lesion, or both."""
    table = {"sample_id": ids, "tokens": kept[0].size, "kept": kept.sum((1, 2))}
    if lesion is not None:
        table |= {"lesion_tokens": lesion.sum((1, 2)), "kept_lesion_tokens": (lesion & kept).sum((1, 2))}
    return pd.DataFrame(table)


def write(path: Path, images: dict[str, dict[str, Any]]) -> None:
    """Write JSON with one line per image and field: sample id → label, predicted, and its arrays."""
    entries = []
    for name, fields in images.items():
        lines = [f"  {json.dumps(key)}: {json.dumps(_plain(value))}" for key, value in fields.items()]
        entries.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
    evidence.replace_text(path, "{\n" + ",\n".join(entries) + "\n}\n")


def _scaled(maps_: torch.Tensor) -> np.ndarray:
    found = maps_.detach().double().cpu().numpy()
    return found / np.maximum(found.max((1, 2), keepdims=True), 1e-12)


def _plain(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return int(value)
    return value.astype(int).tolist() if value.dtype == bool else np.round(value, 3).tolist()


def last_feature_map(network: nn.Module) -> nn.Module | None:
    """Return the module of a network that puts out its last feature map; None if it names none."""
    name = getattr(network, "last_feature_map", None)
    if name is None and getattr(network, "feature_info", None):
        name = network.feature_info[-1]["module"]
    return network.get_submodule(name) if name else None


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


def _on_device(network: nn.Module, images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).to(_device(network), memory_format=torch.channels_last)
