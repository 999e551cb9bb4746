"""The compiled kernels: found, chosen by what the processor can do, and loaded."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, Structure, c_double, c_float, c_int32, c_int64, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache

from striate.kernels.compile import HERE, instruction_sets, library_name

CHOICE = "STRIATE_KERNELS"
"""The environment variable that asks for an instruction set, or for none: avx512, avx2, plain, neon, torch."""


class Layer(Structure):
    """`StriateLayer` of csrc/interface.hpp."""

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


class Images(Structure):
    """`StriateImages`."""

    _fields_ = [
        ("bytes", c_void_p),
        ("floats", c_void_p),
        ("indices", c_void_p),
        ("count", c_int64),
        ("low", c_float),
        ("scale", c_float),
    ]


class Warp(Structure):
    """`StriateWarp`."""

    _fields_ = [
        ("shape", c_int32 * 3),
        ("ranks", c_int32 * 2),
        ("moves", c_void_p),
        ("noise", c_void_p),
        ("down", c_void_p),
        ("across", c_void_p),
    ]


class Target(Structure):
    """`StriateTarget`."""

    _fields_ = [("labels", c_void_p), ("loss", c_int32), ("rubbish", c_float), ("seed", c_uint64)]


class Update(Structure):
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


class Result(Structure):
    """`StriateResult`."""

    _fields_ = [("loss", c_double), ("right", c_int64)]


class Pass(Structure):
    """`StriatePass`."""

    _fields_ = [("images", c_int64)] + [
        (name, c_void_p)
        for name in (
            *("blocks", "scale", "shift", "weight", "bias", "out", "memory", "sums"),
            *("out_gradient", "sums_gradient", "blocks_gradient", "weight_gradient", "bias_gradient"),
            *("scale_gradient", "shift_gradient"),
        )
    ]


class Join(Structure):
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


@dataclass(frozen=True)
class Library:
    """The kernels for one instruction set."""

    instruction_set: str
    calls: ctypes.CDLL


@cache
def library(instruction_set: str = "") -> Library | str:
    """The kernels for the best instruction set that this processor has, or why there are none.

    Another one is chosen by its name, or by the environment variable STRIATE_KERNELS; "torch" there asks for none.
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
    address, number = c_void_p, c_int32
    extent = [c_int64, number, number]
    declared: dict[str, tuple[list[type], type | None]] = {
        "new": ([POINTER(Layer), number], address),
        "free": ([address], None),
        "forward": ([address, POINTER(Images), address, number], None),
        "step": ([address, *map(POINTER, (Images, Target, Update)), number, POINTER(Result)], None),
        "warp": ([address, POINTER(Images), POINTER(Warp), address, number], None),
        "profile": ([address, POINTER(c_double)], None),
        "pattern_new": ([POINTER(Layer), number], address),
        "pattern_free": ([address], None),
        "pattern_learn": ([address, *map(POINTER, (Images, Target, c_void_p, Result))], number),
        "pattern_curvature": ([address, *map(POINTER, (Images, Target, c_void_p))], number),
        "layer_new": ([POINTER(Layer), number], address),
        "layer_free": ([address], None),
        "layer_forward": ([address, POINTER(Pass), number], None),
        "layer_backward": ([address, POINTER(Pass), number], None),
        "join_forward": ([POINTER(Join), number], None),
        "join_backward": ([POINTER(Join), number], None),
        "to_groups": ([address, address, *extent, number], None),
        "from_groups": ([address, address, *extent, number], None),
    }
    for name, (arguments, result) in declared.items():
        call = getattr(calls, f"striate_{name}")
        call.argtypes, call.restype = arguments, result
