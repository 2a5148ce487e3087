"""How far the runs of a command are, with the time left."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from tqdm import tqdm

from benchmark import workers

DONE = -1


@contextmanager
def shown(weights: dict[str, float]) -> Iterator[Connection]:
    """Show how far runs are, each weighted by the seconds that it is expected to take; on a terminal as a bar.

    Give the end of a pipe that takes (run, epochs done, of how many); :data:`DONE` epochs say that the run is done.
    """
    # A pipe without a lock: a short message is written whole or not at all, whenever its writer is killed.
    heard, tell = workers.CONTEXT.Pipe(duplex=False)
    thread = threading.Thread(target=_show, args=(heard, weights), daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        tell.send(None)
        thread.join()


def _show(heard: Connection, weights: dict[str, float]) -> None:
    style = "{desc} {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"
    at: dict[str, float] = {}
    before, begun = 0.0, time.monotonic()  # what an earlier command did says nothing of the pace
    with suppress(OSError), tqdm(total=sum(weights.values()), desc="training", bar_format=style, disable=None) as bar:
        while (message := heard.recv()) is not None:
            run, done, epochs = message
            epoch = 0.98 * weights[run] / epochs
            if run not in at and done != DONE:
                before += epoch * (done - 1)
            at[run] = weights[run] if done == DONE else epoch * done
            bar.n, bar.initial = sum(at.values()), before
            bar.set_postfix_str(f"{run}, epoch {done} of {epochs}" if done != DONE else f"{run}, done")
            if done == DONE:
                left = (time.monotonic() - begun) * (bar.total - bar.n) / max(bar.n - before, 1e-9)
                bar.write(f"{run}: done; about {left / 60:.0f} min left", file=sys.stderr)
        return
    while heard.recv() is not None:  # nobody reads standard error any more; the runs must not wait for it
        pass
