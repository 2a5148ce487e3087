"""MobileNet (adaptive, Figure 8: accuracy "0.90 (90%)").

The paper names it without version, width or weights. Assumed: MobileNetV2 ×1.0 (Sandler et al. 2018, arXiv:1801.04381)
as timm has it. Below 112 px its first stride is 1, not 2: the paper resizes to 224 px, and the published total stride
of 32 would leave one position of a 32 px image. Its classifier starts as PyTorch's linear layers do: timm's range of
±1/√classes is made for 1000 of them, and with three it begins at a loss of 7, not of log 3.
"""

import timm
from torch import nn

from benchmark.models import registered


@registered
def mobilenet(num_classes: int = 2, in_chans: int = 1, img_size: int = 64, pretrained: bool = False) -> nn.Module:
    """Build the network for images of about ``img_size``."""
    network = timm.create_model("mobilenetv2_100", pretrained, num_classes=num_classes, in_chans=in_chans)
    network.classifier.reset_parameters()
    if img_size < 112:
        network.conv_stem.stride = (1, 1)
    return network
