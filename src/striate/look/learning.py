"""The animation of a training: the first layer's filters and the error on the validation images, epoch by epoch."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from striate.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from striate.language.say import say
from striate.look.drawing import HALF, ZERO, Drawing, Figure, address, coloured
from striate.look.pictures import colour_filter_picture
from striate.look.reel import reel
from striate.look.tiles import extent
from striate.train.filters import FILE, load_filters
from striate.train.run import Run

SECONDS = 0.7
"""The seconds that a frame is shown; the last one is shown three times as long."""
SIDE = 420
"""The approximate width and height of the filters, in pixels."""
_STYLE = (
    "<style>.film>g{{visibility:hidden;animation:frame {whole:.2f}s step-end infinite}}"
    ".film>.last{{visibility:visible;animation-name:last}}"
    "@keyframes frame{{0%{{visibility:visible}}{share:.4f}%{{visibility:hidden}}}}"
    "@keyframes last{{0%{{visibility:hidden}}{begin:.4f}%{{visibility:visible}}}}"
    "svg:hover .film>g{{animation-play-state:paused}}"
    "@media print,(prefers-reduced-motion:reduce){{.film>g,.film>.last{{animation:none}}}}</style>"
)
"""Without animation the last frame is shown."""


def learning(run: Run) -> list[Figure]:
    """The animation of a run; none where it is one file, has not kept its filters, or has finished no epoch."""
    if run.single:
        return []
    frames = load_filters(run.path(FILE))
    epochs = {each["epoch"]: each for each in run.events("epoch")}
    shown = {epoch: frame.float() for epoch, frame in frames.items() if epoch == 0 or epoch in epochs}
    if len(shown) < 2:
        return []
    drawing = Drawing(say("{network}: the first layer’s filters as they are learned", network=run.network.name))
    whole = SECONDS * (len(shown) + 2)
    share = 100 * SECONDS / whole
    drawing.parts.append(_STYLE.format(whole=whole, share=share, begin=100 - 3 * share))
    largest = max(extent(frame) for frame in shown.values())
    last = max(shown)
    left = SIDE + 40
    errors = {epoch: 100 * (1 - epochs[epoch]["accuracy"]) for epoch in shown if epoch}
    place = _chart(drawing, left, errors, last)
    film: list[str] = []
    said = {
        epoch: say("epoch {epoch}: {error} % errors", epoch=epoch, error=f"{errors[epoch]:.2f}")
        if epoch
        else say("epoch 0: fresh weights")
        for epoch in shown
    }
    for number, (epoch, frame) in enumerate(shown.items()):
        picture = _sheet(frame, largest)
        zoom = SIDE / max(picture.size)
        parts = [
            f'<image x="0" y="40" width="{picture.width * zoom:.1f}" height="{picture.height * zoom:.1f}" '
            f'style="image-rendering:pixelated" href="{address(picture)}"/>'
        ]
        at = f'x="{left + LEFT}" y="{40 + TOP - 10}"'
        parts.append(f'<text {at} font-size="13" font-weight="600">{said[epoch]}</text>')
        if epoch:
            x, y = place(epoch, errors[epoch])
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="#d97706"/>')
        way = 'class="last"' if epoch == last else f'style="animation-delay:{number * SECONDS:.2f}s"'
        film.append(f"<g {way}>{''.join(parts)}</g>")
        drawing.bottom = max(drawing.bottom, 40 + picture.height * zoom)
    drawing.parts.append(f'<g class="film">{"".join(film)}</g>')
    if not _in_colour(shown[last]):
        drawing.bar(0, int(drawing.bottom) + 14, largest, say("weight"))
    scale = "each filter in its own colours, grey at zero" if _in_colour(shown[last]) else "all on one scale"
    caption = say(
        "{count} frames, from the first to epoch {last}, {scale}. Choose an epoch above to stop there, or "
        "sweep over them; where the system asks for less motion, the last frame stands still.",
        count=len(shown),
        last=last,
        scale=say(scale),
    )
    return [Figure("learning", drawing.title, caption, drawing.svg(), reel(said))]


def _chart(drawing: Drawing, left: int, errors: dict[int, float], last: int):
    """Draw the axes and the line of errors; returns the function that places an epoch and an error on them."""
    top = max(errors.values()) or 1.0
    right, base = left + WIDTH - RIGHT, 40 + HEIGHT - BOTTOM
    span = max(1, last - 1)

    def place(epoch: int, error: float) -> tuple[float, float]:
        across = left + LEFT + (epoch - 1) / span * (WIDTH - LEFT - RIGHT)
        return across, base - error / top * (HEIGHT - TOP - BOTTOM)

    for share in (0, 0.5, 1):
        _, y = place(1, share * top)
        drawing.line((left + LEFT, y, right, y), 'stroke="currentColor" stroke-opacity="0.15"')
        drawing.text(left + LEFT - 8, y + 4, f"{share * top:.3g} %", "soft", anchor="end")
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*each) for each in errors.items()))
    drawing.parts.append(f'<polyline points="{points}" fill="none" stroke="#2563eb" stroke-width="2"/>')
    for epoch in sorted({1, last}):
        drawing.text(place(epoch, 0)[0], base + 18, str(epoch), "soft", anchor="middle")
    told = say("epoch; errors on the validation images")
    drawing.text((left + LEFT + right) / 2, base + 36, told, "soft", anchor="middle")
    return place


def _sheet(frame: Tensor, largest: float) -> Image.Image:
    """All filters as one picture, with one pixel per weight and one between filters."""
    if _in_colour(frame):
        return _pasted([colour_filter_picture(each) for each in frame])
    tiles = (frame.flatten(0, -3) / largest).clamp(-1, 1)
    return _pasted([coloured((ZERO + HALF * tile).round().numpy().astype(np.uint8)).convert("RGBA") for tile in tiles])


def _in_colour(frame: Tensor) -> bool:
    return frame.ndim == 4 and frame.shape[1] == 3


def _pasted(tiles: list[Image.Image]) -> Image.Image:
    across = int(torch.tensor(len(tiles)).sqrt().ceil())
    width, height = tiles[0].size
    page = Image.new("RGBA", (across * (width + 1) - 1, -(-len(tiles) // across) * (height + 1) - 1))
    for number, tile in enumerate(tiles):
        page.paste(tile, (number % across * (width + 1), number // across * (height + 1)))
    return page
