"""Lightweight CNN (emanet, Table 1), whose FLOPs the paper calls "Low", as it does EMANet's.

The paper defines nothing more. Assumed: a small MobileNet (Howard et al. 2017, arXiv:1704.04861), a convolution and
five depthwise separable ones of three quarters of its widths. MobileNet is made for 224 px; here the total stride is 4,
where MobileNet has 8 at this depth. Where the strides stand was chosen on phantom images of another seed than the
tables', among networks of the same cost.
"""

from torch import Tensor, nn

from benchmark.models import registered
from benchmark.models.blocks import convolution, separable

STEM = 24
LAYERS = ((48, 2), (96, 1), (96, 1), (192, 2), (192, 1))  # channels, stride


class LightCNN(nn.Module):
    """Maps images (N × in_chans × H × W) to logits (N × num_classes)."""

    last_feature_map = "features"

    def __init__(self, num_classes: int, in_chans: int, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(convolution(in_chans, STEM))
        width = STEM
        for channels, stride in LAYERS:
            self.features.append(separable(width, channels, stride))
            width = channels
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        return self.classifier(self.features(images).mean((2, 3)))


@registered
def light_cnn(num_classes: int = 2, in_chans: int = 1, img_size: int = 64, dropout: float = 0.2) -> nn.Module:
    """Build the network; it takes images of any size, so that ``img_size`` changes nothing."""
    return LightCNN(num_classes, in_chans, dropout)
