"""Two networks for 64×64 colour images that teaching material calls LeNet-5: one follows its Keras code, one its table.

They are in the catalogue because their numbers are quoted. The table leaves out the hidden layers of 120 and 84 units
of the code, has a second filter of 4×4 where the code has 3×3, and counts no biases.
"""

from __future__ import annotations

from striate.description.layers import Activation, Conv, Flatten, Layer, Linear, Pool, Softmax
from striate.description.network import Network, Source
from striate.networks.entry import Entry

SOURCE = Source("A Keras tutorial's LeNet-5, after LeCun and others (1998)", 2021)


def lenet5_keras() -> Network:
    """The network of the code: 388,502 parameters."""
    dense = [Linear(120), Activation("relu"), Linear(84), Activation("relu"), Linear(10), Softmax()]
    return Network("lenet5-keras", (3, 64, 64), [*_convolutions(3), Flatten(), *dense], SOURCE)


def lenet5_keras_table() -> Network:
    """The network of the table: 33,090 parameters, 33,058 without biases."""
    return Network("lenet5-keras-table", (3, 64, 64), [*_convolutions(4), Flatten(), Linear(10), Softmax()], SOURCE)


def _convolutions(second_kernel: int) -> list[Layer]:
    return [
        Conv(6, kernel=3),
        Activation("relu"),
        Pool("max", kernel=2),
        Conv(16, kernel=second_kernel),
        Activation("relu"),
        Pool("max", kernel=2),
    ]


ENTRIES = {
    "lenet5-keras": Entry(lenet5_keras, "A tutorial's LeNet-5 for colour images, as its code has it."),
    "lenet5-keras-table": Entry(lenet5_keras_table, "The same, as the tutorial's table has it."),
}
