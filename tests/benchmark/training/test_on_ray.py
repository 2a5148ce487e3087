"""Runs on Ray: the evidence that comes back is that of this machine's own engine, whatever becomes of a node."""

import os
import signal

import pytest

from benchmark import evidence
from benchmark.errors import BadInput
from benchmark.training import cells, local, on_ray

pytestmark = pytest.mark.long
LOOPBACK = {"num_cpus": 1, "node_ip_address": "127.0.0.1"}


def files(folder):
    """Return path → content of what must come out the same of the runs below a folder."""
    paths = (path for path in folder.rglob("*") if path.name in evidence.DETERMINISTIC)
    return {path.relative_to(folder): path.read_bytes() for path in paths}


@pytest.fixture
def todo(small, edit, run_of):
    edit("tasks.phantom.recipe.epochs", 4)
    return [run_of(model, number) for model in ("cnn", "knn") for number in range(2)]


@pytest.fixture
def of_this_machine(todo, workplace):
    cells.train_into(todo, workplace / "local", local.outcomes)
    return files(workplace / "local")


@pytest.fixture
def cluster():
    """Two raylets on this machine; the first is the head."""
    on_ray.engine(None)  # has Ray listen on the loopback address
    from ray.cluster_utils import Cluster

    own = Cluster(initialize_head=True, head_node_args=LOOPBACK | {"include_dashboard": False})
    yield own, own.add_node(**LOOPBACK)
    own.shutdown()


def test_ray_on_this_machine_leaves_the_same_bytes(todo, of_this_machine, workplace):
    cells.train_into(todo, workplace / "ray", on_ray.engine(None))
    assert files(workplace / "ray") == of_this_machine
    assert {path.suffix for path in of_this_machine} == {".json", ".csv"}


def test_a_run_that_asks_for_more_than_this_machine_has_is_refused(todo, workplace, monkeypatch):
    monkeypatch.setattr(on_ray.memory, "expected", lambda run: 1e15)
    with pytest.raises(BadInput, match=r"run \d: asks Ray for CPU 1, memory 1e\+15; this machine has not that much"):
        cells.train_into(todo, workplace / "ray", on_ray.engine(None))


def test_a_machine_that_is_lost_costs_its_own_runs_alone(todo, of_this_machine, workplace, cluster):
    nodes, second = cluster

    def engine(waiting, folders, shared, tell):
        class Killing:
            """Kills the second raylet with all its workers when the first epoch of a run there is told."""

            dead = False

            def send(self, message):
                tell.send(message)
                if not self.dead and message[1] > 0:
                    Killing.dead = True
                    nodes.remove_node(second, allow_graceful=False)

        yield from on_ray.engine(nodes.address)(waiting, folders, shared, Killing())
        assert Killing.dead

    cells.train_into(todo, workplace / "ray", engine)
    assert files(workplace / "ray") == of_this_machine


def test_a_run_that_fails_on_a_node_is_told_with_its_traceback(small, edit, run_of, workplace):
    edit("tasks.phantom.recipe.learning_rate", 1e30)
    run = run_of("cnn")
    [(_, error)] = on_ray.engine(None)([run], {run: workplace / "folder"}, workplace, SilentPipe())
    assert type(error).__name__ == "TrainingFailed"
    assert "loss is" in str(error)
    assert any("Traceback" in note or "perform" in note for note in error.__notes__)


class SilentPipe:
    def send(self, message):
        pass


def test_an_address_without_a_cluster_is_told_in_one_line(small, run_of, workplace):
    run = run_of("knn")
    with pytest.raises(BadInput, match=r"127\.0\.0\.1:1"):
        list(on_ray.engine("127.0.0.1:1")([run], {run: workplace / "folder"}, workplace, SilentPipe()))


def test_ctrl_c_is_heard_while_ray_works(small, run_of, workplace):
    run = run_of("knn")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    class Interrupting:
        def send(self, message):
            os.kill(os.getpid(), signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            list(on_ray.engine(None)([run], {run: workplace / "folder"}, workplace, Interrupting()))
    finally:
        signal.signal(signal.SIGINT, before)
