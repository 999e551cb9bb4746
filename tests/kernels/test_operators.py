"""Striate's operators against PyTorch in float64: values, gradients, odd batches, NaN, and PyTorch's own checks."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch import library as operators

from striate.description.layers import Activation, Conv, LocalResponseNorm, Pool, Subsample
from striate.description.network import Network
from striate.kernels.lower import Mapped, NotLoweredError
from striate.kernels.operators import binding, from_blocks, join, run_layer, single, text_of, to_blocks
from striate.modules.built import build

FUNCTIONS = ("identity", "relu", "tanh", "scaled_tanh", "sigmoid")
LAYERS: list[tuple[Mapped, tuple[int, int, int]]] = [
    (Conv(7, kernel=3, padding=1), (5, 6, 9)),
    (Conv(6, kernel=(1, 4), stride=(2, 1), padding="same", groups=2, bias=False), (4, 5, 7)),
    (Conv(3, kernel=2, dilation=2, table=((0, 2), (1,), (0, 1, 2))), (3, 6, 5)),
    (Conv(4, kernel=5), (2, 5, 5)),
    (Pool("max", kernel=3, stride=2, padding=1), (3, 7, 6)),
    (Pool("max", kernel=2, ceil=True), (2, 5, 4)),
    (Pool("average", kernel=3, stride=2, padding=1, count_padding=False), (3, 7, 6)),
    (Subsample(), (3, 6, 4)),
    (LocalResponseNorm(size=5, alpha=0.3), (7, 3, 4)),
    (LocalResponseNorm(size=4, alpha=0.3, beta=0.6, k=1.0), (5, 2, 3)),
]


def reference(layer: Mapped, shape: tuple[int, int, int], function: str) -> tuple[torch.nn.Module, list[Tensor]]:
    """The layer as `build` makes it, in float64, and its parameters as leaves in float32."""
    layers = [layer, Activation(function)] if function != "identity" else [layer]
    module = build(Network("one", shape, layers), generator=torch.Generator().manual_seed(1))
    for each in module.parameters():
        torch.nn.init.uniform_(each, -1, 1)
    own = [each.detach().clone().requires_grad_() for each in module.parameters()]
    return module.double(), own


def agree(found: Tensor, wanted: Tensor, *, tolerance: float = 1e-5) -> None:
    size = wanted.abs().max().item() if wanted.numel() else 0.0
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=tolerance * (1 + size))


@pytest.mark.parametrize("function", ["identity", "relu", "scaled_tanh"])
@pytest.mark.parametrize("images", [0, 1, 16, 19])
@pytest.mark.parametrize(("layer", "shape"), LAYERS)
def test_a_layer_is_pytorchs(layer: Mapped, shape: tuple[int, int, int], images: int, function: str) -> None:
    torch.manual_seed(images)
    module, parameters = reference(layer, shape, function)
    maps = torch.randn(images, *shape, requires_grad=True)
    exact = maps.detach().double().requires_grad_()
    found = from_blocks(run_layer(to_blocks(maps), layer, *parameters, images=images, function=function), images)
    wanted = module(exact)
    agree(found, wanted)
    weights = torch.randn_like(wanted)
    gradients = torch.autograd.grad((found.double() * weights).sum(), [maps, *parameters])
    exact_gradients = torch.autograd.grad((wanted * weights).sum(), [exact, *module.parameters()])
    for one, other in zip(gradients, exact_gradients, strict=True):
        agree(one, other)


@st.composite
def convolutions(draw: Callable) -> tuple[Conv, tuple[int, int, int], int]:
    """A convolution, the shape it reads, and a number of images."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    kernel, stride, dilation = ((draw(st.integers(1, 4)), draw(st.integers(1, 3))) for _ in range(3))
    padding = tuple(draw(st.integers(0, 3)) for _ in range(4))
    channels = groups * draw(st.integers(1, 6))
    least = [max(1, d * (k - 1) + 1) for k, d in zip(kernel, dilation, strict=True)]
    shape = (channels, draw(st.integers(least[0], 14)), draw(st.integers(least[1], 14)))
    filters = groups * draw(st.integers(1, 9))
    layer = Conv(filters, kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return layer, shape, draw(st.integers(1, 40))


@settings(max_examples=40, deadline=None)
@given(convolutions(), st.sampled_from(FUNCTIONS), st.booleans())
def test_any_convolution_of_what_it_reads(case: tuple[Conv, tuple[int, int, int], int], reads: str, sums: bool) -> None:
    """With a scale, a shift and an activation of its input on the way, and the sums of what it makes."""
    layer, shape, images = case
    torch.manual_seed(images)
    module, parameters = reference(layer, shape, "identity")
    read = build(Network("f", shape, [Activation(reads)])) if reads != "identity" else lambda x: x
    maps, scale, shift = torch.randn(images, *shape), torch.rand(shape[0]) + 0.5, torch.randn(shape[0])
    leaves = [each.requires_grad_() for each in (maps, scale, shift)]
    exact = [each.detach().double().requires_grad_() for each in leaves]
    blocks = to_blocks(maps)
    text = text_of(layer, blocks, "identity", reads)
    out, _, totals = torch.ops.striate.layer(blocks, *parameters, scale, shift, text, images, sums)
    found = [from_blocks(out, images), totals]
    made = module(read(exact[0] * exact[1][:, None, None] + exact[2][:, None, None]))
    wanted = [made, torch.stack([made.sum((0, 2, 3)), made.square().sum((0, 2, 3))])]
    loss, exact_loss = torch.zeros(()), torch.zeros(())
    for one, other in zip(found[: 1 + sums], wanted, strict=False):
        agree(one, other)
        weights = torch.randn_like(other)
        loss, exact_loss = loss + (one.double() * weights).sum(), exact_loss + (other * weights).sum()
    gradients = torch.autograd.grad(loss, [*leaves, *parameters])
    exact_gradients = torch.autograd.grad(exact_loss, [*exact, *module.parameters()])
    for one, other in zip(gradients, exact_gradients, strict=True):
        agree(one, other, tolerance=1e-4 if sums else 2e-5)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("scaled", [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("images", [0, 1, 21])
def test_a_join_is_pytorchs(images: int, scaled: tuple[bool, bool], function: str) -> None:
    torch.manual_seed(images)
    maps = [torch.randn(images, 3, 4, 5, requires_grad=True) for _ in range(2)]
    affines = [
        (torch.rand(3, requires_grad=True), torch.randn(3, requires_grad=True)) if each else None for each in scaled
    ]
    found = from_blocks(
        join(to_blocks(maps[0]), to_blocks(maps[1]), (affines[0], affines[1]), images=images, function=function), images
    )
    leaves = [*maps, *(each for affine in affines if affine for each in affine)]
    exact = {each: each.detach().double().requires_grad_() for each in leaves}
    total = torch.zeros((), dtype=torch.float64)
    for term, affine in zip(maps, affines, strict=True):
        scale, shift = (exact[each][:, None, None] for each in affine) if affine else (1.0, 0.0)
        total = total + exact[term] * scale + shift
    wanted = build(Network("f", (3, 4, 5), [Activation(function)]))(total) if (function != "identity") else total
    agree(found, wanted)
    weights = torch.randn_like(wanted)
    gradients = torch.autograd.grad((found.double() * weights).sum(), leaves)
    exact_gradients = torch.autograd.grad((wanted * weights).sum(), [exact[each] for each in leaves])
    for one, other in zip(gradients, exact_gradients, strict=True):
        agree(one, other)


def samples() -> dict[str, tuple[Tensor | str | int | bool | None, ...]]:
    """Arguments for each operator that has a gradient."""
    images, layer = 17, Conv(4, kernel=3, padding=1)
    maps = torch.randn(images, 2, 5, 6, requires_grad=True)
    blocks = to_blocks(maps).detach().requires_grad_()
    pairs = [torch.rand(2, requires_grad=True) for _ in range(4)]
    weight, bias = torch.randn(4, 2, 3, 3, requires_grad=True), torch.randn(4, requires_grad=True)
    return {
        "to_blocks": (maps,),
        "from_blocks": (blocks, images),
        "layer": (blocks, weight, bias, *pairs[:2], text_of(layer, blocks, "tanh", "relu"), images, True),
        "layer of maxima": (blocks, None, None, None, None, text_of(Pool("max", kernel=2), blocks, "relu"), 17, False),
        "join": (blocks, blocks.detach() + 1, *pairs, "sigmoid", images),
        "join of one": (blocks, None, None, None, None, None, "relu", images),
    }


@pytest.mark.parametrize("name", samples())
def test_pytorchs_own_checks(name: str) -> None:
    operator = getattr(torch.ops.striate, name.split()[0])
    operators.opcheck(operator, samples()[name])


def test_nan_and_infinity_go_where_they_go_in_pytorch() -> None:
    torch.manual_seed(0)
    maps = torch.randn(18, 3, 6, 6)
    maps[17, 1, 2, 3], maps[3, 0, 0, 0], maps[4, 2, 5, 5] = torch.nan, torch.inf, -torch.inf
    weight = torch.randn(4, 3, 3, 3)
    found = from_blocks(run_layer(to_blocks(maps), Conv(4, kernel=3, bias=False), weight, images=18), 18)
    wanted = F.conv2d(maps, weight)
    torch.testing.assert_close(found, wanted, equal_nan=True, rtol=1e-4, atol=1e-4)
    found = from_blocks(run_layer(to_blocks(maps), Pool("max", kernel=2), images=18, function="relu"), 18)
    torch.testing.assert_close(found, F.max_pool2d(maps, 2).relu(), equal_nan=True)
    found = from_blocks(join(to_blocks(maps), None, (None, None), images=18, function="relu"), 18)
    torch.testing.assert_close(found, maps.relu(), equal_nan=True)


def test_threads_change_no_bit() -> None:
    torch.manual_seed(0)
    before = torch.get_num_threads()
    results: list[list[Tensor]] = []
    leaves = [torch.randn(150, 5, 9, 9), torch.randn(6, 5, 3, 3), torch.randn(6), torch.rand(5), torch.rand(5)]
    leaves = [each.requires_grad_() for each in leaves]
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            blocks = to_blocks(leaves[0])
            text = text_of(Conv(6, kernel=3), blocks, "identity", "relu")
            out, _, sums = torch.ops.striate.layer(blocks, *leaves[1:], text, 150, True)
            gradients = torch.autograd.grad(out.sin().sum() + sums.sin().sum(), leaves)
            results.append([out, sums, *gradients])
    finally:
        torch.set_num_threads(before)
    for others in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], others, strict=True))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_operators_compile_into_one_graph(backend: str) -> None:
    layer, maps = Conv(4, kernel=3, padding=1), torch.randn(5, 3, 6, 6)
    weight = torch.randn(4, 3, 3, 3, requires_grad=True)
    text = text_of(layer, to_blocks(maps), "relu")

    def work(maps: Tensor, weight: Tensor) -> Tensor:
        made = torch.ops.striate.layer(to_blocks(maps), weight, None, None, None, text, 5, False)[0]
        return from_blocks(made, 5).square().mean()

    compiled = torch.compile(work, fullgraph=True, backend=backend)
    found = torch.autograd.grad(compiled(maps, weight), weight)[0]
    torch.testing.assert_close(found, torch.autograd.grad(work(maps, weight), weight)[0])


