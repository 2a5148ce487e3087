"""Files that somebody damaged or forged, by the thousand: a reader takes them or refuses them with BadInput."""

import io
import json
import random
import tempfile
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from benchmark import evidence, params
from benchmark.audit import answers, papers
from benchmark.data import archives, npz, pictures, table
from benchmark.errors import BadInput
from benchmark.evidence import provenance
from benchmark.report import result_table
from benchmark.training import runs
from pipelines import dvc_lock
from tests.benchmark.data import variants
from tests.conftest import ROOT
from tests.faults.rows import EVERY, leave_table
from tests.pipelines.test_faults import LOCK

INPUTS = 60_000 if EVERY else 6_000
HOSTILE = [
    *(
        b"\x00",
        b"\xff\xfe",
        b"\n",
        b"\r",
        b'"',
        b"'",
        b",",
        b":",
        b"- ",
        b"{",
        b"}",
        b"[",
        b"]",
        b"&a ",
        b"*a",
        b"<<: ",
    ),
    *(b"!!int ", b"!!float ", b"!!binary ", b"!!timestamp ", b"!!set ", b".inf", b".nan", b"NaN", b"1e999", b"-1"),
    *(b"null", b"true", b"9" * 5000, b"0x" + b"f" * 400, b"[" * 300, b"= x", "é±\u2028".encode(), b"0.4", b"|", b"%"),
]


def mutated(random, content):
    """Return bytes with one to four changes: something cut, doubled, swapped, overwritten or put in."""
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(content) + 1)
        end = min(len(content), start + int(random.expovariate(0.1)))
        piece = content[start:end]
        change = random.choice(
            [
                b"",
                piece * 2,
                bytes(random.randbytes(len(piece))),
                random.choice(HOSTILE),
                random.choice(HOSTILE) + piece,
            ]
        )
        content = content[:start] + change + content[end:]
        if random.random() < 0.05:
            content = content[:start]
    return content


def small_params():
    """The committed parameters with one task and three models, so a reading takes little."""
    raw = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    raw["tasks"] = {"phantom": raw["tasks"]["phantom"]}
    raw["models"] = {name: raw["models"][name] for name in ("emanet", "knn", raw["timing"]["reference"])}
    for model in raw["models"].values():
        model["tasks"] = ["phantom"]
    raw["notes"], raw["costs"] = {}, {}
    text = io.StringIO()
    YAML().dump(json.loads(json.dumps(raw)), text)
    return text.getvalue().encode()


def archive(compression):
    arrays = {f"{part}_groups": np.arange(3) for part in ("train", "val", "test")}
    for part in ("train", "val", "test"):
        arrays |= {f"{part}_images": np.zeros((3, 8, 8), np.uint8), f"{part}_labels": np.array([[0], [1], [0]])}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as zipped:
        for name, array in arrays.items():
            with zipped.open(f"{name}.npy", "w") as entry:
                np.lib.format.write_array(entry, array)
    return file.getvalue()


def picture(kind):
    file = io.BytesIO()
    Image.fromarray(np.arange(144, dtype=np.uint8).reshape(12, 12)).save(file, kind)
    return file.getvalue()


def scans(folder):
    """Return DICOM files of several kinds."""
    windowed = variants.dicom(variants.CT, RescaleSlope=2, RescaleIntercept=-9, WindowCenter=40, WindowWidth=400)
    for write in (variants.dicom(variants.GREY), windowed, variants.dicom(variants.COLOUR, **variants.RGB)):
        write(folder / "scan")
        yield (folder / "scan").read_bytes()


def unpacked(path):
    with tempfile.TemporaryDirectory() as folder:
        archives.unpack(path, Path(folder), "x.zip")


