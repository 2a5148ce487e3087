"""Parameters, multiply-accumulates and memory, against published counts and ones made by hand."""

import sys
from contextlib import nullcontext

import pytest
import timm
import torch
import torchvision
from torch import nn

from benchmark.cost import counting
from benchmark.cost.counting import NotCounted
from benchmark.models.emanet import STRIDE, emanet


def image(channels, size):
    return torch.randn(1, channels, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("build", "gmacs", "millions"),
    [  # He et al. 2015; Sandler et al. 2018; Ma et al. 2018; Touvron et al. 2021, twice; Tan & Le 2019
        (lambda: timm.create_model("resnet50"), 4.1, 25.56),
        (lambda: timm.create_model("mobilenetv2_100"), 0.30, 3.5),
        (lambda: torchvision.models.shufflenet_v2_x1_0(), 0.146, 2.28),
        (lambda: timm.create_model("vit_tiny_patch16_224"), 1.26, 5.72),
        (lambda: timm.create_model("vit_small_patch16_224"), 4.61, 22.05),
        (lambda: timm.create_model("cait_xxs24_224"), 2.5, 12.0),
        (lambda: timm.create_model("efficientnet_b0"), 0.39, 5.3),
    ],
    ids=["resnet50", "mobilenetv2", "shufflenetv2", "vit_tiny", "vit_small", "cait", "efficientnet"],
)
def test_published_macs_and_parameters_are_met_at_224_px(build, gmacs, millions):
    network = build()
    assert counting.macs(network, image(3, 224)) == pytest.approx(1e9 * gmacs, rel=0.02)
    assert counting.parameters(network) == pytest.approx(1e6 * millions, rel=0.01)


def test_a_vision_transformer_costs_what_its_formula_says():
    tokens, width, depth = 14 * 14 + 1, 192, 12
    a_block = tokens * width * (3 * width + width + 8 * width) + 2 * tokens**2 * width
    expected = 14 * 14 * 3 * 16 * 16 * width + depth * a_block + width * 1000
    assert counting.macs(timm.create_model("vit_tiny_patch16_224"), image(3, 224)) == expected


