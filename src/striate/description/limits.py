"""How large a description may be: the one place for its limits, so that whatever is accepted can be worked with.

Every room walks layers, recurses into blocks and counts places along an axis; within these limits none of that takes
more than seconds or runs out of stack. They leave room for every network that has been published. docs/notation.md
has them as a table, which the tests hold against this file.
"""

from __future__ import annotations

NUMBER = 1_000_000
"""The largest size, kernel, stride, padding, dilation or number of filters, units, groups or channels."""
LAYERS = 10_000
"""Layers of a network, those inside others counted, and these too."""
DEPTH = 16
"""Layers inside layers. Every room recurses into them; Python's stack bears 1,000 calls."""
VALUES = 1_000_000
"""Entries of all connection tables and RBF centres of a network together."""
MAGNITUDE = 3.4028234663852886e38
"""The largest number besides: what a 32-bit float holds, as weights are."""
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
"""Images of a batch or of an epoch that is counted."""

SEE = "docs/notation.md has a table of all limits."
"""What to do, said where a limit is passed."""

TABLE = (
    ("sizes of the input and of every feature map: channels, height, width", f"{NUMBER:,}"),
    (
        "filters, units, channels, groups, kernels, strides, paddings, dilations, and pixels from the first to the "
        "last of a window",
        f"{NUMBER:,}",
    ),
    ("layers of a network, those inside others counted", f"{LAYERS:,}"),
    ("layers inside layers", f"{DEPTH}"),
    ("entries of all connection tables and RBF centres together", f"{VALUES:,}"),
    ("other numbers: what a 32-bit float holds", f"±{MAGNITUDE:.1e}".replace("e+", "e")),
    ("characters of a number as it is written", f"{DIGITS}"),
    ("characters of a network's or a layer's name", f"{NAME}"),
    ("characters of a layer's path, such as stage1.block2.conv1", f"{PATH}"),
    ("characters of a paper, its place, or a departure", f"{TEXT:,}"),
    ("departures; the year of a paper", f"{DEPARTURES}; {YEAR}"),
    ("a file or a text", f"{FILE // 2**20} MiB"),
    ("images of a batch or an epoch that `account` counts", f"{COUNT:,}"),
)
"""What is limited, and the limit, as the documentation has it."""
