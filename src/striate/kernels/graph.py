"""Translates any network into a graph for the engine, or says why the engine cannot run it.

A node applies a layer to a value, or joins values. Sums, concatenations, batch normalisations and padding with maps of
zeros are all joins. Value 0 is the images; value i + 1 is the output of node i.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import assert_never

from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import INPUT, Network, Plan, Step, plan
from striate.description.simple import LEAST_EPSILON
from striate.kernels.lower import (
    IDENTITY,
    PARAMETERS,
    Lowered,
    NotLoweredError,
    as_linear,
    has_function,
    last_padded,
    lowered,
    three,
)

Three = tuple[int, int, int]


@dataclass(frozen=True)
class Norm:
    """A batch normalisation: the path of its parameters and statistics, its epsilon and its momentum."""

    path: str
    epsilon: float
    momentum: float


@dataclass(frozen=True)
class Term:
    """A value that a join adds to its channels from `first` on, normalised if it has a `norm`."""

    value: int
    channels: int
    first: int = 0
    norm: Norm | None = None


@dataclass(frozen=True)
class Join:
    """function(Σ terms); channels that no term covers are zero before the function is applied.

    With a `factor`, the number of a value of the same shape or with one number a channel, function(factor · Σ terms).
    """

    path: str
    output: Three
    terms: tuple[Term, ...]
    function: str = IDENTITY
    factor: int | None = None

    @property
    def norms(self) -> list[Norm]:
        """Its batch normalisations."""
        return [term.norm for term in self.terms if term.norm]


@dataclass(frozen=True)
class Apply:
    """A layer applied to a value; its result has the shape `output`."""

    layer: Lowered
    value: int
    output: Three

    @property
    def path(self) -> str:
        """Where the layer's parameters are."""
        return self.layer.path


Node = Join | Apply


def graph(network: Network, *, answering: bool = False) -> list[Node]:
    """The nodes of any network, in the order in which they run; a closing softmax is left out.

    For `answering` alone auxiliary heads are left out, and gates and activation functions without a derivative are
    taken. Raises NotLoweredError, naming the layer.
    """
    planned = plan(network)
    if planned.heads and not answering:
        raise NotLoweredError("it has auxiliary heads")
    nodes = _Nodes(planned, closing_softmax=network.probabilities, answering=answering)
    if not any(isinstance(node, Apply) and node.layer.kind in PARAMETERS for node in nodes.made):
        raise NotLoweredError("it has no layer with parameters")
    return _renumbered(nodes.made)


