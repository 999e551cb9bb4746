"""Small networks to look at, of every kind of layer, and one that has learned."""

from __future__ import annotations

import pytest

from striate import (
    RBF,
    Activation,
    Auxiliary,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    Network,
    Pool,
    Residual,
    Softmax,
    Subsample,
)
from striate.look import Subject, subject

GREY = Network(
    "grey",
    (1, 12, 12),
    [
        Conv(2, kernel=3, name="C1"),
        Activation("tanh"),
        Subsample(kernel=2, name="S2"),
        Conv(3, kernel=2, table=((0,), (1,), (0, 1)), name="C3"),
        Activation("tanh"),
        Flatten(),
        Linear(4, name="F"),
        RBF(((1.0, -1.0, 1.0, -1.0), (1.0, 1.0, 1.0, 1.0), (-1.0, -1.0, 1.0, 1.0)), name="output"),
    ],
)
"""A little LeNet: one channel, a table, subsampling, RBF units."""

COLOUR = Network(
    "colour",
    (3, 16, 16),
    [
        Conv(4, kernel=3, padding="same", bias=False),
        BatchNorm(),
        Activation("relu"),
        Auxiliary([GlobalAveragePool(), Linear(3)]),
        Residual(
            [Conv(6, kernel=3, stride=2, padding=1), Activation("relu")],
            shortcut=[Conv(6, kernel=1, stride=2)],
            name="block",
        ),
        Branches([[Conv(2, kernel=1)], [Conv(4, kernel=3, padding="same", groups=2), Activation("relu")]], name="mix"),
        Pool("max", kernel=3, stride=2, padding=1),
        Dropout(0.5),
        GlobalAveragePool(),
        Linear(3, name="fc"),
        Softmax(),
    ],
)
"""Three channels, groups, a sum, branches, a head, dropout, batch norm, a softmax."""


@pytest.fixture(scope="session")
def grey() -> Subject:
    return subject(GREY)


@pytest.fixture(scope="session")
def colour() -> Subject:
    return subject(COLOUR)


@pytest.fixture(scope="session")
def learned(finished_run) -> Subject:
    """A network that has learned some digits."""
    return subject(finished_run)
