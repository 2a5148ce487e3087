"""Standard CNN (emanet, Table 1) and CNN baseline (adaptive, Table 1).

Both papers name it and define nothing. Assumed: a plain network after VGG (Simonyan & Zisserman 2015,
arXiv:1409.1556): four stages of two 3×3 convolutions and a 2×2 max pooling, 32 to 256 channels, with the batch
normalisation and dropout that the adaptive paper names, and global average pooling before the classifier.
"""

from typing import Any

from timm.models import register_model
from torch import Tensor, nn

WIDTHS = (32, 64, 128, 256)


class CNN(nn.Module):
    """Maps images (N × in_chans × H × W, H and W at least 16) to logits (N × num_classes)."""

    def __init__(self, num_classes: int, in_chans: int, dropout: float) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for width in WIDTHS:
            for inputs in (in_chans, width):
                stages += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            stages.append(nn.MaxPool2d(2))
            in_chans = width
        self.features = nn.Sequential(*stages)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(WIDTHS[-1], num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        return self.classifier(self.features(images).mean((2, 3)))


@register_model
def cnn(pretrained: bool = False, num_classes: int = 2, in_chans: int = 1, dropout: float = 0.2, **_: Any) -> nn.Module:
    """Build the network; it has no pretrained weights."""
    return CNN(num_classes, in_chans, dropout)