class _Nodes:
    """Builds the nodes of a plan. A node that was merged into another one is replaced by None in `made`."""

    def __init__(self, planned: Plan, *, closing_softmax: bool, answering: bool) -> None:
        self.plan, self.answering = planned, answering
        steps = [(number, step) for number, step in enumerate(planned.steps) if not step.head]
        self.times = Counter(source for _, step in steps for source in step.sources)
        self.padded = last_padded(planned)
        self.made: list[Node | None] = []
        self.values: dict[int, int] = {INPUT: 0}
        for number, step in steps:
            if not (closing_softmax and number == planned.last):
                self.values[number] = self._value(number, step)

    def _value(self, number: int, step: Step) -> int:
        """The number of a step's output value."""
        source, output = step.sources[0], three(step.output)
        match step.layer:
            case Conv() | Pool() | Subsample() | GlobalAveragePool() | LocalResponseNorm():
                made = lowered(step.layer, step.inputs[0], path=step.path)
                dense = self.times[source] == 1 and number > self.padded
                return self._apply(as_linear(made) if dense else made, source, output)
            case Linear():
                return self._apply(Lowered("linear", step.path, three(step.inputs[0]), output), source, output)
            case RBF():
                return self._apply(Lowered("radial", step.path, three(step.inputs[0]), output), source, output)
            case Dropout():
                made = Lowered("dropout", step.path, output, output, rate=step.layer.rate)
                return self._apply(made, source, output)
            case PositionBias():
                return self._apply(Lowered("position-bias", step.path, output, output), source, output)
            case Flatten():
                return self._flattened(number, step)
            case BatchNorm():
                norm = Norm(step.path, max(step.layer.epsilon, LEAST_EPSILON), step.layer.momentum)
                return self._join(step, (Term(self.values[source], output[0], norm=norm),))
            case PadChannels():
                return self._join(step, self._terms(step, 0, 0))
            case Residual():
                return self._join(step, (*self._terms(step, 0, 0), *self._terms(step, 1, 0)))
            case Branches():
                firsts = [sum(shape[0] for shape in step.inputs[:place]) for place in range(len(step.inputs))]
                terms = [term for place, first in enumerate(firsts) for term in self._terms(step, place, first)]
                return self._join(step, tuple(terms))
            case Activation():
                return self._activated(step, step.layer)
            case Gate() if self.answering:
                return self._join(step, self._terms(step, 0, 0), factor=self.values[step.sources[1]])
            case Gate() | Upsample() | Shuffle() | Scale() | Softmax():
                raise NotLoweredError(f"{step.path} is a {type(step.layer).__name__}")
            case _:
                assert_never(step.layer)

    def _add(self, node: Node) -> int:
        self.made.append(node)
        return len(self.made)

    def _apply(self, layer: Lowered, source: int, output: Three) -> int:
        return self._add(Apply(layer, self.values[source], output))

    def _join(self, step: Step, terms: tuple[Term, ...], *, factor: int | None = None) -> int:
        return self._add(Join(step.path, three(step.output), terms, factor=factor))

    def _maker(self, source: int) -> Node | None:
        """The node that makes a step's value, if only one step reads it."""
        value = self.values[source]
        return self.made[value - 1] if value and self.times[source] == 1 else None

    def _flattened(self, number: int, step: Step) -> int:
        """The value of a flatten: its input's own value where only dense layers read it, else a copy of the maps."""
        source, shape, output = step.sources[0], three(step.inputs[0]), three(step.output)
        readers = [each.layer for each in self.plan.steps if number in each.sources]
        if self.times[source] == 1 and (shape == output or all(isinstance(each, Linear | RBF) for each in readers)):
            return self.values[source]
        return self._apply(Lowered("elementwise", step.path, shape, shape), source, output)

    def _terms(self, step: Step, place: int, first: int) -> tuple[Term, ...]:
        """The terms for one source of a step: its value, or the terms of a join that only this step reads."""
        source = step.sources[place]
        maker = self._maker(source)
        if isinstance(maker, Join) and maker.function == IDENTITY and maker.factor is None:
            self.made[self.values[source] - 1] = None
            return tuple(replace(term, first=term.first + first) for term in maker.terms)
        return (Term(self.values[source], step.inputs[place][0], first),)

    def _activated(self, step: Step, layer: Activation) -> int:
        if not has_function(layer, answering=self.answering):
            raise NotLoweredError(f"{step.path} is a {layer.function}")
        source = step.sources[0]
        maker, value = self._maker(source), self.values[source]
        if isinstance(maker, Join) and maker.function == IDENTITY:
            self.made[value - 1] = replace(maker, function=layer.function)
            return value
        if isinstance(maker, Apply) and maker.layer.function == IDENTITY and maker.layer.kind != "dropout":
            self.made[value - 1] = replace(maker, layer=replace(maker.layer, function=layer.function))
            return value
        output = three(step.output)
        return self._add(Join(step.path, output, (Term(value, output[0]),), layer.function))


def _renumbered(made: list[Node | None]) -> list[Node]:
    """The nodes without the merged ones (None), reading their values by the new numbers."""
    new_numbers, nodes = {0: 0}, list[Node]()
    for value, node in enumerate(made, 1):
        match node:
            case None:
                continue
            case Apply():
                nodes.append(replace(node, value=new_numbers[node.value]))
            case Join():
                terms = tuple(replace(term, value=new_numbers[term.value]) for term in node.terms)
                factor = None if node.factor is None else new_numbers[node.factor]
                nodes.append(replace(node, terms=terms, factor=factor))
        new_numbers[value] = len(nodes)
    return nodes
