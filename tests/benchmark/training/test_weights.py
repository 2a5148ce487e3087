"""Where a network's first weights come from."""

import numpy as np
import pytest
import torch
from torch import nn

from benchmark import params, yaml_files
from benchmark.errors import BadInput
from benchmark.params import Duplicates, Model
from benchmark.training import perform, weights
from benchmark.training.runs import inputs

SHAPE = {"num_classes": 3, "in_chans": 1, "img_size": 32}


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body, self.head = nn.Conv2d(1, 4, 3), nn.Linear(4, classes)


def net(num_classes=2, in_chans=1, img_size=32):
    return Net(num_classes)


def hub(num_classes=2, in_chans=1, img_size=32, pretrained=False):
    if pretrained:
        raise OSError("no route to host\nand more")
    return Net(num_classes)


def model(init):
    return Model(name="net", kind="network", init=init)


def test_from_scratch_the_seed_decides():
    torch.manual_seed(3)
    one = weights.build(model("scratch"), net, SHAPE)
    torch.manual_seed(3)
    assert torch.equal(one.body.weight, net(3).body.weight)


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_a_file_gives_all_weights_but_a_classifier_for_other_classes(tmp_path, ending):
    donor, path = Net(5), tmp_path / f"donor.{ending}"
    if ending == "pt":
        torch.save(donor.state_dict(), path)
    else:
        from safetensors.torch import save_file

        save_file(donor.state_dict(), path)
    built = weights.build(model(f"file:{path}"), net, SHAPE)
    assert torch.equal(built.body.weight, donor.body.weight)
    assert built.head.weight.shape == (3, 4)
    same = weights.build(model(f"file:{path}"), net, SHAPE | {"num_classes": 5})
    assert torch.equal(same.head.weight, donor.head.weight)


def test_files_of_weights_have_digests_of_their_own(tmp_path):
    torch.save(Net(2).state_dict(), tmp_path / "one.pt")
    torch.save(Net(2).state_dict(), tmp_path / "other.pt")
    one, other = (weights.file_digest_of(model(f"file:{tmp_path / name}.pt")) for name in ("one", "other"))
    assert one != other


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"body.weight": torch.zeros(4, 1, 3, 3)}, "body.bias is missing there"),
        (Net(2).state_dict() | {"body.bias": torch.zeros(7)}, r"body.bias has shape \(7,\) there; the network's has"),
        ("nonsense", "must contain the weights of this network"),
    ],
)
def test_weights_of_another_network_are_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "donor.pt"
    torch.save(content, path)
    with pytest.raises(BadInput, match=rf"params.yaml: models.net.init: {path}: .*{message}|{message}") as error:
        weights.build(model(f"file:{path}"), net, SHAPE)
    assert "\n" not in str(error.value)


def test_a_missing_file_of_weights_is_named():
    with pytest.raises(BadInput, match=r"models.net.init: nowhere.pt: no such file; it must be one of the network's"):
        weights.file_digest_of(model("file:nowhere.pt"))


def test_a_network_without_imagenet_weights_says_so_before_anything_runs():
    with pytest.raises(BadInput, match=r"models.net.init: no ImageNet weights for it; it must be scratch, "):
        weights.check(model("imagenet"), net)


def test_a_hub_out_of_reach_is_one_line():
    with pytest.raises(BadInput, match=r"models.net.init: timm's hub gave no ImageNet weights \(no route to host\)"):
        weights.build(model("imagenet"), hub, SHAPE)


def test_images_that_lie_in_both_sources_are_refused(make_images):
    random = np.random.RandomState(0)
    first, second = (random.randint(0, 256, (4, 32, 32, 1)).astype(np.uint8) for _ in range(2))
    threshold = Duplicates(hash_distance=10, pixel_correlation=0.95)
    weights.refuse_shared(make_images(first), make_images(second), threshold, "here")
    second[2] = np.clip(first[1].astype(int) + 3, 0, 255)
    with pytest.raises(BadInput, match="here: 1 pairs of near-duplicates lie in both sources, such as image/1 and im"):
        weights.refuse_shared(make_images(first), make_images(second), threshold, "here")


@pytest.fixture
def two_tasks(small, edit, describe):
    """The small phantom, and a second task with a phantom of another seed, whose CNN starts from the first."""
    phantom = yaml_files.read(params.FILE)["tasks"]["phantom"]
    edit("tasks.ghost", phantom | {"source": phantom["source"] | {"name": "ghost", "seed": 7}})
    edit("models.cnn.tasks", ["ghost"])
    edit("models.cnn.init", "task:phantom")
    describe("ghost")


def test_first_weights_are_trained_inside_the_run(two_tasks, edit, run_of, tmp_path, monkeypatch):
    monkeypatch.setattr(perform, "CORRUPTIONS", {})
    run, heard = run_of("cnn", task="ghost"), []
    perform.perform(run, tmp_path / "one", tmp_path / "shared", lambda *epochs: heard.append(epochs))
    assert heard == [(0, 2), (1, 2), (1, 2), (2, 2)]
    assert not list((tmp_path / "one").glob("*.pt"))
    assert "pretraining" in inputs(run)
    edit("models.cnn.init", "scratch")
    plain = run_of("cnn", task="ghost")
    assert "pretraining" not in inputs(plain)
    perform.perform(plain, tmp_path / "other", tmp_path / "shared", lambda *_: None)
    predictions = [(tmp_path / name / "predictions.csv").read_bytes() for name in ("one", "other")]
    assert predictions[0] != predictions[1]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("tasks.phantom.recipe.epochs", 2, {"pretraining"}),
        ("tasks.phantom.input_size", 64, {"pretraining"}),
        ("tasks.ghost.recipe.epochs", 2, {"params"}),
        ("tasks.phantom.runs", 2, set()),
    ],
)
def test_what_first_weights_are_trained_on_is_an_input_of_the_run(two_tasks, edit, run_of, key, value, expected):
    before = inputs(run_of("cnn", task="ghost"))
    edit(key, value)
    after = inputs(run_of("cnn", task="ghost"))
    assert {name for name in before if before[name] != after[name]} == expected


def test_weights_from_the_same_source_are_refused(small, edit, run_of):
    edit("models.cnn.tasks", [])
    edit("models.cnn.init", "task:phantom")
    with pytest.raises(BadInput, match=r"models\.cnn has init: task:phantom, a task with the images of 'phantom'"):
        run_of("cnn")
