"""The closed set of layers: what a network can be made of.

Each kind is a frozen dataclass that says what a person would say of the layer, and no more: sizes that follow from
the input are worked out in `shapes`. A plain number stands for both axes, so `kernel=5` is stored as `(5, 5)`.
Rooms dispatch over `Layer` with `match` and end in `assert_never`, so a kind that a room forgets is a type error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import chain, islice
from typing import Any, Literal, cast, get_args

from striate.description import checks, limits
from striate.description.calling import answers
from striate.description.checks import Pair, Sides
from striate.errors import SpecError, quote

Table = tuple[tuple[int, ...], ...]
ActivationFunction = Literal[
    "relu",
    "tanh",
    "scaled_tanh",
    "sigmoid",
    "leaky_relu",
    "relu6",
    "elu",
    "silu",
    "gelu",
    "gelu_tanh",
    "hard_sigmoid",
    "hard_swish",
]
PoolFunction = Literal["max", "average"]
FUNCTIONS: tuple[ActivationFunction, ...] = get_args(ActivationFunction)
POOLINGS: tuple[PoolFunction, ...] = get_args(PoolFunction)
ALPHAS: dict[str, float] = {"leaky_relu": 0.01, "elu": 1.0}
"""The functions that have a number of their own, `alpha`, and its usual value."""


def _set(layer: object, **values: object) -> None:
    """Store canonical values in a frozen dataclass while it is being made."""
    for field, value in values.items():
        object.__setattr__(layer, field, value)


@dataclass(frozen=True)
class Conv:
    """A convolution: K `filters` of size F = `kernel`, moved by S = `stride` over an input padded by P = `padding`.

    `padding` is a number, (height, width), (top, bottom, left, right), or "same": as much as makes the output
    ceil(input / stride), the odd one at the bottom and right, as TensorFlow pads (PyTorch too, at stride 1).
    `table` lists for each filter the input maps that it sees (LeNet-5's C3); `groups` splits them evenly instead.

    >>> Conv(6, kernel=5).kernel
    (5, 5)
    """

    filters: int
    _: KW_ONLY
    kernel: int | Pair
    stride: int | Pair = (1, 1)
    padding: int | Pair | Sides | str = (0, 0, 0, 0)
    dilation: int | Pair = (1, 1)
    groups: int = 1
    table: Table | None = None
    bias: bool = True
    name: str = ""

    def __post_init__(self) -> None:
        filters = checks.size("Conv filters", self.filters)
        groups = checks.size("Conv groups", self.groups)
        if filters % groups:
            raise SpecError(f"Conv groups is {groups} for {filters} filters.", "The groups must divide the filters.")
        if self.table is not None:
            if groups != 1:
                raise SpecError(
                    "Conv has both groups and a table.", "Give one of them: a table can say what groups say."
                )
            _set(self, table=checks.table("Conv table", self.table, rows=filters))
        kernel, dilation = checks.pair("Conv kernel", self.kernel), checks.pair("Conv dilation", self.dilation)
        for taps, step in zip(kernel, dilation, strict=True):
            checks.size("the reach of a Conv's window, dilation · (kernel − 1) + 1,", step * (taps - 1) + 1)
        _set(
            self,
            kernel=kernel,
            stride=checks.pair("Conv stride", self.stride),
            padding=checks.padding("Conv padding", self.padding),
            dilation=dilation,
            bias=checks.flag("Conv bias", self.bias),
            name=checks.name("Conv name", self.name),
        )


@dataclass(frozen=True)
class Pool:
    """The "max" or "average" of each window of each map; windows may overlap. `stride` is the kernel if not given.

    `ceil` lets a last window hang over the edge; `count_padding` counts padding as zeros in an average (PyTorch's
    default; TensorFlow leaves it out).
    """

    function: PoolFunction
    _: KW_ONLY
    kernel: int | Pair
    stride: int | Pair | None = None
    padding: int | Pair | Sides | str = (0, 0, 0, 0)
    ceil: bool = False
    count_padding: bool = True
    name: str = ""

    def __post_init__(self) -> None:
        kernel = checks.pair("Pool kernel", self.kernel)
        _set(
            self,
            function=checks.one_of("Pool function", self.function, POOLINGS),
            kernel=kernel,
            stride=kernel if self.stride is None else checks.pair("Pool stride", self.stride),
            padding=checks.padding("Pool padding", self.padding),
            ceil=checks.flag("Pool ceil", self.ceil),
            count_padding=checks.flag("Pool count_padding", self.count_padding),
            name=checks.name("Pool name", self.name),
        )


@dataclass(frozen=True)
class Subsample:
    """LeNet's trainable subsampling: the sum of each window, times one coefficient, plus one bias, for each map."""

    _: KW_ONLY
    kernel: int | Pair = (2, 2)
    stride: int | Pair | None = None
    name: str = ""

    def __post_init__(self) -> None:
        kernel = checks.pair("Subsample kernel", self.kernel)
        stride = kernel if self.stride is None else checks.pair("Subsample stride", self.stride)
        _set(self, kernel=kernel, stride=stride, name=checks.name("Subsample name", self.name))


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation of each map (or feature): a learned scale and shift; running mean and variance are kept."""

    _: KW_ONLY
    epsilon: float = 1e-5
    momentum: float = 0.1
    name: str = ""

    def __post_init__(self) -> None:
        epsilon = checks.number("BatchNorm epsilon", self.epsilon, least=0)
        momentum = checks.number("BatchNorm momentum", self.momentum, least=0, below=1.000001)
        _set(self, epsilon=epsilon, momentum=momentum, name=checks.name("BatchNorm name", self.name))


@dataclass(frozen=True)
class LocalResponseNorm:
    """a / (k + alpha · Σ a²)^beta, the sum over `size` adjacent maps, as AlexNet's section 3.3 writes it.

    PyTorch and ONNX divide alpha by the size; here alpha is the paper's.
    """

    _: KW_ONLY
    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0
    name: str = ""

    def __post_init__(self) -> None:
        _set(
            self,
            size=checks.size("LocalResponseNorm size", self.size),
            alpha=checks.number("LocalResponseNorm alpha", self.alpha, least=0),
            beta=checks.number("LocalResponseNorm beta", self.beta, least=0),
            k=checks.number("LocalResponseNorm k", self.k, least=0),
            name=checks.name("LocalResponseNorm name", self.name),
        )


@dataclass(frozen=True)
class Activation:
    """A function of each value a, one of `FUNCTIONS`.

    | function       | value                                                    |
    |----------------|----------------------------------------------------------|
    | `relu`         | max(0, a)                                                |
    | `relu6`        | min(max(0, a), 6)                                        |
    | `leaky_relu`   | a, or alpha · a below 0; `alpha` is 0.01 if not given    |
    | `elu`          | a, or alpha · (e^a − 1) below 0; `alpha` is 1 if not given |
    | `tanh`         | tanh(a)                                                  |
    | `scaled_tanh`  | 1.7159 · tanh(2a/3): LeNet-5's, appendix A               |
    | `sigmoid`      | 1 / (1 + e^−a)                                           |
    | `hard_sigmoid` | relu6(a + 3) / 6                                         |
    | `silu`         | a · sigmoid(a), also called swish                        |
    | `hard_swish`   | a · hard_sigmoid(a): MobileNetV3's, section 5.2          |
    | `gelu`         | a · Φ(a), with the normal distribution Φ itself          |
    | `gelu_tanh`    | the same with Φ approximated by a tanh                   |
    """

    function: ActivationFunction
    _: KW_ONLY
    alpha: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        function = checks.one_of("Activation function", self.function, FUNCTIONS)
        alpha = ALPHAS.get(function) if self.alpha is None else self.alpha
        if alpha is not None:
            if function not in ALPHAS:
                raise SpecError(
                    f"Activation alpha is {alpha!r} for {function}.", f"Only {' and '.join(ALPHAS)} have one."
                )
            alpha = checks.number("Activation alpha", alpha, least=0)
        _set(self, function=function, alpha=alpha, name=checks.name("Activation name", self.name))


@dataclass(frozen=True)
class Softmax:
    """The softmax over a flat vector of logits."""

    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        _set(self, name=checks.name("Softmax name", self.name))


@dataclass(frozen=True)
class Dropout:
    """Zeroes each value with probability `rate` while training and scales the rest by 1/(1 − rate)."""

    rate: float = 0.5
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        rate = checks.number("Dropout rate", self.rate, least=0, below=1)
        _set(self, rate=rate, name=checks.name("Dropout name", self.name))


@dataclass(frozen=True)
class Flatten:
    """All maps as one vector: channel by channel, row by row."""

    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        _set(self, name=checks.name("Flatten name", self.name))


@dataclass(frozen=True)
class GlobalAveragePool:
    """The mean of each map, as a vector of one value a map."""

    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        _set(self, name=checks.name("GlobalAveragePool name", self.name))


@dataclass(frozen=True)
class PadChannels:
    """Maps of zeros after the last, up to `channels`: with a 1×1 pooling, ResNet's shortcut A."""

    channels: int
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        channels = checks.size("PadChannels channels", self.channels)
        _set(self, channels=channels, name=checks.name("PadChannels name", self.name))


@dataclass(frozen=True)
class Upsample:
    """Each value repeated `factor` times along the height and the width: nearest-neighbour upsampling."""

    factor: int | Pair
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        _set(self, factor=checks.pair("Upsample factor", self.factor), name=checks.name("Upsample name", self.name))


@dataclass(frozen=True)
class Shuffle:
    """The maps of `groups` groups interleaved: the first of each group, then the second of each (ShuffleNet, fig. 1).

    Map i·n + j of the input, of groups of n maps, becomes map j·groups + i.
    """

    groups: int
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        _set(self, groups=checks.whole("Shuffle groups", self.groups), name=checks.name("Shuffle name", self.name))


@dataclass(frozen=True)
class Scale:
    """Each map (or feature) times a learned coefficient of its own, which begins at 1."""

    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        _set(self, name=checks.name("Scale name", self.name))


@dataclass(frozen=True)
class Linear:
    """A fully connected layer of `units` over a flat vector; how many inputs it has follows from the layers before."""

    units: int
    _: KW_ONLY
    bias: bool = True
    name: str = ""

    def __post_init__(self) -> None:
        units = checks.size("Linear units", self.units)
        bias = checks.flag("Linear bias", self.bias)
        _set(self, units=units, bias=bias, name=checks.name("Linear name", self.name))


@dataclass(frozen=True)
class RBF:
    """Euclidean radial basis functions: unit i gives Σ_j (x_j − w_ij)² (LeNet-5, eq. 7), the smaller the nearer.

    `centres` holds one fixed vector w_i for each unit; they are not trained.
    """

    centres: tuple[tuple[float, ...], ...]
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        rows = checks.vectors("RBF centres", self.centres)
        _set(self, centres=rows, name=checks.name("RBF name", self.name))


@dataclass(frozen=True)
class PositionBias:
    """A bias of its own for every value of its input (the last layer of AlphaGo's policy network)."""

    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        _set(self, name=checks.name("PositionBias name", self.name))


@dataclass(frozen=True)
class Block:
    """Layers in a row under one name: a stage, a block, a stem, a head. Blocks nest."""

    layers: Sequence[Layer]
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        _set(self, layers=body("Block", self.layers, least=0), name=checks.name("Block name", self.name))


@dataclass(frozen=True)
class Residual:
    """The sum of its `layers` and its `shortcut` (no layer: the input as it is), which must have one shape."""

    layers: Sequence[Layer]
    _: KW_ONLY
    shortcut: Sequence[Layer] = ()
    name: str = ""

    def __post_init__(self) -> None:
        shortcut = body("Residual shortcut", self.shortcut, least=0)
        layers = body("Residual", self.layers)
        _set(self, layers=layers, shortcut=shortcut, name=checks.name("Residual name", self.name))


@dataclass(frozen=True)
class Gate:
    """Its input times what its `layers` make of it: squeeze-and-excitation (Hu and others 2018, figure 2).

    The layers end in one value a map, as a flat vector or as maps of 1×1, or in maps of the input's own shape.
    """

    layers: Sequence[Layer]
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        _set(self, layers=body("Gate", self.layers), name=checks.name("Gate name", self.name))


@dataclass(frozen=True)
class Branches:
    """Blocks that read one input side by side; their maps are concatenated, first branch first.

    A branch without layers passes its input on: DenseNet concatenates a value with what is made of it.
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
        _set(self, branches=blocks, name=checks.name("Branches name", self.name))


@dataclass(frozen=True)
class Auxiliary:
    """A head that reads the maps here and is trained with its loss times `weight`; the maps go on unchanged.

    It is used in training only (GoogLeNet's section 5).
    """

    layers: Sequence[Layer]
    _: KW_ONLY
    weight: float = 0.3
    name: str = ""

    def __post_init__(self) -> None:
        layers = body("Auxiliary", self.layers)
        weight = checks.number("Auxiliary weight", self.weight, least=0)
        _set(self, layers=layers, weight=weight, name=checks.name("Auxiliary name", self.name))


Windowed = Conv | Pool | Subsample
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
"""The word for each kind, in JSON and in tables."""
for _kind in KINDS.values():
    answers(_kind)


def kind(layer: Layer) -> str:
    """The word for a layer's kind.

    >>> kind(GlobalAveragePool())
    'global_average_pool'
    """
    return _WORDS[type(layer)]


def body(what: str, layers: object, *, least: int = 1, empty: bool = False) -> tuple[Layer, ...]:
    """The layers of a container as a tuple, checked; also that they are not too many, or too deep in each other.

    A block among them may be `empty` in Branches only.
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
    match layer:
        case Block() | Gate() | Auxiliary():
            return tuple(layer.layers)
        case Residual():
            return (*layer.layers, *layer.shortcut)
        case Branches():
            return cast("tuple[Block, ...]", layer.branches)
        case _:
            return ()


def count(layer: Layer) -> int:
    """How many layers a layer is, with those that it holds.

    >>> count(Residual([Flatten(), Linear(3)]))
    3
    """
    return 1 + sum(map(count, inside(layer)))


def _bounded(what: str, layers: tuple[Layer, ...]) -> None:
    """Raise SpecError where layers, or what they hold, are beyond the limits.

    The walk goes no further than they reach: one layer may stand in many places, which are more than can be walked.
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
