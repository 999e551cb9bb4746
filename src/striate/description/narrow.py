"""The same architecture at another width, input or number of classes: for tests, benchmarks and small machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import assert_never

from striate.description import checks
from striate.description.layers import (
    RBF,
    Activation,
    Auxiliary,
    BatchNorm,
    Block,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Layer,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Softmax,
    Subsample,
    Upsample,
    changed,
    inside,
)
from striate.description.network import INPUT, Network, Plan, plan
from striate.description.shapes import Shape, show
from striate.errors import ShapeError, SpecError


def narrow(network: Network, factor: float = 1.0, *, input: Shape | None = None, classes: int | None = None) -> Network:
    """`network` with `factor` times its filters and units, on another input and for another number of classes.

    The last linear layer (or the convolution that ends the network without one) keeps its units, or gets `classes`; so
    does that of each auxiliary head. A depthwise convolution keeps one group for each map; widths stay multiples of all
    other numbers of groups. Raises SpecError where a connection table, RBF centres, or a sum with the input's own maps
    fix the widths, and ShapeError where the layers do not fit the input.

    >>> from striate.description.layers import Flatten
    >>> net = Network("n", (1, 8, 8), [Conv(8, kernel=3), Flatten(), Linear(40), Linear(10)])
    >>> [getattr(layer, "filters", getattr(layer, "units", None)) for layer in narrow(net, 0.25).layers]
    [2, None, 10, 10]
    """
    if checks.number("factor", factor, least=0) == 0:
        raise SpecError("factor is 0.", "It must be more than 0, such as 0.25.")
    if classes is not None:
        checks.whole("classes", classes)
    everything = list(_all(network.layers))
    if factor != 1 and any(isinstance(each, RBF) or (isinstance(each, Conv) and each.table) for each in everything):
        raise SpecError(
            f"{network.name} cannot be made narrower.",
            "Its connection table or its RBF centres name every map and unit.",
        )
    if classes is not None:
        _require_linear_end(network, classes)
    network = replace(network, input=network.input if input is None else input)
    found, output = _fitting(network, factor, classes, [_depthwise(plan(network)), set()])
    if classes is not None and output != (classes,):
        raise SpecError(
            f"{network.name} has an output of {show(output)}, which cannot be {classes} classes.",
            "What comes after its last linear layer fixes it.",
        )
    return found


def _fitting(network: Network, factor: float, classes: int | None, depthwise: list[set[Conv]]) -> tuple[Network, Shape]:
    """The narrowed network and its output, with the first of several sets of depthwise convolutions that fits."""
    groups = [each for each in _all(network.layers) if isinstance(each, (Conv, Shuffle))]
    problems: list[ShapeError] = []
    for some in depthwise:
        width = _Width(factor, lcm(*(each.groups for each in groups if each not in some)), classes, some)
        found = replace(network, layers=width.head(network.layers))
        try:
            return found, plan(found).output
        except ShapeError as error:
            problems.append(error)
    raise SpecError(
        f"{network.name} does not fit together at another width: {problems[-1].where} {problems[-1].what}",
        "Values that are added to the input's own, or put behind them, keep their number, as the input's do.",
        "Put a layer with weights before them, or into the shortcut.",
    )


def _depthwise(planned: Plan) -> set[Conv]:
    """The convolutions with a group for each map, without those on the input's own maps, whose number stays."""
    own, found, others = {INPUT}, set[Conv](), set[Conv]()
    for number, step in enumerate(planned.steps):
        layer, on_own = step.layer, step.sources[0] in own
        if isinstance(layer, Conv):
            (found if 1 < layer.groups == step.inputs[0][0] and not on_own else others).add(layer)
        elif on_own and not isinstance(layer, (PadChannels, Branches)):
            own.add(number)
    return found - others


