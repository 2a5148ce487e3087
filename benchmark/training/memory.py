"""Memory of a run: what its process held at most, and what the next one is expected to hold."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmark import evidence
from benchmark.errors import BadInput
from benchmark.evidence import provenance
from benchmark.training.runs import Run

WITHOUT_RECORD = {"network": 1.5e9, "estimator": 1.0e9}  # bytes, with those of the libraries
RESET_PEAK = "5"  # Linux's proc(5), clear_refs


@contextmanager
def recorded(folder: Path) -> Iterator[None]:
    """Note in the provenance that the block leaves in ``folder`` how many bytes this process held at most meanwhile.

    Nothing is noted where the system does not tell: Linux does.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    yield
    if peak := _peak():
        provenance.write(folder, provenance.read(folder) | {"peak_memory": peak})


def _peak() -> int | None:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def expected(run: Run) -> float:
    """Return the bytes of a run: what runs of the same model on the task held at most, else what its kind may hold."""
    peaks = []
    for number in evidence.runs_of(*run.cell):
        with suppress(BadInput):  # a damaged one is trained again like a missing one
            peaks.append(provenance.read(evidence.run_folder(*run.cell, number)).get("peak_memory"))
    known = [float(peak) for peak in peaks if isinstance(peak, int) and peak > 0]
    return max(known, default=WITHOUT_RECORD[run.model.kind])
