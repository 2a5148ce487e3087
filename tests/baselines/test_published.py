"""Baselines are the published models, and take any image size."""

import sys
from importlib import import_module

import numpy as np
import pytest
import skimage.data
import timm
import torch
from skimage.transform import resize
from torch import nn

from baselines.cnn_attention import cnn_attention
from baselines.naive_bayes import naive_bayes
from baselines.one_nn import one_nn
from baselines.timm_model import timm_model
from baselines.transfer import imagenet, transfer
from baselines.vit import vit
from baselines.xgboost import xgboost
from benchmark.cost import counting
from benchmark.errors import BadInput

NETWORKS = ["attention_resnet", "cnn_attention", "light_cnn", "mobilenet", "resnet_28", "shufflenet", "transfer", "vit"]


def build(name, num_classes, in_chans, img_size, **options):
    torch.manual_seed(0)
    factory = getattr(import_module(f"baselines.{name}"), name)
    return factory(num_classes=num_classes, in_chans=in_chans, img_size=img_size, **options)


def images(channels, size, count=2):
    return torch.from_numpy(np.random.RandomState(0).normal(size=(count, channels, size, size)).astype(np.float32))


def grid(network, module, size):
    """Return height and width of what ``module`` makes of an image of ``size``."""
    seen = []
    network.get_submodule(module).register_forward_hook(lambda _, __, output: seen.append(output.shape[2:]))
    with torch.inference_mode():
        network.eval()(images(1, size, 1))
    return tuple(seen[0])


@pytest.mark.parametrize(
    ("name", "millions"),
    [("transfer", 4.652), ("mobilenet", 3.505), ("shufflenet", 2.279), ("vit", 5.717), ("attention_resnet", 11.777)],
)
def test_it_has_the_published_parameters_at_224_px(name, millions):
    assert counting.parameters(build(name, 1000, 3, 224)) / 1e6 == pytest.approx(millions, abs=5e-4)


