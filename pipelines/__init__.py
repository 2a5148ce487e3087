"""One thin command a stage: ``python -m pipelines.STAGE``."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from benchmark import params
from benchmark.errors import BadInput


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command's words in one line."""

    def __init__(self, stage: str, about: str | None) -> None:
        super().__init__(prog=f"python -m pipelines.{stage}", description=about)

    def error(self, message: str) -> NoReturn:
        """End the command as bad input does."""
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def run(main: Callable[[], int | None]) -> None:
    """Run a command; what goes wrong ends it with one line on standard error: bad input with status 2, else 1."""
    from benchmark.training.cells import TrainingFailed

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


def module_of(settings: params.Params, model: str) -> str:
    """Return the module that holds a model's factory: one of the proposed networks, or a baseline."""
    name = settings.model(model).of or model
    for package in ("benchmark/models", "baselines"):
        if Path(package, f"{name}.py").exists():
            return f"{package.replace('/', '.')}.{name}"
    raise BadInput(f"baselines/{name}.py: missing; model {model!r} of params.yaml needs this file")
