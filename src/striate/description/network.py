"""A network as a value, and its plan: the layers in the order they run, with paths and shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from striate.description import checks, limits
from striate.description.calling import check_calls
from striate.description.layers import (
    Activation,
    Auxiliary,
    Block,
    Branches,
    Gate,
    Joined,
    Layer,
    Residual,
    Simple,
    Softmax,
    body,
    inside,
    kind,
)
from striate.description.shapes import Shape, joined_shape, output_shape, show
from striate.errors import ShapeError, SpecError, quote

INPUT = -1
"""The source of a step that reads the network's input."""


@dataclass(frozen=True)
class Source:
    """The source of a network: the paper, its year, the place in the paper, and each departure from it.

    Example: `Source("LeCun and others, Gradient-based learning", 1998, "section II-B")`.
    """

    paper: str
    year: int
    place: str = ""
    departures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checks.text("the paper", self.paper)
        checks.text("the place in the paper", self.place)
        checks.whole("the year of the paper", self.year, least=0, most=limits.YEAR)
        departures = checks.items(self.departures)
        if departures is None:
            raise SpecError(f"the departures are {quote(self.departures)}.", "They must be a list of texts.")
        checks.whole("the number of departures", len(departures), least=0, most=limits.DEPARTURES)
        object.__setattr__(self, "departures", tuple(checks.text("a departure", each) for each in departures))


@dataclass(frozen=True)
class Network:
    """A convolutional network: a name, an input of (channels, height, width), and layers.

    >>> from striate.description.layers import Conv, Flatten, Linear
    >>> net = Network("tiny", (1, 8, 8), [Conv(4, kernel=3), Flatten(), Linear(10)])
    >>> [step.path for step in plan(net).steps]
    ['conv1', 'flatten1', 'linear1']
    """

    name: str
    input: Shape
    layers: Sequence[Layer]
    source: Source | None = None

    def __post_init__(self) -> None:
        if self.name == "":
            raise SpecError("the network has no name.", "It must be a word, such as 'lenet5'.")
        checks.title("the network's name", self.name)
        source = cast(object, self.source)
        if source is not None and not isinstance(source, Source):
            raise SpecError(f"the source is {quote(self.source)}.", "It must be a Source, or None.")
        object.__setattr__(self, "input", input_shape(self.input))
        layers = body("Network", self.layers)
        _require_names(layers)
        object.__setattr__(self, "layers", layers)

    @property
    def probabilities(self) -> bool:
        """Whether the last layer is a softmax, so that the output is probabilities and not logits."""
        return isinstance(self.layers[-1], Softmax)


check_calls(Network)


@dataclass(frozen=True)
class Step:
    """One layer of a plan.

    `sources` are the numbers of the steps that it reads (`INPUT` is the network's input): the body and the shortcut of
    a Residual, the input and the factor of a Gate, one step per branch of Branches. `head` is the path of the Auxiliary
    that it belongs to, or "".
    """

    path: str
    layer: Simple | Joined
    sources: tuple[int, ...]
    inputs: tuple[Shape, ...]
    output: Shape
    head: str = ""


@dataclass(frozen=True)
class Plan:
    """The layers of a network in the order in which they run; `last` is the number of the step that gives the output.

    `heads` has, by the path of each auxiliary head, the weight of its loss, and `ends` the step that gives its output.
    """

    input: Shape
    steps: tuple[Step, ...]
    last: int
    heads: dict[str, float]
    ends: dict[str, int]

    @property
    def output(self) -> Shape:
        """The shape of the network's output."""
        return self.shape(self.last)

    def shape(self, step: int) -> Shape:
        """The output shape of a step, or of the input."""
        return self.input if step == INPUT else self.steps[step].output


def input_shape(shape: object) -> Shape:
    """(channels, height, width), checked."""
    sizes = checks.items(shape) or ()
    if len(sizes) != 3:
        raise SpecError(f"the input is {quote(shape)}.", "It must be (channels, height, width), such as (1, 32, 32).")
    return tuple(checks.size("an input size", size) for size in sizes)


def plan(network: Network, shape: Shape | None = None) -> Plan:
    """Every layer of `network` with its path and shapes, on its own input or on another `shape`.

    Raises ShapeError, naming the layer, where the layers do not fit.
    """
    return shaped(outline(network), network.input if shape is None else shape)


@dataclass(frozen=True)
class Node:
    """A step without its shapes."""

    path: str
    layer: Simple | Joined
    sources: tuple[int, ...]
    head: str


@dataclass(frozen=True)
class Outline:
    """A plan without its shapes, which is the same for every input."""

    nodes: tuple[Node, ...]
    last: int
    heads: dict[str, float]
    ends: dict[str, int]


