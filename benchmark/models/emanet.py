"""EMANet, the proposed network of the paper ``emanet`` (Ramasubbu 2026, IJACTE 15(2), 131-135).

A lightweight convolutional extractor, patch embedding of its feature map, a mask from that map, self-attention over
the kept patches, fusion, and a linear classifier (Methodology; Algorithmic Strategy, steps 1 to 8). What the paper
leaves open is chosen so: attention weights of dropped keys are set to 0 and the others scaled to sum to 1, which is a
softmax over the kept keys; patches that the mask drops keep the extractor's features through the fusion; the hard
threshold passes its gradient straight through.
"""

from typing import Any

import torch
from timm.models import register_model
from torch import Tensor, nn


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


class Mask(nn.Module):
    """f_mask (step 4): patch embeddings (N × T × D) to a mask (N × T) of zeros and ones.

    Feature importance is learned, spatial saliency is the patch's mean activation against the image's other patches;
    their sum is thresholded, so that the kept share differs by image. The most important patch is always kept.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.importance = nn.Linear(width, 1)
        self.saliency = nn.Parameter(torch.ones(()))

    def forward(self, patches: Tensor) -> Tensor:
        """Return the hard mask, with the gradient of the soft one (straight-through; Bengio et al. 2013)."""
        strength = patches.abs().mean(2)
        saliency = (strength - strength.mean(1, keepdim=True)) / (strength.std(1, keepdim=True) + 1e-6)
        soft = (self.importance(patches).squeeze(2) + self.saliency * saliency).sigmoid()
        hard = (soft >= soft.amax(1, keepdim=True).clamp(max=0.5)).to(soft.dtype)
        return hard + soft - soft.detach()


class MaskedSelfAttention(nn.Module):
    """Self-attention over kept patches (step 5), by explicit matrix products, so that all can be counted."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)

    def forward(self, patches: Tensor, mask: Tensor) -> Tensor:
        """Return F_att (N × T × D) for patches (N × T × D) and their mask (N × T)."""
        n, tokens, width = patches.shape
        query, key, value = self.qkv(patches).view(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(2, 3) * (width // self.heads) ** -0.5
        weights = scores.softmax(3) * mask[:, None, None, :]
        weights = weights / (weights.sum(3, keepdim=True) + 1e-6)
        return self.project((weights @ value).transpose(1, 2).reshape(n, tokens, width))


class EMANet(nn.Module):
    """Maps images (N × in_chans × H × W, H and W at least 16) to logits (N × num_classes)."""

    def __init__(self, num_classes: int, in_chans: int, width: int, heads: int, patch: int, dropout: float) -> None:
        super().__init__()
        self.extractor = nn.Sequential(
            nn.Conv2d(in_chans, 32, 3, 1, 1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            separable(32, 64, 2),
            separable(64, 64),
            separable(64, width, 2),
            separable(width, width),
            separable(width, width),
        )
        self.embed = nn.Conv2d(width, width, patch, patch)
        self.mask = Mask(width)
        self.norm = nn.LayerNorm(width)
        self.attention = MaskedSelfAttention(width, heads)
        self.unfold = nn.Linear(width, width * patch**2)
        self.shuffle = nn.PixelShuffle(patch)
        self.alpha = nn.Parameter(torch.zeros(()))  # α is its sigmoid, so that it stays within 0 and 1
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        features = self.extractor(images)
        patches = self.embed(features)
        n, _, rows, columns = patches.shape
        patches = self.norm(patches.flatten(2).transpose(1, 2))
        mask = self.mask(patches)
        attended = self.unfold(self.attention(patches, mask)) * mask.unsqueeze(2)
        attended = self.shuffle(attended.transpose(1, 2).reshape(n, -1, rows, columns))
        kept = nn.functional.interpolate(mask.view(n, 1, rows, columns), size=attended.shape[2:])
        features = features[..., : attended.shape[2], : attended.shape[3]]
        share = self.alpha.sigmoid() * kept + (1 - kept)  # α where the mask keeps a patch, 1 where it drops it
        return self.head((share * features + (1 - self.alpha.sigmoid()) * attended).mean((2, 3)))


@register_model
def emanet(
    pretrained: bool = False,
    num_classes: int = 2,
    in_chans: int = 1,
    width: int = 128,
    heads: int = 4,
    patch: int = 2,
    dropout: float = 0.1,
    **_: Any,
) -> nn.Module:
    """Build the network; it has no pretrained weights."""
    return EMANet(num_classes, in_chans, width, heads, patch, dropout)
