"""One thin command per stage: ``python -m pipelines.STAGE``."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from benchmark.errors import BadInput, TrainingFailed
from benchmark.params import Params

if TYPE_CHECKING:
    from benchmark.training.runs import Run


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments of a command in one line."""

    def __init__(self, stage: str, about: str | None) -> None:
        super().__init__(prog=f"python -m pipelines.{stage}", description=about)

    def error(self, message: str) -> NoReturn:
        """End the command as bad input does."""
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def run(main: Callable[[], int | None]) -> None:
    """Run a command; what goes wrong ends it with one line on standard error: bad input with status 2, else 1."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as by Ctrl-C, workers included
    try:
        status = main()
        sys.stdout.flush()
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except TrainingFailed as error:
        print(f"error: {error}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        status = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status or 0)


def code_of(params: Params, model: str) -> Path:
    """Return the file that contains a model's factory: one of the proposed networks, or a baseline."""
    name = params.model(model).of or model
    for folder in ("benchmark/models", "baselines"):
        if (path := Path(folder, f"{name}.py")).exists():
            return path
    raise BadInput(f"baselines/{name}.py: missing; model {model!r} of params.yaml needs this file")


def cell(params: Params, task: str, model: str) -> "list[Run]":
    """Return all runs that params.yaml asks of a task and a model."""
    from benchmark.training.runs import resolve

    code = code_of(params, model)
    return [resolve(params, task, model, number, code) for number in range(params.task(task).runs)]


def cells(params: Params, tasks: Iterable[str], models: Iterable[str] | None) -> "list[list[Run]]":
    """Return the cells of some tasks: of some models, or, for None, of all that have evidence there."""
    chosen = [(task, model) for task in dict.fromkeys(tasks) for model in models or params.cells(task)]
    return [cell(params, task, model) for task, model in dict.fromkeys(chosen)]
