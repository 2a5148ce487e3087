"""The adaptive hybrid, the proposed network of the paper ``adaptive`` (Falih 2026).

Built is what the prose of Figure 2 and the conclusion tell, with Eqs. 2 to 9: parallel CNN modules, ViT encoders that
refine their outputs, concatenation, attention gate, spatial and channel attention, weighted multi-scale fusion, linear
classifier. Every point that the paper contradicts or leaves open, the choice made, and the option that flips it:

- Three architectures are told. Chosen is Figure 2's. ``backbone="resnet50"`` is Figure 1's: ResNet-50, spatial and
  channel attention, feature enhancement, classifier; ``head="rbpnn"`` adds the classifier that Figure 1 names.
  Algorithm 1 has no ViT encoder: ``vit="none"``.
- CNN modules "are then refined" by ViT encoders: in series. ``vit="parallel"`` sets a ViT branch of its own on the
  image beside the modules, since the outputs "from all modules" are concatenated.
- Below Eq. 7 M_c is called spatial and M_s channel attention. Chosen is Eq. 7 with the meaning of Eqs. 5 and 6, spatial
  first, as Algorithm 1 has it (steps 3 and 4); M_c is computed on the map that M_s weighted.
  ``attention_order="channel_first"`` is the other order (CBAM; Woo et al. 2018).
- Channel attention pools by average (Eq. 6), or by average and maximum (prose): ``channel_pooling="average_max"``.
- The weights a_i of Eq. 8 are learned, as written. ``fusion="input"`` makes them depend on the image, since features
  are "tailored for each input"; ``fusion="none"`` takes the last scale alone. The scales F_i have other widths and
  sizes: here a 1×1 convolution and average pooling bring them to those of one map.
- Number, kernel sizes and widths of the CNN modules: three that begin with 3×3, 5×5 and 7×7, so their features
  are diverse, and go on with 3×3.
- Depth and width of the ViT encoders, and their positions: one block of the map's width, fixed sines and cosines.
- The attention gate: additive (Oktay et al. 2018), and its gating signal is the global average of what it gates.
- What the enhancement stage is (Figure 1; in Figure 2's prose the fusion module is "to enhance and integrate" features,
  above Eq. 9 the fused ones pass "all layers"): a residual block of two 3×3 convolutions, after the fusion.
- The RBPNN's size: eight Gaussian units a class over 64 features; centres and widths are trained with all else.
- The dropout rate: ``dropout``, before the classifier. L_reg of Eq. 10 is the recipe's weight decay.
- ``spatial``, ``channel`` leave out one attention, for ablations.
"""

from itertools import pairwise

import timm
import torch
from timm.layers import PatchEmbed
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from benchmark.models import registered
from benchmark.models.blocks import ChannelAttention, SpatialAttention, convolution, level, positions

KERNELS = (3, 5, 7)  # of the first convolution, one a CNN module; later ones are 3×3
WIDTHS = (16, 32, 64)  # of a CNN module, one a level
FUSED = 128  # channels of the fused map

KNOWN = {
    "backbone": ("modules", "resnet50"),
    "vit": ("series", "parallel", "none"),
    "attention_order": ("spatial_first", "channel_first"),
    "spatial": (True, False),
    "channel": (True, False),
    "channel_pooling": ("average", "average_max"),
    "fusion": ("learned", "input", "none"),
    "head": ("softmax", "rbpnn"),
}


class Encoder(nn.Module):
    """A ViT encoder (Figure 2; Dosovitskiy et al. 2021, arXiv:2010.11929) whose tokens are the positions of a map."""

    def __init__(self, width: int, depth: int = 1, heads: int = 4) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(width, heads, qkv_bias=True) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)

    def forward(self, features: Tensor) -> Tensor:
        """Return the refined map, of the shape of ``features`` (N × C × H × W)."""
        _, channels, rows, columns = features.shape
        placed = features + positions(channels, int(rows), int(columns), features.device)
        tokens = self.norm(self.blocks(placed.flatten(2).transpose(1, 2)))
        return tokens.transpose(1, 2).reshape(features.shape)


class Gate(nn.Module):
    """Additive attention gate: σ of ψ ReLU(W_x x + W_g g) (Figure 2; Oktay et al. 2018, arXiv:1804.03999).

    The gating signal g is the global average of the features x.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.features = nn.Conv2d(channels, hidden, 1, bias=False)
        self.signal = nn.Linear(channels, hidden)
        self.score = nn.Conv2d(hidden, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the weights (N × 1 × H × W, within 0 and 1) of ``features`` (N × C × H × W)."""
        signal = self.signal(features.mean((2, 3)))[..., None, None]
        return self.score((self.features(features) + signal).relu()).sigmoid()


