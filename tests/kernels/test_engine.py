"""The engine against PyTorch in float64: outputs, losses and gradients, over networks of every kind it takes."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from striate import Activation, Conv, Flatten, GlobalAveragePool, Linear, Network, Pool, Subsample, find, from_text
from striate.description.layers import RBF, Dropout
from striate.description.network import plan
from striate.errors import KernelMemoryError, ShapeError
from striate.execution.choice import missing
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Engine, Goal, Pictures
from striate.kernels.lower import FUNCTIONS as KERNEL_FUNCTIONS
from striate.kernels.lower import NotLoweredError
from striate.modules import build
from striate.train import Recipe
from striate.train.losses import loss_of
from tests.support.comparison import INSTRUCTION_SETS
from tests.support.strategies import convolutions, pairs, pools

FUNCTIONS = ("relu", "tanh", "scaled_tanh", "sigmoid")


@st.composite
def sequential(draw: st.DrawFn) -> Network:
    """A sequential network of convolutions, poolings and activations, which fits."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(5, 13)), draw(st.integers(5, 20)))
    layers: list = []
    channels = shape[0]
    for _ in range(draw(st.integers(1, 4))):
        new: list = [draw(st.one_of(convolutions(channels), pools(), pairs.map(lambda pair: Subsample(kernel=pair))))]
        if draw(st.booleans()):
            new.append(Activation(draw(st.sampled_from(FUNCTIONS))))
        try:
            channels = plan(Network("try", shape, [*layers, *new])).output[0]
        except ShapeError:
            continue
        layers += new
    head: list = draw(st.sampled_from([[GlobalAveragePool()], [Flatten()]]))
    middle = [Linear(draw(st.integers(1, 30))), Activation(draw(st.sampled_from(FUNCTIONS)))]
    return Network("random", shape, [*layers, *head, *middle, Linear(draw(st.integers(1, 12)))])


def reference(model: torch.nn.Module, pixels: Tensor, labels: Tensor, recipe: Recipe) -> tuple[Tensor, float, list]:
    """Outputs, loss and gradients in float64."""
    model.double().zero_grad()
    outputs = model.logits(pixels.double())
    loss = loss_of(outputs, labels, recipe)
    loss.backward()
    gradients = [each.grad.clone() for each in model.parameters()]
    model.float().zero_grad()
    return outputs.detach(), loss.item(), gradients


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("images", [1, 16, 45])
@pytest.mark.parametrize("network", [find("lenet5-dense"), from_text(
    "3x9x8: conv 6 3x3 same, residual(bn, relu, conv 6 3x3 same), relu, conv 5 3x3 /2, flatten")],
    ids=["lenet5-dense", "branches, classes of maps"])  # fmt: skip
def test_each_class_may_have_a_share_in_the_loss(
    network: Network, images: int, threads: int, instruction_set: str
) -> None:
    generator = torch.Generator().manual_seed(images)
    model = build(network, generator=generator)
    pixels = torch.rand(images, *network.input, generator=generator)
    classes = math.prod(plan(network).output)
    shares = torch.rand(images, classes, generator=generator)
    shares[:, 2] = 0.0
    labels = torch.randint(0, classes, (images,), generator=generator)
    start = {name: each.clone() for name, each in model.state_dict().items()}
    model.double()
    logs = model.logits(pixels.double()).flatten(1).log_softmax(1)
    loss = -(shares * logs).sum(1).mean()
    loss.backward()
    wanted = [each.grad.clone() for each in model.parameters()]
    model.float().load_state_dict(start)
    engine = Engine(network, tensors_of(model), instruction_set=instruction_set)
    ours, right = engine.step(Pictures(pixels), Goal(labels, shares=shares), rule=None, threads=threads)
    assert ours == pytest.approx(loss.item(), rel=1e-5)
    assert right == (logs.argmax(1) == labels).sum()
    largest = max(each.abs().max().item() for each in wanted)
    assert all(close(each.grad, theirs, scale=largest) for each, theirs in zip(model.parameters(), wanted, strict=True))


def test_shares_of_another_size_or_loss_are_refused() -> None:
    network = find("lenet5")
    engine = Engine(network, tensors_of(build(network)))
    pixels, labels = torch.rand(2, 1, 32, 32), torch.tensor([1, 2])
    for goal in (Goal(labels, shares=torch.rand(2, 9)), Goal(labels, "rbf-mle", shares=torch.rand(2, 10))):
        with pytest.raises(ValueError, match="for outputs of"):
            engine.step(Pictures(pixels), goal, rule=None, threads=1)


