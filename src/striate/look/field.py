"""Receptive fields: the exact rectangle that a unit reads, and the unit's gradient by each pixel in it.

The rectangle follows from the description (`striate.accounting.unit`). The effective field is the mean absolute
gradient of the unit's output by each pixel, over all maps and several images (Luo, Li, Urtasun, Zemel, Understanding
the effective receptive field in deep convolutional neural networks, 2016).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from striate.accounting.unit import Rectangle, View, view
from striate.description.layers import Flatten, Joined, Upsample, Windowed
from striate.description.network import Network, Step
from striate.language.say import say, say_count
from striate.look.capture import output_at
from striate.look.choose import is_map, main_steps, spread
from striate.look.drawing import Drawing, Figure, number
from striate.look.pictures import image_picture
from striate.look.subject import Shown, Subject
from striate.look.tiles import extent, in_blocks, shortened
from striate.modules import Built

LAYERS = 6
IMAGES = 16
"""The number of images that the effective field is averaged over."""
SHARE = 0.95


def effective_field(model: Built, seen: View, inputs: Tensor) -> Float[Tensor, "height width"]:
    """The mean of |∂ unit / ∂ pixel| over images, channels summed; the unit's maps are added up first."""
    with torch.enable_grad():
        images = inputs.detach().requires_grad_()
        output = output_at(model, seen.path, images)
        unit = output[(..., *seen.place)] if seen.place else output
        (gradient,) = torch.autograd.grad(unit.sum(), images)
    return gradient.abs().sum(1).mean(0)


def pixels_for(field: Tensor, share: float = SHARE) -> int:
    """The number of pixels, the strongest first, that hold this share of a field."""
    strongest = field.flatten().sort(descending=True).values.cumsum(0)
    return int((strongest < share * strongest[-1]).sum()) + 1 if strongest[-1] > 0 else 0


def fields(subject: Subject, image: Shown, *, unit: str | None = None, layer: str | None = None) -> Figure:
    """The fields of the middle units of some layers, or of one `unit` such as S4:2,2, or of a `layer`'s middle."""
    network = subject.network
    units = [unit] if unit else [middle(network, step) for step in _steps(network, layer)]
    inputs = subject.some(IMAGES)
    which = unit or say("the unit in the middle of a layer")
    drawing = Drawing(say("What {unit} sees of {image}", unit=which, image=image.name))
    height, width = image.pixels.shape[2:]
    side = 136 if len(units) > 1 else 300
    factor = -(-max(height, width) // (side + 20))
    scale = max(1, side // -(-max(height, width) // factor)) / factor
    for place, name in enumerate(units):
        seen = view(network, name)
        left, top = place * (side + 24) + 1, 84
        drawing.text(left, 48, shortened(seen.path), "head")
        drawing.text(left, 64, _unit(seen), "soft")
        drawing.picture(left, top, image_picture(image.pixels[0]), width=scale * width)
        below = top + int(scale * height) + 30
        field = effective_field(subject.model, seen, inputs)
        _field(drawing, (left, below), field, factor, scale)
        _frame(drawing, (left, top), seen.clipped, scale)
        _frame(drawing, (left, below), seen.clipped, scale, look="currentColor")
        _words(drawing, left, (top, below), seen, field, scale * height)
    drawing.bar(1, int(drawing.bottom) + 18, 1.0, say("share of the strongest pixel's gradient"), signed=False)
    caption = say(
        "Above: the exact rectangle of the image that the unit reads. Below: how much it makes of each pixel, the mean "
        "over {images}; most of a large field hardly counts.",
        images=say_count(len(inputs), "image"),
    )
    return Figure("fields", drawing.title, caption, drawing.svg())


def middle(network: Network, step: Step) -> str:
    """The unit in the middle of a layer's maps, or all units of a flat one."""
    return f"{step.path}:{step.output[1] // 2},{step.output[2] // 2}" if len(step.output) == 3 else step.path


def _steps(network: Network, layer: str | None) -> list[Step]:
    steps = main_steps(network)
    if layer:
        return [step for step in steps if step.path == layer]
    kinds = (Windowed, Upsample, Joined)
    moving = [step for step in steps if is_map(step) and isinstance(step.layer, kinds)]
    return spread(moving or [step for step in steps if not isinstance(step.layer, Flatten)], LAYERS)


def _unit(seen: View) -> str:
    return say("unit {place}", place=f"{seen.place[0]},{seen.place[1]}") if seen.place else say("any unit")


def _field(drawing: Drawing, corner: tuple[int, int], field: Tensor, factor: int, scale: float) -> None:
    small = in_blocks(field, factor)
    drawing.values(*corner, small / extent(small), scale=round(scale * factor))


def _frame(
    drawing: Drawing, corner: tuple[float, float], seen: Rectangle | None, scale: float, *, look: str = "#ffd60a"
) -> None:
    if seen is None:
        return
    (height, width), (x, y) = seen.size, corner
    drawing.box(
        x + seen.columns[0] * scale,
        y + seen.rows[0] * scale,
        width * scale,
        height * scale,
        f'fill="none" stroke="{look}" stroke-width="2"',
    )


def _words(drawing: Drawing, x: float, tops: tuple[float, float], seen: View, field: Tensor, height: float) -> None:
    above, below = tops
    if seen.clipped is None:
        drawing.text(x, above + height + 16, say("sees padding only"), "small")
        return
    rows, columns = seen.clipped.size
    drawing.text(x, above + height + 16, say("{size} of the image", size=f"{rows}×{columns}"), "small")
    part = pixels_for(field) / (rows * columns)
    told = say("{share} in {part} % of it", share=f"{SHARE:.0%}", part=number(100 * part))
    drawing.text(x, below + height + 16, told, "small")
