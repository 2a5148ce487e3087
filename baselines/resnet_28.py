"""MedMNIST's own baselines for 28 px, ResNet-18 and ResNet-50 (Yang et al. 2023, doi 10.1038/s41597-022-01721-8).

They calibrate the harness and are in neither paper. As in their code: a first convolution of 3 × 3 with stride 1, no
max pooling, and weights as PyTorch's layers start.
"""

import timm
from torch import nn

from benchmark.models import registered


@registered
def resnet_28(num_classes: int = 2, in_chans: int = 1, img_size: int = 28, depth: int = 18) -> nn.Module:
    """Build timm's ResNet of ``depth`` with their first layers; it takes images of any size from 28 px."""
    network = timm.create_model(f"resnet{depth}", num_classes=num_classes, in_chans=in_chans)
    network.conv1 = nn.Conv2d(in_chans, 64, 3, 1, 1, bias=False)
    network.maxpool = nn.Identity()
    for module in network.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return network
