"""A picture of the layers' shares of parameters, MACs and memory: one bar per measure.

Each bar is one measure of one network, from its first layer at the left to its last at the right. All bars have the
same width, and the width of a piece is the layer's share. Layers of a block are added up. Colour follows the depth:
early layers are blue, late ones orange. The picture has no background and its text has the page's colour, so that it
suits light and dark pages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import groupby

from striate.accounting.compare import MEASURES, Compared
from striate.accounting.show.grid import megabytes
from striate.description.shapes import show

WIDTH = 960
EDGE = 16
LEFT, RIGHT = 112, 152
BAR, GAP = 30, 8
TITLE, SPACE = 44, 26
LETTER = 6.6
"""The approximate width of a letter, in pixels."""

_STYLE = (
    "text{font:12px ui-sans-serif,system-ui,'Helvetica Neue',Arial,sans-serif;fill:#1f2328}"
    ".name{font-size:16px;font-weight:600}.soft{fill:#59636e}.total{font-variant-numeric:tabular-nums}"
    ".in{fill:#fff;font-size:11px}"
    "@media(prefers-color-scheme:dark){text{fill:#f0f3f6}.soft{fill:#9198a1}.in{fill:#fff}}"
)


def shares_svg(compared: Sequence[Compared]) -> str:
    """The picture as SVG: for each network its name and three bars."""
    height = len(compared) * (TITLE + len(MEASURES) * (BAR + GAP) + SPACE) + 30
    names = ", ".join(each.account.network.name for each in compared)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="Shares of parameters, MACs and memory by layer: {escape(names)}">',
        f"<style>{_STYLE}</style>",
    ]
    top = 0
    for each in compared:
        parts += _network(each, top)
        top += TITLE + len(MEASURES) * (BAR + GAP) + SPACE
    parts.append(_legend(top))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _network(each: Compared, top: int) -> list[str]:
    account = each.account
    name = escape(account.network.name)
    parts = [
        f'<text x="{EDGE}" y="{top + 26}" class="name">{name}</text>',
        f'<text x="{WIDTH - EDGE}" y="{top + 26}" text-anchor="end" class="soft">input {show(account.input)}</text>',
    ]
    groups = _groups([row.path for row in account.rows if not row.in_head])
    for number, measure in enumerate(MEASURES):
        y = top + TITLE + number * (BAR + GAP)
        middle = y + BAR / 2 + 4
        parts.append(f'<text x="{EDGE}" y="{middle:g}" class="soft">{measure}</text>')
        parts += _bar(each, measure, groups, y)
        total = (
            f'<text x="{WIDTH - EDGE}" y="{middle:g}" text-anchor="end" class="total">{_total(each, measure)}</text>'
        )
        parts.append(total)
    return parts


def _bar(each: Compared, measure: str, groups: list[str], y: int) -> list[str]:
    total, width = each.totals[measure], WIDTH - LEFT - RIGHT
    amounts = dict.fromkeys(groups, 0)
    for share in each.shares[measure]:
        group = share.path.split(".")[0]
        if group in amounts:
            amounts[group] += share.amount
    parts: list[str] = []
    x = float(LEFT)
    for number, (group, amount) in enumerate(amounts.items()):
        if not amount:
            continue
        size = width * amount / total
        percent = f"{100 * amount / total:.1f} %"
        colour = _colour(number / max(1, len(groups) - 1))
        gap = 1 if size > 3 else 0
        parts.append(
            f'<rect x="{x:.2f}" y="{y}" width="{max(size - gap, 0.2):.2f}" height="{BAR}" rx="2" fill="{colour}">'
            f"<title>{escape(group)}: {amount:,} ({percent})</title></rect>"
        )
        parts += _label(group, percent, x, size, y)
        x += size
    return parts


def _label(group: str, percent: str, x: float, size: float, y: int) -> list[str]:
    """The name and the share in a piece, as far as there is room."""
    for text in (f"{group} {percent}", group):
        if len(text) * LETTER < size - 8:
            return [f'<text x="{x + 6:.2f}" y="{y + BAR / 2 + 4:g}" class="in">{escape(text)}</text>']
    return []


def _total(each: Compared, measure: str) -> str:
    amount = each.totals[measure]
    return f"{megabytes(amount, 10**7)[0]} MB" if measure == "memory" else f"{amount:,}"


def _legend(top: int) -> str:
    note = "first layers blue, last layers orange · memory: kept for the backward pass"
    return f'<text x="{LEFT}" y="{top + 8}" class="soft">{note}</text>'


def _groups(paths: Sequence[str]) -> list[str]:
    return [name for name, _ in groupby(path.split(".")[0] for path in paths)]


def _colour(depth: float) -> str:
    """A colour of even lightness from blue (depth 0) by violet to orange (depth 1), worked out in OKLCH.

    The matrices are those of B. Ottosson, A perceptual color space for image processing, 2020.
    """
    lightness, chroma, hue = 0.575, 0.135, math.radians(252 + 158 * depth)
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{_byte(each):02x}" for each in linear)


def _byte(linear: float) -> int:
    value = min(1.0, max(0.0, linear))
    return round(255 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055))
