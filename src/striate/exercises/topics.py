"""The topics of exercises."""

from __future__ import annotations

from typing import Literal, get_args

Topic = Literal["size", "parameters", "macs", "field"]

TOPICS: tuple[Topic, ...] = get_args(Topic)
"""In the order in which exercises take turns."""
