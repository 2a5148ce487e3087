"""What the figures of a task are made from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark import evidence
from benchmark.audit.papers import Paper
from benchmark.params import Params
from benchmark.report.figures import style
from benchmark.report.figures.svg import shown
from benchmark.report.results import Results


@dataclass(frozen=True)
class FigureData:
    """What the figures of a task are made from, its images aside."""

    params: Params
    papers: list[Paper]
    results: Results

    @property
    def task(self) -> str:
        """The task's name."""
        return self.results.task

    @property
    def title(self) -> str:
        """The title of each figure: the task, and whether its images are synthetic."""
        return f"{self.task}, synthetic images" if self.params.task(self.task).synthetic else self.task

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the labels."""
        return self.results.manifest["classes"]

    @property
    def largest_class(self) -> float:
        """The share of the largest class in the test images: what always answering it would score."""
        return float(self.results.class_shares.max())

    def label(self, model: str) -> str:
        """Return what people call a model."""
        return shown(self.params.models[model].label)

    def accuracy(self, model: str) -> float:
        """Return a model's mean accuracy."""
        return self.results.mean(model, "accuracy").value

    def rival(self, paper: Paper) -> str | None:
        """Return the row of a paper's tables that scored best here, its proposed model aside; None without one."""
        rivals = [model for model in paper.systems.values() if model != paper.proposed and model in self.results.scores]
        return max(rivals, key=self.accuracy, default=None)

    @property
    def highlighted(self) -> list[str]:
        """The proposed models that have evidence, each followed by its best rival."""
        chosen = [model for paper in self.papers for model in (paper.proposed, self.rival(paper))]
        return list(dict.fromkeys(model for model in chosen if model in self.rows))

    @property
    def rows(self) -> list[str]:
        """The models of the papers' tables that have evidence, in the order of params.yaml."""
        results = self.results
        return [model for model in self.params.models if model in results.answers.rows and model in results.scores]

    def runs(self, model: str) -> list[int]:
        """Return the numbers of a model's runs."""
        return evidence.runs_of(self.task, model)

    def table(self, model: str, name: str) -> pd.DataFrame:
        """Return a file of all runs of a model, with a column ``run``."""
        tables = [
            evidence.read_table(evidence.run_folder(self.task, model, run) / f"{name}.csv").assign(run=run)
            for run in self.runs(model)
        ]
        return pd.concat(tables, ignore_index=True)

    def predictions(self, model: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return, for each run, labels (int, N) and probabilities (N × classes)."""
        paths = [evidence.run_folder(self.task, model, run) / "predictions.csv" for run in self.runs(model)]
        return [evidence.read_predictions(path)[1:] for path in paths]

    def look(self, model: str) -> style.Look:
        """Return how a model is drawn, on every task alike: other models of a row's factory as the row itself."""
        rows = [name for name in self.params.models if name in self.results.answers.rows]
        row = model if model in rows else self.params.models[model].of
        return style.look(rows.index(row) if row in rows else len(rows))
