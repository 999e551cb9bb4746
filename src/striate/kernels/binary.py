"""Finds the compiled kernels, chooses the best instruction set that the processor has, and loads its library.

The structures mirror csrc/api/interface.hpp.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, Structure, c_double, c_float, c_int32, c_int64, c_uint8, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any

from striate.errors import KernelError, KernelMemoryError
from striate.kernels.compile import HERE, instruction_sets, library_name

CHOICE = "STRIATE_KERNELS"
"""The environment variable that asks for an instruction set: avx512, avx2, plain or neon; torch means no kernels."""
GROUP = 16
"""The images of a lane group, on every instruction set: `GROUP` of csrc/simd/vector.hpp."""


class StriateLayer(Structure):
    """`StriateLayer` of csrc/api/interface.hpp."""

    _fields_ = [
        ("kind", c_int32),
        ("function", c_int32),
        ("input", c_int32 * 3),
        ("output", c_int32 * 3),
        ("kernel", c_int32 * 2),
        ("stride", c_int32 * 2),
        ("dilation", c_int32 * 2),
        ("padding", c_int32 * 4),
        ("count_padding", c_int32),
        ("links", c_int32),
        ("link_filters", c_void_p),
        ("link_channels", c_void_p),
        ("rate", c_float),
        ("response", c_float * 3),
        ("weight", c_void_p),
        ("bias", c_void_p),
        ("weight_gradient", c_void_p),
        ("bias_gradient", c_void_p),
    ]


class StriateNorm(Structure):
    """`StriateNorm`."""

    _fields_ = [
        ("channels", c_int32),
        ("weight", c_void_p),
        ("bias", c_void_p),
        ("weight_gradient", c_void_p),
        ("bias_gradient", c_void_p),
        ("mean", c_void_p),
        ("variance", c_void_p),
        ("tracked", c_void_p),
        ("epsilon", c_double),
        ("momentum", c_double),
    ]


class StriateTerm(Structure):
    """`StriateTerm`."""

    _fields_ = [("value", c_int32), ("first", c_int32), ("channels", c_int32), ("norm", POINTER(StriateNorm))]


class StriateNode(Structure):
    """`StriateNode`."""

    _fields_ = [
        ("layer", POINTER(StriateLayer)),
        ("input", c_int32),
        ("function", c_int32),
        ("output", c_int32 * 3),
        ("term_count", c_int32),
        ("terms", POINTER(StriateTerm)),
        ("factor", c_int32),
    ]


class StriateImages(Structure):
    """`StriateImages`."""

    _fields_ = [
        ("bytes", c_void_p),
        ("floats", c_void_p),
        ("indices", c_void_p),
        ("count", c_int64),
        ("low", c_float),
        ("scale", c_float),
    ]


class StriateWarp(Structure):
    """`StriateWarp`."""

    _fields_ = [
        ("shape", c_int32 * 3),
        ("ranks", c_int32 * 2),
        ("moves", c_void_p),
        ("noise", c_void_p),
        ("down", c_void_p),
        ("across", c_void_p),
    ]


class StriateTarget(Structure):
    """`StriateTarget`."""

    _fields_ = [("labels", c_void_p), ("loss", c_int32), ("rubbish", c_float), ("seed", c_uint64), ("shares", c_void_p)]


class StriateUpdate(Structure):
    """`StriateUpdate`."""

    _fields_ = [
        ("rule", c_int32),
        ("count", c_int32),
        ("first", c_void_p),
        ("second", c_void_p),
        ("average", c_void_p),
        ("rate", c_double),
        ("first_decay", c_double),
        ("second_decay", c_double),
        ("weight_decay", c_double),
        ("epsilon", c_double),
        ("step", c_double),
        ("average_part", c_double),
    ]


class StriateResult(Structure):
    """`StriateResult`."""

    _fields_ = [("loss", c_double), ("right", c_int64)]


class StriatePass(Structure):
    """`StriatePass`."""

    _fields_ = [("images", c_int64)] + [
        (name, c_void_p)
        for name in (
            *("blocks", "scale", "shift", "weight", "bias", "out", "argmax", "sums"),
            *("out_gradient", "sums_gradient", "blocks_gradient", "weight_gradient", "bias_gradient"),
            *("scale_gradient", "shift_gradient"),
        )
    ]


class StriateJoin(Structure):
    """`StriateJoin`."""

    _fields_ = [
        ("function", c_int32),
        ("channels", c_int32),
        ("positions", c_int32),
        ("images", c_int64),
        ("terms", c_void_p * 2),
        ("scales", c_void_p * 2),
        ("shifts", c_void_p * 2),
        ("out", c_void_p),
        ("out_gradient", c_void_p),
        ("gradients", c_void_p * 2),
        ("scale_gradients", c_void_p * 2),
        ("shift_gradients", c_void_p * 2),
    ]


class StriateGo(Structure):
    """`StriateGo`."""

    _fields_ = [
        ("size", c_int32),
        ("count", c_int64),
        ("moves", c_void_p),
        ("firsts", c_void_p),
        ("ends", c_void_p),
        ("symmetries", c_void_p),
        ("places", c_void_p),
        ("one", c_uint8),
    ]


class StriateGoBoards(Structure):
    """`StriateGoBoards`."""

    _fields_ = [("stones", c_void_p), ("ages", c_void_p), ("kos", c_void_p), ("to_play", c_void_p)]


STATUSES = ("done", "no memory", "failed")
"""The statuses, in the order of `StriateStatus`."""
_EXTENT = [c_int64, c_int32, c_int32]
CALLS: dict[str, list[Any]] = {
    "new": [POINTER(StriateLayer), c_int32, POINTER(c_void_p)],
    "graph_new": [POINTER(StriateNode), c_int32, POINTER(c_int32), POINTER(c_void_p)],
    "forward": [c_void_p, POINTER(StriateImages), c_void_p, c_int32],
    "step": [c_void_p, *map(POINTER, (StriateImages, StriateTarget, StriateUpdate)), c_int32, POINTER(StriateResult)],
    "warp": [c_void_p, POINTER(StriateImages), POINTER(StriateWarp), c_void_p, c_int32],
    "profile": [c_void_p, POINTER(c_double)],
    "pattern_new": [POINTER(StriateLayer), c_int32, POINTER(c_void_p)],
    "pattern_learn": [c_void_p, *map(POINTER, (StriateImages, StriateTarget, c_void_p, StriateResult))],
    "pattern_curvature": [c_void_p, *map(POINTER, (StriateImages, StriateTarget, c_void_p))],
    "layer_new": [POINTER(StriateLayer), c_int32, POINTER(c_void_p)],
    "layer_forward": [c_void_p, POINTER(StriatePass), c_int32],
    "layer_backward": [c_void_p, POINTER(StriatePass), c_int32],
    "join_forward": [POINTER(StriateJoin), c_int32],
    "join_backward": [POINTER(StriateJoin), c_int32],
    "go_legal": [POINTER(StriateGo), c_void_p],
    "go_planes": [POINTER(StriateGo), c_void_p],
    "go_boards": [POINTER(StriateGo), POINTER(StriateGoBoards), c_void_p],
    "to_groups": [c_void_p, c_void_p, *_EXTENT, c_int32],
    "from_groups": [c_void_p, c_void_p, *_EXTENT, c_int32],
}
"""The argument types of each export of csrc/api/interface.hpp that returns a status; names without `striate_`."""
FREES = ("striate_free", "striate_pattern_free", "striate_layer_free")
"""The exports that free the handle of a `..._new`; they cannot fail and return nothing."""


@dataclass(frozen=True)
class Library:
    """The kernels for one instruction set."""

    instruction_set: str
    calls: ctypes.CDLL


@cache
def library(instruction_set: str = "") -> Library | str:
    """The library of the best instruction set that this processor has, or the reason why there is none.

    `instruction_set`, or the environment variable STRIATE_KERNELS, asks for another one.
    """
    asked = instruction_set or os.environ.get(CHOICE, "")
    known = instruction_sets()
    if asked == "torch":
        return f"{CHOICE}=torch asks for PyTorch's kernels"
    if asked and asked not in known:
        return f"{CHOICE}={asked} is no instruction set of this machine ({', '.join(known)})"
    found = {name: HERE / library_name(name) for name in known if not asked or name == asked}
    built = {name: path for name, path in found.items() if path.exists()}
    if not built:
        return "they have not been compiled"
    for name, path in built.items():
        try:
            calls = ctypes.CDLL(str(path))
        except OSError as problem:
            return f"{path.name} cannot be loaded: {problem}"
        if calls.striate_supported():
            _declare(calls)
            return Library(name, calls)
    return f"this processor has none of {', '.join(built)}"


def _declare(calls: ctypes.CDLL) -> None:
    for name, arguments in CALLS.items():
        call = getattr(calls, f"striate_{name}")
        call.argtypes, call.restype = arguments, c_int32
        call.errcheck = _checked
    for name in FREES:
        getattr(calls, name).argtypes, getattr(calls, name).restype = [c_void_p], None


def _checked(status: int, call: Any, arguments: tuple[Any, ...]) -> int:
    """ctypes calls this with the status of every call. Raises KernelError unless it is "done"."""
    if status == STATUSES.index("done"):
        return status
    name = str(getattr(call, "__name__", "a call"))
    if status == STATUSES.index("no memory"):
        raise KernelMemoryError(
            f"memory ran out inside Striate's kernels ({name}).",
            "Parameters and the optimiser's state are as they were before the step.",
            "Take a smaller --batch or fewer --threads, or free memory.",
        )
    raise KernelError(
        f"Striate's kernels could not finish ({name}, status {status}).",
        "Parameters and the optimiser's state are as they were before the step.",
        "Report it with the output of striate doctor; meanwhile PyTorch's kernels run the network: --kernels torch.",
    )


def handle_of(call: Any, *arguments: Any) -> int:
    """The handle that a `striate_..._new` returns."""
    handle = c_void_p()
    call(*arguments, ctypes.byref(handle))
    return handle.value or 0
