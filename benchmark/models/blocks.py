"""The parts that several networks share: convolutions, a classifier, positions, channel and spatial attention.

Feature maps are N × C × H × W. Equations are those of the paper ``adaptive`` (Falih 2026).
"""

from functools import lru_cache

import torch
from timm.layers import build_sincos2d_pos_embed
from torch import Tensor, nn


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a convolution (Eq. 2) that keeps the size but for its stride, batch normalisation and ReLU (Eq. 3)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def separable(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Return a depthwise separable convolution (Howard et al. 2017, arXiv:1704.04861)."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def level(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """Return two convolutions with ReLU (Eqs. 2, 3) and a max pooling (Eq. 4) to half the size, as in VGG.

    The first convolution is ``kernel`` × ``kernel``, the second 3×3. An odd size is rounded up.
    """
    return nn.Sequential(
        convolution(inputs, outputs, kernel), convolution(outputs, outputs), nn.MaxPool2d(2, ceil_mode=True)
    )


class Classifier(nn.Module):
    """A feature extractor, global average pooling, dropout and a linear layer.

    Maps images (N × in_chans × H × W) to logits (N × num_classes); ``features`` ends with ``width`` channels.
    """

    last_feature_map = "features"

    def __init__(self, features: nn.Module, width: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        return self.classifier(self.features(images).mean((2, 3)))


@lru_cache(maxsize=16)
def positions(width: int, rows: int, columns: int, device: torch.device) -> Tensor:
    """Return fixed sine-cosine positions (1 × width × rows × columns), as vision transformers add to their tokens."""
    with torch.inference_mode(mode=False):  # what is kept must serve in training too
        found = build_sincos2d_pos_embed([rows, columns], width, device=device)
        return found.transpose(0, 1).reshape(1, width, rows, columns)


class SpatialAttention(nn.Module):
    """M_s = σ(conv([AvgPool(F); MaxPool(F)])), pooled over channels (Eq. 5; Woo et al. 2018, with their 7 × 7)."""

    def __init__(self, kernel: int = 7) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2, 1, kernel, padding=kernel // 2)

    def forward(self, features: Tensor) -> Tensor:
        """Return the weights M_s (N × 1 × H × W), within 0 and 1."""
        pooled = torch.cat([features.mean(1, keepdim=True), features.amax(1, keepdim=True)], 1)
        return self.convolution(pooled).sigmoid()


class ChannelAttention(nn.Module):
    """M_c = σ(W₂ ReLU(W₁ F_avg)), pooled over positions (Eq. 6; Hu et al. 2018).

    With ``maximum``, the same two layers see the maximum too and both outcomes are added before σ, as the prose above
    Eq. 5 has it (Woo et al. 2018).
    """

    def __init__(self, channels: int, maximum: bool = False, reduction: int = 8) -> None:
        super().__init__()
        self.maximum = maximum
        self.layers = nn.Sequential(
            nn.Linear(channels, channels // reduction), nn.ReLU(), nn.Linear(channels // reduction, channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the weights M_c (N × C × 1 × 1), within 0 and 1."""
        scores = self.layers(features.mean((2, 3)))
        if self.maximum:
            scores = scores + self.layers(features.amax((2, 3)))
        return scores.sigmoid()[..., None, None]