@pytest.fixture
def readers(tmp_path, monkeypatch):
    """Name → a function that reads a file, a file's name, and contents that it takes as they are."""
    shown = result_table.ResultTable("t", [result_table.ResultColumn("a", "A", digits=2)], [{"a": 0.5}], ["n"])
    result_table.write(tmp_path / "t.json", shown)
    run = ROOT / "results/tasks/phantom/runs/knn/run-0"
    predictions = b"".join((run / "predictions.csv").read_bytes().splitlines(keepends=True)[:6])
    settings = params.load(ROOT / "params.yaml")
    facts = b'{"inputs": {"code": "a1"}, "files": {"a": "b"}}'
    samples = b"sample_id,cluster\na,0\nb,1\n"
    split = (ROOT / "results/tasks/phantom/split.csv").read_bytes()
    lock = LOCK.encode()
    robustness = (run / "robustness.csv").read_bytes()
    monkeypatch.setattr(evidence, "TASKS", tmp_path / "split")
    of_split = runs.resolve(settings, "phantom", "knn", 0, ROOT / "baselines/knn.py")
    images = [picture(kind) for kind in ("png", "jpeg", "gif", "bmp", "tiff", "webp")]
    packed = [
        archive(method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    ]
    columns = {"path": "path", "label": "label"}
    keys = {"name": "x", "title": "", "licence": "", "path": "x", "obtain": "", "table": "x.csv", "columns": columns}
    labels = params.Table(kind="table", **keys)
    paper = (ROOT / "papers/medmnist_v2.yaml").read_bytes()
    return {
        "params": (params.load, "params.yaml", [small_params()]),
        "paper": (papers.load, "medmnist_v2.yaml", [paper]),
        "json": (lambda path: evidence.read_json(path)["a"], "x.json", [b'{"a": {"b": "a1"}}']),
        "provenance": (lambda path: provenance.read(path.parent)["inputs"].get("code"), "provenance.json", [facts]),
        "table": (result_table.read, "t.json", [(tmp_path / "t.json").read_bytes()]),
        "predictions": (evidence.read_predictions, "p.csv", [predictions]),
        "csv": (lambda path: evidence.read_table(path, "a", b=str), "x.csv", [b"a,b\n1,x\n2,y\n"]),
        "split": (lambda _: runs.read_split(of_split), "phantom/split.csv", [split]),
        "robustness": (lambda path: answers._read_robustness(path, np.zeros(90)), "robustness.csv", [robustness]),
        "samples": (lambda path: answers._read_clusters(path, {0: ["a"]}), "samples.csv", [samples]),
        "lock": (lambda path: dvc_lock.check(settings, path), "dvc.lock", [lock]),
        "npz": (lambda path: npz.read(path, ["a", "b"], 8), "x.npz", packed),
        "image": (lambda path: pictures.read(path, variants.source(), 8), "x.png", images),
        "dicom": (lambda path: pictures.read(path, variants.source(channels=3), 8), "x.dcm", [*scans(tmp_path)]),
        "image table": (
            lambda path: table._cells(path, labels),
            "x.csv",
            [b"path,label\na,b\n", b'path;label\n"a";b\n'],
        ),
        "archive": (unpacked, "x.zip", packed),
    }


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.long
def test_nothing_but_bad_input_comes_out_of_a_reader(readers, tmp_path):
    drawn, names, undocumented = random.Random(20), [*readers], []
    given, refused, failed = Counter(), Counter(), Counter()
    for name, (read, file, contents) in readers.items():
        for content in contents:  # what is damaged is good before
            read(written(tmp_path / name / file, content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(INPUTS):
            name = names[number % len(names)]
            read, file, contents = readers[name]
            path = written(tmp_path / name / file, mutated(drawn, drawn.choice(contents)))
            given[name] += 1
            try:
                read(path)
            except BadInput:
                refused[name] += 1
            except Exception as error:
                failed[name] += 1
                undocumented.append(f"{name}: {type(error).__name__}: {error}"[:200])
    rows = [[name, given[name], refused[name], failed[name]] for name in names]
    rows.append(["all", given.total(), refused.total(), failed.total()])
    leave_table("fuzzing", ["reader", "inputs", "refused in one line", "other exceptions"], rows)
    assert given.total() == INPUTS
    assert not undocumented, (len(undocumented), sorted(set(undocumented))[:20])
    assert all(refused[name] for name in names)
