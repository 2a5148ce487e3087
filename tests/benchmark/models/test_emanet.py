"""EMANet against the paper's equations, stated plainly, and what its options mean."""

import numpy as np
import pytest
import torch

from benchmark.models.emanet import AttentionBranch, Fusion, Mask, MaskedSelfAttention, emanet

FORMS = ("gather", "before_softmax", "weights", "output", "none")


@pytest.fixture
def tokens():
    return torch.randn(4, 9, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def kept():
    """A mask (4 × 9) that keeps another number of tokens of each image."""
    rows = ["110100000", "111111110", "000000001", "101010101"]
    return torch.tensor([[float(digit) for digit in row] for row in rows])


@pytest.fixture
def features():
    """A feature map of 3 × 3 patches of 2 × 2."""
    return torch.randn(4, 16, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def images():
    return torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def attention(form, project=True):
    torch.manual_seed(0)
    return MaskedSelfAttention(16, 2, form, project).eval()


def branch(form, plain=False):
    torch.manual_seed(0)
    return AttentionBranch(16, 2, plain, MaskedSelfAttention(16, 2, form)).eval()


def mask_of(source="learned", selection="threshold", threshold=0.5, share=0.5):
    torch.manual_seed(0)
    return Mask(16, source, selection, threshold, share)


def network(**options):
    torch.manual_seed(0)
    return emanet(num_classes=3, width=32, **options).eval()


def plain_attention(module, tokens, weigh):
    """Softmax(QKᵀ/√d)V by einsum; ``weigh`` maps scores (N × heads × T × T) to weights."""
    n, count, width = tokens.shape
    weight, bias = (array.detach().numpy() for array in (module.qkv.weight, module.qkv.bias))
    projected = np.einsum("ntd,ed->nte", tokens.numpy(), weight) + bias
    query, key, value = projected.reshape(n, count, 3, module.heads, -1).transpose(2, 0, 3, 1, 4)
    weights = weigh(np.einsum("nhqd,nhkd->nhqk", query, key) / np.sqrt(width / module.heads))
    out = np.einsum("nhqk,nhkd->nqhd", weights, value).reshape(n, count, width)
    if isinstance(module.project, torch.nn.Linear):
        out = out @ module.project.weight.detach().numpy().T + module.project.bias.detach().numpy()
    return out


def softmax(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def excluding(mask):
    return lambda scores: softmax(np.where(mask.numpy()[:, None, None, :] > 0, scores, -np.inf))


def close(found, expected):
    return np.allclose(found.detach().numpy(), expected, atol=1e-5)


def test_standard_attention_is_the_papers_equation(tokens):
    module = attention("none")
    assert close(module(tokens, None), plain_attention(module, tokens, softmax))


def test_output_masks_what_a_query_gets(tokens, kept):
    module = attention("output")
    expected = kept.numpy()[..., None] * plain_attention(module, tokens, softmax)
    assert close(module(tokens, kept), expected)


def test_weights_are_masked_after_the_softmax_and_not_scaled_again(tokens, kept):
    module = attention("weights")
    expected = plain_attention(module, tokens, lambda scores: softmax(scores) * kept.numpy()[:, None, None, :])
    assert close(module(tokens, kept), expected)


def test_before_softmax_excludes_dropped_keys_for_every_query(tokens, kept):
    module = attention("before_softmax")
    assert close(module(tokens, kept), plain_attention(module, tokens, excluding(kept)))


@pytest.mark.parametrize("strength", [1.0, 20.0, 200.0])
def test_a_dropped_key_counts_nothing_however_strong_it_is(tokens, kept, strength):
    module = attention("before_softmax")
    loud = torch.where(kept.unsqueeze(2) > 0, tokens, strength * tokens)
    quiet = torch.where(kept.unsqueeze(2) > 0, tokens, torch.zeros(()))
    rows = kept > 0
    assert torch.allclose(module(loud, kept)[rows], module(quiet, kept)[rows], atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("plain", [False, True])
def test_gather_is_before_softmax_on_the_kept_tokens_and_nothing_elsewhere(features, kept, plain, training):
    found = branch("gather", plain).train(training)(features, kept).flatten(2).transpose(1, 2)
    expected = branch("before_softmax", plain)(features, kept).flatten(2).transpose(1, 2)
    assert torch.allclose(found[kept > 0], expected[kept > 0], atol=1e-5)
    assert (found[kept == 0] == 0).all()


def test_fused_attention_is_the_explicit_one(features, kept):
    for form in ("gather", "none", "output"):
        fused, explicit = branch(form), branch(form)
        explicit.attention.fused_attn = False
        assert torch.allclose(fused(features, kept), explicit(features, kept), atol=1e-5)


def test_a_patch_is_embedded_as_by_a_convolution_of_its_size(features):
    found = branch("none", plain=True)
    weight = found.embed.weight.view(16, 2, 2, 16).permute(0, 3, 1, 2)
    tokens = torch.nn.functional.conv2d(features, weight, found.embed.bias, 2).flatten(2).transpose(1, 2)
    assert torch.allclose(found(features, None).flatten(2).transpose(1, 2), found.attention(tokens, None), atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_with_every_token_kept_all_forms_are_plain_attention(tokens, form):
    expected = attention("none")(tokens, None)
    assert torch.allclose(attention(form)(tokens, torch.ones(4, 9)), expected, atol=1e-5)


@pytest.mark.parametrize("form", FORMS[:4])
def test_the_forms_are_different_functions(tokens, kept, form):
    others = [attention(name)(tokens, kept) for name in FORMS if name != form]
    assert not any(torch.allclose(attention(form)(tokens, kept), other, atol=1e-3) for other in others)


def test_gather_looks_at_kept_patches_only(features, kept):
    pixels = kept.view(4, 1, 3, 3).repeat_interleave(2, 2).repeat_interleave(2, 3)
    changed = torch.where(pixels > 0, features, torch.full((), torch.nan))
    assert torch.equal(branch("gather")(changed, kept), branch("gather")(features, kept))


def test_an_image_is_gathered_alone_as_among_others(features, kept):
    together = branch("gather")(features, kept)
    for image in range(4):
        one = slice(image, image + 1)
        assert torch.allclose(branch("gather")(features[one], kept[one]), together[one], atol=1e-5)


def test_an_image_of_which_nothing_is_kept_gets_no_attention(features, kept):
    for nothing in (kept * torch.tensor([1.0, 0.0, 1.0, 1.0])[:, None], 0 * kept):
        for training in (False, True):
            found = branch("gather").train(training)(features, nothing)
            assert found.isfinite().all()
            assert (found[1] == 0).all()


def test_dropped_tokens_tell_the_mask_in_training_what_they_would_be_worth(tokens, kept):
    mask = kept.clone().requires_grad_()
    attention("gather").train()(tokens, mask)[:, :, 0].sum().backward()
    assert (mask.grad[kept == 0].abs() > 0).all()


def test_the_mask_is_importance_plus_saliency_over_a_threshold(tokens):
    module = mask_of()
    values = tokens.numpy()
    strength = np.abs(values).mean(2)
    saliency = (strength - strength.mean(1, keepdims=True)) / strength.std(1, keepdims=True)
    weight, bias = module.importance.weight.detach().numpy(), module.importance.bias.detach().numpy()
    score = (values @ weight.T)[..., 0] + bias + saliency
    assert close(module.scores(tokens), 1 / (1 + np.exp(-score)))
    assert np.array_equal(module(tokens).detach().numpy() > 0.5, score >= 0)


def test_with_a_threshold_the_kept_share_differs_by_image(tokens):
    kept = mask_of()(tokens)
    assert torch.allclose(kept, kept.round())
    assert len(kept.sum(1).round().unique()) > 1


@pytest.mark.parametrize(("share", "count"), [(0.25, 2), (0.5, 5), (0.75, 7), (0.01, 1), (1.0, 9)])
def test_topk_keeps_the_most_important_share_of_every_image(tokens, share, count):
    module = mask_of(selection="topk", share=share)
    kept = module(tokens) > 0.5
    assert (kept.sum(1) == count).all()
    soft = module.scores(tokens).detach()
    least_kept = soft.masked_fill(~kept, 1.0).amin(1)
    assert (soft.masked_fill(kept, 0.0).amax(1) <= least_kept).all()


def test_topk_keeps_its_share_of_an_image_without_differences():
    assert (mask_of(selection="topk")(torch.zeros(2, 8, 16)) > 0.5).sum(1).tolist() == [4, 4]


@pytest.mark.parametrize("bias", [-100.0, -5.0, 5.0])
def test_a_threshold_keeps_at_least_the_most_important_token(tokens, bias):
    module = mask_of()
    with torch.no_grad():
        module.importance.bias.fill_(bias)
    kept = module(tokens) > 0.5
    assert (kept | (module.scores(tokens) < module.scores(tokens).amax(1, keepdim=True))).all()
    assert (module(torch.zeros(4, 9, 16)) > 0.5).any(1).all()


def test_the_gradient_passes_straight_through_the_threshold(tokens):
    module = mask_of()
    module(tokens).sum().backward()
    found = module.importance.weight.grad.clone()
    module.zero_grad()
    module.scores(tokens).sum().backward()
    assert torch.allclose(found, module.importance.weight.grad)


def test_an_inverted_mask_keeps_what_the_mask_drops_and_learns_as_if_it_were_not(tokens):
    plain, inverted = mask_of(), mask_of("inverted")
    assert torch.allclose(inverted(tokens), 1 - plain(tokens).round())
    plain(tokens).sum().backward()
    inverted(tokens).sum().backward()
    assert torch.allclose(plain.importance.weight.grad, inverted.importance.weight.grad)


def test_a_random_mask_does_not_look_at_the_image_and_is_the_same_in_each_evaluation(tokens):
    module = mask_of("random", "topk").eval()
    assert torch.equal(module(tokens), module(tokens.flip(0)))
    assert (module(tokens).sum(1) == 5).all()
    assert not list(module.parameters())
    torch.manual_seed(0)
    assert not torch.equal(module.train()(tokens)[0], module(tokens)[1])


@pytest.mark.parametrize("alpha", ["scalar", "channel", "free", "zero", "one"])
def test_fusion_is_the_papers_equation(alpha):
    torch.manual_seed(0)
    module = Fusion(8, alpha, "fused", masked=False)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    local, attended = torch.randn(2, 8, 3, 3), torch.randn(2, 8, 3, 3)
    a = np.asarray(module.alpha().detach() if isinstance(module.alpha(), torch.Tensor) else module.alpha())
    a = a.reshape(-1, 1, 1)
    expected = a * local.numpy() + (1 - a) * attended.numpy()
    assert close(module(local, attended, torch.zeros(2, 1, 3, 3)), expected)
    assert a.size == (8 if alpha == "channel" else 1)
    if alpha in ("scalar", "channel"):
        assert ((a > 0) & (a < 1)).all()
    if alpha in ("zero", "one"):
        assert a == float(alpha == "one")


@pytest.mark.parametrize("masked", [False, True])
def test_dropped_positions_keep_the_extractors_features_through_the_fusion(masked):
    module = Fusion(8, "scalar", "cnn", masked)
    local, attended = torch.randn(2, 8, 3, 3), torch.randn(2, 8, 3, 3)
    mask = torch.zeros(2, 1, 3, 3)
    mask[:, :, 0] = 1
    found = module(local, mask * attended if masked else attended, mask)
    assert torch.allclose(found[:, :, 1:], local[:, :, 1:])
    assert torch.allclose(found[:, :, 0], 0.5 * local[:, :, 0] + 0.5 * attended[:, :, 0])


@pytest.mark.parametrize("masked", [False, True])
def test_the_fusion_tells_the_mask_what_attention_is_worth_at_a_position(masked):
    module = Fusion(1, "scalar", "cnn", masked)
    local, attended = torch.full((1, 1, 1, 2), 3.0), torch.full((1, 1, 1, 2), 10.0)
    mask = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).requires_grad_()
    module(local, mask * attended if masked else attended, mask).sum().backward()
    assert mask.grad.flatten().tolist() == pytest.approx([0.5 * (10 - 3)] * 2)  # (1 − α)(F_att − F_cnn)


def test_spreading_attention_over_the_patchs_pixels_would_be_the_same_function(images):
    built = network()
    features, local, mask = built._seen(images)
    attended = built.attention(features, mask)
    grid = mask.view(3, 1, 4, 4)
    coarse = built.fusion(local, attended, grid).mean((2, 3))
    spread = [torch.nn.functional.interpolate(maps, scale_factor=2) for maps in (attended, grid)]
    assert torch.allclose(built.fusion(features, *spread).mean((2, 3)), coarse, atol=1e-5)


def test_classifier_is_linear_on_the_mean_of_the_fused_features(images):
    built, seen = network(), []
    built.fusion.register_forward_hook(lambda *call: seen.append(call[2]))
    logits = built(images)
    weight, bias = (array.detach().numpy() for array in (built.head[1].weight, built.head[1].bias))
    pooled = seen[0].detach().numpy().mean((2, 3))
    assert close(logits, np.einsum("nd,cd->nc", pooled, weight) + bias)


def test_it_hands_out_its_mask_for_any_image(images):
    kept = network().masks(images)
    assert kept.shape == (3, 4, 4)
    assert kept.dtype == torch.bool
    assert network().masks(torch.zeros(1, 1, 28, 28)).shape == (1, 4, 4)
    assert network(form="none").masks(images) is None
    assert network(alpha="one").masks(images) is None


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("mask", ["learned", "inverted", "random"])
def test_its_mask_can_be_held_to_a_share_of_some_images(images, mask, share):
    built = network(mask=mask)
    built.keep(images, share)
    kept = built.masks(images)
    expected = {("learned", 0.0): 1 / 16, ("random", 0.0): 1 / 16, ("inverted", 1.0): 15 / 16}.get((mask, share), share)
    assert kept.float().mean().item() == pytest.approx(expected, abs=0.07)


def test_a_mask_that_keeps_a_fixed_share_is_not_held_to_another(images):
    built = network(selection="topk", share=0.25)
    built.keep(images, 1.0)
    assert built.masks(images).float().mean() == 0.25


def test_the_width_scales_every_layer(images):
    sizes = [sum(weight.numel() for weight in emanet(width=width).parameters()) for width in (64, 128, 256)]
    assert 3 < sizes[1] / sizes[0] < 4.2
    assert 3 < sizes[2] / sizes[1] < 4.2


def test_the_lesions_mask_decides_which_tokens_are_kept(images):
    lesion = torch.zeros(3, 1, 32, 32)
    lesion[0, 0, 9, 30] = lesion[1, 0, :8, :9] = 1
    built = network(mask="lesion")
    kept = built.masks(torch.cat([images, lesion], 1))
    assert kept[0].nonzero().tolist() == [[1, 3]]
    assert kept[1].nonzero().tolist() == [[0, 0], [0, 1]]
    assert not kept[2].any()
    assert built(torch.cat([images, lesion], 1)).isfinite().all()


@pytest.mark.parametrize("form", FORMS)
def test_training_and_evaluation_are_the_same_function(images, form):
    built = network(form=form, dropout=0.0)
    for module in built.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.track_running_stats, module.running_mean, module.running_var = False, None, None
    assert torch.allclose(built.train()(images), built.eval()(images), atol=1e-5)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("form", ["before_softmax", "weights", "output", "none"]),
        ("selection", ["topk"]),
        ("threshold", [0.3]),
        ("mask", ["inverted", "random"]),
        ("dropped", ["fused"]),
        ("alpha", ["zero", "one"]),
        ("plain", [True]),
    ],
)
def test_every_option_changes_the_function(images, option, values):
    rest = {"dropout": 0.0} | ({"dropped": "fused"} if option == "form" else {})
    for value in values:
        one, other = (network(**options).train()(images) for options in (rest, rest | {option: value}))
        assert not torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    ("option", "value"),
    [("threshold", 1.0), ("share", 0.0), ("share", 7.0), ("patch", 0), ("width", 126), ("heads", 3)],
)
def test_a_number_out_of_range_is_named(option, value):
    with pytest.raises(ValueError, match=f"{option} is {value}; it must "):
        emanet(**{option: value})


@pytest.mark.parametrize("option", ["form", "selection", "mask", "dropped", "alpha"])
def test_an_unknown_choice_is_named_with_the_known_ones(option):
    with pytest.raises(ValueError, match=f"{option} is 'nonsense'; it must be one of "):
        emanet(**{option: "nonsense"})
