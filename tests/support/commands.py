"""The command, in this process or in one of its own, and Python in one of its own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from unittest.mock import patch

import torch

from striate.cli import main

Done = subprocess.CompletedProcess[str]


def striate(*arguments: object, cwd: Path | None = None, **environment: str) -> Done:
    """Run the command in this process, which costs no start of Python and PyTorch: exit code, output and errors.

    Where the border of the process is the point, as in what it imports or how it ends, take `striate_process`.
    """
    command = ["striate", *map(str, arguments)]
    out, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with (
        _set_back(),
        chdir(cwd or Path.cwd()),
        patch.dict(os.environ, {"COLUMNS": "80"} | environment),
        patch.object(sys, "argv", command),
        patch.object(sys, "stdout", out),
        patch.object(sys, "stderr", errors),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return subprocess.CompletedProcess(command, code, _text(out), _text(errors))


def striate_process(*arguments: object, cwd: Path | None = None, **environment: str) -> Done:
    """Run the command in a process of its own."""
    return _process("-m", "striate", *arguments, cwd=cwd, **environment)


def python(code: str, *arguments: object, cwd: Path | None = None, **environment: str) -> Done:
    """Run a program in a Python of its own."""
    return _process("-c", code, *arguments, cwd=cwd, **environment)


def _process(*arguments: object, cwd: Path | None, **environment: str) -> Done:
    return ended([sys.executable, *map(str, arguments)], cwd=cwd, **environment)


def ended(command: Sequence[str], *, cwd: Path | None = None, **environment: str) -> Done:
    """A process, once it has ended."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        preexec_fn=heed_interrupts,
    )


def heed_interrupts() -> None:
    """Ctrl-C is heard, even where the tests run in the background of a shell that ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@contextmanager
def _set_back() -> Iterator[None]:
    """What the command sets for its process is afterwards as before."""
    handler, hook, threads = signal.getsignal(signal.SIGINT), sys.unraisablehook, torch.get_num_threads()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        sys.unraisablehook = hook
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
