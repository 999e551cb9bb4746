"""Keras source runs under Keras 3 with the account's parameters and gives our module's outputs for the same weights."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from striate import (
    NETWORKS,
    Activation,
    Auxiliary,
    Block,
    Conv,
    Flatten,
    Linear,
    Network,
    Pool,
    Residual,
    account,
    find,
)
from striate.description.layers import BatchNorm, PositionBias, Scale, Subsample
from striate.description.network import plan
from striate.description.notation.reading import from_text
from striate.emit.source import source
from striate.errors import SpecError, StriateError
from striate.modules import build
from tests.emit.repeating import WRONG_ONCE, repeating
from tests.support.everything import everything
from tests.support.settled import spread
from tests.support.sizes import by_name, lighter


@pytest.fixture(autouse=True)
def double_precision(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def written(network: Network) -> Any:
    """What the source defines."""
    names: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(source(network, "keras"), "<emitted>", "exec"), names)
    return names


def weights(layer: Any, tensors: dict[str, torch.Tensor]) -> list[np.ndarray]:
    """Our weights of a layer as Keras has them, channels last."""
    found = [each.numpy() for each in tensors.values()]
    match layer:
        case Conv() if layer.table is not None:
            found[0] = found[0].transpose(1, 2, 0)
        case Conv():
            depthwise = layer.groups > 1 and layer.groups == layer.filters and found[0].shape[1] == 1
            depthwise = depthwise and layer.stride[0] == layer.stride[1]
            found[0] = found[0].transpose(2, 3, 0, 1) if depthwise else found[0].transpose(2, 3, 1, 0)
        case Linear():
            found[0] = found[0].T
        case PositionBias():
            found[0] = found[0].transpose(1, 2, 0) if found[0].ndim == 3 else found[0]
        case _:
            pass
    return found


def compare(network: Network, batch: int = 2) -> None:
    generator = torch.Generator().manual_seed(3)
    ours = build(network, generator=generator).double().eval()
    spread(ours, generator)
    model = written(network)["build"]()
    for step in plan(network).steps:
        if isinstance(step.layer, (Conv, Linear, BatchNorm, PositionBias, Scale, Subsample)) and not step.head:
            own = ours.get_submodule(step.path)
            state = {key: each for key, each in own.state_dict().items() if "num_batches" not in key and key != "index"}
            model.get_layer(step.path.replace(".", "_")).set_weights(weights(step.layer, state))
    trained = sum(math.prod(each.shape) for each in model.trainable_weights)
    assert trained == account(network).totals.parameters
    images = torch.rand(batch, *network.input, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        expected, found = ours(images), torch.as_tensor(model(images.permute(0, 2, 3, 1)))
    single = 1e-6 * expected.abs().max().item()  # Keras's Dense without a bias gives float32, whatever its weights are
    assert (expected - found).abs().max() <= max(single, 1e-5 * (expected.max() - expected.min()).item())


@pytest.mark.parametrize("name", by_name([*NETWORKS]))
def test_the_catalogue_gives_our_outputs(name: str) -> None:
    compare(lighter(find(name)), batch=1)


@given(everything())
@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_networks_give_our_outputs(network: Network) -> None:
    try:
        source(network, "keras")
    except StriateError as error:
        assert "Keras has no convolution with both a stride and a dilation" in str(error)  # noqa: PT017
        return
    compare(network)


@pytest.mark.parametrize("name", [*WRONG_ONCE])
def test_what_was_wrong_once(name: str) -> None:
    compare(from_text(WRONG_ONCE[name]))


@pytest.mark.parametrize(
    "text",
    [
        """8x32x32: a: (conv 8 3x3 /2x1 pad 1 groups 8, bn, relu, conv 16 1x1),
        b: (conv 16 3x3 /2x1 pad 1 groups 16, bn, relu, conv 32 1x1), global_average, linear 2""",
        """1x32x32: a: (conv 8 3x3 dilation 2 pad 1, bn, relu), b: (conv 8 5x5 dilation 2 pad 2, bn, relu),
        global_average, linear 2""",
    ],
)
def test_blocks_that_differ_in_what_keras_needs(text: str) -> None:
    """Depthwise convolutions of two strides and other numbers of maps; padding that is not Keras's "same"."""
    compare(from_text(text))


def test_a_head_in_a_head_leaves_the_outer_ones_values() -> None:
    network = from_text(
        "1x8x8: conv 4 3x3, auxiliary(conv 4 3x3, auxiliary(global_average, linear 3), relu, flatten, linear 3), "
        "flatten, linear 3"
    )
    model = written(network)["build"](with_heads=True)
    assert sum(math.prod(each.shape) for each in model.trainable_weights) == account(network).training.parameters


@pytest.mark.slow
@given(repeating())
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_repeated_blocks_give_our_outputs(network: Network) -> None:
    try:
        source(network, "keras")
    except StriateError as error:
        assert "in Keras it would be called" in str(error)  # noqa: PT017
        return
    compare(network)


