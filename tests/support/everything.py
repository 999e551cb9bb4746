"""Random networks of everything that the notation can say: blocks inside blocks, on maps and on flat vectors."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from striate import (
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
    Linear,
    LocalResponseNorm,
    Network,
    PadChannels,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.layers import FUNCTIONS, RBF, Layer
from striate.description.network import plan
from striate.description.shapes import Shape
from striate.errors import ShapeError
from striate.kernels.lower import TRAINING
from tests.support.strategies import convolutions, pairs, pools

ON_MAPS = ("conv", "conv", "pool", "pool", "subsample", "bn", "lrn", "bias", "pad", "upsample", "shuffle", "scale")
ON_ANY = ("act", "act", "dropout")
ON_VECTORS = ("linear", "bn", "bias", "scale", "softmax", "rbf")
HOLDERS = ("residual", "residual", "gate", "branches", "auxiliary", "block")
SEQUENTIAL = ("conv", "pool", "subsample", "lrn", "act", "dropout", "block", "linear", "flat", "rbf", "bias")
"""What the engine takes of networks whose layers follow each other."""
JOINED = (*SEQUENTIAL, "bn", "bn", "pad", "residual", "residual", "branches")
"""What the engine takes as a graph."""
ANSWERING = (*JOINED, "gate", "gate", "auxiliary")
"""What the engine takes for answers alone, with every activation function."""
LONGEST = 600
"""Values of a feature map, at most: float64 reads them all."""


def after(layers: list[Layer], shape: Shape) -> Shape:
    """The shape that layers make of maps, or of a flat vector. ShapeError where they do not fit."""
    if len(shape) == 1:
        return plan(Network("try", (*shape, 1, 1), [Flatten(), *layers])).output
    return plan(Network("try", shape, layers)).output if layers else shape


@dataclass(frozen=True)
class Room:
    """What a chain may hold: `only` these kinds (none: all), so many levels of `depth`, and nothing that is `flat`."""

    depth: int
    only: tuple[str, ...] = ()
    flat: bool = True

    def kinds(self, shape: Shape) -> list[str]:
        maps = len(shape) == 3
        holders = [each for each in HOLDERS if self.depth and (maps or each != "branches")]
        found = [*(ON_MAPS if maps else ON_VECTORS), *ON_ANY, *holders, *(["flat"] if maps and self.flat else [])]
        return [each for each in found if not self.only or each in self.only]

    def inside(self, *, flat: bool) -> Room:
        return Room(self.depth - 1, self.only, self.flat and flat)


@st.composite
def chains(draw: st.DrawFn, shape: Shape, room: Room, least: int = 1, most: int = 4) -> list[Layer]:
    """Layers in a row that fit an input of `shape`."""
    layers: list[Layer] = []
    now = shape
    for _ in range(draw(st.integers(least, most))):
        new = draw(_layers(now, room))
        try:
            then = after(new, now)
        except ShapeError:
            continue
        if len(then) == 3 and then[0] * then[1] * then[2] > LONGEST:
            continue
        layers, now = [*layers, *new], then
    return layers or [Activation("tanh")]


@st.composite
def _layers(draw: st.DrawFn, shape: Shape, room: Room) -> list[Layer]:
    """The next layer of a chain; it need not fit."""
    match draw(st.sampled_from(room.kinds(shape))):
        case "conv":
            return [draw(convolutions(shape[0]))]
        case "pool":
            return [draw(pools())]
        case "subsample":
            return [Subsample(kernel=draw(pairs), stride=draw(st.one_of(st.none(), pairs)))]
        case "bn":
            return [BatchNorm()]
        case "lrn":
            size, beta = draw(st.integers(1, 5)), draw(st.sampled_from([0.75, 0.5, 1.0]))
            return [LocalResponseNorm(size=size, alpha=draw(st.sampled_from([1e-4, 0.1])), beta=beta)]
        case "bias":
            return [PositionBias()]
        case "pad":
            return [PadChannels(shape[0] + draw(st.integers(0, 2)))]
        case "act":
            known = [each for each in FUNCTIONS if each in TRAINING or room.only not in (SEQUENTIAL, JOINED)]
            return [Activation(draw(st.sampled_from(known)))]
        case "upsample":
            return [Upsample(draw(st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 2), st.integers(1, 3)))))]
        case "shuffle":
            return [Shuffle(draw(st.sampled_from([each for each in range(1, shape[0] + 1) if shape[0] % each == 0])))]
        case "scale":
            return [Scale()]
        case "dropout":
            return [Dropout(0)]
        case "linear":
            return [Linear(draw(st.integers(1, 20)), bias=draw(st.booleans()))]
        case "softmax":
            return [Softmax()]
        case "rbf":
            units, signs = draw(st.integers(2, 4)), st.sampled_from([-1.0, 0.5, 1.0])
            return [RBF(tuple(tuple(draw(signs) for _ in range(shape[0])) for _ in range(units)))]
        case "flat":
            return [draw(st.sampled_from([Flatten(), GlobalAveragePool()]))]
        case "block":
            return [Block(draw(chains(shape, room.inside(flat=True), most=3)))]
        case "residual":
            return [draw(_residuals(shape, room))]
        case "gate":
            return [draw(_gates(shape, room))]
        case "branches":
            return [draw(_branches(shape, room))]
        case _:
            head = draw(chains(shape, room.inside(flat=True), most=3))
            return [Auxiliary(head + draw(st.sampled_from([[], _fitting(after(head, shape), (2,))])))]


@st.composite
def _residuals(draw: st.DrawFn, shape: Shape, room: Room) -> Residual:
    """A sum; where the body changes the shape, or for a change, there is a shortcut that ends in the same one."""
    body = draw(chains(shape, room.inside(flat=True), most=3))
    made = after(body, shape)
    if made == shape and draw(st.booleans()):
        return Residual(body)
    first = draw(st.one_of(st.just([]), chains(shape, room.inside(flat=len(made) == 1), most=2)))
    shortcut = [*first, *_fitting(after(first, shape), made, before=draw(st.booleans()))]
    return Residual(body, shortcut=shortcut + draw(st.sampled_from([[], [BatchNorm()]])))


@st.composite
def _gates(draw: st.DrawFn, shape: Shape, room: Room) -> Gate:
    """A product with one value for each map, or with maps of the input's own shape."""
    body = draw(chains(shape, room.inside(flat=True), most=2))
    made = after(body, shape)
    if made == shape and draw(st.booleans()):
        return Gate(body)
    wanted = shape[:1] if len(made) == 1 else draw(st.sampled_from([shape[:1], (shape[0], 1, 1)]))
    return Gate([*body, *_fitting(made, wanted)])


