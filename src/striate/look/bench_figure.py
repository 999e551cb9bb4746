"""The filter bench as a figure: kernels for lines, edges and blur, given and learned kernels, on one picture."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from striate.data.decode import tensor_of
from striate.description.network import INPUT
from striate.errors import SpecError
from striate.language.say import say
from striate.look.bench import KERNELS, Filtered, Kernel, apply_kernel, strongest
from striate.look.choose import convolutions
from striate.look.drawing import Drawing, Figure, number
from striate.look.filters import dense_weight
from striate.look.pictures import image_picture
from striate.look.scenes import scene
from striate.look.subject import Subject
from striate.look.tiles import extent

SIDE, CELL = 224, 240
LARGEST = 112
"""The longer side of a picture on the bench, in pixels."""
LEARNED = 4
WRITTEN = 7
"""The largest side of kernels whose sums are written out."""


def bench(subject: Subject | None, picture: Image.Image | None = None, *, kernel: Kernel | None = None) -> Figure:
    """Kernels on a grey picture: those of `KERNELS`, a given one, and the first layer's own.

    Two of the sums are written out. Without a `picture` one is drawn. Raises SpecError for a kernel that is larger than
    the picture.
    """
    grey = bench_picture(picture)
    kernels = {say("typed in"): kernel} if kernel is not None else {}
    if kernel is not None and any(side > size for side, size in zip(kernel.shape, grey.shape, strict=True)):
        raise SpecError(
            f"the kernel is {kernel.shape[0]}×{kernel.shape[1]} on a picture of {grey.shape[0]}×{grey.shape[1]}.",
            "It must fit into the picture.",
        )
    own = learned(subject) if subject else {}
    given = {say(name): each for name, each in KERNELS.items()}
    kernels |= {name: each for name, each in (given | own).items() if min(grey.shape) >= max(each.shape)}
    drawing = Drawing(say("The filter bench"))
    drawing.text(1, 48, say("the picture"), "head")
    drawing.text(1, 64, say("{size}, black 0, white 1", size=f"{grey.shape[0]}×{grey.shape[1]}"), "soft")
    width = SIDE * grey.shape[1] / max(grey.shape)
    drawing.picture(1, 74, image_picture((255 * grey[None]).round().to(torch.uint8)), width=width)
    for place, (name, each) in enumerate(kernels.items(), 1):
        left, top = place % 4 * CELL + 1, 36 + place // 4 * (SIDE + 78)
        _panel(drawing, (left, top), name, each, grey)
    chosen = say("typed in") if kernel is not None else say("vertical edge (Sobel)")
    for name in [chosen, *list(own)[:1]]:
        if name in kernels and max(kernels[name].shape) <= WRITTEN:
            _written_out(drawing, name, strongest(grey, kernels[name]), grey)
    caption = say(
        "Each kernel moves over the picture; every value of its map is the sum of the products of kernel and patch, "
        "as it is written out below for the place where the map stands out most. Each map has a scale of its own."
    )
    return Figure("bench", drawing.title, caption, drawing.svg())


def bench_picture(picture: Image.Image | None) -> Tensor:
    """A picture in grey, 0 to 1, its longer side at most LARGEST pixels."""
    if picture is None:
        picture = scene((1, LARGEST, LARGEST), 3)
    picture = picture.convert("L")
    ratio = LARGEST / max(picture.size)
    if ratio < 1:
        size = (max(1, round(picture.width * ratio)), max(1, round(picture.height * ratio)))
        picture = picture.resize(size, Image.Resampling.BOX)
    return tensor_of(picture)[0].float() / 255


def learned(subject: Subject) -> dict[str, Tensor]:
    """The first kernels of the layer that reads the image, summed over the colours."""
    first = next((step for step in convolutions(subject.network) if step.sources[0] == INPUT), None)
    if first is None:
        return {}
    weight, _ = dense_weight(first, subject.model.get_submodule(first.path))
    words = "learned: {path}, filter {number}" if subject.trained else "fresh: {path}, filter {number}"
    kernels = enumerate(weight[:LEARNED])
    return {say(words, path=first.path, number=number): each.sum(0) for number, each in kernels}


def _panel(drawing: Drawing, corner: tuple[int, int], name: str, kernel: Tensor, grey: Tensor) -> None:
    left, top = corner
    made = apply_kernel(grey, kernel)
    drawing.text(left + 48, top + 12, name, "head")
    drawing.text(left + 48, top + 28, f"{kernel.shape[0]}×{kernel.shape[1]}", "soft")
    drawing.values(left, top, kernel / extent(kernel), scale=max(1, 36 // max(kernel.shape)))
    scale = max(1, SIDE // max(grey.shape))
    drawing.values(left, top + 40, made / extent(made), scale=scale)
    drawing.text(
        left, top + 40 + made.shape[0] * scale + 15, say("full colour: {value}", value=number(extent(made))), "small"
    )


def _written_out(drawing: Drawing, name: str, product: Filtered, grey: Tensor) -> None:
    top = int(drawing.bottom) + 36
    row, column = product.place
    drawing.line((0, top - 12, 960, top - 12), 'stroke="currentColor" stroke-opacity="0.12"')
    told = say("{kernel}, at row {row}, column {column}", kernel=name, row=row, column=column)
    drawing.text(1, top + 10, told, "head")
    cell = 44 if product.kernel.shape[1] <= 5 else 38
    step = product.kernel.shape[1] * cell + 34
    products = product.patch * product.kernel
    scales = (1.0, extent(product.kernel), extent(products))
    tables = zip(
        (say("patch"), say("kernel"), say("products")), (product.patch, product.kernel, products), scales, strict=True
    )
    below = top + 40
    for place, (head, values, largest) in enumerate(tables):
        left = 1 + place * step
        drawing.text(left, top + 30, head, "soft")
        drawing.values(left, below, values / largest * (0.55 if place else 0.35), scale=cell)
        for line in range(values.shape[0]):
            for across in range(values.shape[1]):
                text = number(round(values[line, across].item(), 2))
                x, y = left + (across + 0.5) * cell, below + (line + 0.5) * cell + 4
                drawing.text(x, y, text, "number", anchor="middle")
        middle = below + values.shape[0] * cell / 2 + 6
        sign = ("×", "=", "")[place]
        drawing.text(left + values.shape[1] * cell + 17, middle, sign, "title", anchor="middle")
    told = say("added up: {value}", value=number(product.value))
    drawing.text(1 + 2 * step, below + product.kernel.shape[0] * cell + 20, told, "head")
