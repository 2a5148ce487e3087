"""Every network of params.yaml: what all of them take and give, and how they are built."""

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from timm.models import is_model

from benchmark import params
from benchmark.audit import papers
from benchmark.cost import recount
from benchmark.errors import BadInput
from benchmark.training import weights
from pipelines.listed import cell
from tests.conftest import ROOT

PARAMS = params.load(ROOT / "params.yaml")
SLOW = (
    "resnet50_28",
    "resnet18_28",
    "adaptive_resnet50",
    "adaptive_figure1",
    "vit_small",
    "vit_base",
)  # much to compute
NETWORKS = [
    pytest.param(name, marks=pytest.mark.long if name in SLOW else ())
    for name, model in PARAMS.models.items()
    if model.kind == "network"
]
ROWS = papers.rows(papers.load_all(ROOT / "papers"))
AT_224 = [
    pytest.param(name, marks=pytest.mark.long if name in SLOW or name not in ROWS else ())
    for name, model in PARAMS.models.items()
    if model.kind == "network"
]
SHAPES = [(1, 2, 28), (3, 11, 28), (1, 4, 64), (3, 3, 64)]  # channels, classes, size

every_network = pytest.mark.parametrize("name", NETWORKS)


@pytest.fixture(autouse=True)
def at_the_top(monkeypatch):
    monkeypatch.chdir(ROOT)


def build(name, channels, classes, size, seed=0):
    torch.manual_seed(seed)
    return cell(PARAMS, "phantom", name)[0].factory(
        num_classes=classes, in_chans=channels, img_size=size, **PARAMS.models[name].options
    )


def predict(network, seen):
    """Return class probabilities of images (float32, N × C × H × W)."""
    with torch.inference_mode():
        return network.eval()(torch.from_numpy(seen)).double().softmax(1).numpy()


def images(name, channels, size, count=2):
    """Return images, with the mask of a lesion as one more channel for a network that takes one."""
    found = np.random.RandomState(0).normal(size=(count, channels, size, size)).astype(np.float32)
    if PARAMS.models[name].lesion:
        mask = np.zeros((count, 1, size, size), np.float32)
        mask[:, :, size // 4 : size // 2, size // 3 :] = 1
        found = np.concatenate([found, mask], 1)
    return found


def steps(network, seen, count, rate=1e-3):
    """Take steps of Adam on one batch; return the loss before each."""
    losses, labels = [], torch.arange(len(seen)) % network(torch.from_numpy(seen)).shape[1]
    optimizer = torch.optim.Adam(network.parameters(), rate)
    for _ in range(count):
        loss = F.cross_entropy(network(torch.from_numpy(seen)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@every_network
def test_it_gives_finite_logits_and_every_parameter_learns(name, shape):
    channels, classes, size = shape
    network = build(name, *shape).train()
    logits = network(torch.from_numpy(images(name, channels, size, 4)))
    assert logits.shape == (4, classes)
    assert logits.isfinite().all()
    F.cross_entropy(logits, torch.arange(4) % classes).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key


@pytest.mark.parametrize("name", AT_224)
def test_it_takes_images_of_224_px(name):
    probabilities = predict(build(name, 3, 2, 224), images(name, 3, 224, 1))
    assert probabilities.shape == (1, 2)
    assert np.isfinite(probabilities).all()


@every_network
def test_the_loss_falls_on_a_batch(name):
    losses = steps(build(name, 1, 3, 32).train(), images(name, 1, 32, 6), 15)
    assert np.mean(losses[-3:]) < 0.8 * losses[0]


@every_network
def test_it_starts_without_being_sure_of_a_class(name):
    loss = F.cross_entropy(
        build(name, 1, 3, 64).train()(torch.from_numpy(images(name, 1, 64, 32))), torch.arange(32) % 3
    )
    assert loss < 2 * np.log(3)


@every_network
def test_the_seed_alone_decides_what_training_gives(name):
    outcomes = []
    for seed in (0, 0, 1):
        network = build(name, 1, 2, 28, seed).train()
        steps(network, images(name, 1, 28, 4), 2)
        outcomes.append(predict(network, images(name, 1, 28)).tobytes())
    assert outcomes[0] == outcomes[1]
    assert outcomes[0] != outcomes[2]


@every_network
def test_once_trained_it_sees_the_whole_image(name):
    network = build(name, 1, 2, 32).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn(weight.shape))
    image = torch.from_numpy(images(name, 1, 32, 1)).requires_grad_()
    network(image)[0, 0].backward()
    quarters = image.grad[0, 0].abs().unfold(0, 16, 16).unfold(1, 16, 16).sum((2, 3))
    assert (quarters > 0).all()


@every_network
def test_an_image_is_classified_the_same_alone_and_in_a_batch(name):
    network, several = build(name, 1, 3, 32), images(name, 1, 32, 3)
    alone = np.concatenate([predict(network, several[index : index + 1]) for index in range(3)])
    assert predict(network, several) == pytest.approx(alone, abs=1e-4)


@every_network
def test_timm_creates_the_same_network_under_its_name(name):
    model = PARAMS.models[name]
    known = {"timm_model": model.options.get("name")}.get(model.of, model.of or name)
    options = {} if model.of == "timm_model" else model.options
    built = build(name, 1, 3, 64)
    assert is_model(known)
    created = timm.create_model(known, num_classes=3, in_chans=1, **options)
    assert {key: value.shape for key, value in created.state_dict().items()} == {
        key: value.shape for key, value in built.state_dict().items()
    }


@every_network
def test_weights_of_one_task_fit_the_network_of_another(name):
    donor, network = build(name, 1, 3, 32), build(name, 1, 4, 32, seed=1)
    if PARAMS.models[name].options.get("head") == "rbpnn":  # its hidden units belong to classes
        with pytest.raises(BadInput, match=f"models.{name}.init: weights of the other task do not fit: "):
            weights.hand_over(name, donor, network, 4)
        return
    weights.hand_over(name, donor, network, 4)
    given, own = donor.state_dict(), network.state_dict()
    same = [key for key in own if own[key].shape == given[key].shape]
    assert len(own) - len(same) <= 2
    assert all(torch.equal(own[key], given[key]) for key in same)


@every_network
def test_a_network_has_the_parameters_and_operations_that_were_recorded(name):
    runs = cell(PARAMS, "phantom", name)[:1]
    assert recount.counts_are_the_networks("cpu-32", PARAMS.costs["cpu-32"], runs).failures == []
