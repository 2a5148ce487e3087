"""dvc.yaml says of every training stage which code its evidence rests on."""

import pytest
from ruamel.yaml import YAML

from benchmark import params
from benchmark.training import runs
from benchmark.training.runs import Run
from pipelines import module_of
from tests.conftest import ROOT

STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
SETTINGS = params.load(ROOT / "params.yaml")
TRAINING = [name for name, cells in SETTINGS.stages if hasattr(cells, "model")]
CELLS = [
    (stage, task, model)
    for stage in TRAINING
    for task in getattr(SETTINGS.stages, stage).task
    for model in getattr(SETTINGS.stages, stage).model
]


def filled(text, task, model):
    return text.replace("${item.task}", task).replace("${item.model}", model)


def names(entries):
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


@pytest.mark.parametrize(("stage", "task", "model"), CELLS)
def test_a_training_stage_depends_on_the_code_that_decides_its_evidence(stage, task, model, monkeypatch):
    monkeypatch.chdir(ROOT)
    listed = [filled(path, task, model) for path in STAGES[stage]["deps"]]
    expected = runs.code_files(SETTINGS, Run(task, model, 0, module_of(SETTINGS, model)))
    assert sorted(path for path in listed if path.endswith(".py")) == sorted(expected)


@pytest.mark.parametrize("stage", TRAINING)
def test_a_training_stage_depends_on_its_own_part_of_the_parameters(stage):
    listed = {filled(key, "TASK", "MODEL") for key in STAGES[stage]["params"]}
    of_task = {f"tasks.TASK.{key}" for key in ("native_size", "input_size", "split", "runs", "device", "recipe")}
    of_other = {"duplicates"} | {f"tasks.${{stages.transfer.on}}.{key}" for key in ("native_size", "split", "recipe")}
    also = of_other if stage == "transfer" else set()
    assert listed == {"models.MODEL", "pooled_split", "robustness"} | of_task | also


def test_every_output_stays_until_it_is_replaced_and_is_kept_in_git():
    for stage in STAGES.values():
        for output in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
            assert list(output.values()) == [{"cache": False, "persist": True}], output


def test_every_stage_runs_over_what_params_yaml_lists_for_it():
    for name, stage in STAGES.items():
        for axis, values in stage.get("matrix", {}).items():
            assert values == f"${{stages.{name}.{axis}}}"


def test_no_stage_depends_on_what_it_makes():
    for stage in STAGES.values():
        made = names([*stage.get("outs", []), *stage.get("metrics", [])])
        for dependency in stage["deps"]:
            assert not [path for path in made if path == dependency or path.startswith(f"{dependency}/")]
