"""One thin command per stage: ``python -m pipelines.STAGE``.

This file is imported before a stage's own: it hears Ctrl-C and SIGTERM before anything slow is imported.
"""

import os
import signal
import sys
from types import FrameType, TracebackType

STOPPED = "stopped; the same command goes on from here"
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal was heard. After a bare KeyboardInterrupt Python may end by SIGINT, whatever the status."""


class _Command:
    """Whether a command is at work, so a signal may raise in it, and the status that a signal asks for."""

    at_work = False
    status: int | None = None


def _stop(number: int, frame: FrameType | None) -> None:
    """Stop the command: in an orderly way while it is at work; before and after that, or when told again, at once."""
    _Command.status = 128 + number
    if _Command.at_work:
        _Command.at_work = False
        raise Stopped
    os.write(2, f"{STOPPED}\n".encode())
    os._exit(_Command.status)


IS_COMMAND = sys.argv[0] == "-m"  # Python is about to run a command from here; workers and tests only import this
if IS_COMMAND:
    for _number in SIGNALS:
        signal.signal(_number, _stop)

import argparse  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import NoReturn  # noqa: E402

from benchmark.errors import BadInput, TrainingFailed, failure, lacks_memory, one_line  # noqa: E402


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command's words in one line; its help ends with an example, given by its words."""

    def __init__(self, stage: str, about: str | None, example: str = "") -> None:
        prog = f"python -m pipelines.{stage}"
        whole = argparse.RawDescriptionHelpFormatter  # an example is copied: no line may break in it
        super().__init__(
            prog=prog, description=about, epilog=f"example: {prog} {example}".rstrip(), formatter_class=whole
        )

    def error(self, message: str) -> NoReturn:
        """End the command as bad input does."""
        self.exit(2, one_line(f"error: {message}; see {self.prog} --help") + "\n")


def run(main: Callable[[], int | None]) -> None:
    """Run a command; what goes wrong ends it with one line on standard error.

    The status is 2 after bad input, 130 after Ctrl-C, 143 after SIGTERM, else 1. An exception that is none of these
    is a fault of the program, and shows its traceback.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.reconfigure(errors="replace")  # what a terminal cannot show must not end a command
    before = {number: signal.signal(number, _stop) for number in SIGNALS}
    try:
        _Command.at_work, _Command.status = True, None
        status = main() or 0
        print(end="", flush=True)
        _Command.at_work = False
    except BaseException as error:
        _Command.at_work = False
        status, line = _ending(error)
        if status is None:
            raise
        _leave_output()
        print(line, end="", file=sys.stderr)
    finally:
        for number, handler in before.items():  # a command that is done is not stopped any more
            signal.signal(number, signal.SIG_IGN if IS_COMMAND else handler)
    sys.exit(status)


def _ending(error: BaseException) -> tuple[int | None, str]:
    """Return the status and the line that a command ends with after ``error``; None where it is not for a person."""
    if _Command.status or isinstance(error, KeyboardInterrupt):  # a library may make another error of the interrupt
        return _Command.status or 128 + signal.SIGINT, f"{STOPPED}\n"
    if isinstance(error, BadInput):
        return 2, one_line(f"error: {error}") + "\n"
    if isinstance(error, BrokenPipeError):  # nobody reads on
        return 1, ""
    if isinstance(error, ImportError) and lacks_memory(error):
        error = MemoryError(error)
    if isinstance(error, TrainingFailed | OSError | MemoryError):
        return 1, one_line(f"error: {failure(error)}") + "\n"
    return None, ""


def _end_imports(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """End a command whose imports failed, before :func:`run` is called, as that would."""
    status, line = _ending(error)
    if status is None:
        sys.__excepthook__(kind, error, trace)
        return
    os.write(2, line.encode())
    os._exit(status)


if IS_COMMAND:
    sys.excepthook = _end_imports


def _leave_output() -> None:
    """Send what standard output cannot take any more to nowhere, so Python's own end says nothing of it."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