def close(ours: Tensor, theirs: Tensor, *, scale: float = 0.0) -> bool:
    """Equal to float32's accuracy, measured by the largest value."""
    largest = max(theirs.abs().max().item() if theirs.numel() else 0.0, scale, 1e-3)
    return bool(((ours.double() - theirs).abs() <= 3e-5 * largest).all())


def check(network: Network, *, images: int, instruction_set: str, threads: int = 1, seed: int = 0) -> None:
    generator = torch.Generator().manual_seed(seed)
    model = build(network, initialisation="lecun", generator=generator)
    for each in model.parameters():  # biases too
        each.data += 0.1 * torch.randn(each.shape, generator=generator)
    classes = plan(network).output[0]
    pixels = torch.randn(images, *network.input, generator=generator)
    labels = torch.randint(0, classes, (images,), generator=generator)
    recipe = Recipe(loss="rbf-map", rubbish=3.0) if isinstance(network.layers[-1], RBF) else Recipe()
    outputs, loss, gradients = reference(model, pixels, labels, recipe)
    engine = Engine(network, tensors_of(model), instruction_set=instruction_set)
    assert close(engine.outputs(Pictures(pixels), threads=threads), outputs)
    goal = Goal(labels, recipe.loss, recipe.rubbish)
    ours, _ = engine.step(Pictures(pixels), goal, rule=None, threads=threads)
    assert ours == pytest.approx(loss, rel=2e-5, abs=1e-5)
    largest = max(each.abs().max().item() for each in gradients)
    for (name, each), theirs in zip(model.named_parameters(), gradients, strict=True):
        assert each.grad is not None
        assert close(each.grad, theirs, scale=0.1 * largest), name


@settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(sequential(), st.integers(1, 40), st.sampled_from(INSTRUCTION_SETS), st.integers(0, 9))
def test_random_networks(network: Network, images: int, instruction_set: str, seed: int) -> None:
    check(network, images=images, instruction_set=instruction_set, seed=seed)


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("name", ["lenet5", "lenet5-dense"])
@pytest.mark.parametrize("images", [1, 16, 37])
def test_networks_of_the_catalogue(name: str, images: int, instruction_set: str) -> None:
    check(find(name), images=images, instruction_set=instruction_set, threads=2)


def test_where_maxima_nearly_tie_the_engine_is_no_worse_than_pytorch() -> None:
    """In float32 a maximum, or a ReLU, can fall to the other side and send a gradient elsewhere. That happens in few
    draws, in PyTorch's float32 as in ours; in all others ours is right to float32's accuracy."""
    network = find("lenet5-keras")
    ours, theirs = [], []
    for seed in range(9):
        generator = torch.Generator().manual_seed(seed)
        pixels = torch.rand(20, *network.input, generator=generator)
        labels = torch.randint(0, 10, (20,), generator=generator)
        model = build(network, generator=generator)
        _, _, exact = reference(model, pixels, labels, Recipe())
        loss_of(model.logits(pixels), labels, Recipe()).backward()
        theirs.append(worst([each.grad for each in model.parameters()], exact))
        Engine(network, tensors_of(model)).step(Pictures(pixels), Goal(labels), rule=None, threads=2)
        ours.append(worst([each.grad for each in model.parameters()], exact))
    assert sorted(ours)[4] < 3e-6
    assert sum(each > 3e-5 for each in ours) <= max(2, sum(each > 3e-5 for each in theirs))


