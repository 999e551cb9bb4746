"""How long `striate train lenet5` takes until its first step, beside `import torch` alone.

    python benchmarks/start.py [--rounds 5] [--json]

Fresh processes that take turns. The first step begins when the first epoch's line is printed, less the seconds that the
run's events.jsonl has for that epoch: importing, reading MNIST, choosing kernels and threads, and making the run's
folder are inside, and so are saving the first checkpoint and printing, which come after. So it is at most this long.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from striate.train.machine import environment
from striate.train.run import open_run

TARGET = 3.0
"""Seconds, at most."""


def until_first_step(folder: Path) -> float:
    """Seconds from the start of a training of one epoch to its first step."""
    command = [sys.executable, "-m", "striate", "train", "lenet5", "--epochs", "1", "--out", str(folder)]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout  # noqa: S101 - it is a pipe
        moments = [time.perf_counter() - begun for line in process.stdout if line.startswith("epoch ")]
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    (first,) = open_run(folder).events("epoch")
    return moments[0] - first["seconds"]


def importing_torch() -> float:
    """Seconds of a process that imports PyTorch and ends."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.perf_counter() - begun


def main() -> None:
    """Run both in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(arguments.rounds):
            rows.append({"striate": until_first_step(Path(scratch, str(number))), "torch": importing_torch()})
    ours, theirs = (statistics.median(row[name] for row in rows) for name in ("striate", "torch"))
    if arguments.json:
        print(json.dumps({"rounds": rows, "environment": environment()}))
        return
    print(f"{', '.join(f'{name} {value}' for name, value in environment().items())}")
    print(f"medians of {arguments.rounds} alternating rounds, fresh processes\n")
    print("| what | measured | target | |\n|---|---:|---:|---|")
    met = "met" if ours <= TARGET else "**missed**"
    print(f"| striate train lenet5, until its first step | {ours:.2f} s | ≤ {TARGET:g} s | {met} |")
    print(f'| python -c "import torch" | {theirs:.2f} s | | |')


if __name__ == "__main__":
    main()