@st.composite
def _branches(draw: st.DrawFn, shape: Shape, room: Room) -> Branches:
    """Two or three branches whose maps end in the height and width of the first one's."""
    bodies = [
        draw(st.one_of(st.just([]), chains(shape, room.inside(flat=False), most=2)))
        for _ in range(draw(st.integers(2, 3)))
    ]
    wanted = after(bodies[0], shape)[1:]
    for body in bodies[1:]:
        made = after(body, shape)
        if made[1:] != wanted:
            body += _fitting(made, (draw(st.integers(1, 3)), *wanted), before=draw(st.booleans()))
    return Branches([Block(body) for body in bodies])


def _fitting(shape: Shape, wanted: Shape, *, before: bool = False) -> list[Layer]:
    """Layers that make `wanted` of `shape`; padding, where it needs some, all `before` the maps or all after them."""
    if len(wanted) == 1:
        return [*([Flatten()] if len(shape) == 3 else []), Linear(wanted[0])]
    kernel = [max(1, size - goal + 1) for size, goal in zip(shape[1:], wanted[1:], strict=True)]
    more = [goal - size + each - 1 for size, goal, each in zip(shape[1:], wanted[1:], kernel, strict=True)]
    padding = (more[0], 0, more[1], 0) if before else (0, more[0], 0, more[1])
    return [Conv(wanted[0], kernel=(kernel[0], kernel[1]), padding=padding)]


def _learns(layers: list[Layer], shape: Shape) -> bool:
    """Whether any layer is one that every kernel learns."""
    steps = plan(Network("try", shape, layers)).steps
    return any(isinstance(step.layer, Conv | Linear | Subsample | PositionBias) for step in steps)


@st.composite
def everything(draw: st.DrawFn, *, only: tuple[str, ...] = ()) -> Network:
    """A network of any layers, or of those that the engine takes, ending in a flat vector of two or more.

    The last layer with weights may be any: a convolution whose maps are the classes, or one before an activation.
    """
    room = Room(1 if only == SEQUENTIAL else 2, only)
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 11)), draw(st.integers(1, 11)))
    layers = draw(chains(shape, room, most=5))
    made = after(layers, shape)
    if len(made) == 3:
        layers += [draw(st.sampled_from([Flatten(), GlobalAveragePool()]))]
    ending = draw(st.sampled_from([[], [Softmax()], [Auxiliary([Linear(2)])]]))
    if after(layers, shape)[0] < 2 or draw(st.booleans()) or not _learns(layers, shape):
        layers += [Linear(draw(st.integers(2, 5)), bias=draw(st.booleans()))]
    return Network("random", shape, [*layers, *([] if only in (SEQUENTIAL, JOINED) else ending)])
