"""Every verb at every width of the page, in every encoding, and where nothing can be written."""

import codecs
import io
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.accounting.show.grid import LEAST, fitted, wrapped
from striate.cli import main, root, terminal
from tests.support.strategies import networks

SOURCE = Path(terminal.__file__).parents[1]
NAMES = st.sampled_from(sorted({"lenet1", "lenet5", "alexnet", "googlenet", "resnet18", "resnet20-cifar", "zfnet"}))
TABLES = [
    *(["show", "{}"], ["account", "{}"], ["account", "{}", "--all"], ["account", "{}", "--depth", "1"]),
    *(["account", "{}", "--memory", "--budget", "8GiB"], ["account", "{}", "--training"], ["account", "{}", "--fit"]),
    *(["account", "{}", "--as", "torchinfo"], ["account", "{}", "--versus", "lenet5-keras-table"]),
    *(["compare", "{}", "alexnet-one-tower"], ["list", "{}"], ["audit", "{}"], ["claims", "--post", "004"], ["doctor"]),
]
USUAL = ["ascii", "latin-1", "cp437", "euc-kr"]
ENCODINGS = [*USUAL, "cp1252", "cp850", "shift-jis", "utf-8"]


def printed(words: list[str], columns: object) -> str:
    found = CliRunner().invoke(root, words, env={"COLUMNS": str(columns)}, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.sampled_from(TABLES[:-3]), NAMES, st.integers(1, 200))
def test_tables_keep_within_any_width(form: list[str], name: str, columns: int) -> None:
    lines = printed([word.format(name) for word in form], columns).splitlines()
    if columns >= 40:
        assert max(map(len, lines)) <= columns


@pytest.mark.parametrize("columns", [1, 2, 5, 11, 20, 44, 50])
@pytest.mark.parametrize("form", TABLES, ids=" ".join)
def test_every_verb_ends_on_a_narrow_page(form: list[str], columns: int) -> None:
    assert printed([word.format("lenet5") for word in form], columns)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(networks(), st.integers(40, 120))
def test_any_network_is_shown_within_any_width(network, columns: int) -> None:
    from striate import to_text

    text = to_text(network, one_line=True)
    for form in (["show", text], ["account", text], ["account", text, "--memory"]):
        assert max(map(len, printed(form, columns).splitlines())) <= columns


@pytest.mark.parametrize("columns", ["0", "-5", "abc", "", str(10**9), str(10**40), "²"])
def test_columns_may_hold_anything(columns: str) -> None:
    assert "60,000" in printed(["show", "lenet5"], columns)
    assert "60,000" in printed(["account", "lenet5"], columns)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text("ab ,-", max_size=60), st.integers(-3, 60), st.integers(0, 50), st.integers(0, 50))
def test_wrapped_text_keeps_its_words(text: str, width: int, indent: int, first: int) -> None:
    lines = wrapped(text, width, " " * indent, "#" * first)
    assert all(len(line) <= max(width, LEAST) for line in lines)
    assert "".join("".join(lines).split()) == "#" * first + "".join(text.split())


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(*[st.text("ab, |", max_size=30).map(str.strip)] * 3), min_size=1), st.integers(1, 100))
def test_a_table_keeps_every_character(rows: list[tuple[str, str, str]], width: int) -> None:
    lines = fitted(rows, "<<>", width)
    letters = sorted("".join("".join(cells) for cells in rows).replace(" ", ""))
    assert sorted("".join(lines).replace(" ", "")) == letters
    narrowest = 6 + 6 + max(len(row[2]) for row in rows) + 4
    assert max(map(len, lines)) <= max(width, narrowest)


def test_text_is_wrapped_in_one_place() -> None:
    """`textwrap` never ends where the width is less than the indent; `account.grid` keeps it from that."""
    rooms = [*SOURCE.glob("accounting/**/*.py"), *SOURCE.glob("cli/**/*.py"), *SOURCE.glob("claims/*.py")]
    users = {path.name for path in rooms if "textwrap" in path.read_text(encoding="utf-8")}
    assert users == {"grid.py"}


def written(words: list[str], encoding: str) -> tuple[int, bytes]:
    """The exit code and the bytes that the command writes to a terminal of an encoding."""
    into = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["striate", *words])
        patch.setattr(sys, "stdout", io.TextIOWrapper(into, encoding=encoding, errors="strict"))
        patch.setattr(sys, "stderr", sys.stdout)
        patch.setenv("COLUMNS", "80")
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        sys.stdout.flush()
        return code, into.getvalue()


@cache
def usual(*words: str) -> str:
    """What the command prints to a terminal of UTF-8."""
    return written([*words], "utf-8")[1].decode()


