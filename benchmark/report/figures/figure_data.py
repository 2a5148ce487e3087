"""What the figures of a task are made from."""

from dataclasses import dataclass

import pandas as pd

from benchmark import evidence
from benchmark.audit.papers import Paper
from benchmark.data import Images
from benchmark.params import Params
from benchmark.report.figures import style
from benchmark.report.results import Results


@dataclass(frozen=True)
class FigureData:
    """What the figures of a task are made from; ``images`` is None where its data is not at hand."""

    params: Params
    papers: list[Paper]
    results: Results
    images: Images | None

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

    def look(self, model: str) -> style.Look:
        """Return how a model is drawn, on every task alike: other models of a row's factory as the row itself."""
        rows = [name for name in self.params.models if name in self.results.answers.rows]
        row = model if model in rows else self.params.models[model].of
        return style.look(rows.index(row) if row in rows else len(rows))
