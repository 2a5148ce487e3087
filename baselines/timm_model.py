"""Any other model of timm, by its name there, such as ``convnext_tiny`` (beyond the papers)."""

import timm
from torch import nn

from benchmark.errors import BadInput, closest


def timm_model(
    name: str, num_classes: int = 2, in_chans: int = 1, img_size: int = 64, pretrained: bool = False
) -> nn.Module:
    """Build timm's model ``name``, for images of ``img_size`` where it has to know their size."""
    known = timm.list_pretrained() if "." in name else timm.list_models()
    if name not in known:
        near = closest(name, known)
        hint = near if near.startswith("did you mean") else "timm.list_models() gives all names"
        raise BadInput(f"params.yaml: no model {name!r} in timm; {hint}")
    config = timm.get_pretrained_cfg(name)
    size = {"img_size": img_size} if config and config.fixed_input_size else {}
    network = timm.create_model(name, pretrained, num_classes=num_classes, in_chans=in_chans, **size)
    if getattr(network, "output_fmt", "NCHW") != "NCHW":
        network.last_feature_map = ""  # N × H × W × C, which Grad-CAM does not read
    return network
