"""Standard CNN (emanet, Table 1) and CNN baseline (adaptive, Table 1).

Both papers name it and define nothing. Assumed: a plain network after VGG (Simonyan & Zisserman 2015,
arXiv:1409.1556): four stages of two 3×3 convolutions and a 2×2 max pooling, 32 to 256 channels, with the batch
normalisation and dropout that the adaptive paper names, and global average pooling before the classifier.
"""

from torch import Tensor, nn

from benchmark.models import registered
from benchmark.models.blocks import convolution

WIDTHS = (32, 64, 128, 256)


class CNN(nn.Module):
    """Maps images (N × in_chans × H × W, H and W at least 16) to logits (N × num_classes)."""

    last_feature_map = "features"

    def __init__(self, num_classes: int, in_chans: int, dropout: float) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for width in WIDTHS:
            stages += [convolution(in_chans, width), convolution(width, width), nn.MaxPool2d(2)]
            in_chans = width
        self.features = nn.Sequential(*stages)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(WIDTHS[-1], num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        return self.classifier(self.features(images).mean((2, 3)))


@registered
def cnn(num_classes: int = 2, in_chans: int = 1, img_size: int = 64, dropout: float = 0.2) -> nn.Module:
    """Build the network; it takes images of any size, so that ``img_size`` changes nothing."""
    return CNN(num_classes, in_chans, dropout)
