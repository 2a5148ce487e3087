"""What EMANet's mask saves: the same part of the network under every form, and the record of it."""

import json

import pytest
import torch
from torch import nn

from benchmark.cost import counting, saving
from benchmark.params import Shape, Timing

QUICK = Timing(reference="emanet", least=6, most=6, seconds=0.0, precise=0.03)


def parts(size):
    images = torch.randn(2, 1, size, size, generator=torch.Generator().manual_seed(0))
    return saving.parts(images.contiguous(memory_format=torch.channels_last))


@pytest.fixture(scope="module")
def at_64():
    return parts(64)


def test_each_form_is_the_attention_part_of_one_network(at_64):
    given, by_form = at_64
    assert given[0].shape == (2, 128, 16, 16)
    with torch.no_grad():
        assert {part(*given).shape for part in by_form.values()} == {(2, 128, 8, 8)}
    assert list(by_form)[:2] == [("none", None), ("gather", 0.25)]


def test_a_size_that_is_no_whole_number_of_patches_is_padded():
    given, by_form = parts(28)
    with torch.no_grad():
        assert {part(*given).shape for part in by_form.values()} == {(2, 128, 4, 4)}


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.0])
def test_a_share_of_all_tokens_is_kept(at_64, share):
    given, by_form = at_64
    with torch.no_grad():
        attended = by_form["gather", share](*given)
    assert (attended.abs().sum(1) > 0).float().mean().item() == pytest.approx(share)


def test_fewer_tokens_take_fewer_macs_and_the_papers_forms_take_all(at_64):
    given, by_form = at_64
    macs = {key: counting.macs(part, *given) for key, part in by_form.items()}
    mask = 2 * 8 * 8 * 128
    assert macs["gather", 1.0] >= macs["none", None] > macs["gather", 0.75] > macs["gather", 0.25]
    assert macs["weights", 0.5] == macs["output", 0.5] == macs["none", None] + mask


def test_the_record_has_each_form_for_one_image_and_for_a_batch(monkeypatch):
    monkeypatch.setitem(saving.BATCH, "cpu", 2)
    told, blocks = [], []
    shape = Shape(device="cpu", size=32, images="phantom")
    record = saving.record(shape, QUICK, lambda what: told.append(what) or blocks.append)
    assert told == ["attention part, batch 1", "attention part, batch 2"]
    assert blocks == [1, 2, 3, 4, 5, 6] * 2
    assert (record["size"], [each["batch"] for each in record["batches"]]) == (32, [1, 2])
    without, gathered, *others = record["batches"][0]["forms"]
    assert (without["form"], without["kept_share"], without["times_as_fast"]) == ("none", None, 1)
    assert (gathered["form"], gathered["kept_share"]) == ("gather", 0.25)
    assert len(others) == 6


def test_a_form_has_the_macs_of_one_image_and_its_speed_up_over_the_part_without_a_mask(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(saving.timing.time, "perf_counter", lambda: now[0])

    class Takes(nn.Linear):
        """A layer that takes some seconds, by that clock."""

        def __init__(self, seconds):
            super().__init__(3, 5)
            self.seconds = seconds

        def forward(self, features, local):
            now[0] += self.seconds
            return super().forward(features)

    by_form = {saving.WITHOUT: Takes(0.004), ("gather", 0.5): Takes(0.001)}
    shape = Shape(device="cpu", size=32, images="phantom")
    measured = saving._measured(by_form, (torch.zeros(2, 3), torch.zeros(2)), shape, QUICK, lambda _: None)
    without, gathered = measured["forms"]
    assert without["macs"] == gathered["macs"] == 3 * 5
    assert (without["ms"], gathered["ms"]) == (4, 1)
    assert (without["times_as_fast"], gathered["times_as_fast"], gathered["interval"]) == (1, 4, [4, 4])


def test_a_record_is_current_until_the_code_changes(tmp_path, monkeypatch):
    shape, path = Shape(device="cpu", size=32, images="phantom"), tmp_path / "record.json"
    assert not saving.is_current(path, shape)
    path.write_text(json.dumps({"digest": saving._digest(shape)}))
    assert saving.is_current(path, shape)
    monkeypatch.setattr(saving, "code_digest", lambda files: "another")
    assert not saving.is_current(path, shape)
