"""Weight sharing and locality: a convolution's number of weights, and the numbers without sharing and locality."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10, prod

from striate.accounting.rows import account
from striate.description.layers import Conv
from striate.description.network import Network
from striate.description.shapes import show
from striate.language.say import say
from striate.look.drawing import Drawing, Figure
from striate.look.tiles import shortened

COLOURS = ("#2563eb", "#d97706", "#b91c1c")


@dataclass(frozen=True)
class Saved:
    """One convolution's weights, biases left out.

    `has`: each filter is one set of weights for all positions. `unshared`: each position has its own weights, one per
    multiplication. `dense`: each unit is linked to every value of the input.
    """

    path: str
    shapes: str
    has: int
    unshared: int
    dense: int


def saved(network: Network) -> list[Saved]:
    """The weights that sharing and locality save, for each convolution.

    >>> from striate.networks import find
    >>> first = saved(find("lenet5"))[0]
    >>> first.has, first.unshared, first.dense
    (150, 117600, 4816896)
    """
    return [
        Saved(
            row.path,
            f"{show(row.step.inputs[0])} → {show(row.step.output)}",
            row.counts.weights,
            row.counts.macs,
            prod(row.step.inputs[0]) * prod(row.step.output),
        )
        for row in account(network).rows
        if isinstance(row.step.layer, Conv) and not row.in_head
    ]


def sharing(network: Network) -> Figure:
    """The weights of every convolution, on a logarithmic scale, beside those without sharing and without locality."""
    rows = saved(network)
    total = Saved(
        say("all convolutions"), "", sum(r.has for r in rows), sum(r.unshared for r in rows), sum(r.dense for r in rows)
    )
    drawing = Drawing(say("Weights that sharing and locality save"))
    widest = log10(max(10, total.dense))
    words = (say("as it is"), say("each place with weights of its own"), say("each unit linked to everything"))
    for place, (word, colour) in enumerate(zip(words, COLOURS, strict=True)):
        drawing.box(place * 260, 36, 12, 12, f'fill="{colour}"')
        drawing.text(place * 260 + 18, 46, word)
    for row in [*rows, *([total] if len(rows) > 1 else [])]:
        top = drawing.bottom + 12
        drawing.text(0, top + 13, shortened(row.path), "head")
        drawing.text(0, top + 30, row.shapes, "soft")
        for line, (weights, colour) in enumerate(zip((row.has, row.unshared, row.dense), COLOURS, strict=True)):
            width = 480 * log10(max(1, weights)) / widest
            drawing.box(216, top + 15 * line, max(1, width), 11, f'fill="{colour}"')
            times = f"{weights:,}" if not line else f"{weights:,}  (×{weights / row.has:,.0f})"
            drawing.text(224 + width, top + 10 + 15 * line, times, "small")
    caption = say(
        "Weights without biases, on a logarithmic scale. A convolution uses one set of weights at every place "
        "(sharing) and links a unit to a small window only (locality)."
    )
    return Figure("sharing", drawing.title, caption, drawing.svg())
