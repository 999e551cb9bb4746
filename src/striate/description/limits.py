"""The limits of a description, so that every room can work with every network that is accepted.

Every room walks layers, recurses into blocks and counts positions along an axis. Within these limits this takes seconds
at most and does not run out of stack. The limits leave room for every published network. docs/notation.md has them as a
table, which the tests compare with this file.
"""

from __future__ import annotations

NUMBER = 1_000_000
"""The largest size, kernel, stride, padding, dilation or number of filters, units, groups or channels."""
LAYERS = 10_000
"""Layers of a network; a layer that holds layers counts, and so do the layers in it."""
DEPTH = 16
"""The depth of nested layers. Every room recurses into them, and Python's stack holds 1,000 calls."""
VALUES = 1_000_000
"""Entries of all connection tables and RBF centres of a network together."""
MAGNITUDE = 3.4028234663852886e38
"""The largest of all other numbers: the largest 32-bit float, because weights are 32-bit floats."""
DIGITS = 40
"""Characters of one number as it is written."""
NAME = 60
"""Characters of a network's or a layer's name."""
PATH = 200
"""Characters of a layer's path, which names files."""
TEXT = 1_000
"""Characters of a paper, its place, or a departure."""
DEPARTURES = 100
"""Departures from a paper."""
YEAR = 9_999
"""The last year of a paper."""
FILE = 64 * 2**20
"""Bytes of a file, characters of a text."""
COUNT = 10**12
"""Images of a batch or of an epoch in the account."""

SEE = "docs/notation.md has a table of all limits."
"""The remedy in errors about a limit."""

TABLE = (
    ("sizes of the input and of every feature map: channels, height, width", f"{NUMBER:,}"),
    (
        "filters, units, channels, groups, kernels, strides, paddings, dilations, and pixels from the first to the "
        "last of a window",
        f"{NUMBER:,}",
    ),
    ("layers of a network, nested layers included", f"{LAYERS:,}"),
    ("depth of nested layers", f"{DEPTH}"),
    ("entries of all connection tables and RBF centres together", f"{VALUES:,}"),
    ("other numbers: the range of a 32-bit float", f"±{MAGNITUDE:.1e}".replace("e+", "e")),
    ("characters of a number as it is written", f"{DIGITS}"),
    ("characters of a network's or a layer's name", f"{NAME}"),
    ("characters of a layer's path, such as stage1.block2.conv1", f"{PATH}"),
    ("characters of a paper, its place, or a departure", f"{TEXT:,}"),
    ("departures; the year of a paper", f"{DEPARTURES}; {YEAR}"),
    ("a file or a text", f"{FILE // 2**20} MiB"),
    ("images of a batch or an epoch that `account` counts", f"{COUNT:,}"),
)
"""Each quantity and its limit, as in the table of docs/notation.md."""
