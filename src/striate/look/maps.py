"""Feature maps: every layer's output for one image."""

from __future__ import annotations

import torch
from torch import Tensor

from striate.accounting.words import words
from striate.description.layers import RBF, Activation
from striate.description.network import Step
from striate.description.shapes import show
from striate.language.say import say
from striate.look.capture import capture
from striate.look.choose import find_step, is_map, seen_steps
from striate.look.drawing import Drawing, Figure, number
from striate.look.pictures import image_picture
from striate.look.subject import Shown, Subject
from striate.look.tiles import LABEL, TileRow, draw_tiles, draw_vector, extent, shortened
from striate.networks import glyphs
from striate.train.losses import class_scores
from striate.wording import percent

LEFT, RIGHT = 216, 960
FEW = 16
"""Networks of more layers have one row of maps per layer."""


def maps(subject: Subject, image: Shown, *, layer: str | None = None) -> Figure:
    """The feature maps of every layer for one image, or all maps of one `layer`; each layer on a scale of its own."""
    steps = [find_step(subject.network, layer)] if layer else seen_steps(subject.network)
    inputs = subject.preprocessing.normalise(image.pixels)
    with capture(subject.model) as outputs, torch.no_grad():
        logits = subject.model.logits(inputs)
        subject.model(inputs)
    outputs = {path: output[0] for path, output in outputs.items()}
    drawing = Drawing(say("{network} on {image}", network=layer or subject.network.name, image=image.name))
    drawing.text(0, 52, say("the image"), "head")
    drawing.text(0, 68, show(subject.network.input), "soft")
    height, width = image.pixels.shape[2:]
    drawing.picture(LEFT, 40, image_picture(image.pixels[0]), width=max(1, 112 // max(height, width)) * width)
    rows = 1000 if layer else 2 if len(steps) <= FEW else 1
    shown_all = True
    for step in steps:
        shown_all &= _layer(drawing, step, outputs[step.path], rows)
    if not layer:
        _characters(drawing, subject, outputs)
        scores = class_scores(subject.network, logits)[0]
        _answer(drawing, subject, (scores / subject.temperature).softmax(0))
    caption = say(
        "Each layer's output, on a scale of its own: red is above zero, blue below, the page's colour is zero. "
        "Grey is exactly zero, where a ReLU let nothing through."
    )
    if not shown_all:
        caption += " " + say("Of layers with many maps the first are shown; --layer PATH shows all of one.")
    name = f"maps-{layer}" if layer else "maps"
    return Figure(name, drawing.title, caption, drawing.svg())


def _layer(drawing: Drawing, step: Step, output: Tensor, rows: int) -> bool:
    """Draw one layer's row; returns whether all its maps are in it."""
    top = int(drawing.bottom) + 22
    rectified = isinstance(step.layer, Activation) and step.layer.function == "relu"
    largest = extent(output)
    drawing.line((0, top - 9, RIGHT, top - 9), 'stroke="currentColor" stroke-opacity="0.12"')
    drawing.text(0, top + 11, shortened(step.path, 27), "head")
    told = f"{words(step)} · {show(step.output)}"
    lines = [told] if len(told) <= 30 else [words(step), show(step.output)]
    for place, line in enumerate(lines):
        drawing.text(0, top + 27 + 15 * place, line, "soft")
    bar = top + 21 + 15 * len(lines)
    if rectified:
        drawing.swatch(0, bar - 3)
        share = percent((output == 0).double().mean().item(), 0)
        drawing.text(16, bar + 6, say("{share} of the values are zero", share=share), "soft")
        bar += 15
    drawing.bar(0, bar, largest, "", signed=bool((output < 0).any()))
    side = 84 if rows > 1 else 64
    place = TileRow(LEFT, RIGHT, top, side, rows)
    if not is_map(step):
        draw_vector(drawing, output.flatten(), place, largest, zeros=rectified)
        return True
    return draw_tiles(drawing, list(output), place, largest, zeros=rectified) == len(output)


def _characters(drawing: Drawing, subject: Subject, outputs: dict[str, Tensor]) -> None:
    """For RBF units whose centres are characters: their input vector as a bitmap, beside the nearest characters."""
    steps = seen_steps(subject.network)
    last = steps[-1]
    if len(steps) < 2 or not isinstance(last.layer, RBF) or last.inputs[0] != (glyphs.WIDTH * glyphs.HEIGHT,):
        return
    top = int(drawing.bottom) + 34
    nearest = int(outputs[last.path].argmin())
    code, target = outputs[steps[-2].path], torch.tensor(last.layer.centres[nearest])
    largest = extent(code)
    drawing.text(0, top + 11, say("{path} as a character", path=steps[-2].path), "head")
    drawing.text(0, top + 27, say("the code, and the nearest"), "soft")
    drawing.text(0, top + 42, say("of the characters it may be"), "soft")
    drawing.bar(0, top + 52, largest, "")
    for place, (values, name) in enumerate([(code, say("code")), (target, subject.classes[nearest])]):
        left = LEFT + place * 80
        drawing.values(left, top, values.view(glyphs.HEIGHT, glyphs.WIDTH) / largest, scale=8)
        drawing.text(left + 28, top + 96 + LABEL, name, "small", anchor="middle")
    distance = outputs[last.path][nearest].item()
    drawing.text(LEFT + 160, top + 12, say("squared distance {value}", value=number(distance)), "soft")


def _answer(drawing: Drawing, subject: Subject, probabilities: Tensor) -> None:
    top = int(drawing.bottom) + 34
    drawing.text(0, top + 11, say("the answer"), "head")
    drawing.text(0, top + 27, say("probability of each class"), "soft")
    best = probabilities.topk(min(10, len(probabilities)))
    for place, (chance, label) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
        y = top + 18 * place
        drawing.text(LEFT + 74, y + 11, subject.classes[label][:12], "label", anchor="end")
        drawing.box(LEFT + 82, y + 1, max(1.0, 300 * chance), 12, 'fill="#2563eb"')
        drawing.text(LEFT + 90 + 300 * chance, y + 11, percent(chance, 1, exact=False), "soft")
