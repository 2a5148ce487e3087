"""Attention-Based Model (adaptive, Table 1).

The paper defines nothing, but writes of channel and spatial attention throughout. Assumed: CBAM (Woo et al. 2018,
doi 10.1007/978-3-030-01234-2_1) in every block of ResNet-18 (He et al. 2016, doi 10.1109/CVPR.2016.90), one of that
paper's own networks, as timm has both. No weights of it are published there.
"""

import timm
from torch import nn

from benchmark.models import registered


@registered
def attention_resnet(num_classes: int = 2, in_chans: int = 1, img_size: int = 64) -> nn.Module:
    """Build the network; it takes images of any size, so ``img_size`` changes nothing."""
    cbam = {"attn_layer": "cbam"}
    return timm.create_model("resnet18", num_classes=num_classes, in_chans=in_chans, block_args=cbam)
