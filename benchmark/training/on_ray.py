"""Runs on the machines of a Ray cluster, or on this one by Ray. Nothing but Ray connects them: no shared folder.

Code, parameters and splits go there as Ray's working directory, images through its object store, once per machine.
Evidence comes back as what a task returns. Where a machine is lost, Ray starts the runs that were on it elsewhere.
"""

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from joblib import cpu_count

from benchmark import data, evidence
from benchmark.data import Images
from benchmark.errors import BadInput, Unreachable
from benchmark.evidence import provenance
from benchmark.params import Task
from benchmark.training import local, memory
from benchmark.training.progress import DONE
from benchmark.training.runs import Run, code_files

CODE = ("benchmark", "baselines", "params.yaml")
STARTS = 5  # of a run whose machine or process was lost each time
LISTENS_S = 1.0


def engine(address: str | None) -> Callable[..., Iterator[tuple[Run, BaseException | None]]]:
    """Return the engine for the cluster at ``address``; for this machine alone, by Ray, if it is None.

    :class:`BadInput` if Ray is not installed.
    """
    if address is None:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # Ray then listens on the loopback address
    try:
        import ray  # noqa: F401
    except ImportError:
        raise BadInput("--engine ray: Ray is not installed; `pip install .[ray]` installs it") from None
    return partial(_outcomes, address)


def _outcomes(
    address: str | None, waiting: list[Run], folders: dict[Run, Path], shared: Path, tell: Connection
) -> Iterator[tuple[Run, BaseException | None]]:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    with tempfile.TemporaryDirectory() as package:
        _pack(waiting, Path(package))
        with _cluster(address, package):
            _require_room(waiting, address)
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            messages = ray.remote(num_cpus=0, scheduling_strategy=here)(Messages).remote()
            tasks = {task.name: task for run in waiting for task in run.tasks}
            images = {name: ray.put(_load(task)) for name, task in tasks.items()}
            perform = ray.remote(max_retries=STARTS - 1, retry_exceptions=False)(_perform)
            given = (provenance.versions(), messages)
            pending = {
                _for(perform, run).remote(run, [images[task.name] for task in run.tasks], *given): run
                for run in waiting
            }
            while pending:
                ended, _ = ray.wait([*pending], timeout=LISTENS_S)
                for message in ray.get(messages.take.remote()):
                    tell.send(message)
                for answer in ended:
                    run = pending.pop(answer)
                    error = _received(answer, folders[run])
                    if error is None:
                        tell.send((str(run), DONE, 1))
                    yield run, error


def _received(answer: Any, folder: Path) -> BaseException | None:
    """Put the evidence that a run sent into its folder; return what it raised, if anything."""
    import ray

    try:
        files = ray.get(answer)
    except ray.exceptions.RayTaskError as error:
        error.cause.add_note(str(error))  # the traceback over there
        return error.cause
    except ray.exceptions.RayError as error:
        return Unreachable(f"Ray: {' '.join(str(error).split())}")
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(files, key=lambda name: name == evidence.PROVENANCE):  # the mark of a finished run last
        (folder / name).write_bytes(files[name])
    return None


