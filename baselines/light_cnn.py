"""Lightweight CNN (emanet, Table 1), whose FLOPs the paper calls "Low", as it does EMANet's.

The paper defines nothing more. Assumed: a small MobileNet (Howard et al. 2017, arXiv:1704.04861), a convolution and
five depthwise separable ones of three quarters of its widths. MobileNet is made for 224 px; here the total stride is 4,
where MobileNet has 8 at this depth. Where the strides stand was chosen on phantom images of another seed than the
tables', among networks of the same cost.
"""

from itertools import pairwise

from torch import nn

from benchmark.models import registered
from benchmark.models.blocks import Classifier, convolution, separable

WIDTHS = (1, 2, 4, 4, 8, 8)  # times that of the first
STRIDES = (2, 1, 1, 2, 1)  # of all but the first


@registered
def light_cnn(
    num_classes: int = 2, in_chans: int = 1, img_size: int = 64, dropout: float = 0.2, width: int = 24
) -> nn.Module:
    """Build the network; it takes images of any size, so ``img_size`` changes nothing."""
    widths = [width * factor for factor in WIDTHS]
    layers = [separable(*pair, stride) for pair, stride in zip(pairwise(widths), STRIDES, strict=True)]
    return Classifier(nn.Sequential(convolution(in_chans, width), *layers), widths[-1], num_classes, dropout)
