"""A file's tensors matched with a network's by a table of names: all that is missing, unknown or misshapen at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.description.labels import one_line
from striate.description.layers import Conv, Linear
from striate.description.network import Network, plan
from striate.errors import SpecError, WeightsError
from striate.export.weights.tables import TABLES
from striate.export.weights.theirs import Shape, Theirs
from striate.modules import build
from striate.networks import NETWORKS
from striate.wording import counted

COUNTER = "num_batches_tracked"
"""A batch norm's counter of steps, which files of earlier versions of PyTorch lack."""
LISTED = 200
"""The most lines of one sort in an error; tensors of one layer are in one line."""
MOST_CLASSES = 25_000
"""The most classes that a file may have; ImageNet-21k has 21,843."""


@dataclass(frozen=True, eq=False)
class Matched:
    """A network with a file's number of classes, its tensors by Striate's paths, and the file's names left out."""

    network: Network
    tensors: dict[str, Tensor]
    classes: int
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Misfit:
    """The names that a file lacks, the unknown names that it has, and the tensors of wrong shapes, in words."""

    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    shapes: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unknown or self.shapes)


def matched(theirs: Theirs, tensors: Mapping[str, Tensor], *, side: int = 0) -> Matched:
    """The tensors by Striate's paths, and the network with as many classes as the file has.

    `side` is another side of the network's input. Raises WeightsError with every name that is missing or unknown and
    every shape that differs; it names the network that the file is for, where a table has it.
    """
    named = {theirs.today(name): each for name, each in tensors.items()}
    network = theirs.value(classes_in(theirs, named), side=side)
    wanted = shapes_of(network)
    misfit = compared(theirs, named, wanted)
    if misfit:
        raise _error(theirs, tensors, misfit)
    if whole := [name for name, each in named.items() if not (each.is_floating_point() or name.endswith(COUNTER))]:
        raise WeightsError(
            f"whole numbers, such as {one_line(whole[0])} in {str(named[whole[0]].dtype).removeprefix('torch.')}.",
            "Weights are fractions; those of a quantised model say nothing without their scales.",
            "Take the file of the model as it was before.",
        )
    found = {path: _taken(named.get(theirs.name(path)), path, shape) for path, shape in wanted.items()}
    bad = [theirs.name(path) for path, each in found.items() if not bool(each.isfinite().all())]
    if bad:
        raise WeightsError(
            f"not finite: {', '.join(bad[:8])}{', ...' if len(bad) > 8 else ''}.",
            "Weights are finite numbers; some files have those of convolutions, and NaN in the place of others.",
            "Take a file with the weights of every layer.",
        )
    left_out = tuple(name for name in named if name.startswith(theirs.left_out)) if theirs.left_out else ()
    return Matched(network, found, plan(network).output[0], left_out)


def shapes_of(network: Network) -> dict[str, Shape]:
    """The shape of each tensor of a network's module, by its path."""
    return {name: tuple(each.shape) for name, each in build(network, device="meta").state_dict().items()}


def classes_in(theirs: Theirs, named: Mapping[str, Tensor]) -> int:
    """The classes of the file: the rows of its last weight. Those of the catalogue's network where it is missing."""
    network = NETWORKS[theirs.network]()
    planned = plan(network)
    last = next(step.path for step in reversed(planned.steps) if isinstance(step.layer, (Linear, Conv)))
    weight = named.get(f"{theirs.layer(last)}.weight")
    count = weight.shape[0] if weight is not None and weight.ndim else planned.output[0]
    return count if 1 <= count <= MOST_CLASSES else planned.output[0]


def compared(theirs: Theirs, named: Mapping[str, Tensor], wanted: Mapping[str, Shape]) -> Misfit:
    """How the names and shapes of a file differ from those of the library's model."""
    shapes = {theirs.name(path): theirs.shape(path, shape) for path, shape in wanted.items()}
    missing = [name for name in shapes if name not in named and not name.endswith(COUNTER)]
    unknown = [
        name for name in named if name not in shapes and not (theirs.left_out and name.startswith(theirs.left_out))
    ]
    other = [
        f"{name} is {_size(named[name].shape)} in place of {_size(shape)}"
        for name, shape in shapes.items()
        if name in named and tuple(named[name].shape) != shape
    ]
    return Misfit(tuple(missing), tuple(unknown), tuple(other))


def fitting(tensors: Mapping[str, Tensor], library: str) -> list[Theirs]:
    """The networks whose names and shapes are those of some tensors."""
    found: list[Theirs] = []
    for theirs in TABLES[library].values():
        named = {theirs.today(name): each for name, each in tensors.items()}
        steps = [step for step in plan(NETWORKS[theirs.network]()).steps if isinstance(step.layer, (Linear, Conv))]
        if not all(f"{theirs.layer(step.path)}.weight" in named for step in steps if not step.head):
            continue
        try:
            if not compared(theirs, named, shapes_of(theirs.value(classes_in(theirs, named)))):
                found.append(theirs)
        except SpecError:  # so many classes that no network has them
            continue
    return found


def _error(theirs: Theirs, tensors: Mapping[str, Tensor], misfit: Misfit) -> WeightsError:
    parts = [
        *_listed("missing", misfit.missing, _by_layer(misfit.missing)),
        *_listed("unknown", misfit.unknown, _by_layer(misfit.unknown)),
        *_listed("of another shape", misfit.shapes, misfit.shapes),
    ]
    what = f"not the weights of {theirs.package}'s {theirs.model}, which {theirs.network} takes:"
    others = [(each, library) for library in TABLES for each in fitting(tensors, library)]
    others.sort(key=lambda each: each[1] != theirs.package)
    if not others:
        expected = f"Every name and every shape is that of {theirs.package}'s module."
        return WeightsError("\n".join([what, *parts]), expected, "Give the file of that model, or another NETWORK.")
    right, library = others[0]
    return WeightsError(
        "\n".join([what, *parts]),
        f"They are those of {library}'s {right.model}.",
        f"Take that: striate import-weights {right.network} FILE --from {library}.",
    )


def _by_layer(names: Sequence[str]) -> list[str]:
    """The names in a line for each layer.

    >>> _by_layer(["conv1.weight", "bn1.weight", "bn1.bias"])
    ['conv1.weight', 'bn1: weight, bias']
    """
    layers: dict[str, list[str]] = {}
    for name in names:
        layer, _, own = name.rpartition(".")
        layers.setdefault(layer, []).append(own)
    return [
        f"{layer}: {', '.join(own)}" if len(own) > 1 else f"{layer}.{own[0]}".lstrip(".")
        for layer, own in layers.items()
    ]


def _listed(sort: str, names: Sequence[str], told: Sequence[str]) -> list[str]:
    if not names:
        return []
    more = [f"    and {len(told) - LISTED:,} more lines"] if len(told) > LISTED else []
    return [
        f"  {sort}: {counted(len(names), 'name')}",
        *(f"    {one_line(name)[:160]}" for name in told[:LISTED]),
        *more,
    ]


def _taken(tensor: Tensor | None, path: str, shape: Shape) -> Tensor:
    """A tensor in Striate's shape and type; a counter that the file lacks is 0."""
    kind = torch.int64 if path.endswith(COUNTER) else torch.float32
    if tensor is None:
        return torch.zeros(shape, dtype=kind)
    return tensor.to(kind).reshape(shape).contiguous()


def _size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "a number"
