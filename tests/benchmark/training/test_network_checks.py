"""A network that does not fit the images of its task is refused by what it does with noise."""

import pytest
import timm
from torch import nn

from baselines.timm_model import timm_model
from benchmark.errors import BadInput
from benchmark.training.network_checks import require_fit


class Small(nn.Module):
    """A network of one convolution, with whatever it ends in."""

    def __init__(self, channels=1, outputs=3, end=None, last_feature_map=None):
        super().__init__()
        self.features = nn.Conv2d(channels, 4, 3, padding=1)
        self.head = nn.Linear(4, outputs)
        self.end = end or nn.Identity()
        if last_feature_map is not None:
            self.last_feature_map = last_feature_map

    def forward(self, images):
        return self.end(self.head(self.features(images).relu().mean((2, 3))))


def refused(network, size=16, channels=1):
    with pytest.raises(BadInput, match=r"^models\.x: ") as error:
        require_fit("models.x", lambda size: network, 3, channels, size)
    return str(error.value)


def test_a_network_that_fits_is_taken():
    require_fit("models.x", lambda size: Small(last_feature_map="features"), 3, 1, 16)


def test_layers_that_start_at_zero_hide_no_pixel():
    network = Small()
    nn.init.zeros_(network.head.weight)
    require_fit("models.x", lambda size: network, 3, 1, 16)


def test_probabilities_are_no_logits():
    assert "puts out probabilities; it must put out logits" in refused(Small(end=nn.Softmax(1)))


@pytest.mark.parametrize("outputs", [1, 4])
def test_another_number_of_outputs_than_classes_is_named(outputs):
    assert f"puts out (4, {outputs}) for 4 images; it must be N × 3, logits" in refused(Small(outputs=outputs))


def test_a_network_for_other_channels_is_an_error_of_its_own():
    with pytest.raises(RuntimeError, match="3 channels"):
        require_fit("models.x", lambda size: Small(channels=3), 3, 1, 16)


@pytest.mark.parametrize(("name", "share"), [("vit_tiny_patch16_224", 67), ("crossvit_tiny_240", 27)])
def test_a_network_whose_patches_leave_pixels_unseen_is_refused_with_the_size_it_needs(name, share):
    with pytest.raises(BadInput, match=f"{share} % of the pixels at 28 px have no influence") as error:
        require_fit("models.x", lambda size: timm_model(name, 3, 1, size), 3, 1, 28)
    needed = int(str(error.value).split("input_size of the task to ")[1].split(",")[0])
    require_fit("models.x", lambda size: timm_model(name, 3, 1, size), 3, 1, needed)


def test_feature_maps_with_channels_last_are_refused_where_grad_cam_would_read_them():
    def swin(size):
        return timm.create_model("swin_tiny_patch4_window7_224", num_classes=3, in_chans=1, img_size=size)

    with pytest.raises(BadInput, match=r"its last feature map is N × H × W × C, \(4, 2, 2, 768\)"):
        require_fit("models.x", swin, 3, 1, 64)
    require_fit("models.x", lambda size: timm_model("swin_tiny_patch4_window7_224", 3, 1, size), 3, 1, 64)


def test_a_network_that_sees_a_corner_alone_at_any_size_is_told():
    class Corner(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(64, 3)

        def forward(self, images):
            return self.head(images[:, 0, :8, :8].flatten(1))

    assert "75 % of the pixels at 16 px" in refused(Corner())
    assert "nor at any size up to 56 px" in refused(Corner())
