"""ResNet-50 (emanet, Table 1): He et al. 2016, doi 10.1109/CVPR.2016.90, as timm has it.

The paper does not say whether its weights were pretrained; here they start from random ones.
"""

import timm
from torch import nn


def resnet50(num_classes: int = 2, in_chans: int = 1, **_: int) -> nn.Module:
    """Build timm's ResNet-50; it maps images (N × in_chans × H × W, from 28 px) to logits (N × num_classes)."""
    return timm.create_model("resnet50", num_classes=num_classes, in_chans=in_chans)
