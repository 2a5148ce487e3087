"""A split that is not what it is called is refused, and the cluster at fault is named."""

import hashlib

import pandas as pd
import pytest

from benchmark import evidence


@pytest.fixture
def split(workplace, command):
    """Return a function that splits images of these clusters and labels; it returns status, output and errors."""

    def run(clusters, labels, official="train", task="phantom", groups=0):
        folder = evidence.TASKS / task
        digests = [hashlib.sha256(str(index).encode()).hexdigest()[:16] for index in range(len(labels))]
        table = {"sample_id": [f"image/{index}" for index in range(len(labels))], "label": labels}
        table |= {"official": official, "cluster": clusters, "digest": digests}
        folder.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(table).to_csv(folder / "samples.csv", index=False)
        evidence.write_json(folder / "manifest.json", {"classes": ["a", "b"], "groups": groups})
        return command("split", "--task", task)

    return run


def test_a_split_far_from_its_shares_names_the_cluster_at_fault(split):
    status, _, errors = split([*range(300), *[300] * 700], [0, 1] * 500)
    assert status == 2
    assert errors.count("\n") == 1
    assert "phantom: run 0 has 21/5/74 %" in errors
    assert "it must have 70/15/15, within two points" in errors
    assert "a cluster of 700 images, such as 'image/300'" in errors
    assert "or raise duplicates.pixel_correlation" in errors
    assert not (evidence.TASKS / "phantom/split.csv").exists()


def test_a_split_within_two_points_is_made(split):
    status, output, _ = split([*range(900), *[900] * 40, *[901] * 60], [0, 1] * 500)
    assert (status, output.count("clusters")) == (0, 1)


def test_a_small_set_may_be_off_by_an_image_a_part(split):
    assert split(range(50), [0, 1] * 25)[0] == 0


def test_a_class_with_too_few_clusters_names_its_largest(split):
    errors = split([*range(200), *range(200, 210), *[210] * 90], [0] * 200 + [1] * 100)[2]
    assert "class b has 11 clusters of near-duplicates; 20 parts need at least 20" in errors
    assert "a cluster of 90 images" in errors


def test_a_class_of_too_few_patients_is_told_that_its_images_stay_together(split):
    errors = split([*range(200), *[index // 9 for index in range(2000, 2100)]], [0] * 200 + [1] * 100, groups=212)[2]
    assert "class b has 12 clusters" in errors
    assert "all images of a group, as of a patient, are in one; take more groups, or `split: official`" in errors
    assert "pixel_correlation" not in errors


def test_a_part_without_a_class_names_the_cluster_that_it_is_in(split):
    parts = ["train"] * 60 + ["validation"] * 20 + ["test"] * 20
    clusters = [*range(60), *range(60, 80), *range(80, 100)]
    labels = [index % 2 for index in range(100)]
    clusters[1:60:2], clusters[81:100:2] = [500] * 30, [500] * 10
    status, _, errors = split(clusters, labels, parts, "chestxray-official")
    assert status == 2
    assert "the train images of run 0 contain none of class 'b'" in errors
    assert "a cluster of 40 images, such as 'image/1'" in errors


def test_images_that_an_official_split_leaves_out_are_counted(split):
    parts = ["train"] * 60 + ["validation"] * 20 + ["test"] * 20
    whole = split(range(100), [0, 1] * 50, parts, "chestxray-official")[1]
    assert whole == "chestxray-official: 100 clusters; run 0 has 60 train, 20 validation, 20 test\n"
    clusters = [*range(80), *range(10), *range(90, 100)]
    output = split(clusters, [0, 1] * 50, parts, "chestxray-official")[1]
    assert "run 0 has 50 train, 20 validation, 20 test; 10 left out, since their clusters reach into" in output


@pytest.mark.parametrize("groups", [0, 24])
def test_an_official_split_that_deals_too_few_clusters_asks_for_the_sources_validation_part(split, groups):
    parts = (["train"] * 90 + ["test"] * 30) * 2
    clusters = [index // 10 for index in range(240)]
    status, _, errors = split(clusters, [0] * 120 + [1] * 120, parts, "chestxray-official", groups)
    assert status == 2
    assert "class a has 12 clusters of near-duplicates; 20 parts need at least 20" in errors
    assert errors.endswith("; name the source's validation part, and none is dealt\n")
    assert "split: official" not in errors
    parts = (["train"] * 60 + ["validation"] * 30 + ["test"] * 30) * 2
    assert split(clusters, [0] * 120 + [1] * 120, parts, "chestxray-official", groups)[0] == 0


def test_no_official_split_is_told_to_be_official(split):
    parts = ["train"] * 60 + ["validation"] * 20 + ["test"] * 20
    clusters = [index if index % 2 == 0 else 500 for index in range(100)]
    errors = split(clusters, [0, 1] * 50, parts, "chestxray-official", groups=51)[2]
    assert "the train images of run 0 contain none of class 'b'; every part of a run must" in errors
    assert "are in one; take more groups\n" in errors
