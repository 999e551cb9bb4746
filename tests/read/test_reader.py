"""What a reader gives, and what it refuses."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.errors import DataError, RunError
from striate.read import Reader, reader_of
from striate.train import Run, open_run


@pytest.fixture
def page() -> Image.Image:
    """Three strokes on paper."""
    levels = np.full((80, 200), 250, dtype=np.uint8)
    for left in (50, 90, 130):
        levels[20:60, left : left + 5] = 10
    return Image.fromarray(levels)


def test_a_run_without_a_blank_class(finished_run: Path) -> None:
    with pytest.raises(RunError) as caught:
        reader_of(finished_run)
    assert str(caught.value).splitlines() == [
        f"{finished_run} cannot read lines: its network has no class 'blank'.",
        "A reader must be able to say that there is no character in the middle of what it sees.",
        "Train one: striate train lenet5-reader.",
    ]


def test_a_file_its_bytes_and_the_image_read_alike(untrained: Run, page: Image.Image, tmp_path: Path) -> None:
    reader = Reader(untrained)
    page.save(tmp_path / "page.png")
    content = (tmp_path / "page.png").read_bytes()
    found = [[line.to_dict() for line in reader.read(each)] for each in (page, content, tmp_path / "page.png")]
    assert found[0] == found[1] == found[2]
    assert json.loads(json.dumps(found[0])) == found[0]


def test_reading_changes_nothing(untrained: Run, page: Image.Image) -> None:
    reader = reader_of(untrained.folder)
    before = page.tobytes()
    first = [line.to_dict() for line in reader.read(page)]
    assert [line.to_dict() for line in reader.read(page)] == first
    assert page.tobytes() == before


def test_an_empty_page_has_no_lines(untrained: Run) -> None:
    assert Reader(untrained).read(Image.new("RGB", (100, 60), "white")) == ()


def test_what_is_no_picture(untrained: Run, tmp_path: Path) -> None:
    reader = Reader(untrained)
    with pytest.raises(DataError, match="not an image of a known format.\nExpected an image file.*\nSend the picture"):
        reader.read(b"no picture")
    with pytest.raises(DataError, match="none.png: no such file.\nExpected an image file.*\nCheck the path."):
        reader.read(tmp_path / "none.png")


def test_bytes_of_too_many_pixels(untrained: Run) -> None:
    out = io.BytesIO()
    Image.new("1", (8000, 8000)).save(out, "PNG")
    with pytest.raises(DataError, match="too large: 8000 × 8000 pixels, at most 50,000,000 are decoded."):
        Reader(untrained).read(out.getvalue())


def test_a_run_is_opened_by_its_folder(untrained: Run) -> None:
    assert reader_of(str(untrained.folder)).run == open_run(untrained.folder)
    assert replace(untrained, folder=untrained.folder) == reader_of(untrained).run
