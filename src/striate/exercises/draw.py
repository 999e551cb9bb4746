"""Random layers and small networks. Each fits its input, and its numbers can be worked out on paper."""

from __future__ import annotations

from collections.abc import Sequence

from striate.description.axis import Axis
from striate.description.layers import Conv, Flatten, Layer, Linear, Pool
from striate.description.network import Network
from striate.exercises.chance import Chance

CHANNELS = (1, 3, 4, 6, 8, 16, 32, 64)
FILTERS = (2, 4, 6, 8, 12, 16, 20, 32, 64)
KERNELS = (1, 2, 3, 3, 4, 5, 5, 7, 11)
UNITS = (10, 10, 64, 84, 100, 120)


def one_window(chance: Chance) -> Network:
    """A convolution or a pooling layer on an input that need not be square."""
    channels, height = chance.one_of(CHANNELS), 7 + chance.below(58)
    width = 7 + chance.below(58) if chance.below(4) == 0 else height
    if chance.below(4) == 0:
        pool = Pool(chance.one_of(("max", "average")), kernel=2 + chance.below(2), stride=2 + chance.below(2))
        return _network((channels, height, width), [pool])
    kernel = chance.one_of(_up_to(KERNELS, min(height, width)))
    padding = chance.below(kernel // 2 + 1)
    conv = Conv(chance.one_of(FILTERS), kernel=kernel, stride=1 + chance.below(4), padding=padding)
    return _network((channels, height, width), [conv])


def one_with_weights(chance: Chance) -> Network:
    """A convolution, some with groups or without biases, or a linear layer on maps."""
    channels, side = chance.one_of(CHANNELS), 4 + chance.below(13)
    if chance.below(3) == 0:
        return _network((channels, side, side), [Flatten(), Linear(chance.one_of(UNITS))])
    kernel = chance.one_of(_up_to((1, 3, 3, 5, 5, 7), side))
    filters, padding = chance.one_of(FILTERS), kernel // 2 * chance.below(2)
    even = channels % 2 == 0 and filters % 2 == 0
    groups = 2 if even and chance.below(4) == 0 else 1
    conv = Conv(filters, kernel=kernel, stride=1, padding=padding, groups=groups, bias=chance.below(5) > 0)
    return _network((channels, side, side), [conv])


def windows(chance: Chance, side: int, depth: int) -> Network:
    """Convolutions and pooling layers, one after another, on a square input."""
    channels = chance.one_of((1, 3))
    layers, _ = _stack(chance, side, depth)
    return _network((channels, side, side), layers)


def classifier(chance: Chance) -> Network:
    """Convolutions, pooling, and a linear layer."""
    channels, side = chance.one_of((1, 3)), chance.one_of((16, 20, 28, 32))
    layers, _ = _stack(chance, side, 2 + chance.below(2))
    return _network((channels, side, side), [*layers, Flatten(), Linear(chance.one_of(UNITS))])


def _stack(chance: Chance, side: int, depth: int) -> tuple[list[Layer], int]:
    layers: list[Layer] = []
    for _ in range(depth):
        if layers and isinstance(layers[-1], Conv) and side >= 4 and chance.below(2) == 0:
            layers.append(Pool("max", kernel=2, stride=2))
            side = Axis(side, kernel=2, stride=2).output
            continue
        kernel = chance.one_of(_up_to((1, 3, 3, 3, 5, 5, 7), side))
        stride = 2 if kernel > 1 and chance.below(4) == 0 else 1  # no gaps: a field has all its pixels
        padding = kernel // 2 * chance.below(2)
        layers.append(Conv(chance.one_of((4, 6, 8, 12, 16)), kernel=kernel, stride=stride, padding=padding))
        side = Axis(side, kernel=kernel, stride=stride, before=padding, after=padding).output
    return layers, side


def _up_to(kernels: Sequence[int], most: int) -> list[int]:
    return [kernel for kernel in kernels if kernel <= most]


def _network(shape: tuple[int, int, int], layers: list[Layer]) -> Network:
    return Network("exercise", shape, layers)
