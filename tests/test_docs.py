"""What README and docs show on a terminal is what the command prints: every `console` block is run.

A line that begins with `$ ` is a command; what follows is its output, in which `...` stands for anything. The blocks of
one file run in order, in one folder, with `examples` beside them. Files that train are slow.
"""

import doctest
import json
import os
import re
import shlex
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.commands import Done, ended, striate
from tests.support.once import once

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").rglob("*.md"))]
KOREAN = [ROOT / "README.ko.md", *(ROOT / "docs" / "ko").rglob("*.md")]
"""Pages whose commands are those of an English page, which tests/docs/test_by_hand.py sees to."""
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def commands(page: Path) -> list[tuple[str, str]]:
    """Each command of a page with the output that the page shows."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    parts = [re.split(r"^\$ ", block, flags=re.MULTILINE)[1:] for block in blocks]
    return [tuple(part.split("\n", 1)) for block in parts for part in block]  # pyright: ignore[reportReturnType]


def pages() -> list:
    """The pages that have commands, those that train marked as slow."""
    found = []
    for page in PAGES:
        shown = commands(page)
        slow = [pytest.mark.slow] if any("striate train" in command for command, _ in shown) else []
        if shown and page not in KOREAN:
            found.append(pytest.param(page, id=str(page.relative_to(ROOT)), marks=slow))
    return found


def run(command: str, folder: Path) -> Done:
    """A line of a shell; where it is nothing but our command, it runs in this process."""
    if re.fullmatch(r"striate [^|&;<>$*?~`\\#(){}]*", command):
        return striate(*shlex.split(command)[1:], cwd=folder)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return ended(["sh", "-c", command], cwd=folder, PATH=path, COLUMNS="80")


def trained(command: str, folder: Path, factory: pytest.TempPathFactory) -> Done:
    """What the first training of several pages prints; it runs once, and each folder gets a copy of its run."""

    def train(out: Path) -> None:
        out.mkdir()
        done = run(command, out)
        (out / "said.json").write_text(json.dumps([done.returncode, done.stdout, done.stderr]), encoding="utf-8")

    kept = once(factory, re.sub(r"\W+", "-", command), train)
    shutil.copytree(kept / "runs", folder / "runs")
    return Done(command, *json.loads((kept / "said.json").read_text(encoding="utf-8")))


def first_training(page: Path) -> str:
    """The first command of a page that trains, if on images that come with Striate; "" where none does."""
    found = next((command for command, _ in commands(page) if command.startswith("striate train ")), "")
    return "" if "--data" in found else found


FIRST = Counter(first_training(page) for page in PAGES if page not in KOREAN)
"""How many pages have it."""


@pytest.mark.parametrize("page", pages())
def test_commands_print_what_the_page_shows(
    page: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for command, expected in commands(page):
        if command == first_training(page) and FIRST[command] > 1 and not (tmp_path / "runs").exists():
            done = trained(command, tmp_path, tmp_path_factory)
        else:
            done = run(command, tmp_path)
        printed = done.stdout + done.stderr
        assert doctest.OutputChecker().check_output(expected, printed, OPTIONS) or not expected.strip(), (
            f"{page.name} shows for `{command}`:\n{expected}\nbut it prints:\n{printed}"
        )


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    lost = [each for each in targets if "://" not in each and not (page.parent / each).exists()]
    assert lost == []
