"""How soon a figure is there: the seconds from a network to its SVG, for every network of the catalogue.

    python benchmarks/draw.py [--rounds 5] [--json]

Processor time of one process, in which nothing else runs; the median of the rounds. The slowest five are printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

from striate import NETWORKS, find
from striate.emit.draw.choose import figure_of
from striate.emit.draw.svg import to_svg

TARGET = 1.0
"""Seconds, at most."""


def seconds(name: str, rounds: int) -> float:
    """The median of the seconds that the figure of a network takes."""
    network, taken = find(name), list[float]()
    for _ in range(rounds):
        begun = time.process_time()
        to_svg(figure_of(network))
        taken.append(time.process_time() - begun)
    return statistics.median(taken)


def main() -> None:
    """Draw all and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = {name: seconds(name, arguments.rounds) for name in NETWORKS}
    if arguments.json:
        print(json.dumps(found))
        return
    print("| network | seconds | target | |\n|---|---:|---:|---|")
    for name, each in sorted(found.items(), key=lambda one: -one[1])[:5]:
        print(f"| {name} | {each:.3f} | ≤ {TARGET:g} | {'met' if each <= TARGET else '**missed**'} |")


if __name__ == "__main__":
    main()
