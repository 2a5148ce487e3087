"""What a command says of its progress and of the time left."""

from itertools import count
from types import SimpleNamespace

from benchmark.training import progress


def told(messages, monkeypatch, capsys, minutes=30):
    """Return what is said of two runs expected to take 100 s each, where each ``DONE`` comes after some minutes."""
    times = count(0, 60 * minutes)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(times)))
    with progress.shown({"run 0": 100.0, "run 1": 100.0}) as tell:
        for message in messages:
            tell.send(message)
    return capsys.readouterr().err.splitlines()


def test_the_time_left_follows_the_pace_so_far(monkeypatch, capsys):
    messages = [*(("run 0", epoch, 10) for epoch in range(1, 11)), ("run 0", progress.DONE, 1)]
    assert told(messages, monkeypatch, capsys) == ["run 0: done; about 30 min left"]


def test_epochs_of_an_earlier_command_do_not_shorten_the_time_left(monkeypatch, capsys):
    messages = [("run 0", 6, 10), ("run 0", 10, 10), ("run 0", progress.DONE, 1)]
    assert told(messages, monkeypatch, capsys) == ["run 0: done; about 59 min left"]  # 30 min for 100 - 0.98 x 50 s
