"""Maps of networks that have learned nothing."""

import numpy as np
import pytest

from benchmark import evidence
from benchmark.training import cells as training
from benchmark.training import local, untrained
from pipelines.listed import cell


@pytest.fixture
def explained(small):
    """The first run of EMANet on small phantoms, trained."""
    runs = cell(small, "phantom", "emanet")
    training.train_cells([runs], False, lambda run: True, local.outcomes)
    return runs[0]


def test_the_untrained_network_is_shown_the_images_and_classes_that_the_trained_one_explains(explained):
    assert untrained.has_maps(explained) and not untrained.is_current(explained)
    untrained.write(explained)
    assert untrained.is_current(explained)
    theirs = evidence.read_json(explained.folder / "explanations.json")
    maps = evidence.read_json(evidence.untrained_file(*explained.cell))
    assert [*maps] == [*theirs]
    for name, fields in maps.items():
        assert (fields["label"], fields["predicted"]) == (theirs[name]["label"], theirs[name]["predicted"])
        drawn, trained = np.array(fields["grad_cam"]), np.array(theirs[name]["grad_cam"])
        assert drawn.shape == trained.shape and 0 <= drawn.min() <= drawn.max() <= 1
    assert any(fields["grad_cam"] != theirs[name]["grad_cam"] for name, fields in maps.items())
    assert untrained.agree(maps, untrained.made(explained))


def test_maps_of_another_class_are_out_of_date_and_other_maps_do_not_agree(explained):
    untrained.write(explained)
    path = evidence.untrained_file(*explained.cell)
    maps = evidence.read_json(path)
    name = next(iter(maps))
    forged = {key: dict(fields) for key, fields in maps.items()}
    forged[name]["grad_cam"] = (1 - np.array(forged[name]["grad_cam"])).tolist()
    assert not untrained.agree(maps, forged)
    evidence.write_json(path, maps | {name: maps[name] | {"predicted": maps[name]["predicted"] + 1}})
    assert not untrained.is_current(explained)