def test_cbam_adds_its_own_parameters_to_each_block_of_resnet18():
    without = counting.parameters(timm.create_model("resnet18"))
    layers = sum(2 * (2 * width * width // 16 + 2 * 7 * 7 + 2) for width in (64, 128, 256, 512))  # 2 blocks each
    assert counting.parameters(build("attention_resnet", 1000, 3, 224)) == without + layers


@pytest.mark.parametrize(("depth", "millions"), [(18, 11.17), (50, 23.5)])
def test_medmnists_resnets_have_the_published_size_first_layers_and_first_weights(depth, millions):
    network = build("resnet_28", 8, 1, 28, depth=depth)
    assert counting.parameters(network) / 1e6 == pytest.approx(millions, rel=2e-3)
    assert grid(network, "layer1", 28) == (28, 28)
    assert grid(network, "layer4", 28) == (4, 4)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
        if isinstance(module, nn.Conv2d):  # uniform within ±1 / √(inputs of one output), as PyTorch draws them
            bound = module.weight[0].numel() ** -0.5
            assert 0.9 * bound < module.weight.abs().max() <= bound


@pytest.mark.parametrize(("name", "last"), [("mobilenet", "conv_head"), ("shufflenet", "conv5")])
def test_mobile_networks_halve_once_less_below_112_px(name, last):
    sides = {size: grid(build(name, 2, 1, size), last, size)[0] for size in (28, 32, 64, 111, 112, 224)}
    assert sides == {28: 2, 32: 2, 64: 4, 111: 7, 112: 4, 224: 7}


@pytest.mark.parametrize(
    ("size", "patches"),
    [(28, 36), (30, 36), (32, 36), (64, 36), (95, 36), (100, 49), (127, 64), (128, 64), (224, 196)],
)
def test_vit_has_enough_patches_at_any_size(size, patches):
    network = vit(img_size=size)
    assert network.pos_embed.shape[1] == patches + 1  # and the class token
    assert network(images(1, size)).shape == (2, 2)


def test_vit_is_timms_at_224_px():
    network, published = build("vit", 5, 3, 224).eval(), timm.create_model("vit_tiny_patch16_224", num_classes=5).eval()
    published.load_state_dict(network.state_dict())
    with torch.inference_mode():
        logits = network(images(3, 224))
        assert logits.numpy() == pytest.approx(published(images(3, 224)).numpy(), abs=1e-5)


@pytest.mark.parametrize("size", [28, 30, 100])
@pytest.mark.parametrize("name", NETWORKS)
def test_two_images_of_any_size_are_a_batch_to_train_on(name, size):
    network = build(name, 11, 3, size).train()
    logits = network(images(3, size))
    nn.functional.cross_entropy(logits, torch.tensor([0, 10])).backward()
    assert logits.shape == (2, 11)
    assert logits.isfinite().all()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_timm_builds_it_under_its_name(name):
    own = build(name, 3, 1, 32)
    torch.manual_seed(0)
    created = timm.create_model(name, num_classes=3, in_chans=1, img_size=32)
    assert type(created) is type(own)
    assert all(torch.equal(created.state_dict()[key], value) for key, value in own.state_dict().items())


@pytest.mark.parametrize("name", ["cnn_attention", "light_cnn", "shufflenet"])
def test_its_last_feature_map_has_rows_and_columns(name):
    network = build(name, 2, 1, 64)
    assert min(grid(network, network.last_feature_map, 64)) > 1


@pytest.mark.parametrize("name", ["mobilenet", "vit"])
def test_pretrained_weights_are_asked_of_timm(name, monkeypatch):
    asked = []
    real = timm.create_model

    def create_model(model, pretrained=False, **options):
        asked.append(pretrained)
        return real(model, **options)

    monkeypatch.setattr(timm, "create_model", create_model)
    factory = getattr(import_module(f"baselines.{name}"), name)
    factory(pretrained=True)
    factory()
    assert asked == [True, False]


@pytest.mark.parametrize(("picture", "classes"), [("coffee", {967}), ("chelsea", {281, 282, 285})])  # espresso, cats
def test_transfer_knows_the_classes_of_imagenet(picture, classes):
    network = transfer(num_classes=1000, in_chans=3, img_size=224, pretrained=True).eval()
    published = {key.removeprefix("classifier."): value for key, value in imagenet().items() if "classifier" in key}
    network.classifier.load_state_dict(published)
    pixels = resize(getattr(skimage.data, picture)()[:, 75:375], (224, 224))  # 0 to 1
    with torch.inference_mode():
        logits = network(torch.from_numpy(2 * pixels - 1).permute(2, 0, 1)[None].float())
    assert int(logits.argmax()) in classes


def test_transfer_sees_a_grey_image_as_one_whose_channels_are_the_same():
    grey, colour = (transfer(in_chans=count, pretrained=True).eval() for count in (1, 3))
    with torch.inference_mode():
        seen = grey.forward_features(images(1, 64)).numpy()
        assert seen == pytest.approx(colour.forward_features(images(1, 64).expand(-1, 3, -1, -1)).numpy(), abs=1e-4)


def test_attention_weighs_all_positions_as_wang_et_al_do():
    torch.manual_seed(0)
    network = cnn_attention().eval()
    block = next(module for module in network.modules() if hasattr(module, "z"))
    assert block.z.out_channels == 128  # after the third stage
    nn.init.normal_(block.norm.weight)
    x = torch.randn(2, 128, 4, 5)
    theta, phi, g = (layer(x).flatten(2) for layer in (block.t, block.p, block.g))
    weights = torch.softmax(torch.einsum("nci,ncj->nij", theta, phi) * 128**-0.5, 2)
    y = torch.einsum("nij,ncj->nci", weights, g).unflatten(2, (4, 5))
    with torch.inference_mode():
        assert block(x).numpy() == pytest.approx((x + block.norm(block.z(y))).detach().numpy(), abs=1e-5)


def test_attention_starts_as_nothing_and_is_counted():
    torch.manual_seed(0)
    network = cnn_attention().eval()
    plain = nn.Sequential(*(module for module in network.features if not hasattr(module, "z")))
    with torch.inference_mode():
        assert torch.allclose(network.features(images(1, 64)), plain(images(1, 64)), atol=1e-6)
    side, width = 8, 128
    linear, products = 4 * side**2 * width * width // 2, 2 * side**4 * width // 2
    assert (
        counting.macs(network.features, images(1, 64, 1)) == counting.macs(plain, images(1, 64, 1)) + linear + products
    )


def test_light_cnn_is_light():
    network = build("light_cnn", 3, 1, 32)
    assert counting.parameters(network) < 100_000
    assert counting.macs(network, images(1, 32, 1)) == pytest.approx(8.1e6, rel=0.02)


@pytest.mark.parametrize("name", ["resnet18", "resnet18.a1_in1k", "vit_tiny_patch16_224"])  # a ViT must know the size
def test_any_model_of_timm_takes_any_size(name):
    network = timm_model(name, num_classes=3, in_chans=1, img_size=48)
    assert network(images(1, 48)).shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet_50", "did you mean 'resnet50'?"),
        ("resnet50.a1_in2k", "did you mean 'resnet50.a1_in1k'?"),
        ("zzzz", "timm.list_models() gives all names"),
    ],
)
def test_a_model_that_timm_does_not_know_is_refused_in_one_line(name, hint):
    with pytest.raises(BadInput) as error:
        timm_model(name)
    assert str(error.value) == f"params.yaml: no model {name!r} in timm; {hint}"


def test_one_neighbour_finds_an_exact_copy_whatever_its_label():
    random = np.random.RandomState(0)
    pixels, labels = random.normal(size=(60, 100)).astype(np.float32), random.randint(3, size=60)
    probabilities = one_nn(seed=0).fit(pixels, labels).predict_proba(pixels)
    assert np.array_equal(probabilities, np.eye(3)[labels])


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("factory", [naive_bayes, one_nn, xgboost])
def test_an_estimator_learns_and_gives_the_same_probabilities_again(factory, classes):
    random = np.random.RandomState(0)
    labels = np.arange(80) % classes
    features = random.normal(size=(80, 12)) + 3 * np.eye(12)[labels]
    features[:, -1] = 0  # as where all images are black
    once, again = (factory(seed=0).fit(features[:60], labels[:60]).predict_proba(features[60:]) for _ in range(2))
    assert once.shape == (20, classes)
    assert once.sum(1) == pytest.approx(np.ones(20), abs=1e-5)
    assert (once.argmax(1) == labels[60:]).mean() > 0.8
    assert np.array_equal(once, again)


def test_the_seed_draws_the_boosted_trees():
    random = np.random.RandomState(0)
    features, labels = random.normal(size=(80, 12)), np.arange(80) % 2
    one, other = (xgboost(seed=seed, trees=5).fit(features, labels).predict_proba(features) for seed in (0, 1))
    assert not np.array_equal(one, other)
    assert sys.modules["xgboost"] is not sys.modules["baselines.xgboost"]


def test_naive_bayes_gives_probabilities_though_its_features_are_many_and_coarse():
    random = np.random.RandomState(0)
    labels = np.arange(90) % 3
    features = (random.rand(90, 2000) + 0.05 * labels[:, None]).astype(np.float32)
    probabilities = naive_bayes(seed=0).fit(features, labels).predict_proba(features)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-9)
