"""make fuzz: every reader in turn, with new inputs, for as long as is wanted.

python -m tests.fuzz --seconds 600                      all readers
python -m tests.fuzz --seconds 60 --only png,jpeg       some

By coverage: tests/fuzz/guided.py.
Whatever breaks a reader is kept in the folder .fuzz, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import secrets
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.run import mutated, tried
from tests.fuzz.targets import TARGETS

BROKEN = Path(".fuzz")
"""Where inputs are kept that broke a reader."""
MEMORY = 16 * 2**30
"""The most address space of the process."""


def main() -> int:
    """Fuzz, and print what was found."""
    arguments = _arguments()
    names = chosen(arguments.only)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with TemporaryDirectory(prefix="striate-fuzz-") as folder:
        os.environ["STRIATE_CACHE"] = str(Path(folder, "cache"))
        return sum(_fuzzed(name, arguments.seconds / len(names), arguments.seed, Path(folder)) for name in names) > 0


def chosen(only: str) -> list[str]:
    """The readers of those names, or all; ends the program where a name is of none."""
    names = only.split(",") if only else [*TARGETS]
    if unknown := [each for each in names if each not in TARGETS]:
        sys.exit(f"no reader is called {', '.join(unknown)}. The readers are: {', '.join(TARGETS)}.")
    if find_spec("onnx") is None and "onnx" in names:
        names.remove("onnx")
        print("onnx is not installed: it is left out")
    return names


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=600, help="for all readers together")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--only", default="", help=", ".join(TARGETS))
    return parser.parse_args()


def _fuzzed(name: str, seconds: float, seed: int, folder: Path) -> int:
    """Fuzz one reader; the number of inputs that broke it."""
    target, seeds = TARGETS[name], TARGETS[name].seeds()
    count = read = broken = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        content = mutated(target, seeds, random.Random(f"{seed} {count}"))
        good, problem = tried(target, content, folder / name)
        if problem:
            broken += 1
            print(f"{name}: {problem}\n  kept as {kept(name, content)}", flush=True)
        count, read = count + 1, read + good
    print(f"{name}: {count:,} inputs, {read:,} read, {count - read - broken:,} refused, {broken} broke it; seed {seed}")
    return broken


def kept(name: str, content: bytes) -> Path:
    """The file in which an input that broke a reader is kept."""
    BROKEN.mkdir(exist_ok=True)
    file = BROKEN / f"{name}-{secrets.token_hex(4)}"
    file.write_bytes(content)
    return file


if __name__ == "__main__":
    sys.exit(main())
