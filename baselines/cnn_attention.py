"""CNN + Attention (emanet, Table 1), which attends to all regions and so does redundant work, the paper says.

The paper defines nothing more. Assumed: the standard CNN (after VGG, arXiv:1409.1556) with the non-local block that the
paper cites (Wang et al. 2018, doi 10.1109/CVPR.2018.00813) after the third of its four stages: self-attention of every
position to every position, half as wide as its input, as timm has it. Its batch normalisation starts at zero, so that
at first the network is the standard CNN. timm divides the scores by the root of the input's width (Wang et al.: by 1).
"""

from itertools import pairwise

from timm.layers import NonLocalAttn
from torch import nn

from benchmark.models import registered
from benchmark.models.blocks import Classifier, level

WIDTHS = (32, 64, 128, 256)


@registered
def cnn_attention(num_classes: int = 2, in_chans: int = 1, img_size: int = 64, dropout: float = 0.2) -> nn.Module:
    """Build the network; it takes images of any size, so ``img_size`` changes nothing."""
    stages = [level(*widths) for widths in pairwise((in_chans, *WIDTHS))]
    stages.insert(3, NonLocalAttn(WIDTHS[2], rd_ratio=0.5))
    return Classifier(nn.Sequential(*stages), WIDTHS[-1], num_classes, dropout)
