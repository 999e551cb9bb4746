"""How many positions of Go a second become AlphaGo's 48 planes, on one core: `python benchmarks/go_planes.py GAMES`.

GAMES is a record or a folder of records, such as those that striate train takes. Each position is replayed from its
game's moves and shown by one of the eight symmetries, drawn for it. The figure is by the process's own time, so that
other programs on the machine disturb it less; they still share its caches.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

import numpy as np

from striate.data import load
from striate.data.boards import Boards
from striate.go.planes import planes_before
from striate.kernels.binary import Library, library

BATCH, POSITIONS, ROUNDS = 128, 12_800, 5


def main() -> None:
    """Print the best of some rounds, and the median."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("games", type=Path)
    options.add_argument("--split", default="test", choices=["train", "test"])
    given = options.parse_args()
    boards = load(given.games, given.split).images
    if not isinstance(boards, Boards):
        raise SystemExit(f"{given.games} holds no records of Go games.")
    draw = np.random.default_rng(0)
    rates: list[float] = []
    for _ in range(ROUNDS):
        moves = draw.choice(boards.moves.numpy(), POSITIONS)
        symmetries = draw.integers(0, 8, POSITIONS).astype(np.uint8)
        begun = time.process_time()
        for first in range(0, POSITIONS, BATCH):
            part = slice(first, first + BATCH)
            planes_before(boards.games, moves[part], symmetries[part], one=255)
        rates.append(POSITIONS / (time.process_time() - begun))
    found = library()
    kernels = found.instruction_set if isinstance(found, Library) else "none"
    print(f"{platform.machine()}, kernels {kernels}, numpy {np.__version__}, Python {platform.python_version()}")
    print(f"{len(boards.games):,} games, {len(boards):,} positions; {POSITIONS:,} at random, in batches of {BATCH}")
    print(f"positions a second on one core: best {max(rates):,.0f}, median {np.median(rates):,.0f} of {ROUNDS} rounds")


if __name__ == "__main__":
    main()
