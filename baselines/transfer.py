"""Transfer Learning (adaptive, Table 1): weights learned on ImageNet, all of them then trained further.

The paper names neither backbone nor weights, nor what stays frozen. Assumed: ResNet-50 (He et al. 2016, doi
10.1109/CVPR.2016.90), the backbone of the paper's Figure 1, with timm's default weights, and no layer frozen. The row
means ``init: imagenet`` in params.yaml; from random weights it would be the model ``resnet50``.
"""

import timm
from torch import nn

from benchmark.models import registered


@registered
def transfer(num_classes: int = 2, in_chans: int = 1, img_size: int = 64, pretrained: bool = False) -> nn.Module:
    """Build the network; it takes images of any size, so that ``img_size`` changes nothing."""
    return timm.create_model("resnet50", pretrained, num_classes=num_classes, in_chans=in_chans)
