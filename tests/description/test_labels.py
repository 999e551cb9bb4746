"""Whatever a name is, it is one component of a path and one line of a terminal."""

import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.description.labels import is_one_line, lines, one_line, path_part
from striate.networks import NETWORKS

HOSTILE = ["../../escaped", "/etc/passwd", "C:\\Windows", "..", ".", "", "a\0b", "\x1b[2J", "nul.txt", "x" * 5000,
           "ü" * 5000, "\ud800", "\u202egnp.exe", "  . ", "a/../b", "a\nb", ".hidden", "~root"]  # fmt: skip


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text() | st.text(alphabet="./\\\0\n:~a ", max_size=12) | st.sampled_from(HOSTILE))
def test_a_name_is_one_component_of_a_path(name: str) -> None:
    part = path_part(name)
    assert PurePosixPath("runs", part).parts == ("runs", part)
    assert PureWindowsPath("runs", part).parts == ("runs", part)
    assert not part.startswith(".")
    assert part == part.strip(" .")
    assert 0 < len(part.encode()) <= 121
    assert is_one_line(part)
    assert path_part(part) == part


@pytest.mark.parametrize("name", [*NETWORKS, "my photos", "Ziffern-für-Łódź", "手書き", "v1.2_final"])
def test_a_usual_name_stays_as_it_is(name: str) -> None:
    assert path_part(name) == name == one_line(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_of_that_name_can_be_made(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{path_part(name)}-steps.png"
    file.write_bytes(b"")
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text() | st.text(alphabet="\x00\x07\x1b\x7f\x9b\n\r\t\u2028\u202e\ud800[2Ja", max_size=12))
def test_no_letter_of_a_line_does_more_than_stand_there(text: str) -> None:
    shown = one_line(text)
    assert all(unicodedata.category(each) not in ("Cc", "Cs", "Zl", "Zp") for each in shown)
    assert "\u202e" not in shown
    shown.encode()
    assert one_line(shown) == shown
    assert len(shown) >= len(text)
    assert lines(text).count("\n") == text.count("\n")
