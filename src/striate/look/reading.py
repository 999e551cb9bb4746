"""The figure of a line that was read: a box around each character, and below it every column's scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from striate.data.decode import upright
from striate.description.labels import path_part
from striate.errors import OutputError
from striate.files import elsewhere, make_folder, write_whole
from striate.look.drawing import HALF, ZERO, Drawing, Figure
from striate.raster import SUFFIXES, drawn_as, require_suffix
from striate.read import Line

LEFT, RIGHT = 56, 960
"""The left and right edges of pictures; the names of the classes are at the left."""
TALLEST = 420
"""The largest height of the picture, in pixels of the figure."""
ROW = 13
"""The height of a class's row of scores."""
_BOX = 'fill="none" stroke="#2171d9" stroke-width="1.5"'
_CELL = 'fill="none" stroke="currentColor" stroke-width="1.2"'


def draw_reading(picture: Image.Image, lines: Sequence[Line], classes: Sequence[str]) -> Figure:
    """The picture with a box around each character; then each line as the network's input, with the probability of each
    of the `classes` at each column."""
    texts = ", ".join(line.text for line in lines) or "nothing was read"
    widest = max((line.ruled.strip.shape[1] for line in lines), default=0)
    drawing = Drawing(texts if len(texts) <= 80 else f"{texts[:79]}…", width=max(RIGHT, LEFT + widest))
    picture = upright(picture)
    width = min(RIGHT - LEFT, 4 * picture.width, TALLEST * picture.width / picture.height)
    scale = width / picture.width
    drawing.picture(LEFT, 48, picture, width=width, smooth=scale < 2)
    for line in lines:
        for each in line.characters:
            left, top, right, bottom = (scale * side for side in each.box)
            drawing.box(LEFT + left, 48 + top, right - left, bottom - top, _BOX)
    for line in lines:
        _columns(drawing, line, classes)
    if lines:
        drawing.bar(LEFT, int(drawing.bottom) + 18, 1.0, "probability", signed=False)
    caption = (
        "A box holds the ink that belongs to a character. Below, the line as the network saw it, and the probability "
        "of each class at each column, the redder the likelier; the cells of the best path are framed."
    )
    return Figure("reading", drawing.title, caption, drawing.svg())


def picture_files(target: Path, images: Sequence[str]) -> dict[str, Path]:
    """A file for each image's figure: `target` where it ends in .svg or .png, else one in the folder that it names.

    Raises OutputError where two images would have one file, or `target` has another suffix, and RequirementError where
    a PNG cannot be drawn.
    """
    single = target.suffix.lower() in SUFFIXES
    if target.suffix and not target.is_dir():
        require_suffix(target, option="--picture")
    files = {image: target if single else target / f"{path_part(Path(image).stem)}-read.svg" for image in images}
    if len(set(files.values())) < len(files):
        raise OutputError(
            f"{target} would have one file for several images.",
            "Each image has a picture of its own, named by the image's file.",
            "Give a folder: --picture pictures." if single else "Rename images that have one name, or read them apart.",
        )
    with elsewhere("--picture"):
        make_folder(target.parent if single else target)
    return files


def write_reading(figure: Figure, file: Path) -> None:
    """Write the figure as SVG or PNG, by the file's suffix. Raises OutputError where it cannot be written."""
    with elsewhere("--picture"):
        write_whole(file, drawn_as(file.suffix, figure.standalone()))


def _columns(drawing: Drawing, line: Line, classes: Sequence[str]) -> None:
    """Draw one line: its strip, enlarged, and under the middle of each column its scores."""
    top = int(drawing.bottom) + 30
    strip = line.ruled.strip
    count, wide = len(line.probabilities), strip.shape[1]
    scale = max(1, min(4, (RIGHT - LEFT) // wide))
    drawing.text(LEFT, top, line.text, "head")
    drawing.text(LEFT + 10 * len(line.text) + 14, top, f"{line.confidence:.1%} sure", "soft")
    pixels = Image.fromarray(strip)
    drawing.picture(LEFT, top + 12, pixels, width=wide * scale)
    named = top + 12 + 32 * scale + 16
    below = named + 8
    cell = line.step * scale
    first = LEFT + 16 * scale - cell // 2
    values = line.probabilities.T.contiguous()
    index = (ZERO + HALF * values).round().to(torch.uint8).numpy()
    drawing.paint(first, below, index.repeat(ROW, 0).repeat(cell, 1))
    drawing.box(first - 0.5, below - 0.5, count * cell + 1, len(classes) * ROW + 1)
    for number, name in enumerate(classes):
        drawing.text(LEFT - 8, below + number * ROW + 10, name, "small", anchor="end")
    for each in line.characters:
        start, end = each.columns
        row = list(classes).index(each.name)
        drawing.text(first + (start + end) / 2 * cell, named, each.name, "head", anchor="middle")
        drawing.box(first + start * cell, below + row * ROW, (end - start) * cell, ROW, _CELL)
