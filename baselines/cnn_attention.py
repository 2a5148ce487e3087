"""CNN + Attention (emanet, Table 1), which attends to all regions and so does redundant work, the paper says.

The paper defines nothing more. Assumed: the standard CNN (after VGG, arXiv:1409.1556) with the non-local block that the
paper cites (Wang et al. 2018, doi 10.1109/CVPR.2018.00813) after the third of its four stages: self-attention of every
position to every position, half as wide as its input, as timm has it. Its batch normalisation starts at zero, so that
at first the network is the standard CNN. timm divides the scores by the root of the input's width (Wang et al.: by 1).
"""

from timm.layers import NonLocalAttn
from torch import Tensor, nn

from benchmark.models import registered
from benchmark.models.blocks import convolution

WIDTHS = (32, 64, 128, 256)


class CNNAttention(nn.Module):
    """Maps images (N × in_chans × H × W, H and W at least 16) to logits (N × num_classes)."""

    last_feature_map = "features"

    def __init__(self, num_classes: int, in_chans: int, dropout: float) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for width in WIDTHS:
            stages += [convolution(in_chans, width), convolution(width, width), nn.MaxPool2d(2)]
            in_chans = width
        stages.insert(3 * 3, NonLocalAttn(WIDTHS[2], rd_ratio=0.5))
        self.features = nn.Sequential(*stages)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(WIDTHS[-1], num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        return self.classifier(self.features(images).mean((2, 3)))


@registered
def cnn_attention(num_classes: int = 2, in_chans: int = 1, img_size: int = 64, dropout: float = 0.2) -> nn.Module:
    """Build the network; it takes images of any size, so that ``img_size`` changes nothing."""
    return CNNAttention(num_classes, in_chans, dropout)
