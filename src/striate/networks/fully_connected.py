"""One layer that links every pixel to every class, for comparison with convolutional networks."""

from __future__ import annotations

from striate.description.layers import Flatten, Linear
from striate.description.network import Network
from striate.networks.entry import Entry


def fully_connected() -> Network:
    """A 64×64 colour image, 12,288 values, to 10 classes: 122,890 parameters."""
    return Network("fully-connected", (3, 64, 64), [Flatten(), Linear(10)])


ENTRIES = {"fully-connected": Entry(fully_connected, "One layer that links every pixel to every class.")}
