"""The operator that adds one or two maps, each optionally scaled and shifted, and its backward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from striate.kernels.binary import StriateJoin
from striate.kernels.lower import FUNCTIONS
from striate.kernels.operators.binding import Operator, address_of, binary, prepared


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
    ready = [None if each is None else prepared(each) for each in terms]
    out = torch.empty_like(one, memory_format=torch.contiguous_format)
    binary().calls.striate_join_forward(_joined(ready, out, function, images), torch.get_num_threads())
    return out


def _joined(terms: list[Tensor | None], out: Tensor, function: str, images: int) -> StriateJoin:
    made = StriateJoin(FUNCTIONS.index(function), out.shape[1], out.shape[2] * out.shape[3], images)
    made.terms[:], made.out = [address_of(each) for each in terms[:2]], out.data_ptr()
    made.scales[:], made.shifts[:] = (
        [address_of(each) for each in terms[2::2]],
        [address_of(each) for each in terms[3::2]],
    )
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
    ready, gradient, out = (
        [None if each is None else prepared(each) for each in terms],
        prepared(gradient),
        prepared(out),
    )
    numbers = _joined(ready, out, function, images)
    numbers.out_gradient = gradient.data_ptr()
    addresses = [address_of(each) if term is not None else None for each, term in zip(made, terms, strict=True)]
    numbers.gradients[:], numbers.scale_gradients[:] = addresses[:2], addresses[2::2]
    numbers.shift_gradients[:] = addresses[3::2]
    binary().calls.striate_join_backward(numbers, torch.get_num_threads())
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


JOINING = (
    Operator(
        "join(Tensor one, Tensor? other, Tensor? scale1, Tensor? shift1, Tensor? scale2, Tensor? shift2, str function,"
        " int images) -> Tensor",
        work=_join,
        shapes=lambda one, *_: one.new_empty(one.shape),
        keep=_keep_join,
        gradients=_join_gradients,
    ),
    Operator(
        "join_backward(Tensor gradient, Tensor one, Tensor? other, Tensor? scale1, Tensor? shift1, Tensor? scale2,"
        " Tensor? shift2, Tensor out, str function, int images) -> Tensor[]",
        work=_join_backward,
        shapes=_join_backward_shapes,
    ),
)
