"""The operator that runs one layer, and its backward pass."""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import finalize

import torch
from torch import Tensor

from striate.kernels.binary import GROUP, StriatePass, handle_of
from striate.kernels.lower import FUNCTIONS, Lowered, parsed
from striate.kernels.operators.binding import Operator, address_of, binary, prepared
from striate.kernels.structures import layer_of


class _Handle:
    """A layer prepared in C for maps of one shape."""

    def __init__(self, text: str) -> None:
        form, calls = parsed(text), binary().calls
        made, self._kept = layer_of(form)
        self.address = handle_of(calls.striate_layer_new, made, FUNCTIONS.index(form.reads))
        finalize(self, calls.striate_layer_free, self.address)


_handle = cache(_Handle)


def forget_layers() -> None:
    """Free the layers that were prepared; one that is asked for again is prepared anew."""
    _handle.cache_clear()


def _pass(images: int, tensors: dict[str, Tensor]) -> StriatePass:
    made = StriatePass(images)
    for name, tensor in tensors.items():
        setattr(made, name, address_of(tensor))
    return made


def _checked(blocks: Tensor, form: Lowered, images: int) -> None:
    wanted = (-(-images // GROUP), *form.input, GROUP)
    if tuple(blocks.shape) != wanted:
        raise ValueError(f"blocks of {tuple(blocks.shape)}; {images} images of {form.input} are {wanted}")


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
    ready = {name: prepared(each) for name, each in given.items() if each is not None}
    numbers = _pass(images, {**ready, **dict(zip(("out", "argmax", "sums"), made, strict=True))})
    handle = _handle(text)  # kept during the call: another thread may put one of its own into the cache
    binary().calls.striate_layer_forward(handle.address, numbers, torch.get_num_threads())
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
    argmax = blocks.new_empty(shape if form.kind == "maximum" else (0,), dtype=torch.int32)
    totals = blocks.new_empty((2, form.output[0]) if sums else (0,), dtype=torch.float64)
    return blocks.new_empty(shape), argmax, totals


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
    argmax: Tensor,
    text: str,
    images: int,
    wants: list[bool],
) -> list[Tensor]:
    made = _layer_backward_shapes(gradient, of_sums, blocks, weight, scale, shift, out, argmax, text, images, wants)
    given = {"out_gradient": gradient, "blocks": blocks, "weight": weight, "scale": scale, "shift": shift, "out": out}
    ready = {name: prepared(each) for name, each in given.items() if each is not None}
    ready |= {"sums_gradient": of_sums.contiguous(), "argmax": argmax}
    names = ("blocks", "weight", "bias", "scale", "shift")
    gradients = {f"{name}_gradient": each for name, each in zip(names, made, strict=True)}
    numbers = _pass(images, {**ready, **gradients})
    handle = _handle(text)  # kept during the call: another thread may put one of its own into the cache
    binary().calls.striate_layer_backward(handle.address, numbers, torch.get_num_threads())
    return made


def _layer_backward_shapes(
    gradient: Tensor,
    of_sums: Tensor,
    blocks: Tensor,
    weight: Tensor | None,
    scale: Tensor | None,
    shift: Tensor | None,
    out: Tensor,
    argmax: Tensor,
    text: str,
    images: int,
    wants: list[bool],
) -> list[Tensor]:
    form = parsed(text)
    shapes = [blocks.shape, weight.shape if weight is not None else (0,), form.output[:1], form.input[:1]]
    found = [blocks.new_empty(shapes[i] if wants[i] else (0,)) for i in range(3)]
    totals = [blocks.new_empty(shapes[3] if wants[i] else (0,), dtype=torch.float64) for i in (3, 4)]
    return found + totals


SINGLE = (
    Operator(
        "layer(Tensor blocks, Tensor? weight, Tensor? bias, Tensor? scale, Tensor? shift, str form, int images,"
        " bool sums) -> (Tensor, Tensor, Tensor)",
        work=_layer,
        shapes=_layer_shapes,
        keep=_keep_layer,
        gradients=_layer_gradients,
    ),
    Operator(
        "layer_backward(Tensor gradient, Tensor of_sums, Tensor blocks, Tensor? weight, Tensor? scale, Tensor? shift,"
        " Tensor out, Tensor argmax, str form, int images, bool[] wants) -> Tensor[]",
        work=_layer_backward,
        shapes=_layer_backward_shapes,
    ),
)
