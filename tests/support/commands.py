"""The command and Python, run in a process of their own, and the command in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from striate.cli import root

Done = subprocess.CompletedProcess[str]


def striate(*arguments: object, cwd: Path | None = None, **environment: str) -> Done:
    """Run the command in a process of its own."""
    return _run("-m", "striate", *arguments, cwd=cwd, **environment)


def python(code: str, *arguments: object, cwd: Path | None = None, **environment: str) -> Done:
    """Run a program in a Python of its own."""
    return _run("-c", code, *arguments, cwd=cwd, **environment)


def invoked(*arguments: object, **environment: str) -> Result:
    """Run the command in this process; a deliberate error is the result's exception."""
    return CliRunner().invoke(root, [str(each) for each in arguments], env=environment, standalone_mode=False)


def _run(*arguments: object, cwd: Path | None, **environment: str) -> Done:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True)
