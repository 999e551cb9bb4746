"""make fuzz: every reader in turn, with new inputs, for as long as is wanted.

python -m tests.fuzz --seconds 600                      all readers
python -m tests.fuzz --seconds 60 --only png,jpeg       some
python -m tests.fuzz --only onnx --guided 100000        by coverage, where the package atheris is installed

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
    names = [each for each in TARGETS if not arguments.only or each in arguments.only.split(",")]
    if find_spec("onnx") is None and "onnx" in names:
        names.remove("onnx")
        print("onnx is not installed: it is left out")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if arguments.guided:
        return _guided(names[0], arguments.guided)
    with TemporaryDirectory(prefix="striate-fuzz-") as folder:
        os.environ["STRIATE_CACHE"] = str(Path(folder, "cache"))
        return sum(_fuzzed(name, arguments.seconds / len(names), arguments.seed, Path(folder)) for name in names) > 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=600, help="for all readers together")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--only", default="", help=", ".join(TARGETS))
    parser.add_argument("--guided", type=int, default=0, help="so many inputs of atheris, for one reader")
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
            print(f"{name}: {problem}\n  kept as {_kept(name, content)}", flush=True)
        count, read = count + 1, read + good
    print(f"{name}: {count:,} inputs, {read:,} read, {count - read - broken:,} refused, {broken} broke it; seed {seed}")
    return broken


def _kept(name: str, content: bytes) -> Path:
    BROKEN.mkdir(exist_ok=True)
    file = BROKEN / f"{name}-{secrets.token_hex(4)}"
    file.write_bytes(content)
    return file


def _guided(name: str, count: int) -> int:
    """By atheris, which ends the process itself."""
    import atheris

    target, corpus = TARGETS[name], BROKEN / f"corpus-{name}"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(target.seeds()):
        (corpus / str(number)).write_bytes(content)
    folder = TemporaryDirectory(prefix="striate-fuzz-")

    def once(content: bytes) -> None:
        if problem := tried(target, content, Path(folder.name) / name)[1]:
            raise AssertionError(f"{problem}; kept as {_kept(name, content)}")

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-runs={count}", str(corpus)], once)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
