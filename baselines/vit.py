"""Vision Transformer (emanet, Table 1): Dosovitskiy et al. 2020, arXiv:2010.11929, which the paper cites.

The paper gives neither its size nor its patches, nor whether it was pretrained. Assumed: ViT-Ti/16 as timm has it (the
size is that of DeiT-Ti; Touvron et al. 2021, arXiv:2012.12877); ``small`` and ``base`` are its other sizes. Below 96 px
a patch shrinks to a sixth of the image's side, so there are 36 of them, not four; at 224 px it is the published
model.
"""

from functools import partial
from math import ceil

import timm
from timm.layers import PatchEmbed
from torch import nn

from benchmark.errors import closest
from benchmark.models import registered

SIZES = ["tiny", "small", "base"]


@registered
def vit(
    num_classes: int = 2, in_chans: int = 1, img_size: int = 64, pretrained: bool = False, size: str = "tiny"
) -> nn.Module:
    """Build the network for images of ``img_size``, which are padded with zeros to whole patches."""
    patch = min(16, ceil(img_size / 6))
    if size not in SIZES:
        raise ValueError(f"size: no size {size!r}; {closest(size, SIZES)}")
    return timm.create_model(
        f"vit_{size}_patch16_224",
        pretrained=pretrained,
        num_classes=num_classes,
        in_chans=in_chans,
        img_size=ceil(img_size / patch) * patch,
        patch_size=patch,
        embed_layer=partial(PatchEmbed, strict_img_size=False),
        dynamic_img_pad=True,
    )
