"""Layers and nodes as structures of the C interface, with the addresses of their parameters and gradients."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from striate.kernels.binary import StriateLayer, StriateNode, StriateNorm, StriateTerm
from striate.kernels.graph import Apply, Join, Node, Norm
from striate.kernels.lower import FUNCTIONS, KINDS, PARAMETERS, Lowered, NotLoweredError

Tensors = Mapping[str, Tensor]
"""Parameters and buffers by path, such as "C1.weight"."""


def layer_of(layer: Lowered) -> tuple[StriateLayer, list[object]]:
    """The C structure of a layer without parameters, and the objects that must stay alive while C reads it."""
    made, kept = StriateLayer(KINDS.index(layer.kind), FUNCTIONS.index(layer.function)), list[object]()
    for name in ("input", "output", "kernel", "stride", "dilation", "padding", "response"):
        getattr(made, name)[:] = getattr(layer, name)
    links = layer.links
    made.count_padding, made.rate, made.links = layer.count_padding, layer.rate, len(links)
    for name, numbers in zip(("link_filters", "link_channels"), zip(*links, strict=True), strict=bool(links)):
        array = (ctypes.c_int32 * len(numbers))(*numbers)
        kept.append(array)
        setattr(made, name, ctypes.addressof(array))
    return made, kept


def bound(
    layer: Lowered, tensors: Tensors, kept: list[object], gradients: Iterator[Tensor] | None = None
) -> StriateLayer:
    """The C structure of a layer with its parameters.

    The objects that must stay alive while C reads it are added to `kept`. The gradients of the layer's parameters are
    the next tensors of `gradients`.
    """
    made, alive = layer_of(layer)
    kept.extend(alive)
    if layer.kind == "radial":
        centres = tensors[f"{layer.path}.centres"]
        kept.append(centres)
        made.weight = centres.data_ptr()
    for name, parameter in parameters_of(tensors, layer).items():
        setattr(made, name, parameter.data_ptr())
        if gradients is not None:
            setattr(made, f"{name}_gradient", next(gradients).data_ptr())
    return made


def parameters_of(tensors: Tensors, layer: Lowered) -> dict[str, Tensor]:
    """A layer's own parameters, "weight" before "bias". NotLoweredError where C cannot read them."""
    return _readable(tensors, layer.path) if layer.kind in PARAMETERS else {}


def parameters_of_part(tensors: Tensors, part: Lowered | Node) -> list[Tensor]:
    """A layer's or a node's own parameters, those of its batch normalisations too, in C's order."""
    match part:
        case Lowered():
            return [*parameters_of(tensors, part).values()]
        case Apply():
            return [*parameters_of(tensors, part.layer).values()]
        case Join():
            return [each for norm in part.norms for each in _readable(tensors, norm.path).values()]


def statistics_of_part(tensors: Tensors, part: Lowered | Node) -> list[Tensor]:
    """The running statistics and the counters of a node's batch normalisations."""
    norms = part.norms if isinstance(part, Join) else []
    return [each for norm in norms for each in _statistics(tensors, norm)]


def _statistics(tensors: Tensors, norm: Norm) -> list[Tensor]:
    return [tensors[f"{norm.path}.{name}"] for name in ("running_mean", "running_var", "num_batches_tracked")]


def bound_node(node: Node, tensors: Tensors, kept: list[object], gradients: Iterator[Tensor] | None) -> StriateNode:
    """The C structure of a node with its parameters; `kept` and `gradients` as in `bound`."""
    made = StriateNode(output=(ctypes.c_int32 * 3)(*node.output), factor=-1)
    match node:
        case Apply():
            layer = bound(node.layer, tensors, kept, gradients)
            made.layer, made.input = ctypes.pointer(layer), node.value
            kept.append(layer)
        case Join():
            terms = (StriateTerm * len(node.terms))()
            for term, each in zip(node.terms, terms, strict=True):
                each.value, each.first, each.channels = term.value, term.first, term.channels
                if term.norm:
                    norm = _bound_norm(term.norm, term.channels, tensors, gradients)
                    each.norm = ctypes.pointer(norm)
                    kept.append(norm)
            made.function, made.term_count, made.terms = FUNCTIONS.index(node.function), len(terms), terms
            if node.factor is not None:
                made.factor = node.factor
            kept.append(terms)
    return made


def _bound_norm(norm: Norm, channels: int, tensors: Tensors, gradients: Iterator[Tensor] | None) -> StriateNorm:
    parameters = _readable(tensors, norm.path)
    statistics = _statistics(tensors, norm)
    tracked = statistics[2]
    if tracked.dtype != torch.int64 or any(not _plain(each) for each in statistics[:2]):
        raise NotLoweredError("its statistics are not float32, contiguous and on the CPU")
    of_gradients = [next(gradients).data_ptr() if gradients else None for _ in parameters]
    addresses = [*(each.data_ptr() for each in parameters.values()), *of_gradients]
    places = [each.data_ptr() for each in statistics]
    return StriateNorm(channels, *addresses, *places, norm.epsilon, norm.momentum)


def _plain(tensor: Tensor) -> bool:
    return tensor.dtype == torch.float32 and tensor.device.type == "cpu" and tensor.is_contiguous()


def _readable(tensors: Tensors, path: str) -> dict[str, Tensor]:
    """The weight and the bias at a path."""
    paths = {name: f"{path}.{name}" for name in ("weight", "bias")}
    found = {name: tensors[path] for name, path in paths.items() if path in tensors}
    for each in found.values():
        if not _plain(each):
            raise NotLoweredError("its parameters are not float32, contiguous and on the CPU")
    return found
