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
    others = found["duplicates"]["near_by_pixel_correlation"]
    largest = {other["pixel_correlation"]: other["largest_cluster"] for other in others}
    assert f"{twins['exact']} of its {images} test images have an exact copy" in text
    assert f"and {twins['near']} have a near one" in text
    assert f"grows from {largest[0.95]} images to {largest[0.93]}, then {largest[0.9]}" in text
