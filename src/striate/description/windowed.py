"""Layers that move a window over maps: convolutions, pooling, LeNet's subsampling."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

from striate.description import checks
from striate.description.checks import Pair, Sides, store
from striate.errors import SpecError

Table = tuple[tuple[int, ...], ...]
PoolFunction = Literal["max", "average"]
POOLINGS: tuple[PoolFunction, ...] = get_args(PoolFunction)


@dataclass(frozen=True)
class Conv:
    """A convolution: K `filters` of size F = `kernel`, moved by S = `stride` over an input padded by P = `padding`.

    `padding` is a number, (height, width), (top, bottom, left, right), or "same": the padding that makes the output
    ceil(input / stride), with an odd pixel at the bottom and right, as in TensorFlow (and in PyTorch at stride 1).
    `table` lists for each filter the input maps that it reads (LeNet-5's C3); `groups` splits them evenly instead.

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
            store(self, table=checks.table("Conv table", self.table, rows=filters))
        kernel, dilation = checks.pair("Conv kernel", self.kernel), checks.pair("Conv dilation", self.dilation)
        for taps, step in zip(kernel, dilation, strict=True):
            checks.size("the reach of a Conv's window, dilation · (kernel − 1) + 1,", step * (taps - 1) + 1)
        store(
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

    `ceil` rounds the number of windows up, so that the last one may reach beyond the padded input. `count_padding`
    counts padding as zeros in an average (PyTorch's default; TensorFlow leaves it out).
    Example: `Pool("max", kernel=3, stride=2)`.
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
        store(
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
    """LeNet's trainable subsampling: the sum of each window, times one coefficient, plus one bias, for each map.

    Example: `Subsample(kernel=2)`.
    """

    _: KW_ONLY
    kernel: int | Pair = (2, 2)
    stride: int | Pair | None = None
    name: str = ""

    def __post_init__(self) -> None:
        kernel = checks.pair("Subsample kernel", self.kernel)
        stride = kernel if self.stride is None else checks.pair("Subsample stride", self.stride)
        store(self, kernel=kernel, stride=stride, name=checks.name("Subsample name", self.name))


Windowed = Conv | Pool | Subsample