def worst(gradients: list, exact: list[Tensor]) -> float:
    """The largest error of any gradient, as a share of that gradient's largest value."""
    return max(
        ((ours.double() - theirs).abs().max() / theirs.abs().max()).item()
        for ours, theirs in zip(gradients, exact, strict=True)
    )


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize(("images", "groups"), [(19, 3), (3, 3), (3, 1)])
def test_stride_dilation_groups_and_sides(images: int, groups: int, instruction_set: str) -> None:
    layers = [
        Conv(18, kernel=(3, 5), stride=(2, 3), padding=(1, 2, 0, 3), dilation=(2, 1), groups=groups),
        Activation("tanh"),
        Pool("average", kernel=3, stride=2, padding=1, count_padding=False, ceil=True),
        Conv(4, kernel=3, padding="same", bias=False),
        Activation("relu"),
        Pool("max", kernel=3, stride=2, ceil=True),
        Flatten(),
        Linear(3),
    ]
    check(Network("sides", (3, 21, 26), layers), images=images, instruction_set=instruction_set)


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("kernel", [2, 3, 5, 7])
def test_input_gradients_at_the_edges(kernel: int, instruction_set: str) -> None:
    for columns in range(kernel, kernel + 16, 3):
        layers = [Conv(3, kernel=1), Activation("relu"), Conv(6, kernel=(3, kernel)), Flatten(), Linear(3)]
        check(Network("edges", (2, 6, columns), layers), images=3, instruction_set=instruction_set)


@pytest.mark.parametrize("name", ["lenet5", "lenet5-dense"])
def test_few_images_pass_as_many_do(name: str) -> None:
    network = find(name)
    engine = Engine(network, tensors_of(build(network).eval()))
    pixels = torch.randint(0, 256, (20, *network.input), dtype=torch.uint8)
    many = engine.outputs(Pictures(pixels, low=-0.1, scale=0.005), threads=1)
    chosen = torch.tensor([17, 2])
    few = engine.outputs(Pictures(pixels, chosen, low=-0.1, scale=0.005), threads=1)
    torch.testing.assert_close(few, many[chosen], rtol=1e-4, atol=1e-5)
    next(iter(engine.parameters)).data += 1.0  # the weights are read anew
    changed = engine.outputs(Pictures(pixels, chosen, low=-0.1, scale=0.005), threads=1)
    assert not torch.allclose(few, changed)


@pytest.mark.parametrize("name", ["lenet5-dense", "resnet8-tiny"])
def test_threads_of_python_may_share_an_engine(name: str) -> None:
    model = build(name, generator=torch.Generator().manual_seed(1)).eval()
    engine = Engine(model.network, tensors_of(model))
    pixels = [torch.rand(1 + number % 3, *model.network.input) for number in range(60)]
    alone = [engine.outputs(Pictures(each), threads=2) for each in pixels]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda each: engine.outputs(Pictures(each), threads=2), pixels * 3))
    assert all(torch.equal(found, alone[number % 60]) for number, found in enumerate(together))


def test_no_images() -> None:
    network = find("lenet5-dense")
    model = build(network)
    engine = Engine(network, tensors_of(model))
    nothing = Pictures(torch.empty(0, 1, 32, 32))
    assert engine.outputs(nothing, threads=2).shape == (0, 10)
    loss, right = engine.step(nothing, Goal(torch.empty(0, dtype=torch.int64)), rule=None, threads=2)
    assert (loss, right) == (0.0, 0)
    assert all(not each.grad.any() for each in model.parameters())


