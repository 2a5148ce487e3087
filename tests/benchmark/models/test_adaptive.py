"""The adaptive hybrid: each equation against a plain statement of it, each option, and that all of it trains."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from torch import nn

from benchmark.models.adaptive import RBPNN, Enhancement, Fusion, Gate, Modules, Refinement, adaptive
from benchmark.models.blocks import ChannelAttention, SpatialAttention, level

CHANGES = [
    {},
    {"vit": "parallel"},
    {"vit": "none"},
    {"spatial": False},
    {"channel": False},
    {"spatial": False, "channel": False},
    {"attention_order": "channel_first"},
    {"channel_pooling": "average_max"},
    {"fusion": "input"},
    {"fusion": "none"},
    {"head": "rbpnn"},
]
ON_RESNET = [{"backbone": "resnet50"} | change for change in CHANGES if "vit" not in change]
EVERY = CHANGES + ON_RESNET


def array(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def tensor(*shape, seed=0):
    return torch.from_numpy(array(*shape, seed=seed)).float()


def scrambled(module, seed=0):
    """Return the module for evaluation, with weights and statistics that no initialisation gives."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.is_floating_point():
                noise = 0.3 * torch.randn(value.shape, generator=generator)
                value.copy_(1 + noise.abs() if name.endswith("running_var") else value + noise)
    return module.eval()


def numbers(value):
    return value.detach().double().numpy()


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def relu(value):
    return np.maximum(0, value)


def linear(layer, value):
    return value @ numbers(layer.weight).reshape(layer.out_features, -1).T + numbers(layer.bias)


def convolved(layer, images):
    """Eq. 2: a convolution that keeps the size."""
    weight = numbers(layer.weight)
    sums = [
        [sum(correlate2d(plane, k, "same") for plane, k in zip(image, kernel, strict=True)) for kernel in weight]
        for image in images
    ]
    return np.array(sums) + (0 if layer.bias is None else numbers(layer.bias)[:, None, None])


