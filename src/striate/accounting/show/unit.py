"""The receptive field of one unit, as text and as JSON."""

from __future__ import annotations

from striate.accounting.show.grid import wrapped
from striate.accounting.unit import Rectangle, View
from striate.description.json import Json
from striate.description.shapes import show


def unit_text(name: str, view: View, *, width: int = 80) -> str:
    """The pixels that a unit reads, and the rectangle with the padding that its windows reach.

    >>> from striate.accounting.unit import view
    >>> from striate.networks import find
    >>> print(unit_text("lenet5", view(find("lenet5"), "S4:4,4")))
    lenet5, input 1×32×32: unit (4, 4) of S4, whose maps are 16×5×5
    reads  rows 16 to 31, columns 16 to 31 (16×16 pixels)
    """
    if view.place is None:
        unit = f"any unit of {view.path}, which gives {show(view.output)}"
    else:
        row, column = view.place
        unit = f"unit ({row}, {column}) of {view.path}, whose maps are {show(view.output)}"
    lines = [f"{name}, input {show(view.input)}: {unit}"]
    lines.append(f"reads  {_words(view.clipped)} pixels)" if view.clipped else "reads  nothing but padding")
    if view.unclipped != view.clipped:
        lines.append(f"spans  {_words(view.unclipped)}, with padding)")
    return "\n".join(part for line in lines for part in wrapped(line, width, " " * 7))


def unit_dict(name: str, view: View) -> dict[str, Json]:
    """The field as JSON; rows and columns are [first, last]."""
    return {
        "network": name,
        "input": list(view.input),
        "path": view.path,
        "unit": list(view.place) if view.place else None,
        "clipped": _dict(view.clipped) if view.clipped else None,
        "unclipped": _dict(view.unclipped),
    }


def _words(rectangle: Rectangle) -> str:
    (top, bottom), (left, right) = rectangle.rows, rectangle.columns
    return f"rows {top} to {bottom}, columns {left} to {right} ({show(rectangle.size)}"


def _dict(rectangle: Rectangle) -> dict[str, Json]:
    return {"rows": list(rectangle.rows), "columns": list(rectangle.columns), "size": list(rectangle.size)}
