"""The console blocks of the pages of the account: each command prints what stands there."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from striate.cli import root

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def commands(page: str) -> list[tuple[str, str]]:
    """(command, what it prints) for each command of a page's console blocks."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found: list[tuple[str, str]] = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            found.append((line, output.rstrip("\n")))
    return found


@pytest.mark.parametrize(
    ("command", "printed"), [*commands("account.md"), *commands("fit.md")], ids=lambda each: each[:60]
)
def test_the_command_prints_what_the_page_shows(command: str, printed: str) -> None:
    result = CliRunner().invoke(root, shlex.split(command)[1:], env={"COLUMNS": "80"}, catch_exceptions=False)
    assert result.exit_code == 0
    if printed.startswith("...\n"):
        assert result.output.rstrip("\n").endswith(printed.removeprefix("...\n"))
    else:
        assert result.output.rstrip("\n") == printed
