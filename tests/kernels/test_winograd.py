"""Convolutions with fewer multiplications: the same values as PyTorch's in float64, also beside what is not finite."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from striate.description.layers import Conv, Flatten, Linear, Pool
from striate.description.network import Network
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Engine, Pictures
from striate.kernels.operators import from_blocks, run_layer, to_blocks
from striate.modules.built import build

IMAGES = 16


def both(layer: Conv, maps: Tensor, *, function: str = "identity") -> tuple[list[Tensor], list[Tensor]]:
    """The layer's result, and the gradients of input and weight: on the kernels, and by PyTorch in float64."""
    torch.manual_seed(0)
    module = build(Network("one", tuple(maps.shape[1:]), [layer]), generator=torch.Generator())
    parameters = [torch.randn_like(each) / each[0].numel() ** 0.5 for each in module.parameters()]
    for each, value in zip(module.parameters(), parameters, strict=True):
        each.data = value.double()
    parameters = [each.requires_grad_() for each in parameters]
    ours, exact = maps.clone().requires_grad_(), maps.double().requires_grad_()
    found = from_blocks(run_layer(to_blocks(ours), layer, *parameters, images=IMAGES, function=function), IMAGES)
    wanted = module.double()(exact)
    wanted = wanted.relu() if function == "relu" else wanted
    weights = torch.randn_like(wanted)
    found.backward(weights.float())
    wanted.backward(weights)
    weight = next(module.parameters())
    assert ours.grad is not None
    assert exact.grad is not None
    assert parameters[0].grad is not None
    assert weight.grad is not None
    return [found.detach(), ours.grad, parameters[0].grad], [wanted.detach(), exact.grad, weight.grad]


@st.composite
def convolutions(draw: Callable) -> tuple[Conv, tuple[int, int, int]]:
    """Convolutions whose columns have a stride and a dilation of 1, and the shapes they read."""
    kernel = (draw(st.integers(1, 5)), draw(st.integers(2, 5)))
    padding = tuple(draw(st.integers(0, 3)) for _ in range(4))
    down = draw(st.integers(1, 2))
    shape = (
        draw(st.integers(5, 40)),
        draw(st.integers(down * (kernel[0] - 1) + 1, 13)),
        draw(st.integers(kernel[1], 21)),
    )
    return Conv(draw(st.integers(5, 40)), kernel=kernel, padding=padding, dilation=(down, 1)), shape


@settings(max_examples=60, deadline=None)
@given(convolutions(), st.integers(0, 1000))
def test_values_and_gradients(case: tuple[Conv, tuple[int, int, int]], seed: int) -> None:
    layer, shape = case
    maps = torch.randn(IMAGES, *shape, generator=torch.Generator().manual_seed(seed))
    for found, wanted in zip(*both(layer, maps), strict=True):
        torch.testing.assert_close(found.double(), wanted, rtol=0, atol=1e-5 * (1 + wanted.abs().max().item()))
    # Values alone: the gradient of a ReLU turns with the last bit of a result near 0.
    (found, *_), (wanted, *_) = both(layer, maps, function="relu")
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=1e-5 * (1 + wanted.abs().max().item()))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("kernel", [3, 4, 5])
def test_what_is_not_finite_stays_where_it_belongs(kernel: int, value: float) -> None:
    """A transform would carry it to results that do not see it: its group goes the other way, and gives the same."""
    layer = Conv(32, kernel=kernel, padding=1)
    maps = torch.randn(IMAGES, 32, 12, 16, generator=torch.Generator().manual_seed(kernel))
    (finite, *_), _ = both(layer, maps)
    maps[15, 3, 5, 7] = value
    (found, *_), (wanted, *_) = both(layer, maps)
    torch.testing.assert_close(found[15].double(), wanted[15], rtol=0, atol=1e-4, equal_nan=True)
    torch.testing.assert_close(found[:15].double(), wanted[:15], rtol=0, atol=1e-5)
    torch.testing.assert_close(finite[:15].double(), wanted[:15], rtol=0, atol=1e-5)
    assert not torch.equal(finite[:15], found[:15])  # there were two ways


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_gradient_without_transforms_where_a_value_is_not_finite(value: float) -> None:
    """A corner of the map is seen by one tap alone: the transforms would carry it to all nine."""
    layer = Conv(32, kernel=3)
    maps = torch.randn(IMAGES, 32, 10, 10, generator=torch.Generator().manual_seed(1))
    maps[2, 5, 0, 0] = value
    (*_, found), (*_, wanted) = both(layer, maps)
    assert not wanted[:, 5, 0, 0].isfinite().any()
    assert wanted[:, 5, 2, 2].isfinite().all()
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=1e-3, equal_nan=True)


@pytest.mark.parametrize(("channels", "size"), [(16, 32), (64, 8), (256, 7)])
def test_as_exact_as_float32(channels: int, size: int) -> None:
    """Transforms in two dimensions lose no more than a few bits: results and gradients of 3x3 kernels of networks."""
    layer = Conv(channels, kernel=3, padding=1)
    maps = torch.randn(IMAGES, channels, size, size, generator=torch.Generator().manual_seed(2))
    for found, wanted in zip(*both(layer, maps), strict=True):
        torch.testing.assert_close(found.double(), wanted, rtol=0, atol=5e-6 * wanted.abs().max().item())


@pytest.mark.parametrize("rows", [2, 3, 5])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_pooling_asks_for_some_rows_of_the_squares(rows: int, threads: int) -> None:
    """A convolution fused with a pooling gives as many rows at a time as the pooling reads, and not always four."""
    layers = [Conv(32, kernel=3, padding=1), Pool("max", kernel=(rows, 2)), Flatten(), Linear(10)]
    network = Network("fused", (32, 15 - 15 % rows, 14), layers)
    model = build(network, generator=torch.Generator().manual_seed(rows))
    images = torch.randn(IMAGES, *network.input, generator=torch.Generator().manual_seed(3))
    found = Engine(network, tensors_of(model)).outputs(Pictures(images), threads=threads)
    with torch.no_grad():
        wanted = model.double().logits(images.double())
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=1e-5 * (1 + wanted.abs().max().item()))
