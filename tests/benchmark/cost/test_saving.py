"""What EMANet's mask saves: the same part of the network under every form, and what is said of it."""

import pytest
import torch

from benchmark.cost import cost, saving
from benchmark.params import Timing


@pytest.fixture(scope="module")
def found():
    images = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    return saving.parts(images.contiguous(memory_format=torch.channels_last))


def test_each_form_is_the_attention_part_of_one_network(found):
    given, parts = found
    assert given[0].shape == (2, 128, 16, 16)
    with torch.no_grad():
        assert {part(*given).shape for part in parts.values()} == {(2, 128, 8, 8)}
    assert list(parts)[:2] == ["none", "gather, 25 % kept"]


@pytest.mark.parametrize("share", [25, 50, 75, 100])
def test_a_share_of_all_tokens_is_kept(found, share):
    given, parts = found
    with torch.no_grad():
        attended = parts[f"gather, {share} % kept"](*given)
    assert (attended.abs().sum(1) > 0).float().mean().item() == pytest.approx(share / 100)


def test_fewer_tokens_take_fewer_macs_and_the_papers_forms_take_all(found):
    given, parts = found
    counts = {name: cost.macs(part, *given) for name, part in parts.items()}
    mask = 2 * 8 * 8 * 128
    assert counts["gather, 100 % kept"] >= counts["none"] > counts["gather, 75 % kept"] > counts["gather, 25 % kept"]
    assert counts["weights, 50 % kept"] == counts["output, 50 % kept"] == counts["none"] + mask


def test_the_page_holds_every_condition_with_its_interval(monkeypatch):
    monkeypatch.setattr(saving, "CONDITIONS", ((32, 1), (32, 4)))
    heard = []
    how = Timing(least=6, most=6, seconds=0.0, precise=0.03)
    record = saving.measure(how, lambda where, done: heard.append((where, done)))
    assert heard[-1] == ("32 px, batch 4", 6)
    assert [(of["input"], of["batch"]) for of in record["conditions"]] == [(32, 1), (32, 4)]
    assert record["conditions"][0]["forms"]["none"]["times_as_fast"] == 1
    page = saving.page(record)
    assert page.count("| 32 px") == 2 * 8
    assert "1.00 [1.00, 1.00]" in page
