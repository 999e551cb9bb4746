"""The feature hierarchy: for units of every layer, patches found in the data and images made to excite them."""

from __future__ import annotations

from textwrap import wrap

from torch import Tensor

from striate.accounting.words import words
from striate.description.layers import BatchNorm, Conv
from striate.description.network import INPUT, Network, Step, plan
from striate.description.shapes import show
from striate.language.say import say
from striate.look.choose import find_step, is_map, main_steps, spread
from striate.look.drawing import Drawing, Figure, number
from striate.look.excitation import Peaks, imagined, middle_fields, outstanding, patches, peaks, steps_for
from striate.look.pictures import image_picture
from striate.look.subject import SMALL, Subject
from striate.look.tiles import shortened

LAYERS, UNITS, CLASSES = 5, 3, 10
LEFT, SIDE, PATCH = 150, 122, 38


def wants(subject: Subject, *, layer: str | None = None) -> list[Figure]:
    """For units of some layers, nine patches of the data and one image made for the unit; then images for classes.

    With a `layer`, nine of its maps are shown; no figure where it has none.
    """
    network = subject.network
    steps = [find_step(network, layer)] if layer else spread(feature_steps(network), LAYERS)
    steps = [step for step in steps if len(step.output) == 3]
    if layer and not steps:
        return []
    drawing = Drawing(say("What excites a unit, layer by layer"))
    found = peaks(subject, [step.path for step in steps])
    for step in steps:
        units = outstanding(found[step.path], UNITS * 3 if layer else UNITS)
        _layer(drawing, subject, step, units, found[step.path])
    if not layer:
        _classes(drawing, subject)
    caption = say(
        "For each unit, left, its nine strongest fields among {origin}, each of another image; right, an "
        "image made to excite it, cut to its field. Shown are the units that stand out most from their own average.",
        origin=subject.origin,
    )
    return [Figure("wants", drawing.title, caption, drawing.svg())]


def feature_steps(network: Network) -> list[Step]:
    """The convolutions, or the batch norms directly after them: their outputs before an activation function."""
    steps = plan(network).steps
    after = {step.sources[0]: step for step in steps if isinstance(step.layer, BatchNorm) and not step.head}
    main = {step.path for step in main_steps(network)}
    return [
        after.get(place, step)
        for place, step in enumerate(steps)
        if isinstance(step.layer, Conv) and step.path in main and ".shortcut" not in step.path
    ]


def _layer(drawing: Drawing, subject: Subject, step: Step, units: list[int], found: Peaks) -> None:
    top = drawing.bottom + 22
    drawing.line((0, top - 10, 960, top - 10), 'stroke="currentColor" stroke-opacity="0.12"')
    convolved = isinstance(step.layer, BatchNorm) and step.sources[0] != INPUT
    conv = plan(subject.network).steps[step.sources[0]] if convolved else step
    drawing.text(0, top + 12, shortened(conv.path), "head")
    lines = wrap(words(conv), 20)
    for place, line in enumerate(lines):
        drawing.text(0, top + 28 + 15 * place, line, "soft")
    for place, (unit, made) in enumerate(zip(units, middle_fields(subject, step, units), strict=True)):
        left = LEFT + place % 3 * 272
        y = top + place // 3 * (SIDE + 34)
        fields = patches(subject, step, found, unit)
        if not place:
            drawing.text(
                0, top + 28 + 15 * len(lines), say("sees {size}", size=show(tuple(fields[0].shape[1:]))), "soft"
            )
        for number_, patch in enumerate(fields):
            _patch(drawing, left + number_ % 3 * (PATCH + 4), y + number_ // 3 * (PATCH + 4), patch, PATCH)
        _patch(drawing, left + SIDE + 10, y, made, SIDE)
        strongest = number(found.values[:, unit].max().item())
        told = "map {unit}, up to {strongest}" if is_map(step) else "unit {unit}, up to {strongest}"
        drawing.text(left, y + SIDE + 14, say(told, unit=unit, strongest=strongest), "small")
        drawing.text(left + SIDE + 10, y + SIDE + 14, say("made"), "small")


def _classes(drawing: Drawing, subject: Subject) -> None:
    """One image for each of several classes; for large images, half as many classes but larger pictures."""
    large = max(subject.network.input[1:]) > SMALL
    count = min(CLASSES // 2 if large else CLASSES, plan(subject.network).output[0])
    steps = steps_for(subject.network, None, count)
    top = drawing.bottom + 22
    drawing.line((0, top - 10, 960, top - 10), 'stroke="currentColor" stroke-opacity="0.12"')
    drawing.text(0, top + 12, say("the answer"), "head")
    drawing.text(0, top + 28, say("made for a class"), "soft")
    made = imagined(subject, None, list(range(count)), steps=steps)
    side = min(SIDE if large else 76, (960 - LEFT) // count - 5)
    for place, image in enumerate(made):
        left = LEFT + place * (side + 5)
        _patch(drawing, left, top, image, side)
        drawing.text(left + side / 2, top + side + 14, subject.classes[place][:11], "small", anchor="middle")


def _patch(drawing: Drawing, x: float, y: float, pixels: Tensor, side: int) -> None:
    """Draw a patch in a square, without smoothing where it is enlarged."""
    height, width = pixels.shape[1:]
    shown = side * width / max(height, width)
    drawing.picture(x, y, image_picture(pixels), width=shown, smooth=max(height, width) > side)
