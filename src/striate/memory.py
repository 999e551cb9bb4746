"""The memory of this machine."""

from __future__ import annotations

import os


def machine_memory() -> int:
    """The bytes of this machine's memory; a number beyond any need where the system, as Windows, does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**62
