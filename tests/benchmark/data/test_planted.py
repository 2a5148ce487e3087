"""Leaks planted among unrelated images of four kinds of texture are found, and few pairs that are none.

``python -m pytest tests/benchmark/data/test_planted.py -m long -s`` prints the table.
"""

import numpy as np
import pytest

from benchmark.data import duplicates
from tests.benchmark.data.planted import CHANGES, KINDS, planted


@pytest.fixture
def search(settings, make_images):
    """Return a function that plants copies: change → share found, the number of false pairs, and the choice."""

    def run(kind, count, each):
        pixels, labels, sources = planted(kind, count, each, seed=11)
        choice = duplicates.choose(make_images(pixels, labels), settings.duplicates)
        pairs = {tuple(pair) for pair in choice.joined.tolist()}
        true = [(int(source), count + index) for index, source in enumerate(sources)]
        hits = np.array([pair in pairs for pair in true]).reshape(len(CHANGES), each).sum(1)
        return dict(zip(CHANGES, hits.tolist(), strict=True)), len(pairs - set(true)), choice

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_planted_copies_are_found_among_few_images(search, kind):
    found, false, _ = search(kind, 120, 2)
    assert found == dict.fromkeys(CHANGES, 2)
    assert false <= 10  # of 7140 pairs of unrelated images


@pytest.mark.long
def test_planted_copies_are_found_among_a_thousand_images(search, capsys):
    table = {}
    for kind in KINDS:
        found, false, choice = search(kind, 1000, 20)
        used = ", ".join(f"{name} {level}" for name, level in choice.thresholds.items() if level is not None)
        table[kind] = [*found.values(), false, used]
        assert sum(found.values()) >= 0.95 * 20 * len(CHANGES), kind
        assert false <= duplicates.FALSE * len(choice.joined), kind
    with capsys.disabled():
        print(f"\n{'20 planted each':18}", *(f"{kind:>10}" for kind in KINDS))
        for row, name in enumerate([*CHANGES, "false pairs"]):
            print(f"{name:18}", *(f"{table[kind][row]:10}" for kind in KINDS))
        for kind in KINDS:
            print(f"{kind}: {table[kind][-1]}")
