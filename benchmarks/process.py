"""The whole of `striate train lenet5 --until 0.99`, from start to saved run, against a plain PyTorch script.

    python benchmarks/process.py [--rounds 5] [--json]

Both are fresh processes that take turns, each round with a seed of its own: importing, decoding MNIST, training the
network of 1998 until 99 % of the validation images are right (or 8 epochs), saving. Striate also writes its report. As
both may need another number of epochs, those are printed too. `plain_lenet5.py` is the script.
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

import striate
from striate.train.machine import environment

HERE = Path(__file__).parent


def timed(command: list[str]) -> tuple[float, int]:
    """The seconds of a command, and the epochs that it printed."""
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, sum(line.startswith("epoch ") for line in done.stdout.splitlines())


def main() -> None:
    """Run both in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    digits = Path(striate.__file__).parent / "data/mnist"
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.rounds):
            ends = ["--until", "0.99", "--seed", str(seed)]
            ours = [sys.executable, "-m", "striate", "train", "lenet5", *ends, "--out", f"{folder}/{seed}"]
            plain = [sys.executable, str(HERE / "plain_lenet5.py"), str(digits), f"{folder}/{seed}.pt", *ends]
            own, own_epochs = timed(ours)
            other, other_epochs = timed(plain)
            rows.append({"striate": own, "striate epochs": own_epochs, "plain": other, "plain epochs": other_epochs})
            if not arguments.json:
                both = f"striate {own:5.1f} s ({own_epochs} epochs)  plain {other:5.1f} s ({other_epochs} epochs)"
                print(f"seed {seed}  {both}", flush=True)
    result = {
        "rounds": rows,
        "ratio": statistics.median(row["plain"] / row["striate"] for row in rows),
        "environment": environment(),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"ratio  {result['ratio']:.2f}, median of {len(rows)} rounds (above 1: Striate is faster)")
    print(", ".join(f"{name} {value}" for name, value in environment().items()))


if __name__ == "__main__":
    main()
