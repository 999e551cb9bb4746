"""The figure of a line that was read."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate.data.ruled import Ruled, StripPlacement
from striate.errors import OutputError
from striate.look.reading import draw_reading, picture_files, write_reading
from striate.read import Character, Line

CLASSES = (*"0123456789", "blank")


@pytest.fixture
def line() -> Line:
    probabilities = torch.full((8, 11), 0.01)
    probabilities[:, 10] = 0.9
    probabilities[2:4, 7] = 0.95
    strip = np.zeros((32, 60), dtype=np.uint8)
    strip[6:26, 20:40] = 200
    seven = Character("7", 0.95, (10.0, 12.0, 30.0, 52.0), (2, 4))
    return Line("7", 0.93, (seven,), seven.box, Ruled(strip, StripPlacement((0, 0), (1, 0), (0, 1))), probabilities, 4)


def test_it_has_a_box_a_row_for_each_class_and_the_best_path(line: Line) -> None:
    figure = draw_reading(Image.new("RGB", (200, 80), "white"), [line], CLASSES)
    root = ElementTree.fromstring(figure.standalone())
    words = ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words.count("7") == 4  # the title, the line, the character over its columns, the name of its row
    assert set(CLASSES) <= set(words)
    assert "93.0% sure" in words
    boxes = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("stroke") == "#2171d9"]
    assert [(box.get("x"), box.get("width")) for box in boxes] == [("96.0", "80.0")]


def test_a_long_line_is_seen_whole(line: Line) -> None:
    strip = np.zeros((32, 1200), dtype=np.uint8)
    long = replace(line, ruled=replace(line.ruled, strip=strip), probabilities=line.probabilities.repeat(37, 1)[:293])
    root = ElementTree.fromstring(draw_reading(Image.new("RGB", (1200, 80), "white"), [long], CLASSES).standalone())
    right = float(root.get("viewBox", "").split()[2])
    for each in root.iter():
        if each.get("width") and each is not root:
            assert float(each.get("x", 0)) + float(each.get("width", 0)) <= right


def test_nothing_read_is_said(line: Line) -> None:
    figure = draw_reading(Image.new("L", (300, 100), 255), [], CLASSES)
    assert figure.title == "nothing was read"
    ElementTree.fromstring(figure.svg)


def test_where_figures_go(tmp_path: Path) -> None:
    assert picture_files(tmp_path / "seen.svg", ["a/b.png"]) == {"a/b.png": tmp_path / "seen.svg"}
    folder = tmp_path / "new" / "folder"
    assert picture_files(folder, ["a/b.png", "c.jpg"]) == {
        "a/b.png": folder / "b-read.svg",
        "c.jpg": folder / "c-read.svg",
    }
    assert folder.is_dir()


@pytest.mark.parametrize(
    ("target", "images", "remedy"),
    [
        ("seen.svg", ["a.png", "b.png"], "Give a folder: --picture pictures."),
        ("seen", ["a/1.png", "b/1.png"], "Rename images that have one name, or read them apart."),
    ],
)
def test_no_figure_overwrites_another(tmp_path: Path, target: str, images: list[str], remedy: str) -> None:
    with pytest.raises(OutputError) as caught:
        picture_files(tmp_path / target, images)
    assert str(caught.value).splitlines() == [
        f"{tmp_path / target} would have one file for several images.",
        "Each image has a picture of its own, named by the image's file.",
        remedy,
    ]
    assert not list(tmp_path.iterdir())


def test_a_figure_is_written_as_its_ending_says(tmp_path: Path, line: Line) -> None:
    figure = draw_reading(Image.new("L", (300, 100), 255), [line], CLASSES)
    for name in ("seen.svg", "seen.png"):
        write_reading(figure, tmp_path / name)
    ElementTree.fromstring((tmp_path / "seen.svg").read_text())
    with Image.open(tmp_path / "seen.png") as drawn:
        assert drawn.format == "PNG"
        assert drawn.width >= 960


def test_what_cannot_be_written_is_said(tmp_path: Path, line: Line) -> None:
    (tmp_path / "file").touch()
    figure = draw_reading(Image.new("L", (300, 100), 255), [line], CLASSES)
    for attempt in (
        lambda: picture_files(tmp_path / "file" / "seen.svg", ["a.png"]),
        lambda: write_reading(figure, tmp_path / "file" / "seen.svg"),
    ):
        with pytest.raises(OutputError, match="cannot be written") as caught:
            attempt()
        assert str(caught.value).splitlines()[1:] == [
            "It was not written.",
            "Give another place to --picture.",
        ]
