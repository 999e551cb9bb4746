"""What is written by the command: under the names that were asked for, whole, and in lines that only say something."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from striate.errors import OutputError
from striate.files import append_line, make_folder, write_whole
from striate.look.page import default_folder
from striate.look.reading import picture_files
from striate.train.run import free_folder
from tests.support.commands import python, striate

LIMITED = (
    "import resource, sys, torch\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    "from striate.cli import main; sys.argv = ['striate', *sys.argv[1:]]; main()"
)
"""The command where no file may have more than 1,000 bytes, as on a disk that is full."""


@pytest.fixture
def stroke(tmp_path: Path) -> Path:
    Image.linear_gradient("L").crop((0, 0, 100, 256)).save(tmp_path / "stroke.png")
    return tmp_path / "stroke.png"


@pytest.mark.parametrize("name", ["../../escaped", "/etc/passwd", "a\0b", "..", "\x1b[2J"])
def test_a_networks_name_leads_nowhere(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, parent in ((free_folder(name), "runs"), (default_folder("none", SimpleNamespace(name=name)), "look")):
        assert folder.parent == Path(parent)
        assert folder.resolve().parent == tmp_path / parent


def test_a_name_that_is_taken_by_a_broken_link_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/lenet5").symlink_to("nowhere")
    assert free_folder("lenet5") == Path("runs/lenet5-2")


def test_steps_on_a_full_disk_leave_no_file_and_name_it(finished_run: Path, stroke: Path, tmp_path: Path) -> None:
    done = python(LIMITED, "predict", finished_run, stroke, "--steps", "steps", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "Error: steps/stroke-steps.png cannot be written: File too large.\n"
        "It was not written.\nGive another place to --steps.\n",
    )
    assert os.listdir(tmp_path / "steps") == []


@pytest.mark.parametrize(
    ("arguments", "file", "option"),
    [
        (("compare", "lenet5", "alexnet", "--picture", "x.svg"), "x.svg", "--picture"),
        (("look", "lenet5", "--only", "sharing", "--quiet", "--out", "out"), "out/sharing.svg", "--out"),
    ],
)
def test_other_pictures_on_a_full_disk(arguments: tuple[str, ...], file: str, option: str, tmp_path: Path) -> None:
    done = python(LIMITED, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        f"Error: {file} cannot be written: File too large.\nIt was not written.\nGive another place to {option}.\n",
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_name_does_nothing_to_the_terminal(finished_run: Path, stroke: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "a\x1b[2J\nb\udcff.png"
    os.rename(stroke, os.fsencode(hostile))
    done = striate("predict", finished_run, hostile.name, "no\x1b[2J.png", "--steps", "steps", cwd=tmp_path)
    assert done.stdout.startswith(r"a\x1b[2J\nb\udcff.png  ")
    assert done.stdout.count("\n") == 1
    assert done.stderr.startswith(r"Error: no\x1b[2J.png: no such file.")
    assert os.listdir(tmp_path / "steps") == ["a-[2J-b--steps.png"]
    done = striate("account", "le\x1b[2J\x9b2Jnet", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: no network is called ")
    done = striate("evaluate", "\x1b]0;title\x07", cwd=tmp_path)
    assert done.stderr.startswith(r"Error: \x1b]0;title\x07 does not exist.")
    done = striate("\x1b[2J", cwd=tmp_path)
    assert r"no verb is called '\x1b[2J'." in done.stderr


@pytest.mark.parametrize("name", ["seen.jpg", "seen.svgz", "seen.txt"])
def test_a_picture_of_what_was_read_has_a_suffix_that_can_be_drawn(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        picture_files(tmp_path / name, ["a.png"])
    assert str(caught.value) == (
        f"{tmp_path / name} does not end in .svg or .png.\n"
        "--picture writes a picture, as SVG or as PNG by the file's suffix.\n"
        "Name it, for example, seen.svg."
    )
    assert os.listdir(tmp_path) == []
    (tmp_path / name).mkdir()
    assert picture_files(tmp_path / name, ["a.png"]) == {"a.png": tmp_path / name / "a-read.svg"}


def test_a_page_ends_in_html(finished_run: Path, tmp_path: Path) -> None:
    done = striate("page", finished_run, "-o", "digits.png", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "Error: digits.png does not end in .html.\nA page is an HTML file.\nName it digits.html.\n",
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", r". cannot be written: Is a directory."),
        ("..", r".. cannot be written: Is a directory."),
        ("a\0b", "a\0b cannot be written: its name holds a NUL character."),
    ],
)
def test_what_can_be_no_file_is_said_without_a_traceback(name: str, text: str) -> None:
    with pytest.raises(OutputError) as caught:
        write_whole(Path(name), b"")
    assert caught.value.what == text
    if "\0" in name:
        with pytest.raises(OutputError, match="its name holds a NUL character"):
            make_folder(Path(name))


def test_a_line_after_one_that_was_cut_off_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"event": "st')
    append_line(file, "{}")
    append_line(file, "[]")
    assert file.read_text().split("\n") == ['{"event": "st', "{}", "[]", ""]
