"""The way to an answer: formulas with the numbers of an exercise put in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, assert_never, cast

from striate.description.axis import Axis
from striate.description.layers import Conv, Flatten, Linear, Pool
from striate.description.network import Plan
from striate.description.network import Step as Layer
from striate.description.shapes import window
from striate.exercises.topics import Topic

What = Literal["size", "height", "width", "values", "parameters", "MACs", "field", "sum"]

FORMULAS: dict[Topic, str] = {
    "size": "size = ⌊(W + 2P − F)/S⌋ + 1. A convolution gives K maps; pooling keeps the number of maps.",
    "parameters": "a convolution: K·(F·F·C + 1), with C/groups where there are groups; a linear layer: "
    "units·(values + 1). The + 1 is the bias.",
    "macs": "a convolution: height·width of its output times K·F·F·C weights; a linear layer: units·values. "
    "Biases and pooling add none.",
    "field": "field = field before + (F − 1)·jump; jump = product of the strides of the layers before. It begins at 1.",
}
"""The formula of each topic, in the letters of the page: K filters of F×F, stride S, padding P, C maps, W the size."""


@dataclass(frozen=True)
class Step:
    """One formula: of which layer, what it gives, the expression, and its value.

    >>> print(Step("conv1", "size", "⌊(32 − 5)/1⌋ + 1", 28))
    conv1 size: ⌊(32 − 5)/1⌋ + 1 = 28
    """

    path: str
    what: What
    expression: str
    value: int

    def __str__(self) -> str:
        return f"{self.hint} = {self.value:,}"

    @property
    def hint(self) -> str:
        """The step without its value."""
        return f"{self.path} {self.what}".strip() + f": {self.expression}"


def way(topic: Topic, plan: Plan) -> tuple[Step, ...]:
    """The steps to the answer; the last one gives it, of a size the last two.

    Raises ValueError for a layer that exercises do not have.
    """
    for layer in plan.steps:
        if not isinstance(layer.layer, Conv | Pool | Flatten | Linear):
            raise ValueError(f"{layer.path} is a {type(layer.layer).__name__}, which exercises do not have")
    match topic:
        case "size":
            return tuple(step for layer in plan.steps for step in _sizes(layer))
        case "field":
            return tuple(_fields(plan))
        case "parameters" | "macs":
            return tuple(_counts(topic, plan))
        case _:
            assert_never(topic)


def _sizes(layer: Layer) -> Iterator[Step]:
    if not isinstance(layer.layer, Conv | Pool):
        return
    height, width = window(layer.layer, layer.inputs[0]).axes
    both: list[tuple[What, Axis]] = [("height", height), ("width", width)]
    one: list[tuple[What, Axis]] = [("size", height)]
    for what, axis in one if height == width else both:
        padding = f" + 2·{axis.before}" if axis.before else ""
        yield Step(layer.path, what, f"⌊({axis.size}{padding} − {axis.kernel})/{axis.stride}⌋ + 1", axis.output)


def _fields(plan: Plan) -> Iterator[Step]:
    field, jump = 1, 1
    for layer in plan.steps:
        if isinstance(layer.layer, Conv | Pool):
            axis = window(layer.layer, layer.inputs[0]).height
            grown = field + (axis.kernel - 1) * jump
            yield Step(layer.path, "field", f"{field} + ({axis.kernel} − 1)·{jump}", grown)
            field, jump = grown, jump * axis.stride


def _counts(topic: Literal["parameters", "macs"], plan: Plan) -> Iterator[Step]:
    """A layer with weights is one step; before it come the sizes and the number of values that its own step needs."""
    last = max(at for at, layer in enumerate(plan.steps) if isinstance(layer.layer, Conv | Linear))
    parts: list[int] = []
    for at, layer in enumerate(plan.steps):
        maps = layer.inputs[0][0]
        if isinstance(layer.layer, Flatten):
            yield Step(layer.path, "values", "·".join(map(str, layer.inputs[0])), layer.output[0])
        elif topic == "macs" or at < last:
            yield from _sizes(layer)
        if isinstance(layer.layer, Conv | Linear):
            expression, count = _parameters(layer, maps) if topic == "parameters" else _macs(layer, maps)
            parts.append(count)
            yield Step(layer.path, "parameters" if topic == "parameters" else "MACs", expression, count)
    if len(parts) > 1:
        yield Step("", "sum", " + ".join(f"{part:,}" for part in parts), sum(parts))


def _parameters(layer: Layer, maps: int) -> tuple[str, int]:
    if isinstance(layer.layer, Linear):
        return f"{layer.layer.units}·({maps:,} + 1)", layer.layer.units * (maps + 1)
    conv = cast(Conv, layer.layer)
    weights, each = _weights(conv, maps)
    expression = f"{conv.filters}·({weights} + 1)" if conv.bias else f"{conv.filters}·{weights}"
    return expression, conv.filters * (each + int(conv.bias))


def _macs(layer: Layer, maps: int) -> tuple[str, int]:
    if isinstance(layer.layer, Linear):
        return f"{layer.layer.units}·{maps:,}", layer.layer.units * maps
    conv = cast(Conv, layer.layer)
    weights, each = _weights(conv, maps)
    _, height, width = layer.output
    return f"{height}·{width}·{conv.filters}·{weights}", height * width * conv.filters * each


def _weights(conv: Conv, maps: int) -> tuple[str, int]:
    """The weights of one filter, as an expression and as a number."""
    kernel = cast("tuple[int, int]", conv.kernel)
    shared = f"({maps}/{conv.groups})" if conv.groups > 1 else f"{maps}"
    return f"{kernel[0]}·{kernel[1]}·{shared}", kernel[0] * kernel[1] * (maps // conv.groups)
