"""Parts are stratified and never divide a cluster; runs rotate over them."""

import hashlib
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest

from benchmark.data import splits
from benchmark.errors import BadInput

PARTS = 20


def table(clusters, labels):
    digests = [hashlib.sha256(str(index).encode()).hexdigest()[:16] for index in range(len(labels))]
    ids = [f"image/{index}" for index in range(len(labels))]
    return pd.DataFrame({"sample_id": ids, "label": labels, "cluster": clusters, "digest": digests})


@pytest.fixture
def samples():
    """1000 images in clusters of one to nine, three classes of 60, 30 and 10 %."""
    random = np.random.RandomState(0)
    clusters = np.repeat(np.arange(1000), random.randint(1, 10, 1000))[:1000]
    return table(clusters, np.array([0] * 6 + [1] * 3 + [2])[clusters % 10])


@pytest.fixture
def task(settings):
    return settings.task("phantom")


@pytest.fixture
def official(settings):
    return settings.task("breastmnist-official")


def rotations(samples, task, settings, count):
    dealt = samples.assign(part=splits.deal(samples, PARTS, "x"))
    return [splits.of_run(dealt, task, settings.pooled_split, run) for run in range(count)]


def test_parts_differ_by_a_cluster_of_each_class_at_most(samples):
    counts = pd.crosstab(samples["label"], splits.deal(samples, PARTS, "x"))
    assert counts.shape == (3, PARTS)
    for label, row in counts.iterrows():
        largest = samples.loc[samples["label"] == label, "cluster"].value_counts().max()
        assert row.max() - row.min() <= largest


def test_single_images_are_dealt_evenly_to_one():
    samples = table(range(137), [0] * 100 + [1] * 37)
    counts = pd.crosstab(samples["label"], splits.deal(samples, PARTS, "x"))
    assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()


def test_a_cluster_is_never_divided(samples):
    parts = pd.Series(splits.deal(samples, PARTS, "x"))
    assert parts.groupby(samples["cluster"]).nunique().max() == 1


def test_neither_the_order_of_files_nor_their_names_matter(samples):
    shuffled = samples.sample(frac=1, random_state=3).reset_index(drop=True)
    renamed = shuffled.assign(sample_id="x", cluster=pd.factorize(shuffled["cluster"])[0])
    before = dict(zip(samples["digest"], splits.deal(samples, PARTS, "x"), strict=True))
    after = dict(zip(renamed["digest"], splits.deal(renamed, PARTS, "y"), strict=True))
    assert before == after


def test_a_class_with_fewer_clusters_than_parts_is_refused_in_one_line():
    samples = table([*range(30), *[30] * 10, *range(31, 40)], [0] * 30 + [1] * 19)
    with pytest.raises(BadInput) as caught:
        splits.deal(samples, PARTS, "scans")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("scans: class 1 has 10 clusters")
    assert "at least 20" in message


def test_each_run_trains_on_70_and_validates_and_tests_on_15_per_cent(samples, task, settings):
    for rows in rotations(samples, task, settings, 7):
        assert sorted(np.concatenate(list(rows.values()))) == list(range(1000))
        shares = [len(rows[name]) / 1000 for name in ("train", "validation", "test")]
        assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.02)


def test_the_first_six_runs_test_on_disjoint_images(samples, task, settings):
    tested = np.concatenate([rows["test"] for rows in rotations(samples, task, settings, 6)])
    assert len(set(tested)) == len(tested)


def test_each_run_validates_on_what_the_next_one_tests_on(samples, task, settings):
    found = rotations(samples, task, settings, 3)
    for run, following in pairwise(found):
        assert (run["validation"] == following["test"]).all()


def test_no_cluster_reaches_from_training_into_validation_or_test(samples, task, settings):
    clusters = samples["cluster"].to_numpy()
    for rows in rotations(samples, task, settings, 6):
        for one, other in combinations(rows.values(), 2):
            assert set(clusters[one]).isdisjoint(clusters[other])


def test_fewer_training_parts_lie_within_more_and_nothing_else_changes(samples, task, settings):
    split = samples.assign(part=splits.deal(samples, 20, "here"))
    whole = splits.of_run(split, task, settings.pooled_split, 2)
    sizes = []
    for parts in (1, 4, 14):
        found = splits.of_run(split, task, settings.pooled_split, 2, parts)
        assert all(np.array_equal(found[name], whole[name]) for name in ("validation", "test"))
        assert set(found["train"]) <= set(whole["train"])
        assert split["part"][found["train"]].nunique() == parts
        sizes.append(len(found["train"]))
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == len(whole["train"])


def test_every_run_of_an_official_task_has_the_same_images(settings, official):
    split = pd.DataFrame({"part": ["train", "validation", "test", "left_out", "train"]})
    for run in range(3):
        rows = splits.of_run(split, official, settings.pooled_split, run)
        assert [rows[name].tolist() for name in ("train", "validation", "test")] == [[0, 4], [1], [2]]


def test_the_official_split_is_the_sources_own_when_leaks_are_kept(settings):
    subset = ["train", "train", "validation", "test"]
    samples = table([0, 1, 0, 0], [0] * 4).assign(official=subset)
    assert splits.official(samples, np.full(4, 19), settings.pooled_split, keep_leaks=True).tolist() == subset


def test_leaks_are_left_out_of_training_and_validation_but_never_of_the_test_split(settings):
    samples = table([0, 1, 2, 0, 3, 0, 2, 4], [0] * 8)
    samples["official"] = ["train", "train", "train", "validation", "validation", "test", "validation", "test"]
    found = splits.official(samples, np.full(8, 19), settings.pooled_split, keep_leaks=False).tolist()
    assert found == ["left_out", "train", "left_out", "left_out", "validation", "test", "validation", "test"]


def test_a_source_without_validation_part_gives_some_of_its_training_images(settings, samples):
    samples["official"] = np.where(samples["cluster"] % 4 == 0, "test", "train")
    parts = splits.deal(samples, PARTS, "x")
    found = pd.Series(splits.official(samples, parts, settings.pooled_split, keep_leaks=False))
    assert ((found == "test") == (samples["official"] == "test")).all()
    training = samples["official"] == "train"
    assert 0.1 < (found[training] == "validation").mean() < 0.2
    assert found.groupby(samples["cluster"]).nunique().max() == 1