def test_a_layer_that_leaves_the_cache_lives_until_its_call_returns(monkeypatch) -> None:
    """As where two threads prepare one layer at once: the cache keeps the later one."""
    freed: list[int] = []
    real = binding.binary().calls

    class Calls:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def striate_layer_forward(self, *given: Any) -> Any:
            before = len(freed)
            single.forget_layers()
            assert len(freed) == before
            return real.striate_layer_forward(*given)

        def striate_layer_free(self, address: Any) -> None:
            freed.append(1)
            real.striate_layer_free(address)

    monkeypatch.setattr(single, "binary", lambda: SimpleNamespace(calls=Calls()))
    single.forget_layers()
    weight, wanted = torch.ones(3, 2, 3, 3), None
    for _ in range(2):
        found = run_layer(to_blocks(torch.ones(2, 2, 7, 7)), Conv(3, kernel=3, bias=False), weight, images=2)
        assert wanted is None or torch.equal(found, wanted)
        wanted = found
    assert freed


def test_what_the_operators_refuse() -> None:
    blocks = to_blocks(torch.rand(3, 2, 4, 4))
    text = text_of(Pool("max", kernel=2), blocks, "identity")
    with pytest.raises(ValueError, match=r"3 images of \(2, 4, 4\) are \(1, 2, 4, 4, 16\)"):
        torch.ops.striate.layer(blocks[:, :, 1:], None, None, None, None, text, 3, False)
    with pytest.raises(ValueError, match="take float32, not torch.float64"):
        to_blocks(torch.rand(3, 2, 4, 4).double())


def test_without_compiled_kernels(monkeypatch) -> None:
    monkeypatch.setattr(binding, "library", lambda: "they have not been compiled")
    with pytest.raises(NotLoweredError, match="they have not been compiled"):
        to_blocks(torch.rand(3, 2, 4, 4))
