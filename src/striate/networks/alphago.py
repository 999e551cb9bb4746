"""AlphaGo's policy network: a move for a position of Go."""

from __future__ import annotations

from functools import partial

from striate.description.layers import Activation, Conv, Flatten, Layer, PositionBias, Softmax
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published, Trained

PAPER = Paper(
    "silver2016mastering",
    "article",
    (
        "David Silver",
        "Aja Huang",
        "Chris J. Maddison",
        "Arthur Guez",
        "Laurent Sifre",
        "George van den Driessche",
        "Julian Schrittwieser",
        "Ioannis Antonoglou",
        "Veda Panneershelvam",
        "Marc Lanctot",
        "Sander Dieleman",
        "Dominik Grewe",
        "John Nham",
        "Nal Kalchbrenner",
        "Ilya Sutskever",
        "Timothy Lillicrap",
        "Madeleine Leach",
        "Koray Kavukcuoglu",
        "Thore Graepel",
        "Demis Hassabis",
    ),
    "Mastering the game of Go with deep neural networks and tree search",
    2016,
    (("journal", "Nature"), ("volume", "529"), ("number", "7587"), ("pages", "484--489")),
)
TRAINED = Trained("Methods", batch=16, rate=0.003, momentum=0.0)


def alphago_policy(name: str = "alphago-policy", *, filters: int = 192) -> Network:
    """Methods, "neural network architecture": 13 layers over 48 planes of 19×19; with 192 filters 3,882,793."""
    middle: list[Layer] = []
    for number in range(2, 13):
        middle += [
            Conv(filters, kernel=3, padding=1, name=f"conv{number}"),
            Activation("relu", name=f"relu{number}"),
        ]
    return Network(
        name,
        (48, 19, 19),
        [
            Conv(filters, kernel=5, padding=2, name="conv1"),
            Activation("relu", name="relu1"),
            *middle,
            Conv(1, kernel=1, bias=False, name="conv13"),
            PositionBias(name="bias13"),
            Flatten(),
            Softmax(),
        ],
        PAPER.source("Methods, neural network architecture"),
    )


ENTRIES = {
    "alphago-policy": Entry(
        alphago_policy,
        "192 filters: the policy network of the match.",
        PAPER,
        (Published("accuracy", "57.0", "%", "KGS positions held out, the best of its widths", "page 485"),),
        recipe="alphago-policy",
        trained=TRAINED,
    ),
    **{
        name: Entry(
            partial(alphago_policy, name, filters=filters),
            f"The policy network with {filters} filters.",
            PAPER,
            recipe="alphago-policy",
            trained=TRAINED,
        )
        for name, filters in (
            ("alphago-policy-48", 48),
            ("alphago-policy-128", 128),
            ("alphago-policy-256", 256),
            ("alphago-policy-384", 384),
        )
    },
}
