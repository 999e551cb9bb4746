"""Draw what excites the units of a trained network, layer by layer, without a picture of the data it learned from.

    python examples/made_images.py RUN FILE.png

A row for each of five convolutions: images made for the nine maps that stand out most, cut to the field that a unit
sees. The last row is made for the classes. `striate look RUN --only wants` shows them beside patches of the data.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from striate.look.choose import spread
from striate.look.excitation import imagined, middle_fields, outstanding, peaks, steps_for
from striate.look.excitation_figure import feature_steps
from striate.look.subject import subject

SIDE, GAP, LABEL, UNITS, LAYERS = 76, 6, 110, 9, 5


def main() -> None:
    """Draw it."""
    if len(sys.argv) != 3:
        sys.exit("Usage: python examples/made_images.py RUN FILE.png")
    given = subject(Path(sys.argv[1]))
    steps = spread(feature_steps(given.network), LAYERS)
    found = peaks(given, [step.path for step in steps])
    rows = [(step.path, middle_fields(given, step, outstanding(found[step.path], UNITS))) for step in steps]
    classes = list(range(min(UNITS + 1, len(given.classes))))
    made = imagined(given, None, classes, steps=steps_for(given.network, None, len(classes)))
    rows.append(("the answer", list(made)))
    page = Image.new("RGB", (LABEL + (UNITS + 1) * (SIDE + GAP), len(rows) * (SIDE + GAP) + 22), "white")
    draw = ImageDraw.Draw(page)
    for row, (words, images) in enumerate(rows):
        top = GAP + row * (SIDE + GAP)
        draw.text((GAP, top + SIDE // 2 - 8), words, fill="black", font_size=13)
        for column, pixels in enumerate(images):
            levels = pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().to(torch.uint8)
            picture = Image.fromarray(levels.numpy()).resize((SIDE, SIDE), Image.Resampling.NEAREST)
            page.paste(picture, (LABEL + column * (SIDE + GAP), top))
    for column in classes:
        place = (LABEL + column * (SIDE + GAP) + SIDE // 2, len(rows) * (SIDE + GAP) + 4)
        draw.text(place, given.classes[column], fill="black", font_size=11, anchor="ma")
    page.quantize(128).save(sys.argv[2], optimize=True)


if __name__ == "__main__":
    main()
