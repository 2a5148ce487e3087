"""One thing, one edit: what `dvc repro` trains after each edit that the design names, and what stays as it was."""

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePath

import numpy as np
import pytest
from PIL import Image

from tests.pipelines.repository import bytes_below, call, edit_params, edit_text, started

pytestmark = pytest.mark.long

PAGE = ("report.html", "figures/*/*")
OVERVIEWS = ("tasks/phantom/tables/[!e]*", "tasks/phantom/figures/*/*", *PAGE)  # all tables but emanet_table1
AUDIT = ("audit.*", "audit/*")
MEASURE = '''
def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean squared distance of the probabilities to the true class."""
    return float(((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(1).mean())


_PER_CENT = {'''
CORRUPTION = '''
def inverted(pixels: np.ndarray, digests: list[str], strength: float) -> np.ndarray:
    """Mix an image with its negative."""
    return _to_uint8((1 - strength) * pixels + strength * (255.0 - pixels))


CORRUPTIONS = {
    "inverted": Corruption(inverted, "share", "up", (0.1, 0.2)),'''
NETWORK = '''
"""A network of one's own."""

from torch import nn

from benchmark.models import registered


@registered
def tiny(num_classes: int = 2, in_chans: int = 1, img_size: int = 64, width: int = 4) -> nn.Module:
    """Build the network."""
    convolution = nn.Conv2d(in_chans, width, 3)
    return nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))
'''
ESTIMATOR = '''
"""An estimator of one's own."""

from sklearn.tree import DecisionTreeClassifier


def tree(seed: int, depth: int = 3) -> DecisionTreeClassifier:
    """Build the estimator."""
    return DecisionTreeClassifier(max_depth=depth, random_state=seed)
'''
PAPER = """
name: mine
title: Neighbours
cite: Doe (2026)
proposed: knn
margin: 0.02
systems:
  Proposed: knn
  CNN: cnn
tables:
  mine_table1:
    title: Comparison
    place: Table 1
    columns:
      - {heading: Accuracy, measure: accuracy}
    rows:
      Proposed: ["99.0"]
      CNN: ["90.0"]
statements:
  best-accuracy:
    says: the proposed model has the best accuracy
    place: Table 1
    rule: best
    table: mine_table1
    measure: accuracy
"""


@dataclass(frozen=True)
class Effect:
    """What a `dvc repro` did: the runs it trained, and the files below results/ that it changed and made."""

    trained: set[str]
    changed: set[PurePath]
    made: set[PurePath]
    output: str

    def changed_besides(self, *patterns):
        """Return the files that changed and fit none of the patterns."""
        names = sorted(path.as_posix() for path in self.changed)
        return [name for name in names if not any(fnmatch(name, pattern) for pattern in patterns)]


@pytest.fixture
def repro(pipeline):
    """Return a function that runs `dvc repro` and returns what it did to the clone as committed."""
    results, times = pipeline / "results", started(pipeline)
    before = bytes_below(results)

    def run(*targets):
        output = call(pipeline, "dvc", "repro", *targets).stdout
        after = bytes_below(results)
        trained = {run for run, at in started(pipeline).items() if times.get(run) != at}
        changed = {path for path in before if after.get(path) != before[path]}
        return Effect(trained, changed, set(after) - set(before), output)

    return run


def both_runs(*cells):
    return {f"{cell}/run-{number}" for cell in cells for number in (0, 1)}


def add_model(pipeline, name, **entry):
    """Add one entry to the models of params.yaml, which has evidence on phantom."""
    edit_params(pipeline, lambda params: params["models"].update({name: entry | {"tasks": ["phantom"]}}))


def assert_only_this_model_is_new(effect, name):
    assert effect.trained == both_runs(f"phantom/{name}")
    assert effect.changed_besides(*OVERVIEWS) == []
    made = {path for path in effect.made if not path.match("tasks/phantom/figures/*/*")}
    of_model = {path for path in made if path.is_relative_to(f"tasks/phantom/runs/{name}")}
    assert made - of_model == {PurePath(f"tasks/phantom/summary/{name}.json"), PurePath(f"costs/tiny/{name}.json")}


def test_a_network_of_timm_is_one_entry(pipeline, repro):
    add_model(pipeline, "lcnet", kind="network", of="timm_model", init="scratch", options={"name": "lcnet_050"})
    assert_only_this_model_is_new(repro(), "lcnet")


def test_a_network_of_ones_own_is_one_file_and_one_entry(pipeline, repro):
    (pipeline / "baselines/tiny.py").write_text(NETWORK.lstrip())
    add_model(pipeline, "tiny", kind="network", init="scratch")
    assert_only_this_model_is_new(repro(), "tiny")


