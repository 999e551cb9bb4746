"""A network as a tree of parts, each with its shapes, its numbers, and the rest of what it is.

Two parts of one `skeleton` differ in numbers only, so that source text can define them once and give the numbers as
arguments.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, assert_never, cast

from striate.description.axis import Axis
from striate.description.layers import (
    RBF,
    Activation,
    Auxiliary,
    BatchNorm,
    Block,
    Branches,
    Composite,
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
    Simple,
    Softmax,
    Subsample,
    Upsample,
    Windowed,
)
from striate.description.network import Network, Step, branches_of, names, plan
from striate.description.shapes import Shape, Window, window

ConvKind = Literal["plain", "grouped", "depthwise", "table"]
Key = tuple[str, str]
"""The path of a layer inside a part, and one of its numbers, such as ("conv1", "filters")."""
SHORTCUT = "shortcut"


@dataclass(frozen=True)
class Part:
    """A layer with its shapes; of a composite the `children`, the shortcut of a Residual apart.

    `numbers` holds what may differ between parts of one skeleton, of all layers inside.
    """

    name: str
    path: str
    layer: Layer
    input: Shape
    output: Shape
    numbers: dict[Key, int]
    skeleton: Hashable
    children: tuple[Part, ...] = ()
    shortcut: Part | None = None
    optional: Optional | None = None

    def walk(self) -> Iterator[Part]:
        """This part and all that it holds, in the order in which they run."""
        yield self
        for child in self.inside:
            yield from child.walk()

    @property
    def simple(self) -> Simple:
        """The layer, where it holds no other."""
        return cast(Simple, self.layer)

    @property
    def composite(self) -> Composite:
        """The layer, where it holds others."""
        return cast(Composite, self.layer)

    @property
    def inside(self) -> tuple[Part, ...]:
        """The parts that it holds, a shortcut last."""
        return self.children if self.shortcut is None else (*self.children, self.shortcut)


@dataclass(frozen=True)
class Optional:
    """When residuals of one body have a shortcut: where they change the number of maps, or where `stride` is not 1.

    `reads` and `gives` are the body's numbers of maps, `example` one that has a shortcut; `stands` says which number of
    the body, or which constant, each number of the shortcut is.
    """

    example: Part
    reads: Key
    gives: Key
    stride: Key | None
    stands: dict[Key, Key | int]


def parts(network: Network) -> tuple[Part, ...]:
    """The layers of a network as parts. Raises ShapeError where they do not fit."""
    planned = plan(network)
    return tuple(_chain(network.layers, "", planned.input, iter(planned.steps)))


def _chain(layers: Sequence[Layer], prefix: str, shape: Shape, steps: Iterator[Step]) -> list[Part]:
    """Parts in a row; `steps` are the plan's, which come in the same order."""
    found: list[Part] = []
    for name, layer in zip(names(layers), layers, strict=True):
        found.append(_part(layer, name, prefix + name, shape, steps))
        shape = found[-1].output
    return found


def _part(layer: Layer, name: str, path: str, shape: Shape, steps: Iterator[Step]) -> Part:
    inner = f"{path}."
    match layer:
        case Block():
            children = _chain(layer.layers, inner, shape, steps)
            return _composite(layer, name, path, (shape, children[-1].output if children else shape), children)
        case Auxiliary():
            children = _chain(layer.layers, inner, shape, steps)
            return _composite(layer, name, path, (shape, shape), children)
        case Residual():
            children = _chain(layer.layers, inner, shape, steps)
            side = _chain(layer.shortcut, f"{inner}{SHORTCUT}.", shape, steps)
            output = next(steps).output
            shortcut = None
            if side:
                block = Block(layer.shortcut, name=SHORTCUT)
                shortcut = _composite(block, SHORTCUT, inner + SHORTCUT, (shape, output), side)
            return _composite(layer, name, path, (shape, output), children, shortcut)
        case Gate():
            children = _chain(layer.layers, inner, shape, steps)
            return _composite(layer, name, path, (shape, next(steps).output), children)
        case Branches():
            children = [
                _part(block, branch, inner + branch, shape, steps) for branch, block in branches_of(layer).items()
            ]
            return _composite(layer, name, path, (shape, next(steps).output), children)
        case _:
            output = next(steps).output
            numbers, form = numbers_and_form(layer, shape)
            return Part(name, path, layer, shape, output, {("", key): each for key, each in numbers.items()}, form)


def _composite(
    layer: Layer, name: str, path: str, shapes: tuple[Shape, Shape], children: list[Part], shortcut: Part | None = None
) -> Part:
    """A part that holds parts; `shapes` are its input's and its output's."""
    part = Part(name, path, layer, *shapes, {}, (), tuple(children), shortcut)
    return rebuilt(part, tuple(children), shortcut)


def rebuilt(part: Part, children: tuple[Part, ...], shortcut: Part | None) -> Part:
    """A part that holds these instead; its numbers and its skeleton follow from them."""
    skeleton = (
        type(part.layer).__name__,
        len(part.input),
        (len(children[-1].output), children[-1].output == part.input) if isinstance(part.layer, Gate) else None,
        part.layer.weight if isinstance(part.layer, Auxiliary) else None,
        tuple((child.name, child.skeleton) for child in children),
        shortcut and shortcut.skeleton,
    )
    numbers = inner_numbers((*children, *([shortcut] if shortcut else [])))
    return replace(part, children=children, shortcut=shortcut, numbers=numbers, skeleton=skeleton)


