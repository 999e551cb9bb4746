"""Filters as pictures: the first layer's as images, deeper ones as a grid of kernels with their inputs named."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from striate.accounting.words import words
from striate.description.layers import RBF, Conv, Flatten, Linear, Softmax
from striate.description.network import INPUT, Network, Step, plan
from striate.description.shapes import show
from striate.language.say import say
from striate.look.choose import convolutions, find_step, main_steps, source_name, spread
from striate.look.drawing import Drawing, Figure, number
from striate.look.pictures import colour_filter_picture
from striate.look.subject import Subject
from striate.look.tiles import TileRow, draw_tiles, extent
from striate.modules import Built
from striate.modules.convolution import TableConvolution
from striate.networks import glyphs

LAYERS = 6
"""The most convolutions whose filters are shown, evenly spread, with the first and the last."""
FILTERS, SOURCES, CENTRES = 32, 16, 11
"""The most filters and input maps in a grid of kernels."""


def filters(subject: Subject, *, layer: str | None = None) -> list[Figure]:
    """The filters of the convolutions, or of one `layer`, and the templates of layers that read pixels or codes."""
    network = subject.network
    steps = [find_step(network, layer)] if layer else spread(convolutions(network), LAYERS)
    found = [_convolution(subject.model, step) for step in steps if isinstance(step.layer, Conv)]
    if layer is None:
        main = main_steps(network)
        last = main[-1]
        found += [
            _pixels(subject.model, step, answers=all(isinstance(each.layer, Softmax) for each in main[place + 1 :]))
            for place, step in enumerate(main)
            if _reads_pixels(network, step)
        ]
        if isinstance(last.layer, RBF) and last.inputs[0] == (glyphs.WIDTH * glyphs.HEIGHT,):
            found.append(_centres(last.layer, last.path, subject.classes))
    return found


def dense_weight(step: Step, module: nn.Module) -> tuple[Tensor, Tensor]:
    """A convolution's weight, (filters, input maps, height, width), and a mask of the links that exist.

    Where a table or groups leave a link out, its kernel is zero.
    """
    layer, channels = cast(Conv, step.layer), step.inputs[0][0]
    if isinstance(module, TableConvolution):
        linked = torch.zeros(layer.filters * channels, dtype=torch.bool)
        linked[module.index.cpu()] = True
        return module.dense_weight().detach().cpu(), linked.view(layer.filters, channels)
    weight = cast(Tensor, module.weight).detach().cpu()
    each, share = channels // layer.groups, layer.filters // layer.groups
    dense = weight.new_zeros(layer.filters, channels, *weight.shape[2:])
    linked = torch.zeros(layer.filters, channels, dtype=torch.bool)
    for group in range(layer.groups):
        rows, columns = slice(group * share, (group + 1) * share), slice(group * each, (group + 1) * each)
        dense[rows, columns] = weight[rows]
        linked[rows, columns] = True
    return dense, linked


def _convolution(model: Built, step: Step) -> Figure:
    weight, linked = dense_weight(step, model.get_submodule(step.path))
    source = source_name(model.network, step)
    if weight.shape[1] in (1, 3) and step.sources[0] == INPUT:
        return _images(step, weight)
    title = say("{layer}, reading {source}", layer=f"{step.path}: {words(step)}", source=source)
    return (
        _matrix(step, title, weight[:, :, 0, 0]) if weight.shape[2:] == (1, 1) else _grid(step, title, weight, linked)
    )


def _images(step: Step, weight: Tensor) -> Figure:
    """Filters that read the image: in colour, or in red and blue."""
    drawing = Drawing(say("{layer}, reading the image", layer=f"{step.path}: {words(step)}"))
    largest = extent(weight)
    row = TileRow(0, 960, 40, 92 if len(weight) <= 40 else 66)
    if weight.shape[1] == 1:
        draw_tiles(drawing, list(weight[:, 0]), row, largest)
        drawing.bar(0, int(drawing.bottom) + 16, largest, say("weight"))
        caption = say(
            "One tile a filter: red weights are above zero, blue ones below. What looks like a filter excites it."
        )
    else:
        _colour_tiles(drawing, list(weight), row)
        caption = say(
            "One tile a filter, its three kernels as red, green and blue: grey is a weight of zero, and each filter's "
            "largest weight is full colour; the largest of all is {largest}.",
            largest=number(largest),
        )
    return Figure(f"filters-{step.path}", drawing.title, caption, drawing.svg())


def _colour_tiles(drawing: Drawing, tiles: list[Tensor], row: TileRow) -> None:
    width = max(1, row.side // tiles[0].shape[2]) * tiles[0].shape[2]
    height = width * tiles[0].shape[1] // tiles[0].shape[2]
    across = max(1, (row.right - row.left) // (width + 6))
    for place, tile in enumerate(tiles):
        left, top = row.left + place % across * (width + 6), row.top + place // across * (height + 18)
        drawing.picture(left, top, colour_filter_picture(tile), width=width)
        drawing.text(left + width / 2, top + height + 11, str(place), "small", anchor="middle")


def _grid(step: Step, title: str, weight: Tensor, linked: Tensor) -> Figure:
    """Kernels: a column for each filter, a row for each input map, as in LeNet-5's table I."""
    drawing = Drawing(title)
    side = max(weight.shape[2:])
    columns = list(range(len(weight)))[: max(1, min(FILTERS, 896 // (2 * side + 8)))]
    rows = [number for number in range(weight.shape[1]) if linked[columns, number].any()][:SOURCES]
    scale = max(2, min(44, 860 // len(columns) - 8) // side)
    cell = side * scale + 8
    largest = extent(weight)
    drawing.text(64, 46, say("filter"), "soft")
    for place, column in enumerate(columns):
        drawing.text(64 + place * cell + cell / 2, 62, str(column), "small", anchor="middle")
    for line, source in enumerate(rows):
        top = 70 + line * cell
        drawing.text(52, top + cell / 2 + 2, say("map {map}", map=source), "small", anchor="end")
        for place, column in enumerate(columns):
            left = 64 + place * cell
            if linked[column, source]:
                drawing.values(left, top, weight[column, source] / largest, scale=scale)
            else:
                drawing.box(left + cell / 2 - 3, top + cell / 2 - 3, 2, 2, 'fill="currentColor" fill-opacity="0.3"')
    drawing.bar(64, int(drawing.bottom) + 14, largest, say("weight"))
    some = []
    if len(columns) < len(weight):
        some.append(say("the first {some} of {all} filters", some=len(columns), all=len(weight)))
    if len(rows) < weight.shape[1]:
        some.append(say("{some} of {all} input maps", some=len(rows), all=weight.shape[1]))
    caption = say("A column is one filter: a kernel for each map that it reads.")
    caption += " " + say("A dot: no link.") if not linked[columns][:, rows].all() else ""
    caption += " " + say("Shown are {some}.", some=say(" and ").join(some)) if some else ""
    return Figure(f"filters-{step.path}", title, caption, drawing.svg())


def _matrix(step: Step, title: str, weight: Tensor) -> Figure:
    """Kernels of 1×1: a square for each filter and input map."""
    drawing = Drawing(title)
    shown = weight[:96, :64].T
    largest = extent(weight)
    scale = max(4, min(14, 860 // shown.shape[1]))
    across, down = shown.shape[1] - 1, len(shown) - 1
    told = say("across: filters 0 to {across}; down: input maps 0 to {down}", across=across, down=down)
    drawing.text(0, 46, told, "soft")
    drawing.values(1, 58, shown / largest, scale=scale)
    drawing.bar(0, int(drawing.bottom) + 14, largest, say("weight"))
    shape = show(tuple(weight.shape))
    caption = say("Each filter mixes the maps at one place; {shape} weights in all.", shape=shape)
    return Figure(f"filters-{step.path}", title, caption, drawing.svg())


def _reads_pixels(network: Network, step: Step) -> bool:
    """Whether a linear layer reads the image itself."""
    if not isinstance(step.layer, Linear) or step.sources[0] == INPUT or network.input[0] not in (1, 3):
        return False
    before = plan(network).steps[step.sources[0]]
    return isinstance(before.layer, Flatten) and before.sources[0] == INPUT


def _pixels(model: Built, step: Step, *, answers: bool) -> Figure:
    """Units that read the image, as templates; `answers` says whether each gives the score of a class."""
    weight = cast(Tensor, model.get_submodule(step.path).weight).detach().cpu()
    templates = weight.view(len(weight), *model.network.input)[:FILTERS]
    drawing = Drawing(say("{layer}, reading the image", layer=f"{step.path}: {words(step)}"))
    if templates.shape[1] == 1:
        largest = extent(templates)
        draw_tiles(drawing, list(templates[:, 0]), TileRow(0, 960, 40, 130), largest)
        drawing.bar(0, int(drawing.bottom) + 16, largest, say("weight"))
    else:
        _colour_tiles(drawing, list(templates), TileRow(0, 960, 40, 130))
    caption = say("One tile a unit: its weights, laid out as the image they read.")
    caption += " " + say("There is one template for each class.") if answers else ""
    if len(templates) < len(weight):
        some = say("the first {some} of {all} units", some=len(templates), all=len(weight))
        caption += " " + say("Shown are {some}.", some=some)
    return Figure(f"filters-{step.path}", drawing.title, caption, drawing.svg())


def _centres(layer: RBF, path: str, classes: tuple[str, ...]) -> Figure:
    drawing = Drawing(say("{path}: the characters that its units stand for", path=path))
    for place, centre in enumerate(layer.centres):
        left, top = 4 + place % CENTRES * 84, 40 + place // CENTRES * 140
        tile = torch.tensor(centre).view(glyphs.HEIGHT, glyphs.WIDTH)
        drawing.values(left, top, tile, scale=9)
        drawing.text(left + 31, top + 126, classes[place], "label", anchor="middle")
    drawing.bar(4, int(drawing.bottom) + 11, 1.0, say("target of the layer before"))
    caption = say(
        "Fixed, not learned: a unit gives the squared distance of the layer before it to its character, "
        "{width}×{height} values of +1 and −1.",
        width=glyphs.WIDTH,
        height=glyphs.HEIGHT,
    )
    return Figure(f"filters-{path}", drawing.title, caption, drawing.svg())