def _require_linear_end(network: Network, classes: int) -> None:
    """Raise SpecError unless a linear layer gives one value for each class."""
    ending = network.layers[-1]
    if isinstance(ending, RBF):
        raise SpecError(
            f"{network.name} ends in {len(ending.centres)} RBF units, which cannot be {classes} classes.",
            "Each unit has a centre of its own, which is chosen by hand.",
            "Give the RBF layer one centre for each class, or take a network with a linear output.",
        )
    if _class_layer(network.layers) < 0:
        raise SpecError(
            f"{network.name} has no linear layer whose units could be {classes} classes, and ends in no convolution.",
            "Its number of classes follows from its input.",
        )


@dataclass(frozen=True)
class _Width:
    factor: float
    groups: int
    classes: int | None
    depthwise: set[Conv]

    def size(self, width: int) -> int:
        if self.factor == 1:
            return width
        return max(min(width, self.groups), round(width * self.factor / self.groups) * self.groups)

    def head(self, layers: Sequence[Layer]) -> list[Layer]:
        """The narrowed layers of a head, whose last linear layer or last convolution gives the classes."""
        last = _class_layer(layers)
        last = last if last >= 0 else _ending(layers)
        return [self._last(layer) if place == last else self.layer(layer) for place, layer in enumerate(layers)]

    def _last(self, layer: Layer) -> Layer:
        if isinstance(layer, Block):
            return replace(layer, layers=self.head(layer.layers))
        if isinstance(layer, Linear):
            return replace(layer, units=self.classes or layer.units)
        if isinstance(layer, Conv):
            return replace(layer, filters=self.classes or layer.filters)
        return layer

    def layer(self, layer: Layer) -> Layer:
        match layer:
            case Conv() if layer in self.depthwise:
                groups = self.size(layer.groups)
                return replace(layer, groups=groups, filters=groups * (layer.filters // layer.groups))
            case Conv():
                return replace(layer, filters=self.size(layer.filters))
            case Linear():
                return replace(layer, units=self.size(layer.units))
            case PadChannels():
                return replace(layer, channels=self.size(layer.channels))
            case Auxiliary():
                return replace(layer, layers=self.head(layer.layers))
            case Block() | Residual() | Gate() | Branches():
                return changed(layer, self.layer)
            case (
                Pool()
                | Subsample()
                | BatchNorm()
                | LocalResponseNorm()
                | Activation()
                | Softmax()
                | Dropout()
                | Flatten()
                | GlobalAveragePool()
                | Upsample()
                | Shuffle()
                | Scale()
                | RBF()
                | PositionBias()
            ):
                return layer
            case _:
                assert_never(layer)


def _class_layer(layers: Sequence[Layer]) -> int:
    """The index of the layer that gives the classes; −1 where there is none.

    It is the last linear layer, or else a convolution after which no layer mixes maps.
    """
    last = max((place for place, layer in enumerate(layers) if _has_linear(layer)), default=-1)
    if last >= 0:
        return last
    for place, layer in reversed(list(enumerate(layers))):
        match layer:
            case Conv(groups=1, table=None):
                return place
            case Activation() | Dropout() | Softmax() | Pool() | GlobalAveragePool():
                continue
            case _:
                return -1
    return -1


def _ending(layers: Sequence[Layer]) -> int:
    """The index of the convolution, or of the block with it, whose maps become the output one by one; −1 for none."""
    for place, layer in reversed(list(enumerate(layers))):
        match layer:
            case Conv(groups=1, table=None):
                return place
            case Block() if any(isinstance(each, Conv) for each in _all(layer.layers)):
                return place
            case Conv() | Residual() | Gate() | Branches() | PadChannels() | Shuffle():
                return -1
            case _:
                continue
    return -1


def _has_linear(layer: Layer) -> bool:
    """Whether a layer is linear, or is a block that holds a linear layer."""
    return isinstance(layer, Linear) or (isinstance(layer, Block) and any(map(_has_linear, layer.layers)))


def _all(layers: Sequence[Layer]) -> Iterator[Layer]:
    for layer in layers:
        yield layer
        yield from _all(inside(layer))
