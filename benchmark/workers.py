"""Worker processes: they hear no Ctrl-C, which is the command's to hear, and end when the command does."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")


@contextmanager
def pool(
    count: int, preload: Sequence[str], begin: Callable[..., object] = int, *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of ``count`` processes that have imported the modules ``preload``; each begins by calling ``begin``.

    They start with the first tasks: submit those inside :func:`interrupts_held_back`. At the end, however it comes,
    they are killed: a process that is waited for may wait itself, for a lock that a killed one took along.
    """
    CONTEXT.set_forkserver_preload([*preload])
    _start_server(CONTEXT)
    workers = ProcessPoolExecutor(count, CONTEXT, _begin, (begin, *arguments))
    try:
        yield workers
    finally:
        for process in list((workers._processes or {}).values()):
            process.kill()
        workers.shutdown(wait=True, cancel_futures=True)


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is done.

    Processes started in it never hear Ctrl-C: the command ends its workers.
    """
    heard = []
    before = {
        number: signal.signal(number, lambda number, frame: heard.append(number))  # other threads hear it still
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # processes inherit this
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        signal.raise_signal(heard[0])


def _start_server(context: ForkServerContext) -> None:
    """Start the process that workers are forked from; return when it has imported what they need.

    A thread waits for it, so Ctrl-C is heard meanwhile; the server and its workers inherit that they hear none.
    """

    def start() -> None:
        resource_tracker.ensure_running()  # which ends with Ctrl-C let through
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        context.Process(target=int, daemon=True).start()

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    thread.join()


def _begin(begin: Callable[..., object], *arguments: Any) -> None:
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    begin(*arguments)


def _end_with(parent: BaseProcess) -> None:
    """End this process when the command that started it is gone, however it went."""
    parent.join()
    os._exit(1)
