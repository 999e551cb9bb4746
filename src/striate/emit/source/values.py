"""Shared by sources in Python and in Lua: numbers as text, constants, and a part described in a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from striate.description.layers import (
    Activation,
    Auxiliary,
    BatchNorm,
    Block,
    Branches,
    Dropout,
    Gate,
    LocalResponseNorm,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Softmax,
)
from striate.description.shapes import Window, show
from striate.emit.source.parts import Part, windowed
from striate.emit.source.repeats import Scope, Value
from striate.errors import SpecError

LIGHT = (Activation, BatchNorm, Dropout, LocalResponseNorm, PositionBias, Scale, Softmax)
"""Layers that stand on the line of the layer before, or have no comment of their own."""
_SIGNS = '''\
def signs(*rows):
    """+1 and -1, written + and -."""
    return [[1.0 if each == "+" else -1.0 for each in row] for row in rows]
'''


@dataclass
class Used:
    """The classes of our own that the source needs, and the constants, by name."""

    classes: set[str] = field(default_factory=set[str])
    constants: dict[str, str] = field(default_factory=dict[str, str])
    taken: frozenset[str] = field(default_factory=frozenset[str])
    """Names that a constant must not have."""

    def own(self, name: str) -> str:
        """Note that a class is needed; gives its name."""
        self.classes.add(name)
        return name

    def constant(self, name: str, source: str) -> str:
        """A constant of this content: one that is there, or a new one called like this."""
        for known, content in self.constants.items():
            if content == source:
                return known
        while name in self.constants or name in self.taken:
            name += "_"
        self.constants[name] = source
        return name


def constants_text(used: Used) -> list[str]:
    """The lines that define the constants in Python, behind the function that reads signs where one is needed."""
    signed = any(each.startswith("signs(") for each in used.constants.values())
    signs = ["", "", *_SIGNS.rstrip("\n").split("\n"), ""] if signed else []
    return [*signs, *(line for name, each in used.constants.items() for line in ["", *f"{name} = {each}".split("\n")])]


def refused(framework: str, path: str, *, what: str, expected: str, remedy: str) -> SpecError:
    """The error for a layer that a framework has no way to say."""
    return SpecError(f"{framework} has no {what}.", expected, remedy, where=path)


ODD = "It takes an odd number of adjacent maps."
"""The expectation in the refusal of a local response normalisation with an even size."""


def odd(layer: LocalResponseNorm) -> str:
    """The remedy for a response normalisation over an even number of maps."""
    return f"Give it an odd size, such as {layer.size + 1}."


def window_text(moved: Window) -> str:
    """The numbers of a window in a sentence.

    >>> from striate.description.layers import Pool
    >>> from striate.description.shapes import window
    >>> window_text(window(Pool("max", kernel=3, stride=2, padding=(1, 0, 1, 0)), (1, 5, 5)))
    'a kernel of 3×3, a stride of 2×2 and a padding of (1, 0, 1, 0)'
    """
    height, width = moved.axes
    kernel, stride = show((height.kernel, width.kernel)), show((height.stride, width.stride))
    return f"a kernel of {kernel}, a stride of {stride} and a padding of {moved.padding}"


def about(part: Part) -> str:
    """A sentence that says what a part computes."""
    layer = part.composite
    match layer:
        case Residual():
            side = "its shortcut or its input" if part.optional else "its shortcut" if part.shortcut else "its input"
            return f"The sum of its layers and {side}."
        case Gate():
            return "Its input times what its layers make of it."
        case Branches():
            return "Branches side by side, their maps concatenated."
        case Auxiliary():
            return "A head for training."
        case Block():
            return "Layers in a row."
        case _:
            assert_never(layer)


def averages(layer: Pool) -> bool:
    """Whether a pooling takes the mean of its windows; their maximum otherwise."""
    match layer.function:
        case "average":
            return True
        case "max":
            return False
        case _:
            assert_never(layer.function)


def sizes(part: Part, scope: Scope, field: str) -> Value:
    """The kernel or the stride: one number, or a pair where the axes differ."""
    if scope.has(field):
        return scope.value(field)
    height, width = windowed(part).axes
    return pair((height.kernel, width.kernel) if field == "kernel" else (height.stride, width.stride))


def pair(sizes: tuple[int, int]) -> Value:
    """(height, width), or one number where both are the same."""
    return sizes[0] if sizes[0] == sizes[1] else str(sizes)


def unless(default: int, value: Value) -> Value | None:
    """None for a value that is what a call takes anyway."""
    return None if value == default else value


def number(value: float) -> str:
    """A number as Python and Lua write it, whole ones without a fraction.

    >>> number(2.0), number(0.75), number(1e-5)
    ('2', '0.75', '1e-5')
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value)).replace("e-0", "e-")


def rows_text(rows: tuple[tuple[float, ...], ...]) -> str:
    """Rows of numbers as the lines of a tuple; of plain signs as texts of + and -."""
    if all(set(row) <= {1.0, -1.0} for row in rows) and len(rows[0]) > 1 and isinstance(rows[0][0], float):
        inner = ["    " + '"' + "".join("+" if each > 0 else "-" for each in row) + '",' for row in rows]
        return "signs(\n" + "\n".join(inner) + "\n)"
    inner = [f"    ({', '.join(map(number, row))}{',' if len(row) == 1 else ''})," for row in rows]
    return "(\n" + "\n".join(inner) + "\n)"
