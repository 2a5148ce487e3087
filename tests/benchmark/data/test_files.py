"""Files are looked for in the data folder, then in the mirror, then downloaded; only whole and right ones are used."""

import hashlib
from types import SimpleNamespace

import medmnist as package
import numpy as np
import pytest

from benchmark import params
from benchmark.data import files, medmnist
from tests.conftest import error_of


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The data folder, the mirror folder and the place to download from, all empty."""
    found = SimpleNamespace(data=tmp_path / "data", mirror=tmp_path / "mirror", web=tmp_path / "web")
    for folder in vars(found).values():
        folder.mkdir()
    monkeypatch.setenv("RETABLE_DATA", str(found.data))
    monkeypatch.setenv("RETABLE_MIRROR", str(found.mirror))
    return found


@pytest.fixture
def breastmnist(places, monkeypatch):
    """BreastMNIST as the package knows it, with a small file of grey level 10 behind its address."""
    source = params.MedMNIST(kind="medmnist", name="breastmnist", title="", licence="", flag="breastmnist")
    write_npz(places.web / "breastmnist.npz", 10)
    changes = {"url": (places.web / "breastmnist.npz").as_uri(), "MD5": md5(places.web / "breastmnist.npz")}
    monkeypatch.setitem(package.INFO, "breastmnist", package.INFO["breastmnist"] | changes)
    return source


def write_npz(path, level):
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = np.full((4, 28, 28), level, np.uint8)
        arrays[f"{part}_labels"] = np.array([[0], [1], [0], [1]])
    np.savez(path, **arrays)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def kept(folder):
    return [path for path in folder.rglob("*") if path.is_file() or path.name.startswith(".")]


def test_the_data_folder_comes_before_the_mirror(places):
    for folder in (places.data, places.mirror):
        (folder / "set.npz").write_bytes(b"x")
    assert files.find("set.npz") == places.data / "set.npz"


def test_the_mirror_is_laid_out_like_the_data_folder_or_holds_the_file_itself(places):
    (places.mirror / "set.npz").write_bytes(b"x")
    assert files.find("kind/set.npz") == places.mirror / "set.npz"
    (places.mirror / "kind").mkdir()
    (places.mirror / "kind/set.npz").write_bytes(b"x")
    assert files.find("kind/set.npz") == places.mirror / "kind/set.npz"


def test_without_a_mirror_only_the_data_folder_is_searched(places, monkeypatch):
    (places.mirror / "set.npz").write_bytes(b"x")
    monkeypatch.delenv("RETABLE_MIRROR")
    assert files.find("set.npz") is None


def test_a_mirror_that_is_no_folder_is_refused(places, monkeypatch):
    monkeypatch.setenv("RETABLE_MIRROR", str(places.mirror / "nowhere"))
    assert "RETABLE_MIRROR" in error_of(files.find, "set.npz")


def test_a_missing_file_says_where_to_put_it_and_how_to_obtain_it(places):
    message = error_of(files.require, "kind/set.npz", "ask the authors")
    assert str(places.data / "kind/set.npz") in message
    assert "ask the authors" in message


def test_a_missing_dataset_is_downloaded_once_and_kept(places, breastmnist):
    assert (medmnist.load(breastmnist, 28).pixels == 10).all()
    (places.web / "breastmnist.npz").unlink()
    assert (medmnist.load(breastmnist, 28).pixels == 10).all()
    assert kept(places.data) == [places.data / "medmnist/breastmnist.npz"]


def test_a_mirrored_dataset_is_used_in_place_without_a_download(places, breastmnist):
    (places.web / "breastmnist.npz").rename(places.mirror / "breastmnist.npz")
    assert (medmnist.load(breastmnist, 28).pixels == 10).all()
    assert kept(places.data) == []


@pytest.mark.parametrize("place", ["data", "mirror"])
def test_a_dataset_with_another_checksum_is_refused_wherever_it_lies(places, breastmnist, place):
    path = getattr(places, place) / "medmnist/breastmnist.npz"
    write_npz(path, 20)
    before = path.read_bytes()
    message = error_of(medmnist.load, breastmnist, 28)
    assert str(path) in message
    assert md5(path) in message
    assert path.read_bytes() == before


def test_a_download_with_another_checksum_is_refused_and_not_kept(places, breastmnist):
    write_npz(places.web / "breastmnist.npz", 20)
    assert "md5" in error_of(medmnist.load, breastmnist, 28)
    assert kept(places.data) == []


def test_no_network_is_said_in_one_line_that_names_file_address_and_mirror(places):
    message = error_of(files.download, "https://example.org/set.npz", "kind/set.npz", "md5", "0" * 32)
    assert kept(places.data) == []
    assert str(places.data / "kind/set.npz") in message
    assert "https://example.org/set.npz" in message
    assert "no network in tests" in message
    assert "RETABLE_MIRROR" in message


@pytest.mark.parametrize(("flag", "said"), [("brestmnist", "did you mean 'breastmnist'?"), ("chestmnist", "one class")])
def test_a_flag_that_names_no_fitting_dataset_is_refused(flag, said):
    source = params.MedMNIST(kind="medmnist", name="other", title="", licence="", flag=flag)
    message = error_of(medmnist.load, source, 28)
    assert message.startswith("params.yaml: flag of source other:")
    assert said in message


def test_a_data_folder_that_is_a_file_is_said_in_one_line(places, monkeypatch):
    (places.data / "file").write_bytes(b"")
    monkeypatch.setenv("RETABLE_DATA", str(places.data / "file"))
    error_of(files.download, (places.data / "file").as_uri(), "kind/set.npz", "md5", "0" * 32)


def test_a_download_with_another_checksum_names_the_file_it_was_for(places, breastmnist):
    write_npz(places.web / "breastmnist.npz", 20)
    assert str(places.data / "medmnist/breastmnist.npz") in error_of(medmnist.load, breastmnist, 28)