class Modules(nn.Module):
    """Parallel CNN modules, ViT encoders, concatenation and attention gate (Figure 2).

    Maps images (N × in_chans × H × W) to the last ``scales`` of three maps, at strides 2, 4 and 8. Each is the outputs
    of all modules at one level; encoders and gate see the last.
    """

    def __init__(self, in_chans: int, vit: str, scales: int) -> None:
        super().__init__()
        self.vit, self.scales = vit, scales
        self.levels = nn.ModuleList()
        for shape in pairwise((in_chans, *WIDTHS)):
            kernels = [3 if self.levels else kernel for kernel in KERNELS]
            self.levels.append(nn.ModuleList(level(*shape, kernel) for kernel in kernels))
        maps = {"series": len(KERNELS), "parallel": 1, "none": 0}[vit]
        self.encoders = nn.ModuleList(Encoder(WIDTHS[-1]) for _ in range(maps))
        if vit == "parallel":
            stride = 2 ** len(WIDTHS)
            self.embed = PatchEmbed(None, stride, in_chans, WIDTHS[-1], flatten=False, dynamic_img_pad=True)
        outputs = len(KERNELS) + (vit == "parallel")
        self.channels = [width * len(KERNELS) for width in WIDTHS[:-1]] + [WIDTHS[-1] * outputs]
        self.channels = self.channels[-scales:]
        self.gate = Gate(self.channels[-1], WIDTHS[-1])

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps, finest first."""
        outputs, maps = [images] * len(KERNELS), []
        for modules in self.levels:
            outputs = [module(output) for module, output in zip(modules, outputs, strict=True)]
            maps.append(torch.cat(outputs, 1))
        if self.vit == "series":
            outputs = [encoder(output) for encoder, output in zip(self.encoders, outputs, strict=True)]
        elif self.vit == "parallel":
            outputs = [*outputs, self.encoders[0](self.embed(images))]
        joined = torch.cat(outputs, 1)
        return [*maps[:-1], self.gate(joined) * joined][-self.scales :]


class ResNet50(nn.Module):
    """timm's ResNet-50 (Figure 1): images (N × in_chans × H × W) to the last ``scales`` of strides 8, 16 and 32.

    From 28 px, where the maps are of 4 × 4, 2 × 2 and 1 × 1.
    """

    def __init__(self, in_chans: int, scales: int) -> None:
        super().__init__()
        strides = (2, 3, 4)[-scales:]
        self.network = timm.create_model("resnet50", features_only=True, out_indices=strides, in_chans=in_chans)
        self.channels = self.network.feature_info.channels()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps, finest first."""
        return self.network(images)


class Refinement(nn.Module):
    """F' = M_c ⊙ (M_s ⊙ F) (Eq. 7): each attention weights the map that the one before it left."""

    def __init__(self, *attentions: nn.Module) -> None:
        super().__init__()
        self.attentions = nn.ModuleList(attentions)

    def forward(self, features: Tensor) -> Tensor:
        """Return the refined map, of the shape of ``features`` (N × C × H × W)."""
        for attention in self.attentions:
            features = attention(features) * features
        return features


class Fusion(nn.Module):
    """F = Σ a_i F_i (Eq. 8) over ``len(channels)`` maps, finest first.

    Average pooling brings each to the last one's size, a 1×1 convolution to one width. The a_i are parameters that
    start at 1/n (``learned``), or a softmax of a linear map of all scales' global averages (``input``), or there is one
    scale and no a_i (``none``).
    """

    def __init__(self, channels: list[int], width: int, kind: str) -> None:
        super().__init__()
        count = len(channels)
        self.kind = kind
        self.project = nn.ModuleList(convolution(each, width, 1) for each in channels)
        self.pool = nn.ModuleList(nn.AvgPool2d(2**steps, ceil_mode=True) for steps in reversed(range(count)))
        if kind == "learned":
            self.weights = nn.Parameter(torch.full((1, count), 1 / count))
        elif kind == "input":
            self.weigh = nn.Linear(count * width, count)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Return the fused map (N × width × H × W) for maps N × channels[i] × H_i × W_i; H × W is the last one's."""
        maps = [project(pool(each)) for project, pool, each in zip(self.project, self.pool, maps, strict=True)]
        if self.kind == "none":
            return maps[-1]
        scales = torch.stack(maps, 1)
        averages = scales.mean((3, 4)).flatten(1)
        weights = self.weights if self.kind == "learned" else self.weigh(averages).softmax(1)
        return (weights[..., None, None, None] * scales).sum(1)


