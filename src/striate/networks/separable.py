"""Layers of the MobileNets and EfficientNet: depthwise convolutions, inverted residuals, excitation."""

from __future__ import annotations

from dataclasses import dataclass

from striate.description.layers import (
    Activation,
    ActivationFunction,
    BatchNorm,
    Block,
    Conv,
    Gate,
    GlobalAveragePool,
    Layer,
    Linear,
    Residual,
)


@dataclass(frozen=True)
class Norm:
    """The two numbers of every batch normalisation of a network."""

    epsilon: float = 1e-5
    momentum: float = 0.1


@dataclass(frozen=True)
class Excitation:
    """Squeeze-and-excitation: the number of features that it squeezes the maps to, and its last function."""

    features: int
    inner: ActivationFunction
    outer: ActivationFunction


@dataclass(frozen=True)
class Inverted:
    """An inverted residual (MobileNetV2, figure 3): `expanded` maps between narrow ones; 0 leaves the expansion out."""

    channels: int
    expanded: int
    filters: int
    kernel: int
    stride: int
    function: ActivationFunction
    excitation: Excitation | None = None


def rounded(width: float, *, multiple: int = 8) -> int:
    """A number of filters rounded to a multiple of 8 that is at most a tenth smaller, as in the authors' code.

    >>> rounded(18), rounded(22)
    (24, 24)
    """
    found = max(multiple, int(width + multiple / 2) // multiple * multiple)
    return found + multiple if found < 0.9 * width else found


def conv_norm(
    filters: int, number: int | str, *, kernel: int, stride: int = 1, groups: int = 1, norm: Norm | None = None
) -> list[Layer]:
    """A convolution without biases, and batch norm."""
    own = norm or Norm()
    return [
        Conv(
            filters, kernel=kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False, name=f"conv{number}"
        ),
        BatchNorm(epsilon=own.epsilon, momentum=own.momentum, name=f"norm{number}"),
    ]


def excite(channels: int, excitation: Excitation) -> Gate:
    """Squeeze-and-excitation of `channels` maps."""
    return Gate(
        [
            GlobalAveragePool(name="squeeze"),
            Linear(excitation.features, name="fc1"),
            Activation(excitation.inner, name="inner"),
            Linear(channels, name="fc2"),
            Activation(excitation.outer, name="outer"),
        ],
        name="excitation",
    )


def inverted(block: Inverted, *, name: str, norm: Norm | None = None) -> Residual | Block:
    """The layers of an inverted residual: a sum where it keeps the shape, else a block."""
    layers: list[Layer] = []
    if block.expanded:
        layers += [*conv_norm(block.expanded, "1", kernel=1, norm=norm), Activation(block.function, name="act1")]
    wide = block.expanded or block.channels
    layers += conv_norm(wide, "2", kernel=block.kernel, stride=block.stride, groups=wide, norm=norm)
    layers.append(Activation(block.function, name="act2"))
    if block.excitation:
        layers.append(excite(wide, block.excitation))
    layers += conv_norm(block.filters, "3", kernel=1, norm=norm)
    keeps = block.stride == 1 and block.channels == block.filters
    return Residual(layers, name=name) if keeps else Block(layers, name=name)
