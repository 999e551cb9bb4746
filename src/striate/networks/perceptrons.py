"""The networks that LeNet-5's paper compares it with: a linear classifier, and one and two hidden layers of units."""

from __future__ import annotations

from striate.description.layers import Activation, Flatten, Layer, Linear
from striate.description.network import Network
from striate.networks.entry import Entry, Published
from striate.networks.lenet5 import PAPER

PLACE = "section III-C, figure 9"


def linear_classifier() -> Network:
    """Every pixel of 28×28 linked to every class: 7,850 parameters."""
    return _perceptron("linear-classifier", ())


def mlp_300() -> Network:
    """784-300-10: 238,510 parameters."""
    return _perceptron("mlp-300", (300,))


def mlp_1000() -> Network:
    """784-1000-10: 795,010 parameters."""
    return _perceptron("mlp-1000", (1000,))


def mlp_300_100() -> Network:
    """784-300-100-10: 266,610 parameters."""
    return _perceptron("mlp-300-100", (300, 100))


def mlp_500_150() -> Network:
    """784-500-150-10: 469,160 parameters."""
    return _perceptron("mlp-500-150", (500, 150))


def _perceptron(name: str, hidden: tuple[int, ...]) -> Network:
    layers: list[Layer] = [Flatten()]
    for units in hidden:
        layers += [Linear(units), Activation("scaled_tanh")]
    departures = (
        ["Hidden units have LeNet-5's scaled tanh, outputs none; section III-C names no function."] if hidden else []
    )
    return Network(name, (1, 28, 28), [*layers, Linear(10, name="output")], PAPER.source(PLACE, *departures))


def _error(value: str) -> Published:
    return Published("error", value, "%", "MNIST test", "figure 9")


def _thousands(value: str) -> Published:
    return Published("parameters", value, "thousand", place="figure 12")


ENTRIES = {
    "linear-classifier": Entry(
        linear_classifier, "A weighted sum of the pixels for each class.", PAPER, (_error("12.0"),)
    ),
    "mlp-300": Entry(mlp_300, "One hidden layer of 300 units.", PAPER, (_error("4.7"),)),
    "mlp-1000": Entry(mlp_1000, "One hidden layer of 1,000 units.", PAPER, (_error("4.5"), _thousands("795"))),
    "mlp-300-100": Entry(
        mlp_300_100, "Two hidden layers, of 300 and 100 units.", PAPER, (_error("3.05"), _thousands("267"))
    ),
    "mlp-500-150": Entry(
        mlp_500_150, "Two hidden layers, of 500 and 150 units.", PAPER, (_error("2.95"), _thousands("469"))
    ),
}
