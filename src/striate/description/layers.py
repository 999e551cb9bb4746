"""The closed set of layers that a network can be made of.

Each kind is a frozen dataclass that holds only what a person writes of the layer; `shapes` works out sizes that follow
from the input. A plain number stands for both axes, so `kernel=5` is stored as `(5, 5)`. Rooms dispatch over `Layer`
with `match` and end in `assert_never`, so a kind that a room does not handle is a type error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from itertools import chain, islice
from typing import Any, assert_never, cast

from striate.description import checks, limits
from striate.description.calling import check_calls
from striate.description.checks import store
from striate.description.simple import ALPHAS as ALPHAS
from striate.description.simple import FUNCTIONS as FUNCTIONS
from striate.description.simple import RBF as RBF
from striate.description.simple import Activation as Activation
from striate.description.simple import ActivationFunction as ActivationFunction
from striate.description.simple import BatchNorm as BatchNorm
from striate.description.simple import Dropout as Dropout
from striate.description.simple import Flatten as Flatten
from striate.description.simple import GlobalAveragePool as GlobalAveragePool
from striate.description.simple import Linear as Linear
from striate.description.simple import LocalResponseNorm as LocalResponseNorm
from striate.description.simple import PadChannels as PadChannels
from striate.description.simple import PositionBias as PositionBias
from striate.description.simple import Scale as Scale
from striate.description.simple import Shuffle as Shuffle
from striate.description.simple import Softmax as Softmax
from striate.description.simple import Upsample as Upsample
from striate.description.windowed import POOLINGS as POOLINGS
from striate.description.windowed import Conv as Conv
from striate.description.windowed import Pool as Pool
from striate.description.windowed import PoolFunction as PoolFunction
from striate.description.windowed import Subsample as Subsample
from striate.description.windowed import Table as Table
from striate.description.windowed import Windowed as Windowed
from striate.errors import SpecError, quote


@dataclass(frozen=True)
class Block:
    """A sequence of layers under one name: a stage, a block, a stem, a head. Blocks nest.

    Example: `Block([Conv(8, kernel=3), Activation("relu")], name="stem")`.
    """

    layers: Sequence[Layer]
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        store(self, layers=body("Block", self.layers, least=0), name=checks.name("Block name", self.name))


@dataclass(frozen=True)
class Residual:
    """The sum of the outputs of its `layers` and of its `shortcut`, which must have one shape.

    An empty shortcut is the input itself. Example: `Residual([Conv(8, kernel=3, padding=1)])`.
    """

    layers: Sequence[Layer]
    _: KW_ONLY
    shortcut: Sequence[Layer] = ()
    name: str = ""

    def __post_init__(self) -> None:
        shortcut = body("Residual shortcut", self.shortcut, least=0)
        layers = body("Residual", self.layers)
        if shortcut and any(each.name == "shortcut" for each in layers):
            raise SpecError(
                "a layer of the Residual is called 'shortcut', as its shortcut is.",
                "Layers side by side need names of their own.",
            )
        store(self, layers=layers, shortcut=shortcut, name=checks.name("Residual name", self.name))


@dataclass(frozen=True)
class Gate:
    """Its input times the output of its `layers`: squeeze-and-excitation (Hu and others 2018, figure 2).

    The layers end in one value per map, as a flat vector or as maps of 1×1, or in maps of the input's own shape.
    Example: `Gate([GlobalAveragePool(), Linear(8), Activation("sigmoid")])`.
    """

    layers: Sequence[Layer]
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        store(self, layers=body("Gate", self.layers), name=checks.name("Gate name", self.name))


@dataclass(frozen=True)
class Branches:
    """Blocks that read the same input; their maps are concatenated, those of the first branch first.

    A branch without layers passes its input on: DenseNet concatenates a value with the output of layers that read it.
    Example: `Branches([[Conv(4, kernel=1)], [Conv(8, kernel=3, padding=1)]])`.
    """

    branches: Sequence[Block | Sequence[Layer]]
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        given = checks.items(self.branches)
        if given is None or len(given) < 2:
            number = 0 if given is None else len(given)
            raise SpecError(f"Branches has {number} branches.", "It needs at least two, in a list.")
        blocks = body(
            "Branches", [each if isinstance(each, Block) else Block(cast(Any, each)) for each in given], empty=True
        )
        store(self, branches=blocks, name=checks.name("Branches name", self.name))


@dataclass(frozen=True)
class Auxiliary:
    """A head that reads the maps at this place, and whose loss is multiplied by `weight`; it does not change the maps.

    It is used in training only (GoogLeNet's section 5). Example: `Auxiliary([GlobalAveragePool(), Linear(10)])`.
    """

    layers: Sequence[Layer]
    _: KW_ONLY
    weight: float = 0.3
    name: str = ""

    def __post_init__(self) -> None:
        layers = body("Auxiliary", self.layers)
        weight = checks.number("Auxiliary weight", self.weight, least=0)
        store(self, layers=layers, weight=weight, name=checks.name("Auxiliary name", self.name))


Joined = Residual | Gate | Branches
Composite = Block | Joined | Auxiliary
Simple = (
    Conv
    | Pool
    | Subsample
    | BatchNorm
    | LocalResponseNorm
    | Activation
    | Softmax
    | Dropout
    | Flatten
    | GlobalAveragePool
    | PadChannels
    | Upsample
    | Shuffle
    | Scale
    | Linear
    | RBF
    | PositionBias
)
Layer = Simple | Composite
"""Any kind of layer. Example: `isinstance(Conv(6, kernel=5), Layer)` is True."""

KINDS: dict[str, type[Layer]] = {
    "conv": Conv,
    "pool": Pool,
    "subsample": Subsample,
    "batch_norm": BatchNorm,
    "local_response_norm": LocalResponseNorm,
    "activation": Activation,
    "softmax": Softmax,
    "dropout": Dropout,
    "flatten": Flatten,
    "global_average_pool": GlobalAveragePool,
    "pad_channels": PadChannels,
    "upsample": Upsample,
    "shuffle": Shuffle,
    "scale": Scale,
    "linear": Linear,
    "rbf": RBF,
    "position_bias": PositionBias,
    "block": Block,
    "residual": Residual,
    "gate": Gate,
    "branches": Branches,
    "auxiliary": Auxiliary,
}
"""The word for each kind of layer, in JSON and in tables."""
for _kind in KINDS.values():
    check_calls(_kind)


def kind(layer: Layer) -> str:
    """The word for a layer's kind.

    >>> kind(GlobalAveragePool())
    'global_average_pool'
    """
    return _WORDS[type(layer)]


def body(what: str, layers: object, *, least: int = 1, empty: bool = False) -> tuple[Layer, ...]:
    """The layers of a container as a tuple, checked: their types, their number and their depth.

    A block among them may be without layers only where `empty` is set, which Branches does.
    """
    items = checks.items(layers)
    if items is None:
        raise SpecError(f"{what} holds {type(layers).__name__}.", "It must hold a list of layers.")
    for item in items:
        if type(item) not in _WORDS:
            kinds = ", ".join(each.__name__ for each in _WORDS)
            raise SpecError(f"{what} holds {quote(item)}.", f"It must hold layers: {kinds}.")
        if isinstance(item, Block) and not item.layers and not empty:
            raise SpecError(f"{what} holds a block without layers.", "Only a branch of Branches may have none.")
    if len(items) < least:
        raise SpecError(f"{what} holds no layer.", f"It must hold at least {least}.")
    found = cast("tuple[Layer, ...]", items)
    _bounded(what, found)
    return found


def inside(layer: Layer) -> tuple[Layer, ...]:
    """The layers that a layer holds."""
    if not isinstance(layer, Composite):
        return ()
    match layer:
        case Block() | Gate() | Auxiliary():
            return tuple(layer.layers)
        case Residual():
            return (*layer.layers, *layer.shortcut)
        case Branches():
            return cast("tuple[Block, ...]", layer.branches)
        case _:
            assert_never(layer)


def changed(layer: Composite, change: Callable[[Layer], Layer]) -> Composite:
    """The same layer with `change` applied to each layer that it holds.

    >>> changed(Gate([Flatten(), Linear(3)]), lambda each: Linear(4) if each == Linear(3) else each).layers[-1].units
    4
    """
    match layer:
        case Block() | Gate() | Auxiliary():
            return replace(layer, layers=[change(each) for each in layer.layers])
        case Residual():
            shortcut = [change(each) for each in layer.shortcut]
            return replace(layer, layers=[change(each) for each in layer.layers], shortcut=shortcut)
        case Branches():
            blocks = [cast(Block, change(each)) for each in inside(layer)]
            return replace(layer, branches=blocks)
        case _:
            assert_never(layer)


def count(layer: Layer) -> int:
    """The number of layers in a layer: itself and all that it holds.

    >>> count(Residual([Flatten(), Linear(3)]))
    3
    """
    return 1 + sum(map(count, inside(layer)))


def _bounded(what: str, layers: tuple[Layer, ...]) -> None:
    """Raise SpecError where the number, the depth or the values of layers are beyond the limits.

    The walk stops at the limits: the same object may be nested in many places, too many to walk over all of them.
    """
    number = depth = values = 0
    level: Sequence[Layer] = layers
    while level:
        depth += 1
        number += len(level)
        values += sum(map(_values, level)) if number <= limits.LAYERS else 0
        for found, most, noun in (
            (number, limits.LAYERS, "layers, those inside others counted"),
            (depth, limits.DEPTH, "levels of layers inside layers"),
            (values, limits.VALUES, "entries of connection tables and RBF centres"),
        ):
            if found > most:
                raise SpecError(f"{what} holds more than {most:,} {noun}.", "No network may hold more.", limits.SEE)
        level = list(islice(chain.from_iterable(map(inside, level)), limits.LAYERS + 1))


def _values(layer: Layer) -> int:
    match layer:
        case Conv() if layer.table is not None:
            return sum(map(len, layer.table))
        case RBF():
            return len(layer.centres) * len(layer.centres[0])
        case _:
            return 0


_WORDS = {layer_type: word for word, layer_type in KINDS.items()}