def outline(network: Network) -> Outline:
    """Every layer of `network` with its path and its sources."""
    trace = _Trace([], {}, {}, "")
    last = _chain(network.layers, "", INPUT, trace)
    return Outline(tuple(trace.nodes), last, trace.heads, trace.ends)


def shaped(outlined: Outline, shape: Shape) -> Plan:
    """The plan of an outline on an input of (channels, height, width); ShapeError where the layers do not fit."""
    start = input_shape(shape)
    steps: list[Step] = []
    for node in outlined.nodes:
        inputs = tuple(start if source == INPUT else steps[source].output for source in node.sources)
        try:
            output = _output(node.layer, inputs)
        except ShapeError as error:
            raise error.at(node.path) from None
        steps.append(Step(node.path, node.layer, node.sources, inputs, output, node.head))
    return Plan(start, tuple(steps), outlined.last, outlined.heads, outlined.ends)


def _output(layer: Simple | Joined, inputs: tuple[Shape, ...]) -> Shape:
    output = joined_shape(layer, inputs) if isinstance(layer, Joined) else output_shape(layer, inputs[0])
    if len(output) == 3 and max(output) > limits.NUMBER:
        raise ShapeError(
            f"makes maps of {show(output)} of {show(inputs[0])}.",
            f"A size of a feature map may be {limits.NUMBER:,} at most.",
            limits.SEE,
        )
    return output


def names(layers: Sequence[Layer]) -> list[str]:
    """The name of each layer among its siblings: its own, or its kind and a count, such as conv2.

    >>> from striate.description.layers import Pool
    >>> names([Activation("relu"), Pool("max", kernel=2, name="S2"), Activation("relu"), Pool("max", kernel=2)])
    ['relu1', 'S2', 'relu2', 'pool2']
    """
    count: Counter[str] = Counter()
    found: list[str] = []
    for layer in layers:
        word = _word(layer)
        count[word] += 1
        found.append(layer.name or f"{word}{count[word]}")
    twice = [name for name, times in Counter(found).items() if times > 1]
    if twice:
        raise SpecError(f"two layers are called {twice[0]!r}.", "Layers side by side need names of their own.")
    return found


def branches_of(layer: Branches) -> dict[str, Block]:
    """The branches by name: their own, or branch1, branch2, ..."""
    blocks = cast("tuple[Block, ...]", layer.branches)
    return dict(zip(names(blocks), blocks, strict=True))


def _require_names(layers: Sequence[Layer]) -> None:
    """Raise SpecError where two layers side by side have the same name."""
    names(layers)
    for layer in layers:
        for part in (layer.layers, layer.shortcut) if isinstance(layer, Residual) else (inside(layer),):
            _require_names(part)


@dataclass(frozen=True)
class _Trace:
    """The nodes, heads and ends collected by the walk over one network."""

    nodes: list[Node]
    heads: dict[str, float]
    ends: dict[str, int]
    head: str

    def add(self, path: str, layer: Simple | Joined, *sources: int) -> int:
        if len(path) > limits.PATH:
            raise SpecError(
                f"the path of a layer has {len(path)} characters: {quote(path)}.",
                f"It also names files, and may have {limits.PATH} at most.",
                "Give shorter names to the blocks that the layer stands in.",
            )
        self.nodes.append(Node(path, layer, sources, self.head))
        return len(self.nodes) - 1


def _chain(layers: Sequence[Layer], prefix: str, source: int, trace: _Trace) -> int:
    for name, layer in zip(names(layers), layers, strict=True):
        source = _walk(layer, prefix + name, source, trace)
    return source


def _walk(layer: Layer, path: str, source: int, trace: _Trace) -> int:
    match layer:
        case Block():
            return _chain(layer.layers, f"{path}.", source, trace)
        case Residual():
            main = _chain(layer.layers, f"{path}.", source, trace)
            side = _chain(layer.shortcut, f"{path}.shortcut.", source, trace)
            return trace.add(path, layer, main, side)
        case Gate():
            return trace.add(path, layer, source, _chain(layer.layers, f"{path}.", source, trace))
        case Branches():
            branches = branches_of(layer)
            ends = [_chain(block.layers, f"{path}.{name}.", source, trace) for name, block in branches.items()]
            return trace.add(path, layer, *ends)
        case Auxiliary():
            trace.heads[path] = layer.weight
            trace.ends[path] = _chain(layer.layers, f"{path}.", source, replace(trace, head=path))
            return source
        case _:
            return trace.add(path, layer, source)


def _word(layer: Layer) -> str:
    return layer.function.removeprefix("scaled_") if isinstance(layer, Activation) else kind(layer)