def normalised(layer, maps):
    """Batch normalisation with the running statistics."""
    mean, var, weight, bias = (
        numbers(value)[:, None, None] for value in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    return (maps - mean) / np.sqrt(var + layer.eps) * weight + bias


def spatial_weights(attention, features):
    """Eq. 5."""
    return sigmoid(convolved(attention.convolution, np.stack([features.mean(1), features.max(1)], 1)))


def channel_weights(attention, features, maximum=False):
    """Eq. 6; with ``maximum``, as the prose has it."""

    def scores(pooled):
        return linear(attention.layers[2], relu(linear(attention.layers[0], pooled)))

    total = scores(features.mean((2, 3)))
    if maximum:
        total = total + scores(features.max((2, 3)))
    return sigmoid(total)[:, :, None, None]


def test_a_level_convolves_rectifies_and_pools_as_equations_2_to_4():
    module, images = scrambled(level(2, 3, 5)), array(2, 2, 8, 8)
    assert [layer[0].kernel_size for layer in module[:2]] == [(5, 5), (3, 3)]
    maps = images
    for layer in module[:2]:
        maps = relu(normalised(layer[1], convolved(layer[0], maps)))
    pooled = maps.reshape(2, 3, 4, 2, 4, 2).max((3, 5))
    assert numbers(module(torch.from_numpy(images).float())) == pytest.approx(pooled, abs=1e-4)


@pytest.mark.parametrize("size", [28, 30, 32, 100])
def test_the_modules_keep_every_level_down_to_an_eighth(size):
    maps = Modules(1, "series", 3)(tensor(2, 1, size, size))
    assert [tuple(each.shape[1:]) for each in maps] == [
        (width, -(-size // stride), -(-size // stride)) for width, stride in ((48, 2), (96, 4), (192, 8))
    ]


def test_the_modules_outputs_are_concatenated_refined_and_gated():
    modules, images = scrambled(Modules(1, "series", 3)), tensor(2, 1, 32, 32)
    outputs = []
    for index, encoder in enumerate(modules.encoders):
        output = images
        for each in modules.levels:
            output = each[index](output)
        outputs.append(encoder(output))
    joined = torch.cat(outputs, 1)
    assert torch.allclose(modules(images)[-1], modules.gate(joined) * joined, atol=1e-5)


def test_a_parallel_vit_sees_the_image_itself():
    modules, images = scrambled(Modules(1, "parallel", 1)), tensor(2, 1, 30, 30)
    seen = []
    modules.gate.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    (gated,) = modules(images)
    branch = modules.encoders[0](modules.embed(images))
    assert gated.shape == (2, 256, 4, 4)
    assert torch.equal(seen[0][:, 192:], branch)


def test_an_encoder_knows_where_a_token_stands():
    encoder, features = scrambled(Modules(1, "series", 1).encoders[0]), tensor(1, 64, 4, 6)
    mirrored = encoder(features.flip(2, 3)).flip(2, 3)
    assert not torch.allclose(encoder(features), mirrored, atol=1e-3)


def test_spatial_attention_is_equation_5():
    attention, features = scrambled(SpatialAttention()), array(2, 5, 6, 6)
    expected = spatial_weights(attention, features)
    assert numbers(attention(torch.from_numpy(features).float())) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("maximum", [False, True])
def test_channel_attention_is_equation_6_or_the_prose(maximum):
    attention, features = scrambled(ChannelAttention(16, maximum)), array(2, 16, 3, 3)
    expected = channel_weights(attention, features, maximum)
    assert numbers(attention(torch.from_numpy(features).float())) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("order", ["spatial_first", "channel_first"])
def test_refinement_is_equation_7_in_either_order(order):
    refinement = scrambled(adaptive(attention_order=order).refine[0])
    spatial, channel = sorted(refinement.attentions, key=lambda each: isinstance(each, ChannelAttention))
    features = array(2, 48, 5, 5)
    steps = [(spatial, spatial_weights), (channel, channel_weights)]
    expected = features
    for attention, weights in steps if order == "spatial_first" else steps[::-1]:
        expected = weights(attention, expected) * expected
    assert numbers(refinement(torch.from_numpy(features).float())) == pytest.approx(expected, abs=1e-5)


def test_refinement_without_attention_changes_nothing():
    features = tensor(2, 4, 3, 3)
    assert torch.equal(Refinement()(features), features)


@pytest.fixture
def maps():
    return [array(2, 6, 8, 8), array(2, 10, 4, 4), array(2, 12, 2, 2)]


def aligned(fusion, maps):
    """Average pooling to 2 × 2, then 1×1 convolution, batch normalisation and ReLU."""
    for project, each in zip(fusion.project, maps, strict=True):
        step = each.shape[2] // 2
        pooled = each.reshape(*each.shape[:2], 2, step, 2, step).mean((3, 5))
        mixed = np.einsum("oc,nchw->nohw", numbers(project[0].weight)[:, :, 0, 0], pooled)
        yield relu(normalised(project[1], mixed))


def fused(fusion, maps):
    return numbers(fusion([torch.from_numpy(each).float() for each in maps]))


def test_fusion_is_equation_8_with_learned_weights(maps):
    fusion = Fusion([6, 10, 12], 5, "learned")
    assert numbers(fusion.weights).ravel() == pytest.approx([1 / 3] * 3)
    weights = numbers(scrambled(fusion).weights).ravel()
    assert weights.sum() != pytest.approx(1)  # nothing constrains them
    expected = np.einsum("i,inchw->nchw", weights, np.stack(list(aligned(fusion, maps))))
    assert fused(fusion, maps) == pytest.approx(expected, abs=1e-5)


def test_fusion_is_equation_8_with_weights_of_each_image(maps):
    fusion = scrambled(Fusion([6, 10, 12], 5, "input"))
    scales = np.stack(list(aligned(fusion, maps)))
    scores = linear(fusion.weigh, np.concatenate(list(scales.mean((3, 4))), 1))
    weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    assert np.abs(weights[0] - weights[1]).max() > 0.01
    assert fused(fusion, maps) == pytest.approx(np.einsum("ni,inchw->nchw", weights, scales), abs=1e-5)


def test_without_fusion_the_last_scale_stands_alone(maps):
    fusion = scrambled(Fusion([12], 5, "none"))
    assert fused(fusion, maps[-1:]) == pytest.approx(next(aligned(fusion, maps[-1:])), abs=1e-5)


def test_the_gate_is_additive():
    gate, features = scrambled(Gate(6, 4)), array(2, 6, 3, 5)
    signal = linear(gate.signal, features.mean((2, 3)))
    hidden = np.einsum("oc,nchw->nohw", numbers(gate.features.weight)[:, :, 0, 0], features) + signal[..., None, None]
    scores = np.einsum("oc,nchw->nohw", numbers(gate.score.weight)[:, :, 0, 0], relu(hidden))
    expected = sigmoid(scores + numbers(gate.score.bias)[:, None, None])
    assert numbers(gate(torch.from_numpy(features).float())) == pytest.approx(expected, abs=1e-5)


def test_enhancement_is_a_residual_block():
    enhancement, features = scrambled(Enhancement(3)), array(2, 3, 4, 4)
    (first, norm), (last, last_norm) = enhancement.layers[0][:2], enhancement.layers[1:]
    inner = relu(normalised(norm, convolved(first, features)))
    expected = relu(features + normalised(last_norm, convolved(last, inner)))
    assert numbers(enhancement(torch.from_numpy(features).float())) == pytest.approx(expected, abs=1e-4)


def test_the_rbpnn_has_its_three_layers():
    network, features = scrambled(RBPNN(10, 3, dimension=6, units=4)), array(5, 10)
    z = linear(network.project[0], features)
    z = (z - z.mean(1, keepdims=True)) / np.sqrt(z.var(1, keepdims=True) + 1e-5)
    z = z * numbers(network.project[1].weight) + numbers(network.project[1].bias)
    variances = 6 * np.exp(numbers(network.log_widths))
    sums = np.zeros((5, 3))
    for n, of_class, unit in np.ndindex(5, 3, 4):
        gap = ((z[n] - numbers(network.centres)[of_class, unit]) ** 2).sum()
        sums[n, of_class] += np.exp(-gap / (2 * variances[of_class, unit]))  # to its own class alone
    expected = linear(network.output, sums)
    assert numbers(network(torch.from_numpy(features).float())) == pytest.approx(expected, abs=1e-5)


def test_no_unit_of_the_rbpnn_starts_silent_or_saturated():
    torch.manual_seed(0)
    network = RBPNN(128, 4)
    z = network.project(tensor(64, 128))
    units = (-(z[:, None, None] - network.centres).pow(2).sum(3) / 128).exp()
    assert units.min() > 0.1
    assert units.max() < 0.9


def losses(head, steps=40):
    torch.manual_seed(0)
    features, labels = tensor(12, 128).relu(), torch.arange(12) % 3
    layer = RBPNN(128, 3) if head == "rbpnn" else nn.Linear(128, 3)
    optimizer, taken = torch.optim.Adam(layer.parameters(), 0.001), []
    for _ in range(steps):
        loss = nn.functional.cross_entropy(layer(features), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        taken.append(loss.item())
    return taken


def test_the_rbpnn_learns_as_fast_as_a_linear_layer():
    assert losses("rbpnn")[-1] < losses("softmax")[-1] < 0.5 * losses("softmax")[0]


@pytest.mark.parametrize("head", ["softmax", "rbpnn"])
def test_the_logits_are_of_the_mean_of_the_last_feature_map(head):
    network, seen = scrambled(adaptive(num_classes=3, head=head)), []
    network.get_submodule(network.last_feature_map).register_forward_hook(lambda *hook: seen.append(hook[2]))
    logits = network(tensor(2, 1, 32, 32))
    assert seen[0].shape == (2, 128, 4, 4)
    assert torch.allclose(logits, network.head[1](seen[0].mean((2, 3))))
    if head == "softmax":  # Eq. 9
        scores = np.exp(linear(network.head[1], numbers(seen[0]).mean((2, 3))))
        assert numbers(logits.softmax(1)) == pytest.approx(scores / scores.sum(1, keepdims=True), abs=1e-5)


@pytest.mark.parametrize("size", [28, 64])
def test_the_last_feature_map_of_the_resnet_is_at_stride_32(size):
    network, seen = scrambled(adaptive(backbone="resnet50")), []
    network.get_submodule(network.last_feature_map).register_forward_hook(lambda *hook: seen.append(hook[2]))
    network(tensor(1, 1, size, size))
    assert seen[0].shape == (1, 128, -(-size // 32), -(-size // 32))


@pytest.mark.parametrize("changes", [CHANGES, ON_RESNET], ids=["modules", "resnet50"])
def test_every_option_changes_the_function(changes):
    images, found = tensor(2, 1, 32, 32), []
    for options in changes:
        torch.manual_seed(0)
        network = adaptive(**options).train()
        torch.manual_seed(0)
        found.append(network(images))
    for index, logits in enumerate(found):
        assert not any(torch.allclose(logits, other, atol=1e-6) for other in found[:index]), changes[index]


@pytest.mark.parametrize("batch", [2, 4])
@pytest.mark.parametrize("options", EVERY, ids=str)
def test_every_parameter_learns_at_28_px(options, batch):
    torch.manual_seed(0)
    network = adaptive(num_classes=2, **options).train()
    nn.functional.cross_entropy(network(tensor(batch, 1, 28, 28)), torch.arange(batch) % 2).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_the_rate_of_dropout_can_be_chosen():
    assert adaptive(dropout=0.5).head[0].p == 0.5


@pytest.mark.parametrize(
    ("option", "value", "known"),
    [
        ("backbone", "resnet18", "modules, resnet50"),
        ("vit", "serial", "series, parallel, none"),
        ("attention_order", "both", "spatial_first, channel_first"),
        ("spatial", "yes", "True, False"),
        ("channel", None, "True, False"),
        ("channel_pooling", "max", "average, average_max"),
        ("fusion", [], "learned, input, none"),
        ("head", "svm", "softmax, rbpnn"),
    ],
)
def test_a_wrong_value_of_an_option_is_refused(option, value, known):
    with pytest.raises(ValueError, match=option) as error:
        adaptive(**{option: value})
    assert str(error.value) == f"{option}: no value {value!r}; it must be one of {known}"


@pytest.mark.parametrize("options", [{}, {"vit": "parallel", "fusion": "input", "head": "rbpnn"}], ids=str)
def test_two_builds_of_one_seed_are_equal(options):
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(adaptive(**options).state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@pytest.mark.parametrize("options", [{}, {"vit": "parallel"}, {"backbone": "resnet50"}], ids=str)
def test_one_network_takes_images_of_any_size(options):
    network = adaptive(num_classes=11, in_chans=3, **options).eval()
    for size in (28, 30, 64, 100, 224):
        with torch.inference_mode():
            logits = network(tensor(1, 3, size, size))
        assert logits.shape == (1, 11)
        assert logits.isfinite().all()
