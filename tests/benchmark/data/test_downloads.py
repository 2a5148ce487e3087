"""Downloads: checked, whole or not at all, going on where they broke off; archives unpacked safely."""

import hashlib
import io
import os
import shutil
import stat
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmark import params
from benchmark.data import archives, files, folder, npz, table
from tests.conftest import error_of

NAMES = [
    f"{part}/{name}/{index}.png" for part in ("Training", "Testing") for name in ("ill", "well") for index in (0, 1)
]


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A folder of files behind a server of this machine that breaks off after ``breaks`` bytes of an answer."""
    place = SimpleNamespace(folder=tmp_path / "web", breaks=[], asked=[], ranges=True)
    place.folder.mkdir()
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path / "data"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = (place.folder / self.path[1:]).read_bytes()
            asked = self.headers.get("Range")
            place.asked.append(asked)
            start = int(asked[6:-1]) if asked and place.ranges else 0
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = start + place.breaks.pop(0) if place.breaks else None
            self.wfile.write(content[start:end])
            return None

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    place.url = f"http://127.0.0.1:{server.server_port}/"
    yield place
    server.shutdown()
    server.server_close()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def kept():
    return sorted(path.relative_to(files.data_folder()).as_posix() for path in files.data_folder().rglob("*"))


def download(web, content, name="set.npz"):
    (web.folder / name).write_bytes(content)
    return files.download(web.url + name, name, "sha256", sha256(content))


@pytest.mark.parametrize("breaks", [[], [1000], [1000, 1, 70_000]])
def test_a_download_goes_on_where_it_broke_off(web, breaks):
    content, web.breaks = os.urandom(100_000), list(breaks)
    assert download(web, content).read_bytes() == content
    starts = [None, *(f"bytes={sum(breaks[: n + 1])}-" for n in range(len(breaks)))]
    assert web.asked == starts
    assert kept() == ["set.npz"]


def test_the_next_command_goes_on_where_the_last_one_broke_off(web):
    content, web.breaks = os.urandom(100_000), [40_000, 0]
    assert "the connection ended after 40000 of 100000 bytes" in error_of(download, web, content)
    assert [name for name in kept() if not name.startswith(".")] == []
    assert download(web, content).read_bytes() == content
    assert web.asked[-1] == "bytes=40000-"
    assert kept() == ["set.npz"]


def test_a_server_that_cannot_go_on_is_asked_for_the_whole(web):
    content, web.breaks, web.ranges = os.urandom(100_000), [40_000], False
    assert download(web, content).read_bytes() == content


def test_a_file_that_was_whole_but_not_in_place_is_not_downloaded_again(web):
    content = os.urandom(1000)
    files.data_folder().mkdir()
    (files.data_folder() / f".set.npz.{sha256(content)[:16]}.part").write_bytes(content)
    assert download(web, content).read_bytes() == content


def test_another_file_is_refused_and_not_kept(web):
    (web.folder / "set.npz").write_bytes(b"other")
    message = error_of(files.download, web.url + "set.npz", "set.npz", "sha256", "0" * 64)
    assert f"as downloaded from {web.url}set.npz: sha256 is" in message
    assert kept() == []


def test_a_stopped_download_leaves_no_file_that_looks_whole(web, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "check", stop)
    with pytest.raises(KeyboardInterrupt):
        download(web, b"content")
    assert [name for name in kept() if not name.startswith(".")] == []


def test_a_missing_file_on_the_server_is_one_line(web):
    assert "could not be downloaded" in error_of(files.download, web.url + "no", "set.npz", "sha256", "0" * 64)
    assert kept() == []


def test_an_npz_file_is_downloaded_by_its_address(web):
    arrays = {}
    for part in ("train", "val", "test"):
        arrays |= {f"{part}_images": np.zeros((2, 28, 28), np.uint8), f"{part}_labels": np.array([0, 1])}
    np.savez(web.folder / "set.npz", **arrays)
    checksum = sha256((web.folder / "set.npz").read_bytes())
    keys = {"name": "set", "title": "", "licence": "", "path": "mine/set.npz", "classes": ["a", "b"]}
    source = params.Npz(kind="npz", **keys, sha256=checksum, url=f"{web.url}set.npz")
    assert len(npz.load(source, 28)) == 6
    (web.folder / "set.npz").unlink()
    assert len(npz.load(source, 28)) == 6


def picture(level):
    content = io.BytesIO()
    Image.new("L", (32, 32), level).save(content, "PNG")
    return content.getvalue()


def archive(kind, names=NAMES, around=""):
    """Return an archive of pictures whose level is their number."""
    content = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(content, "w") as opened:
            for level, name in enumerate(names):
                opened.writestr(around + name, picture(level))
    else:
        with tarfile.open(fileobj=content, mode=f"w:{kind.removeprefix('tar').removeprefix('.')}") as opened:
            for level, name in enumerate(names):
                entry = tarfile.TarInfo(around + name)
                entry.size = len(picture(level))
                opened.addfile(entry, io.BytesIO(picture(level)))
    return content.getvalue()


def source_of(web, content, scheme="http", **changes):
    (web.folder / "set").write_bytes(content)
    url = f"{web.url}set" if scheme == "http" else (web.folder / "set").as_uri()
    keys = {"name": "set", "title": "", "licence": "", "path": "mine/set", "obtain": "ask the authors"}
    keys |= {"train": "Training", "test": "Testing", "url": url, "sha256": sha256(content)}
    return params.Folder(kind="folder", **keys | changes)


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_folder_is_downloaded_as_an_archive(web, kind, scheme):
    source = source_of(web, archive(kind), scheme)
    assert folder.load(source, 32).pixels[:, 0, 0, 0].tolist() == [*range(8)]
    assert kept()[:3] == [".downloads", "mine", "mine/set"]
    assert not [name for name in kept() if "part" in name]
    (web.folder / "set").unlink()
    assert len(folder.load(source, 32)) == 8


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_inside_an_archive_is_a_file_of_it(tmp_path, kind):
    inside = archive("zip" if kind == "tar" else "tar")
    if kind == "tar":
        with tarfile.open(tmp_path / "set", "w") as opened:
            entry = tarfile.TarInfo("inside")
            entry.size = len(inside)
            opened.addfile(entry, io.BytesIO(inside))
    else:
        with zipfile.ZipFile(tmp_path / "set", "w") as opened:
            opened.writestr("inside", inside)
    archives.unpack(tmp_path / "set", make(tmp_path / "to"), "set")
    assert {path.name: path.read_bytes() for path in (tmp_path / "to").iterdir()} == {"inside": inside}


def test_a_folder_around_everything_is_left_out(web):
    assert folder.load(source_of(web, archive("zip", around="the set/v2/")), 32).ids[0] == "Training/ill/0.png"


def test_a_table_is_downloaded_with_its_images(web):
    content = io.BytesIO(archive("zip", ["a.png", "b.png"]))
    with zipfile.ZipFile(content, "a") as opened:
        opened.writestr("labels.csv", "path,label\na.png,ill\nb.png,well\n")
    keys = {"name": "set", "title": "", "licence": "", "path": "set", "obtain": "", "table": "labels.csv"}
    (web.folder / "set.zip").write_bytes(content.getvalue())
    keys |= {"url": f"{web.url}set.zip", "sha256": sha256(content.getvalue())}
    source = params.Table(kind="table", columns={"path": "path", "label": "label"}, **keys)
    assert table.load(source, 32).ids == ["a.png", "b.png"]


def test_a_folder_at_hand_is_not_downloaded(web, monkeypatch, tmp_path):
    source = source_of(web, archive("zip"))
    archives.unpack(web.folder / "set", make(tmp_path / "mirror/mine/set"), "set")
    monkeypatch.setenv("RETABLE_MIRROR", str(tmp_path / "mirror"))
    assert len(folder.load(source, 32)) == 8
    assert web.asked == []


def test_an_archive_that_cannot_be_unpacked_leaves_no_folder(web):
    whole = archive("zip")
    for content in (b"no archive", whole[:-30], whole.replace(b"IHDR", b"IXXX", 1)):
        message = error_of(folder.load, source_of(web, content), 32)
        assert "cannot be unpacked" in message
        assert [name for name in kept() if name.startswith("mine/")] == []


def make(place):
    place.mkdir(parents=True)
    return place


def zip_of(path, name, content=b"x", mode=0, size=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        entry = zipfile.ZipInfo(name)
        entry.external_attr, entry.compress_type = mode << 16, zipfile.ZIP_DEFLATED
        opened.writestr(entry, content)


def tar_of(path, name, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w") as opened:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/passwd"
        opened.addfile(entry)


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out", "..\\out", "C:\\out", "C:/out"])
@pytest.mark.parametrize("kind", [zip_of, tar_of])
def test_no_file_leaves_the_folder(tmp_path, name, kind):
    kind(tmp_path / "set", name)
    assert "leads out of the folder" in error_of(archives.unpack, tmp_path / "set", make(tmp_path / "a/b"), "set")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "set"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    tar_of(tmp_path / "set", "a", kind)
    assert "is a link or a device" in error_of(archives.unpack, tmp_path / "set", make(tmp_path / "to"), "set")
    zip_of(tmp_path / "set", "a", b"/etc/passwd", stat.S_IFLNK)
    assert "is a link or a device" in error_of(archives.unpack, tmp_path / "set", tmp_path / "to", "set")


def test_a_bomb_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_FINE", 1 << 20)
    zip_of(tmp_path / "set", "a", bytes(10 << 20))
    assert "more than an archive of its size can have" in error_of(
        archives.unpack, tmp_path / "set", make(tmp_path / "to"), "set"
    )
    assert list((tmp_path / "to").iterdir()) == []


def test_an_archive_of_too_many_files_is_refused(tmp_path, monkeypatch):
    (tmp_path / "set").write_bytes(archive("zip"))
    monkeypatch.setattr(archives, "MOST_FILES", len(NAMES))
    archives.unpack(tmp_path / "set", make(tmp_path / "whole"), "set")
    monkeypatch.setattr(archives, "MOST_FILES", len(NAMES) - 1)
    assert "8 files of 0.0 GB, more than an archive" in error_of(
        archives.unpack, tmp_path / "set", make(tmp_path / "to"), "set"
    )


def test_an_archive_that_needs_more_room_than_there_is_is_refused(tmp_path, monkeypatch):
    zip_of(tmp_path / "set", "a", b"12345")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4))
    assert "are free" in error_of(archives.unpack, tmp_path / "set", make(tmp_path / "to"), "set")


def test_two_files_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "set", "w") as opened, pytest.warns(UserWarning, match="Duplicate"):
        opened.writestr("a", "1")
        opened.writestr("a", "2")
    assert "set: cannot be unpacked" in error_of(archives.unpack, tmp_path / "set", make(tmp_path / "to"), "set")


def test_a_file_where_a_folder_must_be_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "set", "w") as opened:
        opened.writestr("a/b", "1")
        opened.writestr("a", "2")
    assert "two of its files have one name" in error_of(archives.unpack, tmp_path / "set", make(tmp_path / "to"), "set")


@pytest.fixture
def from_kaggle(web):
    keys = {"name": "set", "title": "", "licence": "", "path": "mine/set", "obtain": "ask the authors"}
    return params.Folder(kind="folder", **keys, train="Training", test="Testing", kaggle="someone/some-set")


def test_a_set_of_kaggle_is_downloaded_by_kagglehub(from_kaggle, monkeypatch, tmp_path):
    def dataset_download(handle, output_dir):
        assert handle == "someone/some-set"
        (tmp_path / "set").write_bytes(archive("zip", around="Data/"))
        archives.unpack(tmp_path / "set", tmp_path.__class__(output_dir), "set")

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=dataset_download))
    assert len(folder.load(from_kaggle, 32)) == 8
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    assert len(folder.load(from_kaggle, 32)) == 8


def test_without_kagglehub_or_an_account_one_line_says_what_to_do(from_kaggle, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    message = error_of(folder.load, from_kaggle, 32)
    assert "data/mine/set: missing; put it there by hand, or name a folder that contains it with RETABLE" in message
    assert message.endswith("or have it downloaded: `pip install .[kaggle]`")

    def dataset_download(*_, **__):
        raise RuntimeError("403 Client Error")

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=dataset_download))
    message = error_of(folder.load, from_kaggle, 32)
    assert "could not be downloaded (403 Client Error): it may need an account" in message
    assert kept() == ["mine"]
