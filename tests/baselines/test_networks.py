"""Every network of params.yaml: what all of them take and give, and how they are built."""

import numpy as np
import pytest
import timm
import torch
from timm.models import is_model, model_entrypoint

from benchmark import params, runs, training
from benchmark.runs import Run
from pipelines import module_of
from tests.conftest import ROOT

SETTINGS = params.load(ROOT / "params.yaml")
NETWORKS = [name for name, model in SETTINGS.models.items() if model.kind == "network"]
SHAPES = [(1, 2, 28), (3, 11, 32), (1, 4, 64)]  # channels, classes, size


@pytest.fixture(autouse=True)
def at_the_top(monkeypatch):
    monkeypatch.chdir(ROOT)


def build(name, channels, classes, size, seed=0):
    torch.manual_seed(seed)
    factory = runs.factory(SETTINGS, Run("phantom", name, seed, module_of(SETTINGS, name)))
    return factory(num_classes=classes, in_chans=channels, img_size=size, **SETTINGS.models[name].options)


def images(channels, size, count=2):
    return np.random.RandomState(0).normal(size=(count, channels, size, size)).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_it_gives_finite_logits_and_every_parameter_learns(name, shape):
    channels, classes, size = shape
    network = build(name, *shape).train()
    logits = network(torch.from_numpy(images(channels, size, 4)))
    assert logits.shape == (4, classes)
    assert logits.isfinite().all()
    torch.nn.functional.cross_entropy(logits, torch.arange(4) % classes).backward()
    for parameter in (item for item in network.named_parameters() if item[1].requires_grad):
        assert parameter[1].grad is not None, parameter[0]
        assert parameter[1].grad.isfinite().all(), parameter[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_it_takes_images_of_224_px(name):
    probabilities = training.predict(build(name, 3, 2, 224), images(3, 224, 1))
    assert probabilities.shape == (1, 2)
    assert np.isfinite(probabilities).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_once_trained_it_sees_the_whole_image(name):
    network = build(name, 1, 2, 32).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn(weight.shape))
    image = torch.from_numpy(images(1, 32, 1)).requires_grad_()
    network(image)[0, 0].backward()
    quarters = image.grad[0, 0].abs().unfold(0, 16, 16).unfold(1, 16, 16).sum((2, 3))
    assert (quarters > 0).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_an_image_is_classified_the_same_alone_and_in_a_batch(name):
    network, several = build(name, 1, 3, 32), images(1, 32, 3)
    alone = np.concatenate([training.predict(network, several[index : index + 1]) for index in range(3)])
    assert training.predict(network, several) == pytest.approx(alone, abs=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_seed_alone_decides_the_first_weights(name):
    one, same, other = (training.predict(build(name, 1, 2, 32, seed), images(1, 32)) for seed in (0, 0, 1))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_timm_creates_the_same_network_under_its_name(name):
    built = build(name, 1, 3, 32)
    assert is_model(name)
    created = timm.create_model(name, num_classes=3, in_chans=1)
    assert {key: value.shape for key, value in created.state_dict().items()} == {
        key: value.shape for key, value in built.state_dict().items()
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_no_model_hides_one_of_timms_own(name):
    build(name, 1, 2, 32)
    assert model_entrypoint(name).__module__ == module_of(SETTINGS, name) or name in timm.list_models(module="resnet")
