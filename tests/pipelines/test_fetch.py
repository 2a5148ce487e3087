"""Sources as people have them go through fetch and split: without parts, as a table, with files beside the images."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter


@pytest.fixture
def scans(workplace, edit, monkeypatch):
    """Unrelated images of two classes, right below one folder, with a table of them and files beside them."""
    monkeypatch.setenv("RETABLE_DATA", str(workplace))
    edit("tasks.brain-mri.native_size", 32)
    random, rows = np.random.RandomState(0), []
    for name in ("ill", "well"):
        (workplace / "scans" / name).mkdir(parents=True)
        for index in range(24):
            pixels = random.randint(0, 256, (32, 32)).astype(np.uint8)
            Image.fromarray(pixels).save(workplace / "scans" / name / f"{index}.png")
            rows.append({"file": f"{name}/{index}.png", "diagnosis": name, "patient": f"{index // 1.05:.1f}"})
    (workplace / "scans/.DS_Store").write_bytes(b"\0")
    pd.DataFrame(rows).to_csv(workplace / "scans/labels.csv", index=False, sep=";")
    return {"name": "scans", "title": "", "licence": "", "path": "scans", "obtain": ""}


def test_a_folder_without_parts(command, edit, scans, workplace):
    edit("tasks.brain-mri.source", scans | {"kind": "folder"})
    status, output, _ = command("fetch", "--task", "brain-mri")
    assert status == 0
    assert output.endswith("; skipped files: 1 hidden, 1 text\n")
    manifest = json.loads((workplace / "results/tasks/brain-mri/manifest.json").read_text(encoding="utf-8"))
    assert manifest["skipped_files"] == {"hidden": 1, "text": 1}
    assert manifest["images_by_official_part"] == {}
    assert command("split", "--task", "brain-mri")[0] == 0
    assert set(pd.read_csv(workplace / "results/tasks/brain-mri/split.csv")["part"]) == set(range(20))


def test_a_table_with_patients(command, edit, scans, workplace):
    columns = {"path": "file", "label": "diagnosis", "group": "patient"}
    edit("tasks.brain-mri.source", scans | {"kind": "table", "table": "labels.csv", "columns": columns})
    assert command("fetch", "--task", "brain-mri")[0] == 0
    samples = pd.read_csv(workplace / "results/tasks/brain-mri/samples.csv")
    table = pd.read_csv(workplace / "scans/labels.csv", sep=";")
    assert samples["sample_id"].tolist() == table["file"].tolist()
    assert (samples.groupby(table["patient"])["cluster"].nunique() == 1).all()
    assert samples["cluster"].nunique() == table["patient"].nunique()
    assert command("split", "--task", "brain-mri")[0] == 0


def test_near_duplicates_that_cannot_be_found_are_said_or_refused(command, edit, workplace, monkeypatch):
    monkeypatch.setenv("RETABLE_DATA", str(workplace))
    edit("tasks.brain-mri.native_size", 32)
    random = np.random.RandomState(0)
    for name in ("ill", "well"):
        (workplace / "clips" / name).mkdir(parents=True)
        frames = gaussian_filter(random.normal(size=(32, 32)), 3) * 400 + random.normal(128, 1, (80, 32, 32))
        for index, frame in enumerate(np.clip(frames, 0, 255).astype(np.uint8)):
            Image.fromarray(frame).save(workplace / "clips" / name / f"{name}_{index}.png")
    clips = {"kind": "folder", "name": "clips", "title": "", "licence": "", "path": "clips", "obtain": ""}
    edit("tasks.brain-mri.source", clips)
    status, _, errors = command("fetch", "--task", "brain-mri")
    assert (status, errors.count("\n")) == (2, 1)
    assert "160 images have no group" in errors
    edit("tasks.brain-mri.source", clips | {"group_pattern": "^([a-z]+)_"})
    status, output, _ = command("fetch", "--task", "brain-mri")
    assert status == 0
    assert "brain-mri: no near-duplicates are found, groups alone stay together" in output
