"""The most that this machine's cores can do: fused multiply-adds in registers, for each instruction set.

    python benchmarks/peak.py [--threads 2]

Each number is that of the fastest of several calls. Needs a C++ compiler, as the kernels do.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from rivals import clock_for, machine

from striate.kernels.binary import Library, library
from striate.kernels.compile import FLAGS, SOURCES, compiler, instruction_sets

ROUNDS = 4_000_000
"""Rounds of a call: about 10 ms."""
CALLS = 20


def peak_of(instruction_set: str, *, threads: int) -> tuple[Callable[[], object], float]:
    """Multiply-adds of an instruction set on some threads, and their floating-point operations: the probe, compiled."""
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "peak.so")
        flags = [*FLAGS, *instruction_sets()[instruction_set], f"-I{SOURCES}", "-shared"]
        source = Path(__file__).with_suffix(".cpp")
        subprocess.run([*compiler(), *flags, str(source), "-o", str(made)], check=True)
        loaded = ctypes.CDLL(str(made))
    loaded.peak_operations.restype, loaded.peak_operations.argtypes = ctypes.c_double, [ctypes.c_long]
    loaded.peak_run.restype, loaded.peak_run.argtypes = None, [ctypes.c_int, ctypes.c_long]
    return lambda: loaded.peak_run(threads, ROUNDS), threads * loaded.peak_operations(ROUNDS)


def fastest(instruction_set: str, *, threads: int) -> float:
    """The rate of the fastest call, in FLOP/s."""
    run, operations = peak_of(instruction_set, threads=threads)
    clock = clock_for(threads)[0]
    seconds: list[float] = []
    for _ in range(CALLS):
        begun = clock()
        run()
        seconds.append(clock() - begun)
    return operations / min(seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    threads = parser.parse_args().threads
    counts = sorted({1, threads})
    print(f"{machine(threads)}\n\n| GFLOP/s | {' | '.join(f'threads: {count}' for count in counts)} |")
    print("|---|" + "---:|" * len(counts))
    for name in instruction_sets():
        if isinstance(library(name), Library):
            rates = [f"{fastest(name, threads=count) * 1e-9:.0f}" for count in counts]
            print(f"| {name} | {' | '.join(rates)} |")


if __name__ == "__main__":
    main()
