"""Firefox for Playwright: Debian's own, between which and Playwright this program stands.

    python firefox.py ARGUMENTS

Playwright speaks WebDriver BiDi with Firefox, and asks at once for a media feature to be overridden, which the ESR
version cannot yet. This program starts Firefox with the arguments, passes everything on, and answers that one command
itself: the feature stays as it is.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import stat
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
NEEDS_FIREFOX = pytest.mark.skipif(FIREFOX is None, reason="there is no firefox on this machine")
UNKNOWN = ("emulation.setMediaFeaturesOverride",)
"""The commands that are answered here."""
LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


def program(folder: Path) -> Path:
    """An executable file that Playwright can start in the place of Firefox."""
    file = folder / "firefox"
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n', encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


async def stand_between(arguments: list[str]) -> int:
    """Start Firefox and pass messages on until it ends; its exit status."""
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import ServerConnection, serve

    assert FIREFOX is not None
    process = await asyncio.create_subprocess_exec(FIREFOX, *arguments, stderr=PIPE)
    assert process.stderr is not None
    place = ""

    async def pass_on(playwright: ServerConnection) -> None:
        async with connect(f"{place}/session", max_size=None, origin=None) as firefox:

            async def back() -> None:
                async for message in firefox:
                    await playwright.send(message)

            answers = asyncio.create_task(back())
            async for message in playwright:
                asked = json.loads(message)
                if asked.get("method") in UNKNOWN:
                    await playwright.send(json.dumps({"type": "success", "id": asked["id"], "result": {}}))
                else:
                    await firefox.send(message)
            answers.cancel()

    async with serve(pass_on, "127.0.0.1", 0, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        async for line in process.stderr:
            text = line.decode(errors="replace")
            if found := LISTENS.search(text):
                place = found[1]
                text = f"WebDriver BiDi listening on ws://127.0.0.1:{port}\n"
            sys.stderr.write(text)
            sys.stderr.flush()
        return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(stand_between(sys.argv[1:])))
