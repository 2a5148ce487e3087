"""EMANet's own parts: the mask, and attention that only sees what the mask keeps."""

import pytest
import torch

from benchmark.models.emanet import EMANet, Mask, MaskedSelfAttention, emanet


@pytest.fixture
def patches():
    return torch.randn(4, 9, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def mask():
    torch.manual_seed(0)
    return Mask(16)


@pytest.fixture
def attention():
    torch.manual_seed(0)
    return MaskedSelfAttention(16, 2)


def softmax_over_kept(attention, patches, mask):
    """Attention with keys that the mask drops excluded before the softmax."""
    n, tokens, width = patches.shape
    query, key, value = attention.qkv(patches).view(n, tokens, 3, attention.heads, -1).permute(2, 0, 3, 1, 4)
    scores = query @ key.transpose(2, 3) * (width // attention.heads) ** -0.5
    weights = scores.masked_fill(mask[:, None, None, :] == 0, -torch.inf).softmax(3)
    return attention.project((weights @ value).transpose(1, 2).reshape(n, tokens, width))


def test_the_mask_is_of_zeros_and_ones_and_differs_by_image(mask, patches):
    kept = mask(patches)
    assert kept.shape == (4, 9)
    assert torch.allclose(kept, kept.round())
    assert set(kept.round().unique().tolist()) == {0, 1}
    assert len(kept.sum(1).round().unique()) > 1


@pytest.mark.parametrize("bias", [-100.0, -5.0, 0.0, 5.0])
def test_the_mask_keeps_at_least_one_patch(mask, patches, bias):
    with torch.no_grad():
        mask.importance.bias.fill_(bias)
    assert (mask(patches) > 0.5).any(1).all()
    assert (mask(torch.zeros(4, 9, 16)) > 0.5).any(1).all()


def test_a_doubtful_mask_keeps_the_most_important_patch(mask, patches):
    strong = patches.clone()
    strong[:, 3] *= 20
    with torch.no_grad():
        mask.importance.weight.zero_()
        mask.importance.bias.fill_(-50.0)
    assert (mask(strong).argmax(1) == 3).all()
    assert ((mask(strong) > 0.5).sum(1) == 1).all()


def test_the_gradient_passes_through_the_threshold(mask, patches):
    mask(patches).sum().backward()
    assert mask.importance.weight.grad.abs().sum() > 0
    assert mask.saliency.grad.abs() > 0


def test_attention_excludes_dropped_patches_before_the_softmax(attention, patches, mask):
    kept = mask(patches).detach()
    assert torch.allclose(attention(patches, kept), softmax_over_kept(attention, patches, kept), atol=1e-4)


def test_with_every_patch_kept_attention_is_plain(attention, patches):
    kept = torch.ones(4, 9)
    assert torch.allclose(attention(patches, kept), softmax_over_kept(attention, patches, kept), atol=1e-4)


def test_images_that_do_not_divide_into_patches_are_taken():
    network = EMANet(num_classes=3, in_chans=1, width=16, heads=2, patch=2, dropout=0.0).eval()
    assert network(torch.zeros(2, 1, 30, 37)).shape == (2, 3)


def test_options_change_the_size():
    assert sum(p.numel() for p in emanet(width=32).parameters()) < sum(p.numel() for p in emanet().parameters())