def test_lenet5_reads_as_a_person_would_write_it() -> None:
    text = source(find("lenet5-dense"), "keras")
    assert (
        text[text.index("import keras") :]
        == '''\
import keras
from keras import layers


def build():
    """32×32×1 to 10."""
    inputs = x = keras.Input((32, 32, 1))
    x = layers.Conv2D(6, 5, activation="relu", name="C1")(x)  # 28×28×6
    x = layers.MaxPooling2D(2, name="S2")(x)  # 14×14×6
    x = layers.Conv2D(16, 5, activation="relu", name="C3")(x)  # 10×10×16
    x = layers.MaxPooling2D(2, name="S4")(x)  # 5×5×16
    x = layers.Conv2D(120, 5, activation="relu", name="C5")(x)  # 1×1×120
    x = layers.Flatten()(x)  # 120
    x = layers.Dense(84, activation="relu", name="F6")(x)  # 84
    x = layers.Dense(10, name="output")(x)  # 10
    return keras.Model(inputs, x, name="LeNet5Dense")


if __name__ == "__main__":
    build().summary()
'''
    )


@pytest.mark.parametrize("name", ["resnet152", "densenet201", "googlenet", "mobilenet-v3-large"])
def test_repeated_structure_is_written_once(name: str) -> None:
    text = source(find(name), "keras")
    assert len(text.splitlines()) <= 170
    ast.parse(text)


def test_heads_are_outputs_for_training() -> None:
    head = Auxiliary([Block([Flatten(), Linear(3)], name="deep")], name="head")
    network = Network("headed", (1, 4, 4), [Residual([Activation("relu"), head], name="sum"), Flatten(), Linear(2)])
    made = written(network)["build"]
    assert [each.shape for each in made(with_heads=True).outputs] == [(None, 2), (None, 3)]
    assert [each.shape for each in made().outputs] == [(None, 2)]


def test_a_stride_with_a_dilation_is_refused() -> None:
    with pytest.raises(SpecError) as caught:
        source(Network("both", (1, 9, 9), [Conv(1, kernel=3, stride=2, dilation=2, name="C1")]), "keras")
    assert str(caught.value).splitlines() == [
        "C1: Keras has no convolution with both a stride and a dilation; this one has 2 and 2.",
        "One of them must be 1.",
        "Give it a stride of 1 and a pooling behind it, or a dilation of 1.",
    ]


def test_it_is_refused_where_it_stands_among_repeated_blocks() -> None:
    text = """1x20x20: a: residual(C1: conv 1 3x3 dilation 2 pad 2), b: residual(C1: conv 1 3x3 /2 dilation 2 pad 2 |
        conv 1 1x1 /2), linear 2"""
    with pytest.raises(SpecError, match=r"^b\.C1: Keras has .* this one has 2 and 2\."):
        source(from_text(text), "keras")


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "alexnet", "lenet5", "densenet121", "lenet5-dense"])
def test_ops_is_imported_where_it_is_used(name: str) -> None:
    text = source(find(name), "keras")
    assert ("from keras import layers, ops\n" in text) is ("ops." in text)


def test_a_class_is_brought_along_where_it_is_used() -> None:
    text = source(Network("named", (1, 4, 4), [Conv(2, kernel=1, name="RBF"), Conv(2, kernel=1, name="ops")]), "keras")
    assert "class RBF" not in text
    assert "from keras import layers\n" in text


def test_names_that_become_one_are_refused() -> None:
    layers = [Block([Conv(1, kernel=1, name="b")], name="a"), Conv(1, kernel=1, name="a_b")]
    with pytest.raises(SpecError) as caught:
        source(Network("twice", (1, 2, 2), layers), "keras")
    assert str(caught.value).splitlines() == [
        "a_b: in Keras it would be called 'a_b', as a.b would.",
        "Paths are written with underscores in the place of dots.",
        "Give one of the two another name.",
    ]


@pytest.mark.parametrize("name", ["add", "flatten", "dropout_1", "global_average_pooling2d"])
def test_names_that_keras_gives_itself_are_refused(name: str) -> None:
    network = from_text(f"4x8x8: {name}: conv 4 1x1, residual(conv 4 1x1), linear 2")
    with pytest.raises(SpecError, match=f"^{name}: in Keras .* as Keras calls a layer without a name"):
        source(network, "keras")


def test_hostile_names() -> None:
    layers = [
        Conv(2, kernel=3, padding=1, name="class"),
        Residual([Conv(2, kernel=1, name="None"), Conv(2, kernel=1, name="x")], name="def"),
        Residual([Conv(2, kernel=3, padding=1, name="None"), Conv(2, kernel=1, name="x")], name="layers"),
        Pool("max", kernel=2, name="heads"),
        Flatten(name="keras"),
        Linear(2, name="__x"),
    ]
    compare(Network("coding=rot13", (2, 4, 4), layers))
