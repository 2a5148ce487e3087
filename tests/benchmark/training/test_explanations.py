"""What a run leaves to explain a network's answers."""

import json

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from torch import nn

from benchmark.data.preprocessing import Levels
from benchmark.training import explanations


class Small(nn.Module):
    """Two convolutions and a classifier that sees the mean of each channel."""

    last_feature_map = "second"

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.head = nn.Conv2d(1, 4, 3, 2), nn.Conv2d(4, 8, 3), nn.Linear(8, 3)

    def forward(self, images):
        return self.head(self.second(self.first(images).relu()).mean((2, 3)))


class Masking(Small):
    token_size = 4

    def masks(self, images):
        return images[:, 0, ::4, ::4] > 0


@pytest.fixture
def images():
    return np.random.RandomState(0).normal(size=(5, 1, 16, 16)).astype(np.float32)


def test_grad_cam_weighs_each_channel_by_the_mean_gradient_of_the_class(images):
    network, classes = Small(), np.array([0, 1, 2, 0, 1])
    features = network.second(network.first(torch.from_numpy(images)).relu()).detach().numpy()
    weights = network.head.weight.detach().numpy()[classes] / features[0, 0].size  # d logit / d feature, any position
    expected = np.maximum(np.einsum("nc,nchw->nhw", weights, features), 0)
    expected /= np.maximum(expected.max((1, 2), keepdims=True), 1e-12)
    found = explanations.maps(network, images, classes)
    assert np.allclose(found["grad_cam"], expected, atol=1e-5)
    assert np.allclose(found["feature_map"].max((1, 2)), 1)
    strength = np.abs(features).mean(1)
    assert np.allclose(found["feature_map"], strength / strength.max((1, 2), keepdims=True), atol=1e-5)


def test_a_network_without_feature_maps_gets_no_maps(images):
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(256, 2)

        def forward(self, images):
            return self.head(images.flatten(1))

    assert explanations.maps(Tokens(), images, np.zeros(5, np.int64)) == {}
    vit = timm.create_model("vit_tiny_patch16_224", num_classes=2, in_chans=1, img_size=16, patch_size=4, depth=1)
    assert explanations.maps(vit, images, np.zeros(5, np.int64)) == {}


def test_timms_networks_name_their_last_feature_map(images):
    network = timm.create_model("resnet18", num_classes=2, in_chans=1)
    found = explanations.maps(network, images.repeat(4, 2).repeat(4, 3), np.zeros(5, np.int64))
    assert found["grad_cam"].shape == (5, 2, 2)


def test_masks_come_for_all_images_or_not_at_all(images, monkeypatch):
    monkeypatch.setattr(explanations, "BATCH", 2)
    grey = (128 + 40 * images).clip(0, 255).astype(np.uint8)
    levels = Levels((128.0,), (40.0,))
    assert np.array_equal(explanations.masks(Masking(), grey, levels), grey[:, 0, ::4, ::4] > 128)
    assert explanations.masks(Small(), grey, levels) is None


def test_explained_are_two_images_of_each_class_whatever_their_order():
    labels, digests = np.array([0, 0, 0, 1, 1, 1, 1]), list("dcbxzya")
    chosen = explanations.chosen(labels, digests)
    assert [digests[index] for index in chosen] == ["c", "b", "x", "a"]
    turned = explanations.chosen(labels[::-1], digests[::-1])
    assert sorted(digests[::-1][index] for index in turned) == sorted(digests[index] for index in chosen)


def test_a_token_touches_the_lesion_if_one_of_its_pixels_does():
    lesion = np.zeros((1, 10, 12), bool)
    lesion[0, 3, 4] = lesion[0, 9, 11] = True
    assert np.argwhere(explanations.on_tokens(lesion, 4)[0]).tolist() == [[0, 1], [2, 2]]


def test_the_mask_table_counts_tokens():
    kept, lesion = np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool)
    kept[0, 0] = lesion[0, :, 0] = True
    table = explanations.mask_table(["a", "b"], kept, lesion)
    expected = {"sample_id": ["a", "b"], "tokens": [4, 4], "kept": [2, 0]}
    expected |= {"lesion_tokens": [2, 0], "kept_lesion_tokens": [1, 0]}
    pd.testing.assert_frame_equal(table, pd.DataFrame(expected))
    assert list(explanations.mask_table(["a", "b"], kept, None)) == ["sample_id", "tokens", "kept"]


def test_the_file_is_json_with_one_line_per_array(tmp_path):
    maps = {"label": np.int64(1), "grad_cam": np.array([[0.12345, 1.0]]), "mask": np.array([[True, False]])}
    explanations.write(tmp_path / "explanations.json", {"a/1": maps, "a/2": maps})
    text = (tmp_path / "explanations.json").read_text(encoding="utf-8")
    assert json.loads(text)["a/2"] == {"label": 1, "grad_cam": [[0.123, 1.0]], "mask": [[1, 0]]}
    assert len(text.splitlines()) == 2 + 2 * 5
