"""The most that this machine's cores can do: fused multiply-adds in registers, for each instruction set.

    python benchmarks/peak.py [--threads 2]

Operations in a second of processor time, summed over the threads. Needs a C++ compiler, as the kernels do.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from striate.kernels.binary import Library, library
from striate.kernels.compile import FLAGS, SOURCES, compiler, instruction_sets

ROUNDS = 1_000_000
"""Rounds of a call: about 10 ms."""


def peak_of(instruction_set: str) -> Callable[[int], float]:
    """A call that gives the rate of some threads, in FLOP/s: the probe, compiled for an instruction set."""
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "peak.so")
        flags = [*FLAGS, *instruction_sets()[instruction_set], f"-I{SOURCES}", "-shared"]
        source = Path(__file__).with_suffix(".cpp")
        subprocess.run([*compiler(), *flags, str(source), "-o", str(made)], check=True)
        loaded = ctypes.CDLL(str(made))
    loaded.peak_rate.restype, loaded.peak_rate.argtypes = ctypes.c_double, [ctypes.c_int, ctypes.c_long]
    return lambda threads: loaded.peak_rate(threads, ROUNDS)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    threads = parser.parse_args().threads
    print("| instruction set | GFLOP/s, 1 thread | " + f"{threads} threads |\n|---|---:|---:|")
    for name in instruction_sets():
        if not isinstance(library(name), Library):
            continue
        rate = peak_of(name)
        one, all_ = (max(rate(count) for _ in range(10)) for count in (1, threads))
        print(f"| {name} | {one * 1e-9:.0f} | {all_ * 1e-9:.0f} |")


if __name__ == "__main__":
    main()
