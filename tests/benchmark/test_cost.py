"""What a model costs: counts against published and hand-made ones."""

import pytest
import timm
import torch
from torch import nn

from benchmark import cost


def test_resnet50_costs_the_published_macs_at_224_px():
    network = timm.create_model("resnet50", num_classes=1000, in_chans=3)
    assert cost.macs(network, (3, 224, 224)) == pytest.approx(4.1e9, rel=0.01)
    assert cost.parameters(network) == pytest.approx(25.6e6, rel=0.01)


def test_convolutions_and_linear_layers_are_counted_by_hand():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Flatten(), nn.Linear(8 * 16 * 16, 5))
    assert cost.macs(network, (3, 16, 16)) == 3 * 8 * 9 * 16 * 16 + 8 * 16 * 16 * 5


def test_depthwise_convolutions_cost_a_channel_each():
    assert cost.macs(nn.Conv2d(8, 8, 3, padding=1, groups=8), (8, 16, 16)) == 8 * 9 * 16 * 16


def test_activation_and_pooling_are_free():
    dressed = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
    assert cost.macs(dressed, (1, 16, 16)) == cost.macs(nn.Conv2d(1, 4, 3), (1, 16, 16))


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm2d(1), nn.LayerNorm([1, 16, 16]), nn.AdaptiveAvgPool2d(16)], ids=["batch", "layer", "pooling"]
)
def test_normalisation_and_average_pooling_are_free(layer):
    assert cost.macs(nn.Sequential(layer, nn.Conv2d(1, 4, 3)), (1, 16, 16)) == 4 * 9 * 14 * 14


def test_an_operation_that_nobody_counts_is_refused_by_name():
    with pytest.raises(ValueError, match=r"no rule counts .*aten::gru"):
        cost.macs(nn.Sequential(nn.Flatten(0, 1), nn.GRU(16, 8)), (1, 16, 16))


def test_attention_is_counted_though_timm_fuses_it():
    network = timm.create_model("vit_tiny_patch16_224")
    assert cost.macs(network, (3, 224, 224)) == pytest.approx(1.26e9, rel=0.01)
    assert all(block.attn.fused_attn for block in network.blocks)


def test_frozen_weights_are_no_parameters():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    assert cost.parameters(network) == 3 * 4 + 4 + 4 * 2 + 2
    network[0].requires_grad_(False)
    assert cost.parameters(network) == 4 * 2 + 2


def test_all_calls_are_timed_equally_often_and_the_slower_one_takes_longer(monkeypatch):
    monkeypatch.setattr(cost, "WARM_UP", 1)
    monkeypatch.setattr(cost, "ROUNDS", 5)
    heard = []
    image, large = torch.rand(10, 10), torch.rand(600, 600)
    calls = {"small": lambda: heard.append(image @ image), "large": lambda: heard.append(large @ large)}
    taken = cost.latencies(calls)
    assert len(heard) == 12
    assert 0 < taken["small"] < taken["large"]
