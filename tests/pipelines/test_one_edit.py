"""One thing, one edit: what `dvc repro` trains after each edit that the design names, and what stays as it was."""

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePath

import numpy as np
import pytest
from PIL import Image

from tests.conftest import blocks
from tests.pipelines.repository import bytes_below, call, edit_params, edit_text, started

pytestmark = pytest.mark.long

PAGE = ("report.html", "figures/*/*")
OVERVIEWS = ("tasks/phantom/tables/[!e]*", "tasks/phantom/figures/*/*", *PAGE)  # all tables but emanet_table1
AUDIT = ("audit.*", "audit/*")


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


def add_model(pipeline, entry):
    """Paste an entry below the line `models:` of params.yaml."""
    edit_text(pipeline / "params.yaml", "\nmodels:\n", f"\nmodels:\n{entry}")


def assert_only_this_model_is_new(effect, name):
    assert effect.trained == both_runs(f"phantom/{name}")
    assert effect.changed_besides(*OVERVIEWS) == []
    made = {path for path in effect.made if not path.match("tasks/phantom/figures/*/*")}
    of_model = {path for path in made if path.is_relative_to(f"tasks/phantom/runs/{name}")}
    assert made - of_model == {PurePath(f"tasks/phantom/summary/{name}.json"), PurePath(f"costs/tiny/{name}.json")}


def test_a_network_of_timm_is_one_entry(pipeline, repro):
    [entry] = blocks("adding", "A network of timm")
    add_model(pipeline, entry.replace("convnext_atto", "lcnet_050"))  # a smaller one
    assert_only_this_model_is_new(repro(), "lcnet_050")


def test_a_network_of_ones_own_is_one_file_and_one_entry(pipeline, repro):
    file, entry = blocks("adding", "A network of your own")
    (pipeline / "baselines/mynet.py").write_text(file)
    add_model(pipeline, entry)
    assert_only_this_model_is_new(repro(), "mynet")


def test_an_estimator_of_ones_own_is_one_file_and_one_entry(pipeline, repro):
    file, entry = blocks("adding", "An estimator of your own")
    (pipeline / "baselines/tree.py").write_text(file)
    add_model(pipeline, entry)
    assert_only_this_model_is_new(repro(), "tree")


def test_a_reading_is_one_entry(pipeline, repro):
    options = "of: emanet, init: scratch, options: {form: none}"
    add_model(pipeline, f"  emanet_unmasked: {{kind: network, {options}, tasks: [phantom]}}\n")
    assert_only_this_model_is_new(repro(), "emanet_unmasked")


def test_a_set_of_images_is_one_block_and_a_model_that_lists_it(pipeline, repro):
    random = np.random.RandomState(0)
    for part in ("Training", "Testing"):
        for name, mean in (("dark", 80), ("light", 170)):
            folder = pipeline / "data/slices" / part / name
            folder.mkdir(parents=True)
            for index in range(30):
                pixels = np.clip(random.normal(mean, 60, (64, 64)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.png")

    [block] = blocks("adding", "A set of images")
    edit_text(pipeline / "params.yaml", "\ntasks:\n", f"\ntasks:\n{block}")
    effect = repro()
    assert effect.trained == set()
    assert {path.name for path in effect.made} >= {"manifest.json", "samples.csv", "split.csv"}
    assert all(path.is_relative_to("tasks/slices") for path in effect.made)
    assert effect.changed_besides(*AUDIT, *PAGE) == []
    edit_params(pipeline, lambda params: params["models"]["knn"]["tasks"].append("slices"))
    effect = repro()
    assert effect.trained == {f"slices/knn/run-{number}" for number in range(3)}
    assert all(path.is_relative_to("tasks/slices") for path in effect.made)
    assert effect.changed_besides(*AUDIT, *PAGE) == []


def test_a_paper_is_one_file(pipeline, repro):
    claims = (pipeline / "results/audit.csv").read_text(encoding="utf-8").splitlines()
    paper, statements = blocks("adding", "A paper")
    for name, stands_for in (("mynet_no_attention", "cnn"), ("mynet_literal", "emanet"), ("mynet", "knn")):
        paper, statements = paper.replace(name, stands_for), statements.replace(name, stands_for)
    (pipeline / "papers/my_paper.yaml").write_text(paper + statements)
    effect = repro()
    assert effect.trained == set()
    others = {path for path in effect.made if not path.match("tasks/phantom/figures/*/*")}
    assert {path.stem for path in others - {PurePath("audit/my_paper.md")}} == {"my_table1"}
    assert effect.changed_besides(*AUDIT, *OVERVIEWS) == []
    now = (pipeline / "results/audit.csv").read_text(encoding="utf-8").splitlines()
    of_others = [line for line in now if not line.startswith("my_")]
    assert of_others == claims
    assert len(now) > len(claims)


def test_a_measure_is_one_entry(pipeline, repro):
    path = pipeline / "benchmark/evidence/metrics.py"
    function, entry = blocks("adding", "A measure")
    edit_text(path, "\nMEASURES = {", f"\n{function}\n\nMEASURES = {{")
    edit_text(path, "    for entry in (\n", f"    for entry in (\n{entry}")
    effect = repro()
    assert effect.trained == set()
    assert effect.made == set()
    assert effect.changed_besides("tasks/phantom/tables/models.*", *PAGE) == []
    assert "Brier score" in (pipeline / "results/tasks/phantom/tables/models.md").read_text(encoding="utf-8")


def test_a_corruption_is_one_entry_and_robustness_alone_is_stale(pipeline, repro):
    function, entry = blocks("adding", "A corruption")
    path = pipeline / "benchmark/training/corruptions.py"
    edit_text(path, "\nCORRUPTIONS = {\n", f"\n{function}\n\nCORRUPTIONS = {{\n{entry}")
    effect = repro()
    assert effect.trained == set()
    assert effect.made == set()
    for model in ("emanet", "cnn", "knn"):
        assert f"phantom-{model}: robustness is stale under inverted" in effect.output
    assert (
        effect.changed_besides("tasks/phantom/figures/*/robustness.*", "tasks/phantom/figures/*/corruptions.*", *PAGE)
        == []
    )


def test_a_comment_trains_nothing_and_a_renamed_variable_what_runs_that_code(pipeline, repro):
    path = pipeline / "benchmark/training/networks.py"
    edit_text(path, "    network.eval()\n", "    network.eval()  # no dropout\n")
    effect = repro()
    assert (effect.trained, effect.changed, effect.made) == (set(), set(), set())
    edit_text(path, "saved", "saved_at")
    effect = repro("train@phantom")
    assert effect.trained == both_runs("phantom/emanet", "phantom/cnn")
    assert {path.name for path in effect.changed} == {"provenance.json"}
