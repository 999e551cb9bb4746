"""Single layers of the C++ kernels as PyTorch operators, with autograd, on blocks of sixteen images.

Blocks are (groups, channels, height, width, 16) of float32 on the CPU: image 16·g + i is lane i of group g. The lanes
beyond the last image hold anything finite, and get gradients of zero. `images` says how many there are.

Importing this module makes `torch.ops.striate` known to PyTorch.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import finalize

import torch
from torch import Tensor

from striate.kernels.binary import Join, Library, Pass, library
from striate.kernels.engine import layer_of
from striate.kernels.lower import FUNCTIONS, Lowered, Mapped, NotLoweredError, lowered, parsed

GROUP = 16
"""Images side by side."""
Affine = tuple[Tensor, Tensor]
"""A scale and a shift for each channel, (channels,) each."""


def to_blocks(images: Tensor) -> Tensor:
    """(images, channels, height, width) in the layout of the kernels; empty lanes are zeros.

    >>> to_blocks(torch.ones(3, 2, 4, 4)).shape
    torch.Size([1, 2, 4, 4, 16])
    """
    return torch.ops.striate.to_blocks(images)


def from_blocks(blocks: Tensor, images: int) -> Tensor:
    """The first `images` images of blocks as (images, channels, height, width)."""
    return torch.ops.striate.from_blocks(blocks, images)


def run_layer(
    blocks: Tensor,
    layer: Mapped,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    images: int,
    function: str = "identity",
) -> Tensor:
    """A convolution, pooling, subsampling or normalisation across maps, and an activation of what it makes.

    `weight` and `bias` have the shapes that `build` gives them. Values are PyTorch's to float32 accuracy.

    >>> from striate.spec.layers import Conv
    >>> maps = to_blocks(torch.ones(3, 2, 4, 4))
    >>> made = run_layer(maps, Conv(5, kernel=3), torch.ones(5, 2, 3, 3), images=3, function="relu")
    >>> from_blocks(made, 3)[0, 0]
    tensor([[18., 18.],
            [18., 18.]])
    """
    text = text_of(layer, blocks, function)
    return torch.ops.striate.layer(blocks, weight, bias, None, None, text, images, False)[0]


def join(
    one: Tensor, other: Tensor | None, affines: tuple[Affine | None, Affine | None], *, images: int, function: str
) -> Tensor:
    """function(scale · one + shift + scale · other + shift): batch normalisation's last step, a residual's sum."""
    (scale1, shift1), (scale2, shift2) = (each or (None, None) for each in affines)
    return torch.ops.striate.join(one, other, scale1, shift1, scale2, shift2, function, images)


def text_of(layer: Mapped, blocks: Tensor, function: str, reads: str = "identity") -> str:
    """A layer of `blocks`, as the operator takes it; it reads the activation `reads` of them."""
    return _text(layer, (blocks.shape[1], blocks.shape[2], blocks.shape[3]), function, reads)


@cache
def _text(layer: Mapped, shape: tuple[int, int, int], function: str, reads: str) -> str:
    made = lowered(layer, shape)
    return Lowered(**{**vars(made), "function": function, "reads": reads}).text()


def _binary() -> Library:
    found = library()
    if isinstance(found, str):
        raise NotLoweredError(found)
    return found


class _Handle:
    """A layer that C has prepared: how its loops go through maps of one shape."""

    def __init__(self, text: str) -> None:
        form, calls = parsed(text), _binary().calls
        made, self._kept = layer_of(form)
        self.address = calls.striate_layer_new(made, FUNCTIONS.index(form.reads))
        if not self.address:
            raise MemoryError("the kernels' buffers")
        finalize(self, calls.striate_layer_free, self.address)


_handle = cache(_Handle)


def _ready(tensor: Tensor) -> Tensor:
    """Float32, without gaps, and on a boundary of 64 bytes."""
    if tensor.dtype != torch.float32:
        raise ValueError(f"striate's operators take float32, not {tensor.dtype}")
    tensor = tensor.contiguous()
    return tensor.clone() if tensor.data_ptr() % 64 else tensor


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None or not tensor.numel() else tensor.data_ptr()


def _pass(images: int, tensors: dict[str, Tensor]) -> Pass:
    made = Pass(images)
    for name, tensor in tensors.items():
        setattr(made, name, _address(tensor))
    return made


def _checked(blocks: Tensor, form: Lowered, images: int) -> None:
    wanted = (-(-images // GROUP), *form.input, GROUP)
    if tuple(blocks.shape) != wanted:
        raise ValueError(f"blocks of {tuple(blocks.shape)}; {images} images of {form.input} are {wanted}")


# What follows are the operators, each in four parts as PyTorch wants them: its work, its shapes, what is kept for the
# backward pass, and that. Their arguments are the operator's, so they are more than six.


def _layer(
    blocks: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    scale: Tensor | None,
    shift: Tensor | None,
    text: str,
    images: int,
    sums: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    form = parsed(text)
    _checked(blocks, form, images)
    made = _layer_shapes(blocks, weight, bias, scale, shift, text, images, sums)
    given = {"blocks": blocks, "weight": weight, "bias": bias, "scale": scale, "shift": shift}
    ready = {name: _ready(each) for name, each in given.items() if each is not None}
    numbers = _pass(images, {**ready, **dict(zip(("out", "memory", "sums"), made, strict=True))})
    _binary().calls.striate_layer_forward(_handle(text).address, numbers, torch.get_num_threads())
    return made


def _layer_shapes(
    blocks: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    scale: Tensor | None,
    shift: Tensor | None,
    text: str,
    images: int,
    sums: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    form = parsed(text)
    shape = (blocks.shape[0], *form.output, GROUP)
    memory = blocks.new_empty(shape if form.kind == "maximum" else (0,), dtype=torch.int32)
    totals = blocks.new_empty((2, form.output[0]) if sums else (0,), dtype=torch.float64)
    return blocks.new_empty(shape), memory, totals


def _keep_layer(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    blocks, weight, _, scale, shift, ctx.text, ctx.images, _ = inputs
    ctx.save_for_backward(blocks, weight, scale, shift, *output[:2])


def _layer_gradients(ctx: Any, gradient: Tensor, _: Tensor, of_sums: Tensor) -> tuple[Tensor | None, ...]:
    wants = list(ctx.needs_input_grad[:5])
    if parsed(ctx.text).kind == "subsampling":
        wants[1] = wants[2] = wants[1] or wants[2]
    wants[0] = wants[0] or wants[3] or wants[4]
    wants[3] = wants[4] = wants[3] or wants[4]
    made = torch.ops.striate.layer_backward(gradient, of_sums, *ctx.saved_tensors, ctx.text, ctx.images, wants)
    return *(each if wanted else None for each, wanted in zip(made, wants, strict=True)), None, None, None


def _layer_backward(
    gradient: Tensor,
    of_sums: Tensor,
    blocks: Tensor,
    weight: Tensor | None,
    scale: Tensor | None,
    shift: Tensor | None,
    out: Tensor,
    memory: Tensor,
    text: str,
    images: int,
    wants: list[bool],
) -> list[Tensor]:
    made = _layer_backward_shapes(gradient, of_sums, blocks, weight, scale, shift, out, memory, text, images, wants)
    given = {"out_gradient": gradient, "blocks": blocks, "weight": weight, "scale": scale, "shift": shift, "out": out}
    ready = {name: _ready(each) for name, each in given.items() if each is not None}
    ready |= {"sums_gradient": of_sums.contiguous(), "memory": memory}
    names = ("blocks", "weight", "bias", "scale", "shift")
    gradients = {f"{name}_gradient": each for name, each in zip(names, made, strict=True)}
    numbers = _pass(images, {**ready, **gradients})
    _binary().calls.striate_layer_backward(_handle(text).address, numbers, torch.get_num_threads())
    return made


def _layer_backward_shapes(
    gradient: Tensor,
    of_sums: Tensor,
    blocks: Tensor,
    weight: Tensor | None,
    scale: Tensor | None,
    shift: Tensor | None,
    out: Tensor,
    memory: Tensor,
    text: str,
    images: int,
    wants: list[bool],
) -> list[Tensor]:
    form = parsed(text)
    shapes = [blocks.shape, weight.shape if weight is not None else (0,), form.output[:1], form.input[:1]]
    found = [blocks.new_empty(shapes[i] if wants[i] else (0,)) for i in range(3)]
    totals = [blocks.new_empty(shapes[3] if wants[i] else (0,), dtype=torch.float64) for i in (3, 4)]
    return found + totals


def _join(
    one: Tensor,
    other: Tensor | None,
    scale1: Tensor | None,
    shift1: Tensor | None,
    scale2: Tensor | None,
    shift2: Tensor | None,
    function: str,
    images: int,
) -> Tensor:
    terms = [one, other, scale1, shift1, scale2, shift2]
    ready = [None if each is None else _ready(each) for each in terms]
    out = torch.empty_like(one, memory_format=torch.contiguous_format)
    _binary().calls.striate_join_forward(_joined(ready, out, function, images), torch.get_num_threads())
    return out


def _joined(terms: list[Tensor | None], out: Tensor, function: str, images: int) -> Join:
    made = Join(FUNCTIONS.index(function), out.shape[1], out.shape[2] * out.shape[3], images)
    made.terms[:], made.out = [_address(each) for each in terms[:2]], out.data_ptr()
    made.scales[:], made.shifts[:] = [_address(each) for each in terms[2::2]], [_address(each) for each in terms[3::2]]
    return made


def _keep_join(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    one, other, scale1, shift1, scale2, shift2, ctx.function, ctx.images = inputs
    ctx.save_for_backward(one, other, scale1, shift1, scale2, shift2, output)


def _join_gradients(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    terms, saved = ctx.saved_tensors[:6], ctx.saved_tensors
    made = torch.ops.striate.join_backward(gradient, *saved, ctx.function, ctx.images)
    return *(None if term is None else each for each, term in zip(made, terms, strict=True)), None, None


def _join_backward(
    gradient: Tensor,
    one: Tensor,
    other: Tensor | None,
    scale1: Tensor | None,
    shift1: Tensor | None,
    scale2: Tensor | None,
    shift2: Tensor | None,
    out: Tensor,
    function: str,
    images: int,
) -> list[Tensor]:
    made = _join_backward_shapes(gradient, one, other, scale1, shift1, scale2, shift2, out, function, images)
    terms = [one, other, scale1, shift1, scale2, shift2]
    ready, gradient, out = [None if each is None else _ready(each) for each in terms], _ready(gradient), _ready(out)
    numbers = _joined(ready, out, function, images)
    numbers.out_gradient = gradient.data_ptr()
    addresses = [_address(each) if term is not None else None for each, term in zip(made, terms, strict=True)]
    numbers.gradients[:], numbers.scale_gradients[:] = addresses[:2], addresses[2::2]
    numbers.shift_gradients[:] = addresses[3::2]
    _binary().calls.striate_join_backward(numbers, torch.get_num_threads())
    return made


def _join_backward_shapes(
    gradient: Tensor,
    one: Tensor,
    other: Tensor | None,
    scale1: Tensor | None,
    shift1: Tensor | None,
    scale2: Tensor | None,
    shift2: Tensor | None,
    out: Tensor,
    function: str,
    images: int,
) -> list[Tensor]:
    found = [gradient.new_empty((0,) if each is None else each.shape) for each in (one, other)]
    scales = [(0,) if each is None else each.shape for each in (scale1, shift1, scale2, shift2)]
    return found + [gradient.new_empty(each, dtype=torch.float64) for each in scales]


def _to_blocks(images: Tensor) -> Tensor:
    made, images = _to_blocks_shape(images), _ready(images)
    count, channels, height, width = images.shape
    arguments = (images.data_ptr(), made.data_ptr(), count, channels, height * width, torch.get_num_threads())
    _binary().calls.striate_to_groups(*arguments)
    return made


def _to_blocks_shape(images: Tensor) -> Tensor:
    return images.new_empty((images.shape[0] + GROUP - 1) // GROUP, *images.shape[1:], GROUP)


def _from_blocks(blocks: Tensor, images: int) -> Tensor:
    made, blocks = _from_blocks_shape(blocks, images), _ready(blocks)
    _, channels, height, width, _ = blocks.shape
    arguments = (blocks.data_ptr(), made.data_ptr(), images, channels, height * width, torch.get_num_threads())
    _binary().calls.striate_from_groups(*arguments)
    return made


def _from_blocks_shape(blocks: Tensor, images: int) -> Tensor:
    return blocks.new_empty(images, *blocks.shape[1:4])


def _keep_count(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
    ctx.images = inputs[0].shape[0]


OPERATORS = {
    "layer(Tensor blocks, Tensor? weight, Tensor? bias, Tensor? scale, Tensor? shift, str form, int images, bool sums)"
    " -> (Tensor, Tensor, Tensor)": (_layer, _layer_shapes, _keep_layer, _layer_gradients),
    "layer_backward(Tensor gradient, Tensor of_sums, Tensor blocks, Tensor? weight, Tensor? scale, Tensor? shift,"
    " Tensor out, Tensor memory, str form, int images, bool[] wants) -> Tensor[]": (
        _layer_backward,
        _layer_backward_shapes,
        None,
        None,
    ),
    "join(Tensor one, Tensor? other, Tensor? scale1, Tensor? shift1, Tensor? scale2, Tensor? shift2, str function,"
    " int images) -> Tensor": (_join, lambda one, *_: one.new_empty(one.shape), _keep_join, _join_gradients),
    "join_backward(Tensor gradient, Tensor one, Tensor? other, Tensor? scale1, Tensor? shift1, Tensor? scale2,"
    " Tensor? shift2, Tensor out, str function, int images) -> Tensor[]": (
        _join_backward,
        _join_backward_shapes,
        None,
        None,
    ),
    "to_blocks(Tensor images) -> Tensor": (
        _to_blocks,
        _to_blocks_shape,
        _keep_count,
        lambda ctx, gradient: from_blocks(gradient, ctx.images),
    ),
    "from_blocks(Tensor blocks, int images) -> Tensor": (
        _from_blocks,
        _from_blocks_shape,
        lambda ctx, inputs, output: None,
        lambda ctx, gradient: (to_blocks(gradient), None),
    ),
}
"""Each operator's signature, and its four parts."""

_registered = torch.library.Library("striate", "DEF")
for _signature, (_work, _shapes, _keep, _gradients) in OPERATORS.items():
    _name = _registered.define(_signature)
    _registered.impl(_name, _work, "CPU")
    torch.library.register_fake(f"striate::{_name}", _shapes, lib=_registered)
    if _gradients:
        torch.library.register_autograd(f"striate::{_name}", _gradients, setup_context=_keep, lib=_registered)
