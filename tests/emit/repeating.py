"""Random networks of one block that stands two to four times, with other numbers each time and names that may clash."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import assume
from hypothesis import strategies as st
from torch import nn

from striate import (
    Activation,
    BatchNorm,
    Block,
    Branches,
    Conv,
    Flatten,
    Gate,
    Linear,
    LocalResponseNorm,
    Network,
    Pool,
    Residual,
    Subsample,
    Upsample,
)
from striate.description.layers import Layer
from striate.description.shapes import Shape
from striate.emit.source import keras_classes, lasagne_classes, pytorch_classes, torch7_functions
from striate.errors import ShapeError
from tests.support.everything import LONGEST, after


def snake(name: str) -> str:
    """A class as the layer that would be called like it.

    >>> snake("PaddedConv2d"), snake("RBF")
    ('padded_conv2d', 'rbf')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


OWN = {
    *(*pytorch_classes.CLASSES, *keras_classes.FUNCTIONS, *lasagne_classes.FUNCTIONS, *torch7_functions.FUNCTIONS),
    *("OrderedDict", "ordered_dict", "f", "torch", "nn", "keras", "layers", "ops", "lasagne", "numpy", "signs"),
}
NAMES = sorted(
    {*OWN, *map(snake, OWN), *map(str.lower, [*keyword.kwlist, *torch7_functions.KEYWORDS])}
    | {each for each in dir(builtins) if each.isidentifier() and each.islower() and each[0] != "_"}
    - {each for each in pytorch_classes.MEMBERS if hasattr(nn.Module(), each)}
)
"""Names of the source's own classes and imports, words of its languages, and builtins of Python."""
WORDS = [
    *("se", "conv", "conv1", "b", "b_c", "b__c", "B_c", "block", "residual", "residual_block", "dense", "gate"),
    *("branch", "branches", "body", "shortcut", "width", "stride", "kernel", "padding", "channels", "filters"),
    *("in_channels", "out_channels", "num_filters", "se_units", "conv_kernel", "inception", "inception1", "x", "i"),
]
"""What definitions and their parameters are called."""
names = st.one_of(st.sampled_from(WORDS), st.sampled_from(WORDS), st.sampled_from(NAMES))
LAYERS = ("conv", "conv", "conv", "pool", "pool", "pool", "grouped", "depthwise", "table", "subsample")
OTHERS = ("bn", "lrn", "relu", "scaled_tanh")
KINDS = ("residual", "branches", "branches", "gate", "plain")


@dataclass(frozen=True)
class Numbers:
    """One number of each of the blocks: the same in all, rising evenly, or any."""

    values: tuple[int, ...]

    def at(self, place: int) -> int:
        return self.values[place]


@st.composite
def numbers(draw: st.DrawFn, times: int, least: int, most: int) -> Numbers:
    start = draw(st.integers(least, most))
    match draw(st.sampled_from(["same", "rising", "any"])):
        case "same":
            return Numbers((start,) * times)
        case "rising":
            step = draw(st.integers(1, 4 if most > 4 else 1))
            return Numbers(tuple(start + step * place for place in range(times)))
        case _:
            return Numbers(tuple(draw(st.integers(least, most)) for _ in range(times)))


Template = Callable[[int, Shape], list[Layer]]
"""The layers of the block at a place among the blocks, on an input of a shape."""


