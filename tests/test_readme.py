import json
from pathlib import Path

from benchmark import params
from pipelines import readme


def test_tables_in_the_readme_are_those_of_the_evidence():
    text = readme.README.read_text(encoding="utf-8")
    assert readme.filled(text, params.load()) == text, "run `make readme`"


def test_figures_about_duplicates_in_the_readme_are_those_of_the_manifest():
    text = " ".join(readme.README.read_text(encoding="utf-8").split())
    found = json.loads(Path("results/tasks/brain-mri/manifest.json").read_text())
    twins = found["duplicates"]["across_official_split"]["test_images_with_a_twin_in_train"]
    images = sum(found["images_by_official_part"]["test"].values())
    steps = {step["threshold"]: step for step in found["duplicates"]["thresholds"]["pixels"]}
    assert f"{twins['exact']} of its {images} test images have an exact copy" in text
    assert f"and {twins['near']} have a near one" in text
    largest = [steps[threshold]["largest"] for threshold in (0.95, 0.93, 0.9)]
    assert f"grows from {largest[0]} images to {largest[1]}, then {largest[2]}" in text
    assert found["duplicates"]["chosen"]["pixels"] == 0.95