def test_bytes_are_gathered_and_normalised() -> None:
    network = find("lenet5-dense")
    engine = Engine(network, tensors_of(build(network)))
    bytes_ = torch.randint(0, 256, (50, 1, 32, 32), dtype=torch.uint8)
    chosen = torch.tensor([49, 3, 3, 20, 0])
    floats = bytes_[chosen].float() * 0.005 - 0.1
    ours = engine.outputs(Pictures(bytes_, chosen, low=-0.1, scale=0.005), threads=1)
    torch.testing.assert_close(ours, engine.outputs(Pictures(floats), threads=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("images", [16, 300])
@pytest.mark.parametrize("name", ["lenet5", "lenet5-dense"])
def test_threads_change_nothing_bit_for_bit(name: str, images: int) -> None:
    network = find(name)
    model = build(network, initialisation="lecun")
    pixels, labels = torch.rand(images, *network.input), torch.randint(0, 10, (images,))
    goal = Goal(labels, "rbf-mle" if name == "lenet5" else "cross-entropy")
    found = []
    for threads in (1, 2, 3, 5):
        engine = Engine(network, tensors_of(model))
        loss, _ = engine.step(Pictures(pixels), goal, rule=None, threads=threads)
        found.append((loss, engine.outputs(Pictures(pixels), threads=threads), [g.clone() for g in engine.gradients]))
    for loss, outputs, gradients in found[1:]:
        assert loss == found[0][0]
        assert torch.equal(outputs, found[0][1])
        assert all(torch.equal(a, b) for a, b in zip(gradients, found[0][2], strict=True))


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("function", KERNEL_FUNCTIONS[1:])
def test_values_that_are_no_numbers(function: str, value: float, instruction_set: str) -> None:
    """What PyTorch makes of them; the other images are spared."""
    layers = [Conv(2, kernel=1), Activation(function), Pool("max", kernel=2), Activation(function), Flatten()]
    network = Network("odd", (1, 6, 6), [*layers, Linear(3)])
    model = build(network)
    model.conv1.weight.data[:] = torch.tensor([1.0, -1.0])[:, None, None, None]
    pixels = torch.randn(5, 1, 6, 6)
    pixels[1, 0, 2, 3] = pixels[2, 0, 0, 0] = value
    engine = Engine(network, tensors_of(model), answering=True, instruction_set=instruction_set)
    ours = engine.outputs(Pictures(pixels), threads=1)
    with torch.no_grad():
        theirs = model(pixels)
    torch.testing.assert_close(ours, theirs, equal_nan=True, rtol=1e-4, atol=1e-5)
    assert torch.isfinite(ours[[0, 3, 4]]).all()


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("function", KERNEL_FUNCTIONS[1:])
def test_a_function_is_right_near_0_and_far_from_it(function: str, instruction_set: str) -> None:
    network = Network("one", (1, 1, 401), [Conv(1, kernel=1), Activation(function), Flatten()])
    model = build(network)
    model.conv1.weight.data.fill_(1.0)
    model.conv1.bias.data.fill_(0.0)
    some = torch.logspace(-6, 6, 200)
    pixels = torch.cat([-some, torch.zeros(1), some]).reshape(1, 1, 1, 401)
    engine = Engine(network, tensors_of(model), answering=True, instruction_set=instruction_set)
    with torch.no_grad():
        wanted = model.double().logits(pixels.double())
    model.float()
    for images in (1, 17):
        found = engine.outputs(Pictures(pixels.expand(images, 1, 1, 401)), threads=1)
        torch.testing.assert_close(found.double(), wanted.expand(images, 401), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("images", [3, 19])
@pytest.mark.parametrize(
    "text",
    [
        "1x9x9: conv 20 3x3, bn, relu, gate(global_average, linear 20, sigmoid), linear 5, bn",
        "1x9x9: conv 20 3x3, relu, max 2, subsample 2, linear 5",
    ],
    ids=["graph", "layers"],
)
def test_what_changes_in_place_is_noticed(text: str, images: int) -> None:
    network = from_text(text)
    model = build(network, generator=torch.Generator().manual_seed(1)).eval()
    engine = Engine(network, tensors_of(model), answering=True)
    pixels = torch.rand(images, *network.input)
    for each in [*model.parameters(), *model.buffers()]:
        with torch.inference_mode():
            assert close(engine.outputs(Pictures(pixels), threads=1), model.logits(pixels).double())
        if each.is_floating_point():
            each.data += 0.5
    with torch.inference_mode():
        assert close(engine.outputs(Pictures(pixels), threads=1), model.logits(pixels).double())


def test_the_first_of_equal_maxima_gets_the_gradient_as_in_pytorch() -> None:
    network = Network("ties", (1, 4, 4), [Conv(1, kernel=1), Pool("max", kernel=3, stride=1), Flatten(), Linear(2)])
    model = build(network)
    pixels, labels = torch.ones(3, 1, 4, 4), torch.tensor([0, 1, 1])
    pixels[1, 0, 1] = 2.0
    _, _, gradients = reference(model, pixels, labels, Recipe())
    Engine(network, tensors_of(model)).step(Pictures(pixels), Goal(labels), rule=None, threads=1)
    for each, theirs in zip(model.parameters(), gradients, strict=True):
        assert close(each.grad, theirs)


def test_dropout_keeps_its_share_and_its_mean_and_follows_its_seed() -> None:
    network = Network("drop", (1, 1, 4000), [Flatten(), Dropout(0.3), Linear(1, bias=False)])
    model = build(network)
    torch.nn.init.ones_(next(model.parameters()))
    engine = Engine(network, tensors_of(model))
    pixels, labels = torch.ones(32, 1, 1, 4000), torch.zeros(32, dtype=torch.int64)
    pixels[:, :, :, ::2] = 0

    def gradient(seed: int) -> Tensor:
        engine.step(Pictures(pixels), Goal(labels, "rbf-mle", seed=seed), rule=None, threads=1)
        return engine.gradients[0][0, 1::2].clone()

    first = gradient(1)
    assert torch.equal(first, gradient(1))
    assert not torch.equal(first, gradient(2))
    assert first.mean().item() == pytest.approx(1.0, abs=0.02)
    assert first.var().item() == pytest.approx(0.3 / 0.7 / 32, rel=0.15)
    assert torch.equal(engine.outputs(Pictures(pixels), threads=1), torch.full((32, 1), 2000.0))


def test_labels_decide_what_is_right() -> None:
    network = find("lenet5-dense")
    model = build(network)
    pixels, labels = torch.rand(70, *network.input), torch.randint(0, 10, (70,))
    engine = Engine(network, tensors_of(model))
    _, right = engine.step(Pictures(pixels), Goal(labels), rule=None, threads=1)
    assert right == int((engine.outputs(Pictures(pixels), threads=1).argmax(1) == labels).sum())


def test_new_memory_of_a_parameter_is_noticed() -> None:
    network = find("lenet5-dense")
    model = build(network)
    engine = Engine(network, tensors_of(model))
    pixels = torch.rand(3, *network.input)
    model.C1.weight.data = model.C1.weight.data.clone() * 2
    with torch.no_grad():
        torch.testing.assert_close(engine.outputs(Pictures(pixels), threads=1), model.logits(pixels))


def test_weights_that_it_cannot_read_are_refused_each_time() -> None:
    model = build("simple-cnn")
    engine, pixels = Engine(model.network, tensors_of(model)), torch.rand(3, *model.network.input)
    wanted = engine.outputs(Pictures(pixels), threads=1)
    model.to(memory_format=torch.channels_last)
    for _ in range(2):
        with pytest.raises(NotLoweredError):
            engine.outputs(Pictures(pixels), threads=1)
    model.to(memory_format=torch.contiguous_format)
    assert torch.equal(engine.outputs(Pictures(pixels), threads=1), wanted)


def test_images_of_another_shape_or_type_are_refused() -> None:
    network = find("lenet5-dense")
    engine = Engine(network, tensors_of(build(network)))
    with pytest.raises(ValueError, match="images of \\(1, 28, 28\\) for a network that takes \\(1, 32, 32\\)"):
        engine.outputs(Pictures(torch.rand(2, 1, 28, 28)), threads=1)
    with pytest.raises(ValueError, match="must be uint8 or float32"):
        engine.outputs(Pictures(torch.rand(2, 1, 32, 32).double()), threads=1)


def test_the_profile_accounts_for_every_layer() -> None:
    network = find("lenet5-dense")
    engine = Engine(network, tensors_of(build(network)))
    engine.step(
        Pictures(torch.rand(64, *network.input)), Goal(torch.zeros(64, dtype=torch.int64)), rule=None, threads=1
    )
    spent = engine.spent()
    assert [*spent.forward] == [layer.path for layer in engine.parts] == [*spent.backward]
    assert spent.images > 0
    assert spent.forward["C3"] > 0
    assert spent.backward["C5"] > 0
    assert engine.spent().images == 0


def test_a_network_with_a_convolution_last() -> None:
    network = Network("last", (2, 5, 5), [Conv(3, kernel=3), Activation("relu"), Conv(4, kernel=3), Flatten()])
    check(network, images=5, instruction_set="")


RESIDUAL = "2x6x6: conv 8 3x3 same, bn, relu, residual(conv 8 3x3 same, bn, relu, conv 8 3x3 same, bn), relu, linear 3"


def test_one_value_a_channel_has_no_variance() -> None:
    network = from_text("2x1x1: conv 3 1x1, bn, linear 2")
    model = build(network)
    engine = Engine(network, tensors_of(model))
    with pytest.raises(ValueError, match="batch_norm1: a batch normalisation of 1 value a channel"):
        engine.step(Pictures(torch.rand(1, 2, 1, 1)), Goal(torch.zeros(1, dtype=torch.int64)), rule=None, threads=1)
    assert model.get_buffer("batch_norm1.num_batches_tracked") == 0


def test_statistics_are_kept_in_the_module_and_no_images_change_none() -> None:
    network = from_text(RESIDUAL)
    model = build(network)
    before = {name: each.clone() for name, each in model.named_buffers()}
    engine = Engine(network, tensors_of(model))
    nothing = Goal(torch.empty(0, dtype=torch.int64))
    assert engine.step(Pictures(torch.empty(0, *network.input)), nothing, rule=None, threads=2) == (0.0, 0)
    assert all(torch.equal(each, before[name]) for name, each in model.named_buffers())
    assert all(not each.grad.any() for each in model.parameters())
    pixels, goal = torch.rand(19, *network.input), Goal(torch.zeros(19, dtype=torch.int64))
    engine.step(Pictures(pixels), goal, rule=None, threads=2)
    model.get_submodule("batch_norm1").running_mean.data = torch.zeros(8)  # new memory is noticed
    engine.step(Pictures(pixels), goal, rule=None, threads=2)
    twin = build(network)
    twin.load_state_dict({**model.state_dict(), **before})
    twin.logits(pixels)
    twin.get_submodule("batch_norm1").running_mean.zero_()
    twin.logits(pixels)
    for name, each in model.named_buffers():
        torch.testing.assert_close(each, twin.get_buffer(name), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite_stays_with_its_image_through_sums(value: float, instruction_set: str) -> None:
    network = from_text(RESIDUAL)
    model = build(network).eval()
    pixels = torch.rand(5, *network.input)
    pixels[1, 0, 2, 3] = value
    ours = Engine(network, tensors_of(model), instruction_set=instruction_set).outputs(Pictures(pixels), threads=1)
    with torch.no_grad():
        theirs = model.logits(pixels)
    torch.testing.assert_close(ours[[0, 2, 3, 4]], theirs[[0, 2, 3, 4]], rtol=1e-4, atol=1e-5)
    assert not ours[1].isfinite().all()


def test_answers_are_float32_whatever_pytorchs_default_is() -> None:
    network = find("lenet5-dense")
    engine = Engine(network, tensors_of(build(network, generator=torch.Generator().manual_seed(0))), answering=True)
    pictures = Pictures(torch.randint(0, 256, (5, 1, 32, 32), dtype=torch.uint8))
    wanted = engine.outputs(pictures, threads=1)
    torch.set_default_dtype(torch.float64)
    try:
        found = engine.outputs(pictures, threads=1)
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.dtype == torch.float32
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("name", ["lenet5-dense", "resnet8-tiny"])
def test_an_engine_for_answers_keeps_no_gradients_and_gives_the_same_bits(name: str) -> None:
    network = find(name)
    tensors = tensors_of(build(network, generator=torch.Generator().manual_seed(0)))
    pictures = Pictures(torch.randint(0, 256, (20, *network.input), dtype=torch.uint8))
    for_answers = Engine(network, tensors, answering=True)
    assert for_answers.gradients == []
    assert torch.equal(for_answers.outputs(pictures, threads=1), Engine(network, tensors).outputs(pictures, threads=1))


def test_maps_beyond_offsets_of_32_bits_are_refused() -> None:
    network = from_text("1x1500x1500: conv 64 3x3 pad 1, relu, conv 1 3x3 pad 1, max 1500, linear 2")
    assert missing(network, "engine", answering=True) == (
        "a layer's maps take 2^31 floats or more, beyond the kernels' offsets of 32 bits"
    )
    with pytest.raises(KernelMemoryError):
        Engine(network, tensors_of(build(network, generator=torch.Generator())))


FORKED = """
import os, signal, sys, time, torch
from striate import find
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Engine, Pictures
from striate.modules import build
network = find("lenet5-dense")
engine = Engine(network, tensors_of(build(network)), answering=True)
pictures = Pictures(torch.zeros(64, 1, 32, 32, dtype=torch.uint8))
wanted = engine.outputs(pictures, threads=3)
time.sleep(0.2)  # its threads sleep
if not os.fork():
    signal.alarm(20)
    for _ in range(4 if sys.argv[1] == "asks" else 0):
        assert torch.equal(engine.outputs(pictures, threads=3), wanted)
        time.sleep(0.05)
    del engine
    sys.exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("does", ["asks", "leaves"])
def test_a_forked_process_answers_and_ends(does: str) -> None:
    done = subprocess.run([sys.executable, "-c", FORKED, does], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
