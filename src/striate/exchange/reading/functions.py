"""Functions of each value, told by what they give and not by how a file writes them.

An exporter writes hard swish as one node, as x · HardSigmoid(x), as x · Clip(x + 3, 0, 6) / 6, or as five others.
Whatever stands between one value and another is computed at some points and compared with the functions that a
description has.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from striate.description.layers import Activation
from striate.description.simple import AMPLITUDE, SLOPE
from striate.exchange.reading.graph import Array

POINTS = np.concatenate([np.linspace(-9, 9, 73), np.array([-6e4, -60.0, -3.01, -1e-3, 1e-3, 2.99, 60.0, 6e4])])
"""Where functions are compared: on both sides of every bend, and far out, near the largest number of half precision."""
NEAR = 2e-6
"""The largest difference, as a share of 1 or of the value where that is larger: constants of files are float32."""

_erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(values: Array) -> Array:
    """1 / (1 + exp(−a)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))


def gelu(values: Array) -> Array:
    """a · Φ(a)."""
    return np.asarray(0.5 * values * (1 + _erf(values / math.sqrt(2))))


def gelu_tanh(values: Array) -> Array:
    """The tanh form of `gelu`."""
    return np.asarray(0.5 * values * (1 + np.tanh(math.sqrt(2 / math.pi) * (values + 0.044715 * values**3))))


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "clip": lambda values, least, most: np.clip(values, least, most),
    "elu": lambda values, alpha: np.where(values > 0, values, alpha * np.expm1(np.minimum(values, 0))),
    "erf": _erf,
    "exp": lambda values: np.exp(np.minimum(values, 700)),
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "hard_sigmoid": lambda values, alpha, beta: np.clip(alpha * values + beta, 0, 1),
    "leaky_relu": lambda values, alpha: np.where(values > 0, values, alpha * values),
    "power": lambda values, exponent: np.power(values, exponent),
    "sigmoid": sigmoid,
    "softplus": lambda values: np.logaddexp(0, values),
    "tanh": np.tanh,
}
"""Functions that nodes have, by name, with their numbers after the values."""

_FIXED: dict[str, Array] = {
    "relu": np.maximum(POINTS, 0),
    "relu6": np.clip(POINTS, 0, 6),
    "tanh": np.tanh(POINTS),
    "sigmoid": sigmoid(POINTS),
    "scaled_tanh": AMPLITUDE * np.tanh(SLOPE * POINTS),
    "silu": POINTS * sigmoid(POINTS),
    "gelu": gelu(POINTS),
    "gelu_tanh": gelu_tanh(POINTS),
    "hard_sigmoid": np.clip(POINTS / 6 + 0.5, 0, 1),
    "hard_swish": POINTS * np.clip(POINTS / 6 + 0.5, 0, 1),
}


_NAMES, _VALUES = tuple(_FIXED), np.stack(tuple(_FIXED.values()))
_MOST = NEAR * np.maximum(1, np.abs(_VALUES))


def recognised(found: Array) -> Activation | None:
    """The activation that gives these values at `POINTS`; None where there is none.

    >>> recognised(POINTS * np.clip(POINTS + 3, 0, 6) / 6).function
    'hard_swish'
    >>> recognised(np.where(POINTS > 0, POINTS, 0.2 * POINTS)).alpha
    0.2
    """
    fits = np.all(np.abs(found - _VALUES) <= _MOST, axis=1)
    if fits.any():
        return Activation(_NAMES[int(fits.argmax())])  # pyright: ignore[reportArgumentType] - the names are functions
    at = int(np.argmin(POINTS))
    for function, alpha in (("leaky_relu", found[at] / POINTS[at]), ("elu", -found[at])):
        # Constants of files are float32; a person wrote a short number.
        alpha = float(np.format_float_positional(np.float32(alpha), unique=True)) if abs(alpha) < 1e6 else math.inf
        if 0 < alpha < 1e6 and _near(found, FUNCTIONS[function](POINTS, alpha)):
            return Activation(function, alpha=alpha)  # pyright: ignore[reportArgumentType]
    return None


def is_identity(found: Array) -> bool:
    """Whether these values at `POINTS` are the points."""
    return _near(found, POINTS)


def _near(found: Array, wanted: Array) -> bool:
    return bool(np.all(np.abs(found - wanted) <= NEAR * np.maximum(1, np.abs(wanted))))


def short(value: float) -> float:
    """A number as a person wrote it, where the file keeps it as float32."""
    return float(np.format_float_positional(np.float32(value), unique=True))
