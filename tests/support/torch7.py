"""Torch7 source, run by any Lua: what its modules give, computed with PyTorch as the documentation of nn says."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from striate import Network
from striate.description.layers import BatchNorm, Conv, Linear, PositionBias, Scale, Subsample
from striate.description.network import plan
from striate.emit.source.parts import conv_kind

LUA = next(filter(None, map(shutil.which, ("luajit", "lua", "lua5.1", "texlua"))), "")
"""An interpreter of Lua; "" where none is installed."""
Weights = Iterator[list[Tensor]]


def modules(text: str, folder: Path) -> dict[str, Any]:
    """The modules that a source makes."""
    (folder / "net.lua").write_text(text, encoding="utf-8")
    command = [LUA, str(Path(__file__).with_suffix(".lua")), "net.lua"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return json.loads(done.stdout)


def weights(network: Network, ours: nn.Module) -> Weights:
    """Our weights of each layer that has some, those of each group apart, in the order in which a source adds them."""
    for step in plan(network).steps:
        layer = step.layer
        if step.head or not isinstance(layer, (BatchNorm, Conv, Linear, PositionBias, Scale, Subsample)):
            continue
        state = ours.get_submodule(step.path).state_dict()
        own = [each for key, each in state.items() if "num_batches" not in key and key != "index"]
        if isinstance(layer, Conv) and conv_kind(layer, step.inputs[0][0]) == "grouped":
            yield from map(list, zip(*(each.chunk(layer.groups) for each in own), strict=True))
        else:
            yield own


def output(module: dict[str, Any], x: Any, own: Weights) -> Any:
    """What a module makes of x; containers here, the others in `_window` and `_simple`."""
    inner = module["modules"]
    match module["kind"]:
        case "Sequential":
            for each in inner:
                x = output(each, x, own)
            return x
        case "ConcatTable":
            return [output(each, x, own) for each in inner]
        case "Concat":
            return torch.cat([output(each, x, own) for each in inner], module["given"][0] - 1)
        case "CAddTable":
            assert len({each.shape for each in x}) == 1
            return sum(x)
        case "CMulTable":
            assert x[0].shape == x[1].shape
            return x[0] * x[1]
        case "ScaleMaps":
            return x[0] * x[1].reshape(*x[0].shape[:2], 1, 1)
        case kind if kind.startswith("Spatial"):
            return _window(module, x, own)
        case _:
            return _simple(module, x, own)


def _filled(given: list[Any], usual: list[int]) -> list[int]:
    """Whole numbers, those that are not given as they are by themselves."""
    assert all(each == int(each) for each in given)
    return [*map(int, given), *usual[len(given) :]]


def _window(module: dict[str, Any], x: Tensor, own: Weights) -> Tensor:
    given, flags = module["given"], module["set"]
    assert x.ndim == 4
    match module["kind"]:
        case "SpatialConvolution" | "SpatialDilatedConvolution" | "SpatialDepthWiseConvolution" as kind:
            weight, *bias = next(own)
            inputs, filters, *sizes = _filled(given, [0, 0, 0, 0, 1, 1, 0, 0, 1, 1])
            width, height, dx, dy, left, top, *dilation = sizes
            deep = kind == "SpatialDepthWiseConvolution"
            shape = (inputs * filters, 1) if deep else (filters, inputs)
            assert (*weight.shape, len(bias)) == (*shape, height, width, "noBias" not in flags)
            groups = inputs if deep else 1
            return F.conv2d(x, weight, *(bias or [None]), (dy, dx), (top, left), dilation[::-1], groups)
        case "SpatialConvolutionMap":
            kernels, bias = next(own)
            width, height, dx, dy = _filled(given[1:], [0, 0, 1, 1])
            dense = x.new_zeros(len(bias), x.shape[1], height, width)
            for kernel, (source, to) in zip(kernels, given[0], strict=True):
                dense[to - 1, source - 1] = kernel
            return F.conv2d(x, dense, bias, (dy, dx))
        case "SpatialMaxPooling" | "SpatialAveragePooling" as kind:
            width, height, dx, dy, left, top = _filled(given, [0, 0, 0, 0, 0, 0])
            sizes, up = ((height, width), (dy, dx), (top, left)), "ceil" in flags
            if kind == "SpatialMaxPooling":
                return F.max_pool2d(x, *sizes, ceil_mode=up)
            return F.avg_pool2d(x, *sizes, up, "setCountExcludePad" not in flags)
        case "SpatialSubSampling":
            weight, bias = next(own)
            _, width, height, dx, dy = given
            sums = F.avg_pool2d(x, (height, width), (dy, dx), divisor_override=1)
            return sums * weight[:, None, None] + bias[:, None, None]
        case "SpatialBatchNormalization":
            return _normalised(given, x, own)
        case "SpatialZeroPadding":
            return F.pad(x, given)
        case "SpatialAdaptiveAveragePooling":
            return F.adaptive_avg_pool2d(x, given)
        case "SpatialCrossMapLRN":
            return F.local_response_norm(x, *given)
        case "SpatialUpSamplingNearest":
            return F.interpolate(x, scale_factor=given[0])
        case kind:
            raise NotImplementedError(kind)


def _normalised(given: list[Any], x: Tensor, own: Weights) -> Tensor:
    scale, shift, mean, variance = next(own)
    assert given[0] == x.shape[1] == len(scale)
    return F.batch_norm(x, mean, variance, scale, shift, eps=given[1] if len(given) > 1 else 1e-5)


def _view(module: dict[str, Any], x: Tensor) -> Tensor:
    """nn.View: without a number of dimensions it takes the batch of one image for none."""
    size, last = module["given"][0], module["set"].get("setNumInputDims", x.ndim)
    inner = math.prod(x.shape[x.ndim - last :])
    batch = math.prod(x.shape[: x.ndim - last]) * (1 if size == -1 else inner // size)
    return x.reshape(size) if batch == 1 and x.ndim <= last else x.reshape(batch, size)


def _simple(module: dict[str, Any], x: Tensor, own: Weights) -> Tensor:
    given = module["given"]
    match module["kind"]:
        case "Identity" | "Dropout":
            return x
        case "View":
            return _view(module, x)
        case "Linear":
            weight, *bias = next(own)
            assert (*weight.shape[::-1], not bias) == (*given[:2], len(given) > 2)
            return F.linear(x, weight, *bias)
        case "BatchNormalization":
            assert x.ndim == 2
            return _normalised(given, x, own)
        case "Narrow":
            dimension, first, length = _filled(given, [])
            return x.narrow(dimension - 1, first - 1, length)
        case "Padding":
            dimension, more, dimensions, value = *given[:3], given[3] if len(given) > 3 else 0.0
            at = dimension if x.ndim != dimensions else dimension - 1
            filled = x.new_full((*x.shape[:at], abs(more), *x.shape[at + 1 :]), value)
            return torch.cat([filled, x] if more < 0 else [x, filled], at)
        case "CMul" | "CAdd" as kind:
            assert len(given) == x.ndim
            values = next(own)[0].reshape(given)
            return x * values if kind == "CMul" else x + values
        case "Euclidean":
            centres = torch.tensor(module["set"]["centres"], dtype=x.dtype)
            return (x[:, None] - centres).square().sum(2).sqrt()
        case "MulConstant":
            return x * given[0]
        case "AddConstant":
            return x + given[0]
        case "Square":
            return x.square()
        case "SoftMax":
            return x.softmax(1)
        case "ReLU" | "ReLU6" | "Tanh" | "Sigmoid" | "LeakyReLU" | "ELU" as kind:
            return getattr(nn, kind)(*given)(x)
        case kind:
            raise NotImplementedError(kind)