def test_an_estimator_of_ones_own_is_one_file_and_one_entry(pipeline, repro):
    (pipeline / "baselines/tree.py").write_text(ESTIMATOR.lstrip())
    add_model(pipeline, "tree", kind="estimator", features="pixels")
    assert_only_this_model_is_new(repro(), "tree")


def test_a_reading_is_one_entry(pipeline, repro):
    add_model(pipeline, "emanet_unmasked", kind="network", of="emanet", init="scratch", options={"form": "none"})
    assert_only_this_model_is_new(repro(), "emanet_unmasked")


def test_a_set_of_images_is_one_block_and_a_model_that_lists_it(pipeline, repro):
    random = np.random.RandomState(0)
    for part in ("train", "test"):
        for name, mean in (("dark", 80), ("light", 170)):
            folder = pipeline / "data/mine" / part / name
            folder.mkdir(parents=True)
            for index in range(30):
                pixels = np.clip(random.normal(mean, 60, (32, 32)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.png")

    def add(params):
        source = {"kind": "folder", "name": "mine", "title": "Mine", "licence": "MIT", "path": "mine", "obtain": "Mine"}
        source |= {"train": "train", "test": "test"}
        params["tasks"]["mine"] = params["tasks"]["phantom"] | {"source": source}

    edit_params(pipeline, add)
    effect = repro()
    assert effect.trained == set()
    assert {path.name for path in effect.made} >= {"manifest.json", "samples.csv", "split.csv"}
    assert all(path.is_relative_to("tasks/mine") for path in effect.made)
    assert effect.changed_besides(*AUDIT, *PAGE) == []
    edit_params(pipeline, lambda params: params["models"]["knn"]["tasks"].append("mine"))
    effect = repro()
    assert effect.trained == both_runs("mine/knn")
    assert all(path.is_relative_to("tasks/mine") for path in effect.made)
    assert effect.changed_besides(*AUDIT, *PAGE) == []


def test_a_paper_is_one_file(pipeline, repro):
    claims = (pipeline / "results/audit.csv").read_text(encoding="utf-8").splitlines()
    (pipeline / "papers/mine.yaml").write_text(PAPER.lstrip())
    effect = repro()
    assert effect.trained == set()
    others = {path for path in effect.made if not path.match("tasks/phantom/figures/*/*")}
    assert {path.stem for path in others - {PurePath("audit/mine.md")}} == {"mine_table1"}
    assert effect.changed_besides(*AUDIT, *OVERVIEWS) == []
    now = (pipeline / "results/audit.csv").read_text(encoding="utf-8").splitlines()
    of_others = [line for line in now if not line.startswith("mine")]
    assert of_others == claims
    assert len(now) > len(claims)


def test_a_measure_is_one_entry(pipeline, repro):
    path = pipeline / "benchmark/evidence/metrics.py"
    edit_text(path, "\n_PER_CENT = {", MEASURE)
    entry = '        Measure("brier", "Brier score", brier, bounds=(0, 2), higher_is_better=False),\n'
    edit_text(path, "    for entry in (\n", f"    for entry in (\n{entry}")
    effect = repro()
    assert effect.trained == set()
    assert effect.made == set()
    assert effect.changed_besides("tasks/phantom/tables/models.*", *PAGE) == []
    assert "Brier score" in (pipeline / "results/tasks/phantom/tables/models.md").read_text(encoding="utf-8")


def test_a_corruption_is_one_entry_and_robustness_alone_is_stale(pipeline, repro):
    edit_text(pipeline / "benchmark/training/corruptions.py", "\nCORRUPTIONS = {", CORRUPTION)
    effect = repro()
    assert effect.trained == set()
    assert effect.made == set()
    for model in ("emanet", "cnn", "knn"):
        assert f"phantom-{model}: robustness is stale under inverted" in effect.output
    assert effect.changed_besides("tasks/phantom/figures/*/robustness.*", *PAGE) == []


def test_a_comment_trains_nothing_and_a_renamed_variable_what_runs_that_code(pipeline, repro):
    path = pipeline / "benchmark/training/networks.py"
    edit_text(path, "    network.eval()\n", "    network.eval()  # no dropout\n")
    effect = repro()
    assert (effect.trained, effect.changed, effect.made) == (set(), set(), set())
    edit_text(path, "saved", "saved_at")
    effect = repro("train@phantom")
    assert effect.trained == both_runs("phantom/emanet", "phantom/cnn")
    assert {path.name for path in effect.changed} == {"provenance.json"}
