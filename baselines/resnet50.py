"""ResNet-50 (emanet, Table 1): He et al. 2016, doi 10.1109/CVPR.2016.90, as timm has it.

The paper does not say whether its weights were pretrained; ``init`` in params.yaml chooses random ones.
"""

import timm
from torch import nn


def resnet50(num_classes: int = 2, in_chans: int = 1, img_size: int = 64, pretrained: bool = False) -> nn.Module:
    """Build timm's ResNet-50; it takes images of any size from 28 px, so ``img_size`` changes nothing."""
    return timm.create_model("resnet50", pretrained=pretrained, num_classes=num_classes, in_chans=in_chans)
