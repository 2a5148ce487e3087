"""What earlier stages wrote about one task, as far as they did: manifest, provenance, costs, tables, figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark import evidence
from benchmark.audit.papers import Paper
from benchmark.cost.records import COSTS, Costs, costs_of_task, kept_shares
from benchmark.params import Params, Task
from benchmark.report import result_table
from benchmark.report.notes import about, remarks
from benchmark.report.result_table import ResultTable
from benchmark.report.tables import SENTINEL


@dataclass(frozen=True)
class TaskFiles:
    """What there is of one task; ``rows`` are the models of the papers' tables that it can fill."""

    name: str
    params: Params
    rows: list[str]

    @property
    def folder(self) -> Path:
        """The folder of the task's evidence."""
        return evidence.TASKS / self.name

    @property
    def protocol(self) -> Task:
        """The task as params.yaml has it."""
        return self.params.task(self.name)

    @cached_property
    def manifest(self) -> dict[str, Any] | None:
        """What the images are; None if nobody fetched them yet."""
        path = self.folder / "manifest.json"
        return evidence.read_json(path) if path.exists() else None

    @property
    def about(self) -> str | None:
        """What the images are, and how they are split; None if nobody fetched them yet."""
        return about(self.params, self.name, self.manifest) if self.manifest else None

    @cached_property
    def models(self) -> list[str]:
        """The models that have evidence, in the order of params.yaml."""
        return [model for model in self.params.models if evidence.runs_of(self.name, model)]

    @property
    def models_and_rows(self) -> list[str]:
        """The models that have evidence, then the other rows of the papers."""
        return list(dict.fromkeys([*self.models, *self.rows]))

    @cached_property
    def provenance(self) -> dict[str, list[dict[str, Any]]]:
        """Model → how each of its runs was made."""
        return {
            model: [
                evidence.read_json(evidence.run_folder(self.name, model, run) / evidence.PROVENANCE)
                for run in evidence.runs_of(self.name, model)
            ]
            for model in self.models
        }

    @cached_property
    def costs(self) -> list[Costs]:
        """What models cost, one item per condition."""
        return costs_of_task(self.params, self.name, kept_shares(self.folder / "runs"))

    def cost_records(self, model: str) -> list[Path]:
        """Return the files that say what a model costs here."""
        return [COSTS / costs.shape / f"{model}.json" for costs in self.costs if model in costs.models]

    def lost(self, model: str) -> list[Path]:
        """Return the files of a model's runs that should be there and are not."""
        folders = sorted((self.folder / "runs" / model).glob("run-*"))
        files = [folder / name for folder in folders for name in (evidence.PROVENANCE, "predictions.csv")]
        return [path for path in files if not path.exists()]

    def table(self, name: str) -> ResultTable | None:
        """Return one of the task's tables; None if it was not made."""
        path = self.folder / "tables" / f"{name}.json"
        return result_table.read(path) if path.exists() else None

    def figures(self) -> list[Path]:
        """Return the files of the task's figures (SVG), by name."""
        return sorted((self.folder / "figures/svg").glob("*.svg"))

    def undrawn(self, proposed: Sequence[str]) -> list[tuple[str, str]]:
        """Return which figures of the proposed models are missing, each group with the command that would draw them."""
        drawn = {path.stem for path in self.figures()}
        groups = []
        for model in proposed:
            parts = self._learning_curve(model)
            for kinds, needed in ((self._figures_of(model), [model]), (("learning",), parts)):
                missing = [name for kind in kinds if (name := f"{kind}_{model}") not in drawn]
                if missing and needed:
                    groups.append((", ".join(missing), self._command_for(needed)))
        return groups

    def _figures_of(self, model: str) -> list[str]:
        """Return the kinds of figures that a proposed model has: curves over epochs, maps if it gives Grad-CAM."""
        network = model in self.params.models and self.params.models[model].kind == "network"
        kinds = ["curves", "confusion"] if network else ["confusion"]
        if model in self.models:
            maps = evidence.run_folder(self.name, model, evidence.runs_of(self.name, model)[0]) / "explanations.json"
            explained = maps.exists() and any("grad_cam" in fields for fields in evidence.read_json(maps).values())
        else:
            explained = network  # most give Grad-CAM, and none is asked before it is trained
        return [*kinds, *(["explanations"] if explained else [])]

    def _learning_curve(self, model: str) -> list[str]:
        """Return the models that are ``model`` on fewer training images, as far as the task can train them."""
        parts = [other for other in self.params.models.values() if other.train_parts and other.of == model]
        return [other.name for other in parts if not self.params.misfit(self.protocol, other)]

    def _command_for(self, models: list[str]) -> str:
        """Return the command that a figure of some models lacks: to train those without evidence, or to draw it."""
        untrained = [name for name in models if name not in self.models]
        if untrained:
            return f"python -m pipelines.train --task {self.name} --model {' '.join(untrained)}"
        return f"python -m pipelines.figures --task {self.name}"

    def remarks(self, model: str) -> list[str]:
        """Return what sets a model apart here."""
        return remarks(self.params, self.name, model)


def all_tasks(params: Params, papers: Sequence[Paper]) -> list[TaskFiles]:
    """Return what there is of all tasks, those with synthetic images last."""
    names = sorted(params.open_tasks, key=lambda name: params.task(name).synthetic)
    return [TaskFiles(name, params, _rows(papers, name)) for name in names]


def _rows(papers: Sequence[Paper], task: str) -> list[str]:
    """Return the models of the tables that a task can fill."""
    tables = [(paper, here) for paper in papers for table in paper.tables.values() if (here := table.on(task))]
    return list(dict.fromkeys([*(paper.systems[system] for paper, table in tables for system in table.rows), SENTINEL]))
