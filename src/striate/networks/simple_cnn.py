"""The convolutional network with which courses introduce Keras: filters double as the maps halve."""

from __future__ import annotations

from striate.description.layers import Activation, Conv, Dropout, Flatten, Layer, Linear, Pool, Softmax
from striate.description.network import Network
from striate.networks.entry import Entry, Paper

PAPER = Paper(
    "geron2019hands",
    "book",
    ("Aurélien Géron",),
    "Hands-On Machine Learning with Scikit-Learn, Keras, and TensorFlow",
    2019,
    (("edition", "2"), ("publisher", "O'Reilly"), ("chapter", "14")),
)


def simple_cnn() -> Network:
    """64, 128, 256 filters on 28×28: 1,413,834 parameters."""
    return Network(
        "simple-cnn",
        (1, 28, 28),
        [
            *_convolutions(64, kernel=7, times=1),
            *_convolutions(128, kernel=3, times=2),
            *_convolutions(256, kernel=3, times=2),
            Flatten(),
            Linear(128),
            Activation("relu"),
            Dropout(0.5),
            Linear(64),
            Activation("relu"),
            Dropout(0.5),
            Linear(10),
            Softmax(),
        ],
        PAPER.source("chapter 14"),
    )


def _convolutions(filters: int, *, kernel: int, times: int) -> list[Layer]:
    pair: list[Layer] = [Conv(filters, kernel=kernel, padding="same"), Activation("relu")]
    return [*pair * times, Pool("max", kernel=2)]


ENTRIES = {"simple-cnn": Entry(simple_cnn, "The network with which courses introduce Keras.", PAPER)}