@pytest.mark.parametrize(("size", "form", "share"), [(64, "gather", 0.25), (224, "gather", 0.5), (64, "none", 1.0)])
def test_emanet_costs_what_its_formula_says(size, form, share):
    network, width, patch = emanet(form=form).eval(), 128, 2
    network.keep(image(1, size), share)
    full, half = size**2, (size // 2) ** 2
    quarter, tokens = (size // STRIDE) ** 2, (size // STRIDE // patch) ** 2
    first = full * 9 * 32 + half * (9 * 32 + 32 * 64) + half * (9 * 64 + 64 * 64)
    extractor = first + quarter * (9 * 64 + 64 * 128) + 2 * quarter * (9 * 128 + 128 * 128)
    kept = round(share * tokens)
    attention = kept * (patch**2 * width * width + 4 * width * width) + 2 * kept**2 * width
    importance = tokens * width if form == "gather" else 0
    assert counting.macs(network, image(1, size)) == extractor + attention + importance + width * 2


def test_convolutions_and_linear_layers_are_counted_by_hand():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Flatten(), nn.Linear(8 * 16 * 16, 5))
    assert counting.macs(network, image(3, 16)) == 3 * 8 * 9 * 16 * 16 + 8 * 16 * 16 * 5


def test_depthwise_convolutions_cost_a_channel_each():
    assert counting.macs(nn.Conv2d(8, 8, 3, padding=1, groups=8), image(8, 16)) == 8 * 9 * 16 * 16


@pytest.mark.parametrize(
    "layer",
    [
        nn.ReLU(),
        nn.SiLU(),
        nn.Hardswish(),
        nn.Hardsigmoid(),
        nn.BatchNorm2d(1),
        nn.LayerNorm([1, 16, 16]),
        nn.AdaptiveAvgPool2d(16),
        nn.MaxPool2d(1),
    ],
    ids=["relu", "silu", "hardswish", "hardsigmoid", "batch", "layer", "average", "maximum"],
)
def test_activation_normalisation_and_pooling_are_free(layer):
    assert counting.macs(nn.Sequential(layer, nn.Conv2d(1, 4, 3)), image(1, 16)) == 4 * 9 * 14 * 14


def test_an_operation_that_nobody_counts_is_refused_by_name():
    with pytest.raises(NotCounted, match=r"no rule counts .*aten::gru"):
        counting.macs(nn.Sequential(nn.Flatten(0, 1), nn.GRU(16, 8)), image(1, 16))


class Hidden(nn.Module):
    """Attention in one kernel, which fvcore takes for nothing and which has no switch."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 16)

    def forward(self, images):
        tokens = self.linear(images)
        return torch.nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)


def test_attention_that_cannot_be_counted_is_refused():
    with pytest.raises(NotCounted, match="scaled_dot_product_attention"):
        counting.macs(Hidden(), image(1, 16))


def test_two_counters_that_disagree_are_refused(monkeypatch):
    monkeypatch.setattr("torch.utils.flop_counter.FlopCounterMode.get_total_flops", lambda _: 2 * 1000)
    with pytest.raises(NotCounted, match="fvcore counts 1764 MACs, PyTorch 1000; they must agree"):
        counting.macs(nn.Conv2d(1, 1, 3), image(1, 16))


def test_without_fvcore_nothing_is_counted(monkeypatch):
    monkeypatch.setitem(sys.modules, "fvcore.nn", None)
    with pytest.raises(NotCounted, match="fvcore is not installed"):
        counting.macs(nn.Conv2d(1, 1, 3), image(1, 16))


class Untraceable(nn.Module):
    """Refuses to be traced."""

    def forward(self, images):
        if torch.jit.is_tracing():
            raise RuntimeError("no tracing\nof this")
        return images


def test_a_network_that_cannot_be_traced_says_why():
    with pytest.raises(NotCounted, match=r"^fvcore cannot trace it: no tracing$"):
        counting.macs(Untraceable(), image(1, 16))


@pytest.mark.parametrize("disagree", [False, True])
def test_counting_leaves_fused_attention_on(monkeypatch, disagree):
    network = timm.create_model("vit_tiny_patch16_224", img_size=32)
    if disagree:
        monkeypatch.setattr("torch.utils.flop_counter.FlopCounterMode.get_total_flops", lambda _: 0)
    with pytest.raises(NotCounted) if disagree else nullcontext():
        counting.macs(network, image(3, 32))
    assert all(block.attn.fused_attn for block in network.blocks)


def test_frozen_weights_are_no_parameters():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    assert counting.parameters(network) == 3 * 4 + 4 + 4 * 2 + 2
    network[0].requires_grad_(False)
    assert counting.parameters(network) == 4 * 2 + 2


def test_the_size_is_that_of_weights_and_buffers():
    weights, buffers = 2 * 8 * 4, 2 * 8 * 4 + 8  # two of each channel in float32, and how many batches were seen
    assert counting.size(nn.BatchNorm2d(8)) * counting.MIB == weights + buffers


class TwoResults(nn.Module):
    """Has two results of a MiB at once, never three."""

    def forward(self, images):
        one = images + 1
        two = one + 1
        del one
        three = two * 2
        two.add_(1)
        return three.view(-1).sum() + two[0, 0, 0, 0]


def test_memory_is_that_of_weights_image_and_of_what_lives_at_once():
    assert counting.memory(TwoResults(), torch.zeros(1, 1, 512, 512)) == pytest.approx(3, abs=0.01)
    assert counting.memory(nn.Sequential(nn.Flatten(), nn.Linear(256, 1024)), image(1, 16)) == pytest.approx(
        1, abs=0.02
    )
