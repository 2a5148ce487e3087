"""Standard CNN (emanet, Table 1) and CNN baseline (adaptive, Table 1).

Both papers name it and define nothing. Assumed: a plain network after VGG (Simonyan & Zisserman 2015,
arXiv:1409.1556): four stages of two 3×3 convolutions and a 2×2 max pooling, 32 to 256 channels, with the batch
normalisation and dropout that the adaptive paper names, and global average pooling before the classifier.
"""

from itertools import pairwise

from torch import nn

from benchmark.models import registered
from benchmark.models.blocks import Classifier, level

WIDTHS = (32, 64, 128, 256)


@registered
def cnn(num_classes: int = 2, in_chans: int = 1, img_size: int = 64, dropout: float = 0.2) -> nn.Module:
    """Build the network; it takes images of any size, so ``img_size`` changes nothing."""
    stages = (level(*widths) for widths in pairwise((in_chans, *WIDTHS)))
    return Classifier(nn.Sequential(*stages), WIDTHS[-1], num_classes, dropout)