@st.composite
def _layer(draw: st.DrawFn, times: int, name: str, kinds: tuple[str, ...]) -> Template:
    """One layer of the block."""
    filters, kernel, stride = draw(numbers(times, 1, 6)), draw(numbers(times, 1, 3)), draw(numbers(times, 1, 2))
    bias, ceil, more = draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from([0, 0, 1]))
    pads = [draw(st.sampled_from([0, kernel.at(each) // 2, each % 3])) for each in range(times)]
    if draw(st.booleans()):
        pads = [kernel.at(each) // 2 for each in range(times)]
    uneven = draw(st.sampled_from([False, False, False, True]))

    def conv(place: int, filters: int, **given: object) -> list[Layer]:
        pad = (pads[place], pads[place] + 1, 0, pads[place]) if uneven else pads[place]
        size, step = kernel.at(place), stride.at(place)
        return [Conv(filters, kernel=size, stride=step, padding=pad, bias=bias, name=name, **given)]  # type: ignore[arg-type]

    kind = draw(st.sampled_from(kinds))
    match kind:
        case "conv":
            return lambda place, shape: conv(place, filters.at(place))
        case "grouped":
            return lambda place, shape: conv(place, 2 * filters.at(place), groups=2 - shape[0] % 2)
        case "depthwise":
            return lambda place, shape: conv(place, shape[0], groups=shape[0])
        case "table":
            table = draw(st.sampled_from([((0,), (0, 1)), ((1,), (0,), (0, 1)), ((0,),)]))
            return lambda place, shape: conv(place, len(table), table=table)
        case "pool":
            function = draw(st.sampled_from(["max", "average"]))
            usual = draw(st.booleans())
            counted = draw(st.sampled_from([[usual] * 4, [usual] * 4, [True, False, True, False]]))
            sizes = draw(numbers(times, 1, 4))
            steps = draw(st.one_of(st.none(), numbers(times, 1, 3)))
            wanted = [draw(st.integers(0, sizes.at(each) - 1)) for each in range(times)]
            if draw(st.booleans()):
                wanted = [sizes.at(each) // 2 for each in range(times)]
            sides = [
                (each, min(each + more, sizes.at(at) - 1), 0, each) if uneven else each
                for at, each in enumerate(wanted)
            ]
            return lambda place, shape: [
                Pool(
                    function,
                    kernel=sizes.at(place),
                    stride=steps and steps.at(place),
                    padding=sides[place],
                    ceil=ceil,
                    count_padding=counted[place],
                    name=name,
                )
            ]
        case "subsample":
            return lambda place, shape: [Subsample(kernel=kernel.at(place), stride=stride.at(place), name=name)]
        case "bn":
            powers = draw(numbers(times, 5, 8))
            return lambda place, shape: [BatchNorm(epsilon=float(f"1e-{powers.at(place)}"), name=name)]
        case "lrn":
            return lambda place, shape: [LocalResponseNorm(size=3, alpha=0.1, name=name)]
        case _:
            return lambda place, shape: [Activation(kind, name=name)]


@st.composite
def _chain(draw: st.DrawFn, times: int, kinds: tuple[str, ...], *, deep: bool) -> Template:
    """One to three layers; or a few of one kind whose numbers rise, such as conv1, conv2 and conv3; or a block."""
    used: list[str] = []

    def fresh() -> str:
        name = draw(names)
        while name in used or name == "shortcut":
            name += "_"
        used.append(name)
        return name

    if deep and draw(st.sampled_from([False, False, True])):
        inner = draw(_block(times, draw(st.sampled_from(KINDS)), deep=False))
        name, first = fresh(), draw(_layer(times, fresh(), kinds))

        def nested(place: int, shape: Shape) -> list[Layer]:
            layers = first(place, shape)
            return [*layers, inner(place, after(layers, shape), name)]

        return nested
    if draw(st.sampled_from([False, False, True])):
        word, count = draw(names), draw(st.integers(3, 4))
        start, step, power = draw(numbers(times, 1, 4)), draw(st.integers(0, 3)), draw(st.integers(4, 6))
        kind = draw(st.sampled_from(["conv", "bn"]))
        return lambda place, shape: [
            Conv(start.at(place) + step * each, kernel=1, name=f"{word}{each}")
            if kind == "conv"
            else BatchNorm(epsilon=float(f"1e-{power + each}"), name=f"{word}{each}")
            for each in range(1, count + 1)
        ]
    own = [draw(_layer(times, fresh(), (*kinds, *OTHERS))) for _ in range(draw(st.integers(1, 3)))]

    def row(place: int, shape: Shape) -> list[Layer]:
        layers, now = list[Layer](), shape
        for each in own:
            new = each(place, now)
            layers, now = [*layers, *new], after(new, now)
        return layers

    return row


def _fitting(shape: Shape, wanted: Shape, *, name: str = "") -> Conv:
    """A convolution that makes one shape of another."""
    sides = [goal - size for size, goal in zip(shape[1:], wanted[1:], strict=True)]
    kernel = (max(1, 1 - sides[0]), max(1, 1 - sides[1]))
    padding = (0, max(0, sides[0]), 0, max(0, sides[1]))
    return Conv(wanted[0], kernel=kernel, padding=padding, name=name)


Wrapped = Callable[[int, Shape, str], Layer]
"""The block at a place, on an input of a shape, of a name."""


@st.composite
def _block(draw: st.DrawFn, times: int, kind: str, *, deep: bool) -> Wrapped:
    match kind:
        case "residual":
            body, plain = draw(_chain(times, LAYERS, deep=deep)), draw(st.booleans())

            def residual(place: int, shape: Shape, name: str) -> Layer:
                layers = body(place, shape)
                made = after(layers, shape)
                if made == shape:
                    return Residual(layers, name=name)
                stride = -(-shape[1] // made[1])
                side: Layer = Conv(made[0], kernel=1, stride=stride)
                if not plain or after([side], shape) != made:
                    side = _fitting(shape, made)
                return Residual(layers, shortcut=[side, BatchNorm()], name=name)

            return residual
        case "branches":
            rows = [draw(_chain(times, LAYERS, deep=deep and at == 0)) for at in range(draw(st.integers(2, 4)))]
            owns = draw(st.lists(names, min_size=len(rows), max_size=len(rows), unique=True))
            empty = draw(st.sampled_from([False, False, True]))

            def branches(place: int, shape: Shape, name: str) -> Layer:
                bodies = [[] if empty and at == 0 else row(place, shape) for at, row in enumerate(rows)]
                wanted = after(bodies[0], shape)
                for body in bodies[1:]:
                    made = after(body, shape)
                    if made[1:] != wanted[1:]:
                        body.append(_fitting(made, (made[0], *wanted[1:]), name="fits"))
                return Branches([Block(b, name=own) for b, own in zip(bodies, owns, strict=True)], name=name)

            return branches
        case "gate":
            row, filters = draw(_chain(times, ("conv",), deep=False)), draw(names)
            wide = [draw(st.booleans()) for _ in range(times)]
            flat = draw(st.booleans())

            def gate(place: int, shape: Shape, name: str) -> Layer:
                layers = [] if flat is False and wide[0] else row(place, shape)
                made = after(layers, shape)
                if flat:
                    return Gate([*layers, Flatten(), Linear(shape[0])], name=name)
                while filters in [each.name for each in layers]:
                    layers = layers[:-1]
                    made = after(layers, shape)
                goal = shape if wide[place] else (shape[0], 1, 1)
                return Gate([*layers, _fitting(made, goal, name=filters)], name=name)

            return gate
        case _:
            row = draw(_chain(times, LAYERS, deep=deep))
            return lambda place, shape, name: Block(row(place, shape), name=name)


@st.composite
def repeating(draw: st.DrawFn) -> Network:
    """A network of one block, two to four times, that ends in two values."""
    times = draw(st.integers(2, 4))
    block = draw(_block(times, draw(st.sampled_from(KINDS)), deep=True))
    word = draw(names)
    owns = [f"{word}{place + 1}" for place in range(times)]
    if draw(st.booleans()):
        owns = draw(st.lists(names, min_size=times, max_size=times, unique=True))
    side = draw(st.integers(3, 10))
    shape = first = (draw(st.integers(1, 4)), side, side)
    layers: list[Layer] = []
    for place in range(times):
        try:
            new = block(place, shape, owns[place])
            made = after([new], shape)
        except ShapeError:
            break
        if made[0] * made[1] * made[2] > LONGEST:
            break
        layers, shape = [*layers, new], made
        if shape[1] * shape[2] <= 12 and 9 * shape[0] * shape[1] * shape[2] <= LONGEST:
            layers.append(Upsample(draw(st.integers(2, 3)), name=f"upsample{place}"))
            shape = after([layers[-1]], shape)
    assume(len(layers) > 1)
    network = draw(st.one_of(st.just("repeating"), st.sampled_from(owns), names))
    return Network(network.replace("_", " ").strip(), first, [*layers, Flatten(name="flat"), Linear(2, name="end_")])


WRONG_ONCE = {
    "exponents that rise": "2x4x4: b: (bn1: bn epsilon 1e-6, bn2: bn epsilon 1e-7, bn3: bn epsilon 1e-8), linear 2",
    "products that rise": """2x4x4:
        b1: branches(conv1: conv 4 1x1, conv2: conv 8 1x1, conv3: conv 12 1x1, conv4: conv 16 1x1; conv 1 1x1),
        b2: branches(conv1: conv 5 1x1, conv2: conv 10 1x1, conv3: conv 15 1x1, conv4: conv 20 1x1; conv 1 1x1),
        linear 2""",
    "padding wider than half the kernel": """2x9x9:
        p1: branches(max 3 /1 pad 2; max 3 /1 pad 2), p2: branches(max 5 /1 pad 3; max 5 /1 pad 3), linear 2""",
    "one window on two sizes": """1x10x10:
        a: branches(max 3 /3 pad 2; max 3 /3 pad 2), upsample 3,
        b: branches(max 3 /3 pad 2; max 3 /3 pad 2), linear 2""",
    "averages that leave padding out": """2x8x8:
        p1: branches(average 3 /1 pad 1 uncounted; conv 1 1x1),
        p2: branches(average 5 /1 pad 2 uncounted; conv 1 1x1), linear 2""",
    "padding of connection tables": """2x9x9:
        a: residual(conv 2 3x3 pad 1 table(0 01)), b: residual(conv 2 5x5 pad 2 table(0 01)), linear 2""",
    "a class called like the network": """name inception
        2x4x4: inception1: branches(conv 1 1x1; conv 2 1x1), linear 2""",
    "a residual called like the network": """name "residual block"
        2x4x4: block: residual(conv 2 1x1), linear 2""",
    "classes called like helpers": """2x4x4:
        scaled_tanh: branches(scaled_tanh; conv 1 1x1), pad_channels: branches(pad_channels 9; conv 1 1x1, relu),
        f: branches(pad_channels 30; lrn), ordered_dict: branches(relu, tanh, relu; conv 1 1x1, relu, tanh),
        linear 2""",
    "classes called like keywords": """2x4x4:
        true: branches(conv 1 1x1; conv 1 1x1, relu), none: branches(conv 1 1x1; conv 1 1x1, tanh),
        false: branches(conv 1 1x1; conv 1 1x1, sigmoid), linear 2""",
    "classes called like each other": """2x4x4:
        b_c: branches(conv 1 1x1; conv 1 1x1, relu), b__c: branches(conv 1 1x1; conv 1 1x1, tanh), linear 2""",
    "a parameter called like a definition": """8x4x4:
        a: residual(se: conv 4 1x1, c: conv 3 1x1, d: conv 8 1x1, se1: gate(global_average, linear 8, sigmoid)),
        b: residual(se: conv 6 1x1, c: conv 5 1x1, d: conv 8 1x1, se1: gate(global_average, linear 8, sigmoid)),
        linear 2""",
    "a width beside a definition of that name": """8x4x4:
        a: residual(c: conv 3 1x1, d: conv 8 1x1, width1: gate(global_average, linear 8, sigmoid)),
        b: residual(c: conv 5 1x1, d: conv 8 1x1, width1: gate(global_average, linear 8, sigmoid)),
        linear 2""",
    "a padding of nothing before filters": """4x4x4:
        a: residual(conv 4 1x1, conv 6 1x1 | conv 6 1x1),
        b: residual(conv 4 1x1 pad 1, conv 8 1x1 | conv 8 1x1 pad 1), linear 2""",
    "definitions called like builtins": """6x4x4:
        sum: branches(lrn; conv 1 1x1), len: branches(lrn; conv 1 1x1, relu), zip: branches(lrn; conv 1 1x1, tanh),
        isinstance: branches(relu; table: conv 2 3x3 pad 1 table(0 1)), enumerate: branches(tanh; conv 2 1x1),
        float1: branches(max 2 /1 pad 0 1 0 1; conv 1 1x1, sigmoid), linear 2""",
    "gates of every value beside gates of maps": """4x8x8:
        g1: gate(conv 4 1x1), g2: gate(conv 4 8x8), linear 2""",
    "a first layer called shortcut": "2x4x4: shortcut: residual(conv 3 1x1 | conv 3 1x1), flatten, linear 2",
    "names inside a block that a loop repeats": """1x4x4:
        b1: (c: conv 1 1x1), b2: (c: conv 1 1x1), b3: (c: conv 1 1x1), linear 2""",
    "filters of a shortcut that are the maps of its input": """8x4x4:
        a1: residual(c: conv 4 1x1, d: conv 8 1x1),
        a2: residual(c: conv 5 1x1, d: conv 10 1x1 | conv 8 1x1, conv 10 1x1),
        a3: residual(c: conv 6 1x1, d: conv 12 1x1 | conv 10 1x1, conv 12 1x1), linear 2""",
    "filters of a shortcut that are maps inside": """4x3x3:
        id1: (conv 6 1x1, pad: residual(id: conv 6 1x1)), upsample 3,
        id2: (conv 10 1x1 /2, pad: residual(id: conv 10 1x1 /2 | conv 10 3x3, bn)), linear 2""",
}
"""Networks, in the notation, whose source gave other outputs, or none, in one framework at least."""
