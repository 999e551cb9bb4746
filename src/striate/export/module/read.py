"""A live module as a network with its weights: what is asked of it first, and that its parameters are all there."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from striate.description.network import Network, plan
from striate.description.properties import properties
from striate.description.shapes import Shape, show
from striate.errors import ArgumentError, FormatError, quote
from striate.exchange.reading.read import Read, read_graph
from striate.export.module.tracing import Traced, sizes_of, trace
from striate.export.module.write import write
from striate.modules import Built

Input = Shape | Tensor
SHOWN = 8
"""Names that an error shows; the others are counted."""
BATCH = 2
"""Images of an example: with one, its dimension would look like any other of one value."""


def from_module(module: nn.Module, input: Input) -> Network:
    """The description of a module, as it runs after training; see `read_module`."""
    return _read(module, input).network


def read_module(module: nn.Module, input: Input) -> Read:
    """The description of a module, and its weights by the description's paths, copied.

    `input` is (channels, height, width), or an example with the batch. The module is run once, on no values, in
    evaluation mode; it stays as it is. Dropout, and what only training computes, is left out. Raises FormatError
    where it cannot be traced, where calls say what no layer can, listing all, and where its parameters are not those
    of the layers; ArgumentError for anything but a module and an input.

    >>> from torch import nn
    >>> module = nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10))
    >>> read = read_module(module, (1, 8, 8))
    >>> [(path, values.shape) for path, values in read.weights.items() if path.endswith("weight")]
    [('conv1.weight', (4, 1, 5, 5)), ('linear1.weight', (10, 64))]
    """
    read = _read(module, input)
    return replace(read, weights={path: np.array(values) for path, values in read.weights.items()})


def _read(module: nn.Module, input: Input) -> Read:
    if not isinstance(module, nn.Module):
        raise ArgumentError(
            f"{quote(module)[:80]} is no module.",
            "A torch.nn.Module is read.",
            "Give an object, such as resnet18(), and not its class." if isinstance(module, type) else "",
        )
    name = module.network.name if isinstance(module, Built) else type(module).__name__
    try:
        _require_one_input(module)
        _require_values(module)
        traced = trace(module, _example(module, input))
        read = read_graph(write(traced, name))
        _require_output(read, traced)
        _require_all_parameters(read, traced)
    except FormatError as error:
        raise error.at(name) from None
    return read


def _require_one_input(module: nn.Module) -> None:
    wanted = [
        each.name
        for each in inspect.signature(module.forward).parameters.values()
        if each.default is each.empty
        and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    ]
    if len(wanted) > 1:
        raise FormatError(
            f"has {len(wanted)} inputs: {', '.join(wanted[:SHOWN])}.",
            "A network has one, the images.",
            "Give the part that reads the images.",
        )


def _require_values(module: nn.Module) -> None:
    """Raises FormatError, naming all, where parameters or buffers are no float32 numbers in memory."""
    held = [*module.named_parameters(), *module.named_buffers()]
    if away := [name for name, each in held if each.is_meta or not _is_plain(each)]:
        raise FormatError(
            f"has parameters without values: {_listed(away)}.",
            "The weights are read along.",
            "Build the module on a device, and run it once where it is lazy.",
        )
    kinds = {name: str(each.dtype).removeprefix("torch.") for name, each in held if each.dtype not in _READABLE}
    if kinds:
        raise FormatError(
            f"has parameters of {', '.join(sorted(set(kinds.values())))}: {_listed(list(kinds))}.",
            "Weights are float32.",
            "Give module.float(), or a copy of it.",
        )


def _is_plain(tensor: Tensor) -> bool:
    return not isinstance(tensor, (nn.UninitializedParameter, nn.UninitializedBuffer))


_READABLE = {torch.float32, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool}


def _example(module: nn.Module, input: Input) -> Tensor:
    """An example on the module's device: the one that was given, or zeros."""
    if isinstance(input, Tensor):
        if input.ndim != 4 or input.dtype != torch.float32:
            kind = str(input.dtype).removeprefix("torch.")
            raise FormatError(
                f"is given an example of {show(tuple(input.shape))} in {kind}.",
                "An example is a batch of images in float32: (batch, channels, height, width).",
                "Give the sizes of one image instead: (3, 224, 224).",
            )
        return input
    sizes = tuple(input) if isinstance(input, (tuple, list)) else ()
    if len(sizes) != 3 or not all(type(each) is int and each > 0 for each in sizes):
        raise ArgumentError(
            f"the input is {quote(input)}.",
            "It is (channels, height, width), or an example tensor with the batch.",
            "Give the sizes of one image: (3, 224, 224).",
        )
    place = next((each.device for each in [*module.parameters(), *module.buffers()]), torch.device("cpu"))
    return torch.zeros(BATCH, *sizes, device=place)


def _require_output(read: Read, traced: Traced) -> None:
    """Raises FormatError where the description gives another shape than the module."""
    own, given = plan(read.network).output, sizes_of(traced.output)[1:]
    if [each for each in own if each > 1] != [each for each in given if each > 1]:
        raise FormatError(
            f"gives {show(given)}, and its description {show(own)}.",
            "Both must be of one shape.",
            "This is an error in Striate; please report it with the module.",
        )


def _require_all_parameters(read: Read, traced: Traced) -> None:
    """Raises FormatError, naming them, where the module's parameters are not the layers' own, one for one.

    Two layers that share a weight, or a weight that is computed of two, would make the account's totals wrong.
    """
    own: dict[str, int] = {
        f"{step.path}.{name}": read.weights[f"{step.path}.{name}"].size
        for step in plan(read.network).steps
        for name in properties(step.layer).trained
    }
    used = [node for node, name in traced.names.items() if name in traced.parameters and node.users]
    theirs = {traced.names[node]: traced.tensors[node].numel() for node in used}
    if sum(own.values()) == sum(theirs.values()):
        return
    lines = [
        f"  {what}: {_listed(names)}"
        for what, names in (
            ("of the module's parameters no layer has", _without(theirs, own)),
            ("the module has no parameter for the layers'", _without(own, theirs)),
        )
        if names
    ]
    raise FormatError(
        f"has {sum(theirs.values()):,} parameters, and its description {sum(own.values()):,}.\n" + "\n".join(lines),
        "Each parameter is a weight of one layer: none is shared, computed of others, or a number alone.",
        "Export the module as ONNX, and read the file: there, weights are what the network computes with.",
    )


def _without(sizes: Mapping[str, int], others: Mapping[str, int]) -> list[str]:
    """The names whose sizes the others do not have, as often as they occur."""
    left = Counter(others.values())
    found: list[str] = []
    for name, size in sizes.items():
        left[size] -= 1
        if left[size] < 0:
            found.append(name)
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
