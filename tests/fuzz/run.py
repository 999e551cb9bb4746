"""Inputs with mistakes, and what may not happen when they are read: another error, a hang, memory, files, code."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from striate.errors import StriateError
from tests.fuzz.targets import Target

SECONDS = 20
"""No input may take longer, on a slow machine that does much else."""
MEMORY = 2**30
"""By how many bytes the process may grow while it reads."""
NUMBERS = (b"\0", b"\xff", b"\x7f", b"\x80", b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff" * 8, b"-1", b"1" * 30)


def mutated(target: Target, seeds: list[bytes], draw: random.Random) -> bytes:
    """A good input with some pieces replaced, put in, left out, doubled, or taken from another one."""
    content = draw.choice(seeds)
    for _ in range(draw.choice((1, 1, 2, 4, 9))):
        # Heads, which say the most, are short and in front.
        most = len(content) if draw.random() < 0.5 else min(len(content), 200)
        at = draw.randrange(most + 1)
        to = min(len(content), at + draw.choice((0, 0, 1, 2, 4, 16, 300)))
        match draw.randrange(7):
            case 0:
                piece = draw.choice(NUMBERS)
            case 1 if target.words:
                piece = draw.choice(target.words)
            case 2:
                piece = content[at:to] * draw.choice((2, 2, 50))
            case 3:
                other = draw.choice(seeds)
                start = draw.randrange(len(other) + 1)
                piece = other[start : start + draw.randrange(1, 400)]
            case 4 if at < len(content):
                piece, to = bytes([content[at] ^ 1 << draw.randrange(8)]), at + 1
            case 5:
                piece, to = b"", len(content) if draw.random() < 0.2 else to
            case _:
                piece = draw.randbytes(to - at)
        content = content[:at] + piece + content[to:]
    return content


@dataclass
class Watch:
    """What happened while an input was read, which the interpreter tells of itself."""

    folder: Path = Path()
    active: bool = False
    broken: list[str] = field(default_factory=list)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        """Note code that is started, and files that are written outside of the folder."""
        if not self.active:
            return
        if event in (
            "os.system",
            "subprocess.Popen",
            "os.exec",
            "os.posix_spawn",
            "pickle.find_class",
            "socket.connect",
        ):
            # torch.load(weights_only=True) and NumPy go their own ways, and ask for no class by this event.
            self.broken.append(f"{event} {arguments!r:.200}")
        if event == "open" and isinstance(arguments[0], str) and isinstance(arguments[1], str):
            if set(arguments[1]) & set("wax+") and not self._inside(arguments[0]):
                self.broken.append(f"writes {arguments[0]}")
        elif event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink") and not self._inside(
            arguments[0]
        ):
            self.broken.append(f"{event} {arguments!r:.200}")

    def _inside(self, path: object) -> bool:
        allowed = (self.folder.parent, Path(os.environ.get("STRIATE_CACHE", self.folder)))
        return any(Path(str(path)).resolve().is_relative_to(each.resolve()) for each in allowed)


WATCH = Watch()
_hooked: list[bool] = []


@contextmanager
def watching(folder: Path) -> Iterator[Watch]:
    """Watch what happens; only files below the folder's parent may be written."""
    if not _hooked:  # a hook stays for ever
        sys.addaudithook(WATCH.hook)
        _hooked.append(True)
    WATCH.folder, WATCH.active, WATCH.broken = folder, True, []
    try:
        yield WATCH
    finally:
        WATCH.active = False


class HangError(BaseException):
    """Raised into whatever takes too long; no reader catches it."""


def _late(number: int, frame: FrameType | None) -> None:
    raise HangError


def tried(target: Target, content: bytes, folder: Path) -> tuple[bool, str]:
    """Whether the input was read, and what went wrong: "" for nothing, also where an error of ours was raised."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    handler = signal.signal(signal.SIGALRM, _late)
    signal.alarm(SECONDS)
    read = False
    try:
        with watching(folder) as watch, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(content, folder)
            read = True
    except (StriateError, *target.also) as error:
        if not str(error):
            return False, f"{type(error).__name__} says nothing"
    except HangError:
        return False, f"more than {SECONDS} seconds"
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if grown > MEMORY:
        return read, f"{grown / 2**20:,.0f} MiB more memory"
    return read, "; ".join(watch.broken)


def inputs(target: Target, seed: int, count: int) -> Iterator[bytes]:
    """So many inputs; the same ones for the same seed."""
    seeds = target.seeds()
    for number in range(count):
        yield mutated(target, seeds, random.Random(f"{seed} {number}"))
