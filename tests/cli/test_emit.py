"""striate emit: what it prints, the file that it writes, and what it loads."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from striate import find
from striate.cli.verbs.emit import command
from striate.description.json import from_json
from striate.description.notation.reading import from_text
from striate.emit.source import TONGUES, source
from striate.errors import OutputError, UnknownNameError
from tests.support.commands import python

MADE_BY = "striate emit lenet5 --to pytorch"


def test_it_prints_the_source() -> None:
    done = CliRunner().invoke(command, ["lenet5", "--to", "pytorch"], catch_exceptions=False)
    assert done.output == source(find("lenet5"), "pytorch", made_by=MADE_BY)
    assert "# Made by: striate emit lenet5 --to pytorch\n" in done.output


def test_it_writes_a_file_whole(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    done = CliRunner().invoke(command, ["lenet5", "--to", "pytorch", "-o", str(file)], catch_exceptions=False)
    assert done.output == ""
    assert file.read_text(encoding="utf-8") == source(find("lenet5"), "pytorch", made_by=MADE_BY)
    assert [each.name for each in tmp_path.iterdir()] == ["net.py"]


@pytest.mark.parametrize("place", ["none/net.py", "."])
def test_a_file_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    with pytest.raises(OutputError) as caught:
        CliRunner().invoke(command, ["lenet5", "--to", "json", "-o", str(tmp_path / place)], catch_exceptions=False)
    head, expected, remedy = str(caught.value).splitlines()
    assert " cannot be written" in head
    assert expected == "It was not written."
    assert remedy.endswith("to --out.")
    assert [*tmp_path.iterdir()] == []


def test_json_and_notation_are_read_back() -> None:
    network = find("googlenet")
    assert from_json(source(network, "json")) == network
    assert from_text(source(network, "notation")) == network


def test_an_unknown_tongue() -> None:
    with pytest.raises(UnknownNameError) as caught:
        source(find("lenet5"), "pytroch")
    assert str(caught.value).splitlines() == [
        "no tongue is called 'pytroch'.",
        f"The tongues are: {', '.join(sorted(TONGUES))}.",
        "Did you mean 'pytorch'?",
    ]


def made_by(given: str, tongue: str = "pytorch") -> list[str]:
    """The lines of the source's head that name a command."""
    done = CliRunner().invoke(command, ["--to", tongue, "--", given], catch_exceptions=False)
    return [line for line in done.output.splitlines() if "Made by" in line]


def test_a_network_written_out_is_named_as_it_was_given() -> None:
    given = "1x4x4: flatten, linear 2"
    assert made_by(given) == ["# Made by: striate emit '1x4x4: flatten, linear 2' --to pytorch"]
    assert made_by(given, "torch7") == ["-- Made by: striate emit '1x4x4: flatten, linear 2' --to torch7"]


def test_a_file_is_named_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("my net.net", "-x.net"):
        Path(name).write_text("1x4x4: flatten, linear 2", encoding="utf-8")
    assert made_by("my net.net") == ["# Made by: striate emit 'my net.net' --to pytorch"]
    assert made_by("-x.net") == []


@pytest.mark.parametrize("given", ["1x4x4:\nflatten, linear 2", f"1x4x4: {'relu, ' * 30}flatten, linear 2"])
def test_a_command_that_fits_no_line_is_left_out(given: str) -> None:
    assert made_by(given) == []


def test_source_that_no_command_made_names_none() -> None:
    assert "Made by" not in source(find("lenet5"), "pytorch")


def test_a_changed_network_is_none_of_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = source(find("lenet5-dense"), "notation")
    Path("same.net").write_text(text, encoding="utf-8")
    Path("changed.net").write_text(text.replace("linear 84", "linear 85"), encoding="utf-8")
    assert made_by("same.net") == ["# Made by: striate emit lenet5-dense --to pytorch"]
    assert made_by("changed.net") == ["# Made by: striate emit changed.net --to pytorch"]
    assert made_by("VGG-16") == ["# Made by: striate emit vgg-d --to pytorch"]


@pytest.mark.parametrize("tongue", [*TONGUES])
def test_no_framework_is_loaded(tongue: str) -> None:
    heavy = "[name for name in ('torch', 'numpy', 'rich', 'jaxtyping') if name in sys.modules]"
    code = f"import sys; sys.argv = ['striate', 'emit', 'lenet5-dense', '--to', {tongue!r}]; "
    code += f"from striate.cli import main; main(); print({heavy})"
    done = python(code)
    assert done.stdout.splitlines()[-1] == "[]"