@pytest.mark.parametrize("encoding", USUAL)
def test_every_verb_prints_in_any_encoding(encoding: str) -> None:
    verbs = [["show", "googlenet"], ["account", "resnet152"], ["claims", "--verdict", "wrong"], ["list"]]
    for words in [*verbs, ["account", "vgg16", "--memory"], ["account", "lenet5", "--format", "csv"], ["--help"]]:
        code, text = written(words, encoding)
        reference = usual(*words)
        assert code == 0
        assert len(text.decode(encoding).splitlines()) == len(reference.splitlines())
        escaped = re.findall(r"\\u([0-9a-f]{4})", text.decode(encoding))
        assert all("가" <= chr(int(each, 16)) <= "힣" for each in escaped), (
            "only the Korean titles have no like in ASCII"
        )
    for words in (["show", "日本語"], ["account", "1x8x8: conv 99\udcff 3x3"], ["日本語"]):
        code, text = written(words, encoding)
        assert code == 2
        assert "Error: " in text.decode(encoding)


@pytest.mark.parametrize("encoding", USUAL)
def test_json_is_the_same_in_any_encoding(encoding: str) -> None:
    commands = [["list", "--json"], ["show", "simple-cnn", "--json"], ["show", "simple-cnn", "--as", "json"]]
    commands += [["account", "simple-cnn", "--json"], ["account", "alexnet", "--fit", "--json"]]
    commands += [["compare", "lenet1", "lenet5", "--json"], ["claims", "--post", "004", "--json"]]
    for words in commands:
        code, text = written(words, encoding)
        assert code == 0
        assert json.loads(text.decode("utf-8")) == json.loads(usual(*words))


def test_tables_stay_aligned_where_characters_are_replaced() -> None:
    for words in (["account", "resnet50"], ["show", "resnet50"], ["account", "vgg16", "--as", "torchinfo"]):
        plain = written(words, "ascii")[1].decode("ascii").splitlines()
        assert list(map(len, plain)) == list(map(len, usual(*words).splitlines()))


def test_what_a_latin_1_terminal_shows() -> None:
    code, text = written(["show", "1x8x8: 3*(conv 1 3x3 same), linear 2"], "latin-1")
    assert code == 0
    assert text.decode("latin-1").splitlines()[-7:] == [
        "layer            what it is           output  parameters",
        "--------------------------------------------------------",
        "block1 ~ block3  3 × conv 1 3x3 same   1×8×8          30",
        "flatten1         flatten                  64",
        "linear1          linear 2                  2         130",
        "",
        "n × (...): n times in a row; identical blocks are shown once.",
    ]


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    line = command.replace("striate", f"{sys.executable} -m striate", 1)
    return subprocess.run(
        ["bash", "-c", line], env=os.environ | environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a system without /dev/full")
@pytest.mark.parametrize("words", ["account lenet5", "list --json", "--help"])
def test_a_full_disk_is_said_in_a_line(words: str) -> None:
    done = shell(f"striate {words} > /dev/full")
    assert (done.returncode, done.stderr) == (2, "Error: No space left on device.\n")
    assert shell(f"striate {words} > /dev/full 2> /dev/full").returncode == 2


def test_closed_streams_are_no_failure() -> None:
    for closed in (">&-", "2>&-", "<&-", ">&- 2>&- <&-"):
        assert shell(f"striate account lenet5 {closed}").returncode == 0
        done = shell(f"striate acount {closed}")
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_a_pipe_that_is_read_no_more_ends_the_command() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for words in (["show", "resnet152", "--as", "net"], ["list", "--json"]):
        command = [sys.executable, "-m", "striate", *words]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
        assert (done.returncode, done.stderr) == (141, "")
    os.close(writing)


def test_a_terminal_that_is_ascii_gets_ascii() -> None:
    done = shell("striate account lenet5", PYTHONIOENCODING="ascii", COLUMNS="80")
    assert done.stdout.isascii()
    assert "6x28x28" in done.stdout
    done = shell("striate show 日本語", PYTHONIOENCODING="ascii")
    assert done.stderr.startswith(r"Error: no network is called '\u65e5\u672c\u8a9e'.")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(), st.sampled_from(ENCODINGS))
def test_any_text_can_be_encoded(text: str, encoding: str) -> None:
    codecs.register_error(terminal.ERRORS, terminal.plain)
    assert len(text.encode(encoding, terminal.ERRORS).decode(encoding)) >= len(text)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.sampled_from(["list", "show", "cite", "account", "compare", "audit", "claims", "doctor", "completion"]),
    st.data(),
)
def test_odd_arguments_are_answered(verb: str, data: st.DataObject) -> None:
    odd = st.one_of(
        st.text(st.characters(exclude_characters="\x00"), max_size=12),
        st.sampled_from(["lenet1", "lenet5", "--json", "--as", "--input", "-h", "--", "..", "/", ".", "~", "x" * 5000]),
        st.sampled_from(["1x0x1: relu", "0x1x1:", "1x1x1: linear 0", "--input=1x1x1", "--post=", "--depth=0", "-1"]),
    )
    words = [verb, *data.draw(st.lists(odd, max_size=3))]
    assert written(words, "utf-8")[0] in (0, 2)