class Enhancement(nn.Module):
    """Feature enhancement (Figure 1): ReLU(F + g(F)), where g is two 3×3 convolutions with batch normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.layers = nn.Sequential(convolution(channels, channels), last, nn.BatchNorm2d(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Return the enhanced map, of the shape of ``features`` (N × C × H × W)."""
        return (features + self.layers(features)).relu()


class RBPNN(nn.Module):
    """Radial basis probabilistic neural network (Figure 1; Huang 1999, doi 10.1142/S0218001499000604).

    Gaussian units exp(-‖z - c‖² / (2 s²)), several a class; their sums, each over the units of one class alone (Specht
    1990); a linear layer. It starts as ``units`` times the identity: with sums alone the classes would be told apart
    too slowly. The input z is a normalised linear map of the features, and σ² starts at the dimension of z: two such z
    lie about twice that apart (squared), so no unit starts near 0 or 1.
    """

    def __init__(self, features: int, num_classes: int, dimension: int = 64, units: int = 8) -> None:
        super().__init__()
        self.dimension = dimension
        self.project = nn.Sequential(nn.Linear(features, dimension), nn.LayerNorm(dimension))
        self.centres = nn.Parameter(torch.randn(num_classes, units, dimension))
        self.log_widths = nn.Parameter(torch.zeros(num_classes, units))  # log(s² / dimension), so s² is positive
        self.output = nn.Linear(num_classes, num_classes)
        with torch.no_grad():
            self.output.weight.copy_(units * torch.eye(num_classes))

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (N × num_classes) for features (N × features)."""
        gaps = (self.project(features)[:, None, None] - self.centres).pow(2).sum(3)
        units = (-gaps / (2 * self.dimension * self.log_widths.exp())).exp()
        return self.output(units.sum(2))


class Adaptive(nn.Module):
    """Maps images (N × in_chans × H × W, H and W at least 28) to logits (N × num_classes).

    ``extractor`` gives maps of several scales, and ``refine`` has a module for each.
    """

    last_feature_map = "enhancement"

    def __init__(
        self, extractor: nn.Module, refine: list[nn.Module], fusion: nn.Module, enhancement: nn.Module, head: nn.Module
    ) -> None:
        super().__init__()
        self.extractor, self.refine = extractor, nn.ModuleList(refine)
        self.fusion, self.enhancement, self.head = fusion, enhancement, head

    def forward(self, images: Tensor) -> Tensor:
        """Return logits; their softmax is Eq. 9."""
        maps = [refine(each) for refine, each in zip(self.refine, self.extractor(images), strict=True)]
        return self.head(self.enhancement(self.fusion(maps)).mean((2, 3)))


@registered
def adaptive(
    num_classes: int = 2,
    in_chans: int = 1,
    img_size: int = 64,
    backbone: str = "modules",
    vit: str = "series",
    spatial: bool = True,
    channel: bool = True,
    attention_order: str = "spatial_first",
    channel_pooling: str = "average",
    fusion: str = "learned",
    head: str = "softmax",
    dropout: float = 0.2,
) -> nn.Module:
    """Build the network; it takes images of any size from 28 px, so ``img_size`` changes nothing.

    The module's docstring says what the options choose. ``vit`` means nothing with the backbone ``resnet50``,
    ``channel_pooling`` nothing without channel attention, ``attention_order`` nothing without both attentions.
    """
    check(backbone=backbone, vit=vit, spatial=spatial, channel=channel, attention_order=attention_order)
    check(channel_pooling=channel_pooling, fusion=fusion, head=head)
    scales = 1 if fusion == "none" else 3
    extractor = ResNet50(in_chans, scales) if backbone == "resnet50" else Modules(in_chans, vit, scales)
    refine = []
    for count in extractor.channels:
        attentions = [SpatialAttention()] if spatial else []
        attentions += [ChannelAttention(count, channel_pooling == "average_max")] if channel else []
        refine.append(Refinement(*(attentions if attention_order == "spatial_first" else reversed(attentions))))
    return Adaptive(
        extractor,
        refine,
        Fusion(extractor.channels, FUSED, fusion),
        Enhancement(FUSED),
        nn.Sequential(nn.Dropout(dropout), (nn.Linear if head == "softmax" else RBPNN)(FUSED, num_classes)),
    )


def check(**options: str | bool) -> None:
    """Raise ValueError, in one line, if an option has no such value."""
    for name, value in options.items():
        if value not in KNOWN[name]:
            raise ValueError(f"{name}: no value {value!r}; it must be one of {', '.join(map(str, KNOWN[name]))}")
