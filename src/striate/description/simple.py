"""Layers without a moving window: elementwise and normalising layers, layers that reorder values, linear layers."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

from striate.description import checks
from striate.description.checks import Pair, store
from striate.errors import SpecError

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
FUNCTIONS: tuple[ActivationFunction, ...] = get_args(ActivationFunction)
ALPHAS: dict[str, float] = {"leaky_relu": 0.01, "elu": 1.0}
"""The activation functions with a parameter `alpha`, and its default value."""
AMPLITUDE, SLOPE = 1.7159, 2 / 3
"""`scaled_tanh` is AMPLITUDE · tanh(SLOPE · a)."""
LEAST_EPSILON = 2.0**-126
"""What stands for a batch normalisation's epsilon of 0 where it is computed: the smallest normal 32-bit float. It
changes no answer of a map whose variance is not 0."""


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation of each map (or feature): a learned scale and shift; running mean and variance are kept.

    Example: `BatchNorm(epsilon=1e-3)`.
    """

    _: KW_ONLY
    epsilon: float = 1e-5
    momentum: float = 0.1
    name: str = ""

    def __post_init__(self) -> None:
        epsilon = checks.number("BatchNorm epsilon", self.epsilon, least=0)
        momentum = checks.number("BatchNorm momentum", self.momentum, least=0, below=1.000001)
        store(self, epsilon=epsilon, momentum=momentum, name=checks.name("BatchNorm name", self.name))


@dataclass(frozen=True)
class LocalResponseNorm:
    """a / (k + alpha · Σ a²)^beta, the sum over `size` adjacent maps, as AlexNet's section 3.3 writes it.

    PyTorch and ONNX divide alpha by the size; here alpha is the paper's. Example: `LocalResponseNorm(size=5, k=2.0)`.
    """

    _: KW_ONLY
    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0
    name: str = ""

    def __post_init__(self) -> None:
        store(
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

    Example: `Activation("leaky_relu", alpha=0.2)`.
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
        store(self, function=function, alpha=alpha, name=checks.name("Activation name", self.name))


@dataclass(frozen=True)
class Softmax:
    """The softmax over a flat vector of logits.

    Example: `Softmax()`.
    """

    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        store(self, name=checks.name("Softmax name", self.name))


@dataclass(frozen=True)
class Dropout:
    """Zeroes each value with probability `rate` while training and scales the rest by 1/(1 − rate).

    Example: `Dropout(0.5)`.
    """

    rate: float = 0.5
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        rate = checks.number("Dropout rate", self.rate, least=0, below=1)
        store(self, rate=rate, name=checks.name("Dropout name", self.name))


@dataclass(frozen=True)
class Flatten:
    """All maps as one vector: channel by channel, row by row.

    Example: `Flatten()`.
    """

    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        store(self, name=checks.name("Flatten name", self.name))


@dataclass(frozen=True)
class GlobalAveragePool:
    """The mean of each map, as a vector of one value per map.

    Example: `GlobalAveragePool()`.
    """

    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        store(self, name=checks.name("GlobalAveragePool name", self.name))


@dataclass(frozen=True)
class PadChannels:
    """Appends maps of zeros until there are `channels`. With a 1×1 pooling it is ResNet's shortcut A.

    Example: `PadChannels(32)`.
    """

    channels: int
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        channels = checks.size("PadChannels channels", self.channels)
        store(self, channels=channels, name=checks.name("PadChannels name", self.name))


@dataclass(frozen=True)
class Upsample:
    """Each value repeated `factor` times along the height and the width: nearest-neighbour upsampling.

    Example: `Upsample(2)`.
    """

    factor: int | Pair
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        store(self, factor=checks.pair("Upsample factor", self.factor), name=checks.name("Upsample name", self.name))


@dataclass(frozen=True)
class Shuffle:
    """The maps of `groups` groups interleaved: the first of each group, then the second of each (ShuffleNet, fig. 1).

    Map i·n + j of the input, of groups of n maps, becomes map j·groups + i. Example: `Shuffle(4)`.
    """

    groups: int
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        store(self, groups=checks.whole("Shuffle groups", self.groups), name=checks.name("Shuffle name", self.name))


@dataclass(frozen=True)
class Scale:
    """Each map (or feature) times a learned coefficient of its own, which begins at 1.

    Example: `Scale()`.
    """

    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        store(self, name=checks.name("Scale name", self.name))


@dataclass(frozen=True)
class Linear:
    """A fully connected layer of `units` over a flat vector; the number of inputs follows from the layers before.

    Example: `Linear(10)`.
    """

    units: int
    _: KW_ONLY
    bias: bool = True
    name: str = ""

    def __post_init__(self) -> None:
        units = checks.size("Linear units", self.units)
        bias = checks.flag("Linear bias", self.bias)
        store(self, units=units, bias=bias, name=checks.name("Linear name", self.name))


@dataclass(frozen=True)
class RBF:
    """Euclidean radial basis functions: unit i gives `Σ_j (x_j − w_ij)²` (LeNet-5, eq. 7), the smaller the nearer.

    `centres` holds one fixed vector w_i for each unit; they are not trained.
    Example: `RBF([[1.0, -1.0], [-1.0, 1.0]])`.
    """

    centres: tuple[tuple[float, ...], ...]
    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        rows = checks.vectors("RBF centres", self.centres)
        store(self, centres=rows, name=checks.name("RBF name", self.name))


@dataclass(frozen=True)
class PositionBias:
    """Adds a separate bias to every value of its input (the last layer of AlphaGo's policy network).

    Example: `PositionBias()`.
    """

    _: KW_ONLY
    name: str = ""

    def __post_init__(self) -> None:
        store(self, name=checks.name("PositionBias name", self.name))
