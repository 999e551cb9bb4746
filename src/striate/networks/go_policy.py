"""Ours: AlphaGo's policy network with batch normalisation."""

from __future__ import annotations

from functools import partial

from striate.description.layers import Activation, BatchNorm, Conv, Flatten, Layer, PositionBias, Softmax
from striate.description.network import Network
from striate.networks.entry import Entry


def go_policy(name: str = "go-policy-48", *, filters: int = 48) -> Network:
    """The 13 convolutions of AlphaGo's policy network; a batch normalisation after each of the first twelve."""
    layers: list[Layer] = []
    for number in range(1, 13):
        kernel, padding = (5, 2) if number == 1 else (3, 1)
        layers += [
            Conv(filters, kernel=kernel, padding=padding, bias=False, name=f"conv{number}"),
            BatchNorm(name=f"norm{number}"),
            Activation("relu", name=f"relu{number}"),
        ]
    head = [Conv(1, kernel=1, bias=False, name="conv13"), PositionBias(name="bias13"), Flatten(), Softmax()]
    return Network(name, (48, 19, 19), [*layers, *head])


ENTRIES = {
    f"go-policy-{filters}": Entry(
        partial(go_policy, f"go-policy-{filters}", filters=filters),
        f"Moves of Go: {filters} filters, as AlphaGo's policy, with batch norm.",
        recipe="go-policy",
    )
    for filters in (48, 128, 192)
}
