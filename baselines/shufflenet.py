"""ShuffleNet (adaptive, Figure 8: accuracy "0.87(89%)").

The paper names it without version, width or weights. Assumed: ShuffleNetV2 ×1.0 (Ma et al. 2018, arXiv:1807.11164) as
torchvision has it, from random weights. Below 112 px its first stride is 1, not 2: the paper resizes to 224 px, and the
published total stride of 32 would leave one position of a 32 px image.
"""

from torch import nn
from torchvision.models import shufflenet_v2_x1_0

from benchmark.models import registered


@registered
def shufflenet(num_classes: int = 2, in_chans: int = 1, img_size: int = 64) -> nn.Module:
    """Build the network for images of about ``img_size``."""
    network = shufflenet_v2_x1_0(num_classes=num_classes)
    network.conv1[0] = nn.Conv2d(in_chans, 24, 3, 1 if img_size < 112 else 2, 1, bias=False)
    network.last_feature_map = "conv5"
    return network
