"""The texts on a figure's layers: the kind, the kernel, the number of filters or units, stride and padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from striate.description.layers import (
    ALPHAS,
    RBF,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Joined,
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
from striate.description.network import Step
from striate.description.notation.writing import spelling
from striate.description.shapes import Shape, show, window

Size = tuple[Shape, ...]
"""The shape of a value, or the shapes that it has in the repetitions of what is drawn once."""
LONGEST = 60
"""Characters of a layer in the notation, at most: tables and centres are cut off."""


@dataclass(frozen=True)
class Words:
    """A layer's kind with its kernel, the number of its filters or units, and what else is to say of it."""

    what: str
    number: str = ""
    stride: str = ""
    more: tuple[str, ...] = ()


def words(layer: Simple, shape: Shape) -> Words:
    """The text on a layer that reads `shape`.

    >>> words(Conv(96, kernel=11, stride=4), (3, 227, 227))
    Words(what='conv 11×11', number='96', stride='4', more=())
    """
    match layer:
        case Conv():
            alone = layer.groups == shape[0] == layer.filters and layer.groups > 1
            groups = (f"{layer.groups} groups",) if layer.groups > 1 and not alone else ()
            table = ("table",) if layer.table is not None else ()
            dilation = () if layer.dilation in (1, (1, 1)) else (f"dilation {_one_or_two(layer.dilation)}",)
            what = "depthwise" if alone else "conv"
            return _moved(layer, shape, f"{what} {_kernel(layer)}", (*groups, *dilation, *table))
        case Pool():
            return _moved(layer, shape, f"{layer.function} {_kernel(layer)}", ("ceil",) if layer.ceil else ())
        case Subsample():
            return _moved(layer, shape, f"subsample {_kernel(layer)}", ())
        case Linear():
            return Words("linear", str(layer.units))
        case RBF():
            return Words("rbf", str(len(layer.centres)))
        case Activation():
            own = "" if layer.alpha is None or layer.alpha == ALPHAS[layer.function] else f" {layer.alpha:g}"
            return Words(layer.function.replace("_", " ") + own)
        case BatchNorm():
            return Words("bn")
        case LocalResponseNorm():
            return Words("lrn")
        case Dropout():
            return Words(f"dropout {layer.rate:g}")
        case GlobalAveragePool():
            return Words("global average")
        case PadChannels():
            return Words("pad channels", str(layer.channels))
        case Upsample():
            return Words(f"upsample ×{_one_or_two(layer.factor)}")
        case Shuffle():
            return Words(f"shuffle {layer.groups}")
        case Flatten():
            return Words("flatten")
        case Scale():
            return Words("scale")
        case Softmax():
            return Words("softmax")
        case PositionBias():
            return Words("position bias")
        case _:
            assert_never(layer)


def joining(layer: Joined) -> str:
    """The word or sign for a layer that joins several values.

    >>> joining(Gate([Flatten(), Linear(6)]))
    'product'
    """
    match layer:
        case Residual():
            return "sum"
        case Gate():
            return "product"
        case Branches():
            return "concatenation"
        case _:
            assert_never(layer)


def detail(step: Step) -> str:
    """A step on one line: its path, the layer in the notation, and the shape that it gives."""
    text = joining(step.layer) if isinstance(step.layer, Joined) else spelling(step.layer)
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return f"{step.path}: {text} → {show(step.output)}"


def told(size: Size, before: Size, *, sparse: bool = False) -> str:
    """The text beside an arrow: the size, where it differs from the size before.

    With `sparse`, maps that keep their height and width are not told: the box before the arrow has their number.

    >>> told(((64, 7, 7),), ((32, 7, 7),)), told(((64, 7, 7),), ((32, 7, 7),), sparse=True)
    ('64×7×7', '')
    """
    if sparse and {shape[1:] for shape in size} == {shape[1:] for shape in before} and len(size[0]) == 3:
        return ""
    return sizes(size) if sizes(size) != sizes(before) else ""


def sizes(shapes: Size) -> str:
    """The shape that several repetitions of a layer give; a size that differs as its smallest and largest.

    >>> sizes(((96, 56, 56), (128, 56, 56))), sizes(((10,),))
    ('96…128×56×56', '10')
    """
    spans = [(min(each), max(each)) for each in zip(*shapes, strict=True)]
    return "×".join(str(low) if low == high else f"{low}…{high}" for low, high in spans)


def _moved(layer: Windowed, shape: Shape, what: str, more: tuple[str, ...]) -> Words:
    moves = window(layer, shape)
    stride, kernel = (moves.height.stride, moves.width.stride), (moves.height.kernel, moves.width.kernel)
    usual = (1, 1) if isinstance(layer, Conv) else kernel
    padding = (f"pad {_sides(moves.padding)}",) if any(moves.padding) else ()
    number = str(layer.filters) if isinstance(layer, Conv) else ""
    return Words(what, number, "" if stride == usual else _one_or_two(stride), (*padding, *more))


def _kernel(layer: Windowed) -> str:
    return "×".join(map(str, layer.kernel)) if isinstance(layer.kernel, tuple) else str(layer.kernel)


def _sides(sides: tuple[int, int, int, int]) -> str:
    top, bottom, left, right = sides
    return _one_or_two((top, left)) if top == bottom and left == right else ",".join(map(str, sides))


def _one_or_two(pair: int | tuple[int, int]) -> str:
    if isinstance(pair, int) or pair[0] == pair[1]:
        return str(pair if isinstance(pair, int) else pair[0])
    return "×".join(map(str, pair))
