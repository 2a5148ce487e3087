"""Notes on models, each once: a number is its mark wherever it applies."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmark.params import Params
from benchmark.report.names import label
from benchmark.report.task_files import TaskFiles


@dataclass(frozen=True)
class Note:
    """A note with its number and the rows that it concerns: models, with their tasks where it does not concern all."""

    number: int
    text: str
    rows: list[str]


@dataclass
class Notes:
    """All notes, numbered in the order of the rows that they concern."""

    by_text: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # note → model → tasks

    def marks(self, task: TaskFiles, model: str) -> list[int]:
        """Return the numbers of the notes on a row, as they were counted by :func:`notes_once`."""
        return [number for number, text in enumerate(self.by_text, 1) if task.name in self.by_text[text].get(model, [])]

    def of_model(self, model: str) -> list[int]:
        """Return the numbers of the notes on a model on any task."""
        return [number for number, text in enumerate(self.by_text, 1) if model in self.by_text[text]]

    def all(self, params: Params, tasks: Sequence[TaskFiles]) -> list[Note]:
        """Return the notes with the rows that they concern."""
        tasks_of = {model: [task.name for task in tasks if model in task.models_and_rows] for model in params.models}
        return [
            Note(number, text, [_row(params, model, names, tasks_of[model]) for model, names in rows.items()])
            for number, (text, rows) in enumerate(self.by_text.items(), 1)
        ]


def notes_once(tasks: Sequence[TaskFiles]) -> Notes:
    """Return the notes on the rows of some tasks, each text once."""
    notes = Notes()
    for task in tasks:
        for model in task.models_and_rows:
            for remark in task.remarks(model):
                notes.by_text.setdefault(remark, {}).setdefault(model, []).append(task.name)
    return notes


def _row(params: Params, model: str, names: list[str], all_names: list[str]) -> str:
    everywhere = len(names) == len(all_names)
    return label(params, model) + ("" if everywhere else f" on {', '.join(names)}")