class Messages:
    """What runs tell of their progress, kept until the command asks for it."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, int, int]] = []

    def tell(self, message: tuple[str, int, int]) -> None:
        """Keep a message."""
        self.kept.append(message)

    def take(self) -> list[tuple[str, int, int]]:
        """Return the messages since the last call."""
        taken, self.kept = self.kept, []
        return taken


def _perform(run: Run, images: list[Any], versions: dict[str, str | None], messages: Any) -> dict[str, bytes]:
    """Perform a run on a machine of the cluster; return name → content of the files of its evidence.

    ``images`` are those of its tasks in the object store.
    """
    import ray

    if others := [name for name, version in provenance.versions().items() if versions[name] != version]:
        name, here = others[0], provenance.versions()[others[0]]
        raise BadInput(
            f"{os.uname().nodename}: has {name} {here}; it must be {versions[name]}, as on the command's machine"
        )
    for one in ray.get(images):
        data.give(one)
    folder = Path("scratch", *run.cell, str(run.number)).absolute()
    local.perform_alone(
        run,
        folder,
        Path("scratch/shared").absolute(),
        lambda done, epochs: messages.tell.remote((str(run), done, epochs)),
    )
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _load(task: Task) -> Images:
    return data.load(task, evidence.manifest(task.name)["digest"])


def _for(perform: Any, run: Run) -> Any:
    """Return the remote function with what the run asks for."""
    asked = _asked(run)
    return perform.options(name=str(run), num_cpus=asked["CPU"], num_gpus=asked.get("GPU", 0), memory=asked["memory"])


def _asked(run: Run) -> dict[str, float]:
    """Return what a run asks Ray for: one core, memory as recorded of such runs and, on a card, its share of it."""
    card = {"GPU": 1 / local.RUNS_PER_CARD} if run.task.device == "cuda" else {}
    return {"CPU": 1, "memory": memory.expected(run)} | card


def _require_room(waiting: list[Run], address: str | None) -> None:
    """Name a run that asks for more than any machine has: on this one alone an error, while a cluster may grow."""
    import ray

    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for run in waiting:
        asked = _asked(run)
        if any(all(machine.get(name, 0) >= amount for name, amount in asked.items()) for machine in machines):
            continue
        lacks = f"{run}: asks Ray for {', '.join(f'{name} {amount:g}' for name, amount in asked.items())}"
        if address is None:
            raise BadInput(f"{lacks}; this machine has not that much; it must be one that has, or a cluster")
        print(f"{lacks}; no machine has that much now, so it waits for one", file=sys.stderr)


def _pack(waiting: list[Run], folder: Path) -> None:
    """Put what runs read besides images into a folder, and the commit that trains, since no repository is there."""
    for name in CODE:
        copy = shutil.copytree if Path(name).is_dir() else shutil.copy
        copy(name, folder / name)
    for task in {task.name for run in waiting for task in run.tasks}:
        (folder / evidence.TASKS / task).mkdir(parents=True)
        for name in ("manifest.json", "split.csv"):
            shutil.copy(evidence.TASKS / task / name, folder / evidence.TASKS / task)
    for run in waiting:
        kind, _, path = (run.model.init or "").partition(":")
        if kind == "file" and not Path(path).is_absolute():
            if not Path(path).resolve().is_relative_to(Path.cwd().resolve()):
                where = f"params.yaml: models.{run.model.name}.init"
                raise BadInput(f"{where}: {path} lies outside this folder; Ray carries only what is below it")
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path)
    files = sorted({path for run in waiting for path in code_files(run)})
    (folder / ".git_archival.txt").write_text(f"{provenance.commit(files) or ''}\n")


def _require_reachable(address: str) -> None:
    """Raise :class:`BadInput` if nobody listens at HOST:PORT; Ray itself would try for a quarter of an hour."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError, OverflowError) as error:
        raise BadInput(f"--address: {address}: {error}; it must be HOST:PORT of a Ray cluster") from None


@contextlib.contextmanager
def _cluster(address: str | None, package: str) -> Iterator[None]:
    """Join the cluster at ``address``, or start one of this machine; leave it at the end."""
    import ray

    if address and address != "auto":
        _require_reachable(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    own = {"num_cpus": cpu_count(), "include_dashboard": False}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    variables = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ray.init(
            address=address or "local",
            runtime_env={"working_dir": package, "env_vars": variables},
            log_to_driver=False,
            logging_level="error",
            **({} if address else own),
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        why = " ".join(str(error).split())
        if address:
            raise BadInput(f"--address: {address}: {why}; it must be HOST:PORT of a Ray cluster") from None
        raise BadInput(f"--engine ray: {why}; Ray must be able to start on this machine") from None
    finally:
        for number, handler in handlers.items():  # Ray hears SIGTERM itself
            signal.signal(number, handler)
    try:
        yield
    finally:
        ray.shutdown()
