"""Stress as a figure: a chart for each distortion, and one distorted image with the network's answers."""

from __future__ import annotations

from striate.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Series, line_chart
from striate.look.drawing import Drawing, Figure
from striate.look.pictures import image_picture
from striate.look.stress import Stress, SweepResult
from striate.wording import counted

COLOURS = ("#2563eb", "#d97706", "#16a34a", "#a855f7")
CELL, SIDE = 46, 41
WRONG = 'stroke="#de2d26" stroke-width="2" fill="none"'


def stress_figure(found: Stress, name: str) -> Figure:
    """One row for each distortion: the error against its level at the left, an image at every level at the right."""
    drawing = Drawing(f"{name} under stress", width=960)
    top = 34.0
    for endured in found.sweeps:
        drawing.nest(0, top, WIDTH, HEIGHT, _chart(endured))
        if found.digits and endured.sweep.claim is not None:
            _mark(drawing, top, endured, endured.sweep.claim)
        _strips(drawing, top, endured, found.truth)
        top = max(top + HEIGHT, drawing.bottom) + 18
    lines = [
        f"{counted(found.images, 'image')}, distorted on the network's canvas of {found.canvas[0]}×{found.canvas[1]}.",
        f"Framed in red: what is not taken for {found.truth}.",
    ]
    if found.digits:
        lines.insert(1, "Dashed: how far the LeNet-5 paper claims that digits are recognised.")
    for place, line in enumerate(lines):
        drawing.text(1, top + 6 + 18 * place, line, "soft")
    caption = " ".join(lines)
    return Figure("stress", drawing.title, caption, drawing.svg())


def _chart(endured: SweepResult) -> str:
    sweep = endured.sweep
    series = [
        Series(direction, colour, tuple(100 * error for error in errors))
        for (direction, errors), colour in zip(endured.errors.items(), COLOURS, strict=False)
    ]
    return line_chart(
        f"Error under {sweep.name}",
        series,
        x=f"{sweep.name}, {sweep.unit.strip()}",
        unit=" %",
        start=sweep.levels[0],
        step=sweep.levels[1] - sweep.levels[0],
    )


def _mark(drawing: Drawing, top: float, endured: SweepResult, claim: float) -> None:
    """A dashed line where the paper's claim ends, with its text where there are no curves."""
    sweep = endured.sweep
    share = (claim - sweep.levels[0]) / (sweep.levels[-1] - sweep.levels[0])
    x, low, high = LEFT + share * (WIDTH - LEFT - RIGHT), top + HEIGHT - BOTTOM, top + TOP
    drawing.line((x, high, x, low), 'stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="4 4"')
    place = sweep.levels.index(claim) - 1
    steep = max(each[place] for each in endured.errors.values()) > 0.5
    words = f"paper, {sweep.claimed}" if sweep.claimed else "paper"
    drawing.text(x - 5, low - 6 if steep else high + 14, words, "small", anchor="end")


def _strips(drawing: Drawing, top: float, endured: SweepResult, truth: str) -> None:
    left = WIDTH + 62
    for place, level in enumerate(endured.sweep.levels):
        drawing.text(left + place * CELL + SIDE / 2, top + 20, f"{level:g}", "small", anchor="middle")
    for row, (direction, shown) in enumerate(endured.shown.items()):
        y = top + 27 + row * CELL
        drawing.text(left - 8, y + SIDE / 2 + 4, direction, "small", anchor="end")
        for place, (pixels, said) in enumerate(shown):
            x = left + place * CELL
            drawing.picture(x, y, image_picture(pixels), width=SIDE * min(1, pixels.shape[2] / pixels.shape[1]))
            if said != truth:
                drawing.box(x - 1, y - 1, SIDE + 2, SIDE + 2, WRONG)