def inner_numbers(children: Sequence[Part]) -> dict[Key, int]:
    """The numbers of parts, by their paths inside the part that holds them."""
    return {(joined(child.name, key), field): n for child in children for (key, field), n in child.numbers.items()}


def joined(name: str, path: str) -> str:
    """A path inside a part, behind the name of the part.

    >>> joined("conv1", ""), joined("branch1", "conv1")
    ('conv1', 'branch1.conv1')
    """
    return f"{name}.{path}" if path else name


def numbers_and_form(layer: Simple, shape: Shape) -> tuple[dict[str, int], Hashable]:
    """The numbers of a layer on an input of `shape` that repeated parts may differ in; and all else that it is.

    Kernel, stride and padding are numbers where both axes have the same, and part of the form otherwise.
    """
    word = type(layer).__name__
    match layer:
        case Conv():
            kind = conv_kind(layer, shape[0])
            numbers = {"inputs": shape[0]} if kind == "depthwise" else {"inputs": shape[0], "filters": layer.filters}
            if kind == "grouped":
                numbers["groups"] = layer.groups
            fields = ("kernel", "stride") if kind == "table" else ("kernel", "stride", "padding")
            moved, form = _moved(layer, shape, numbers, parameters=fields)
            dilation = (moved.height.dilation, moved.width.dilation)
            # Keras's depthwise layer has one stride for both axes; else it is written with its number of maps.
            uneven = kind == "depthwise" and moved.height.stride != moved.width.stride
            return numbers, (word, kind, layer.bias, layer.table, dilation, shape[0] if uneven else 0, form)
        case Pool():
            numbers = dict[str, int]()
            moved = window(layer, shape)
            if _stands_alone(layer, moved):
                form: Hashable = moved
            elif any(axis.hangs for axis in moved.axes):
                over = tuple(reach(axis) for axis in moved.axes)
                form = (over, _moved(layer, shape, numbers, parameters=("kernel", "stride"))[1])
            else:
                form = _moved(layer, shape, numbers)[1]
            return numbers, (word, layer.function, layer.ceil, layer.count_padding, form)
        case Subsample():
            numbers = {"inputs": shape[0]}
            return numbers, (word, _moved(layer, shape, numbers)[1])
        case BatchNorm():
            return {"inputs": shape[0]}, (word, len(shape), layer.epsilon, layer.momentum)
        case Scale():
            return {"inputs": shape[0]}, (word, len(shape))
        case Linear():
            return {"inputs": shape[0], "units": layer.units}, (word, layer.bias)
        case PadChannels():
            return {"inputs": shape[0], "filters": layer.channels}, (word,)
        case Shuffle():
            return {"inputs": shape[0], "groups": layer.groups}, (word,)
        case PositionBias():
            return {}, (word, shape)
        case Flatten():
            return {}, (word, len(shape), len(shape) == 3 and shape[0] > 1 and shape[1] * shape[2] > 1)
        case LocalResponseNorm() | Activation() | Softmax() | Dropout() | GlobalAveragePool() | Upsample() | RBF():
            return {}, (replace(layer, name=""), len(shape))
        case _:
            assert_never(layer)


def _stands_alone(layer: Pool, moved: Window) -> bool:
    """Whether sources write sizes out that follow from the whole window, so that it is no other's.

    So they do for padding by more than half the kernel or not the same on opposite sides, for an average over padding
    or over the edge, and for windows that `ceil` adds on one axis only.
    """
    hangs = any(axis.hangs for axis in moved.axes)
    odd = any(axis.before != axis.after or 2 * axis.before > axis.kernel for axis in moved.axes)
    average = layer.function == "average" and (hangs or any(moved.padding))
    return odd or average or (hangs and any(axis.drops for axis in moved.axes))


def reach(axis: Axis) -> int:
    """The padding after that lets the last window end just where the maps end; a negative one crops."""
    return (axis.output - 1) * axis.stride + axis.kernel - axis.before - axis.size


def conv_kind(layer: Conv, channels: int) -> ConvKind:
    """Whether a convolution is "plain", "grouped", "depthwise" (one filter for each map), or has a "table"."""
    if layer.table is not None:
        return "table"
    if layer.groups == 1:
        return "plain"
    return "depthwise" if layer.groups == channels == layer.filters else "grouped"


def _moved(
    layer: Windowed, shape: Shape, numbers: dict[str, int], parameters: Sequence[str] = ("kernel", "stride", "padding")
) -> tuple[Window, Hashable]:
    """The window of a layer; its equal sizes that may be `parameters` go into `numbers`, the others into the form."""
    moved = window(layer, shape)
    height, width = moved.axes
    form: list[Hashable] = []
    for field, sizes in (
        ("kernel", (height.kernel, width.kernel)),
        ("stride", (height.stride, width.stride)),
        ("padding", moved.padding),
    ):
        if field in parameters and len(set(sizes)) == 1:
            numbers[field] = sizes[0]
        else:
            form.append((field, sizes))
    return moved, tuple(form)


def windowed(part: Part) -> Window:
    """The window of a part that is a convolution, a pooling or a subsampling."""
    return window(cast(Windowed, part.layer), part.input)
