"""MedMNIST: every set of images with one label each, at each size that the package has a file of."""

import hashlib

import medmnist as package
import numpy as np
import pytest

from benchmark import params
from benchmark.data import medmnist
from benchmark.errors import BadInput

IMAGES = [flag for flag in package.INFO if not flag.endswith("3d")]
SINGLE = [flag for flag in IMAGES if flag != "chestmnist"]


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Return a function that puts a small file behind the address of a set, and returns its source."""
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path / "data"))

    def make(flag, size=28, side=None, channels=None):
        known = package.INFO[flag]
        side, channels, classes = side or size, channels or known["n_channels"], len(known["label"])
        arrays = {}
        for part in ("train", "val", "test"):
            shape = (classes, side, side) + (3,) * (channels == 3)
            arrays |= {f"{part}_images": np.full(shape, size, np.uint8), f"{part}_labels": np.arange(classes)[:, None]}
        np.savez(tmp_path / f"{flag}.npz", **arrays)
        checksum = hashlib.md5((tmp_path / f"{flag}.npz").read_bytes()).hexdigest()
        key = "" if size == 28 else f"_{size}"
        changes = {f"url{key}": (tmp_path / f"{flag}.npz").as_uri(), f"MD5{key}": checksum}
        monkeypatch.setitem(package.INFO, flag, known | changes)
        return params.MedMNIST(kind="medmnist", name="set", title="", licence="", flag=flag, size=size)

    return make


def error_of(source, size=28):
    with pytest.raises(BadInput) as caught:
        medmnist.load(source, size)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("flag", SINGLE)
def test_every_set_with_one_label_an_image_is_read(source, flag):
    images = medmnist.load(source(flag), 28)
    assert images.classes == [*package.INFO[flag]["label"].values()]
    assert images.labels.tolist() == [*range(len(images.classes))] * 3
    assert images.pixels.shape[1:] == (28, 28, package.INFO[flag]["n_channels"])


@pytest.mark.parametrize("size", [28, 64, 128, 224])
def test_the_file_of_a_size_is_the_one_that_is_downloaded_and_kept(source, size, tmp_path):
    images = medmnist.load(source("breastmnist", size), size)
    assert (images.pixels == size).all()
    assert images.pixels.shape[1:] == (size, size, 1)
    name = "breastmnist.npz" if size == 28 else f"breastmnist_{size}.npz"
    assert [path.name for path in (tmp_path / "data/medmnist").iterdir()] == [name]


def test_a_file_of_smaller_images_than_it_should_have_is_refused(source):
    assert "native_size is 64, and its images have 28 px" in error_of(source("breastmnist", 64, side=28), 64)


@pytest.mark.parametrize(("flag", "said"), [("chestmnist", "is multi-label"), ("organmnist3d", "volumes")])
def test_a_set_of_another_kind_is_refused_by_name(flag, said):
    source = params.MedMNIST(kind="medmnist", name="set", title="", licence="", flag=flag)
    assert f"params.yaml: flag of source set: {flag} " in error_of(source)
    assert said in error_of(source)


def test_a_size_in_the_flag_is_told_where_it_belongs():
    source = params.MedMNIST(kind="medmnist", name="set", title="", licence="", flag="breastmnist_224")
    assert "no 'breastmnist_224' in medmnist; `flag: breastmnist` with `size: 224`" in error_of(source)
