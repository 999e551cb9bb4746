"""How one unit's value is computed: the patches it reads, its weights, and their sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never, cast

import torch
from torch import Tensor, nn

from striate.description.layers import (
    RBF,
    Activation,
    ActivationFunction,
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
from striate.description.network import INPUT, Plan, Step
from striate.description.shapes import Axis, show, window
from striate.errors import SpecError, unknown_name
from striate.look.predictor import Predictor
from striate.modules.convolution import TableConvolution

Place = tuple[int, int, int]
"""(map, row, column) of a unit; (unit, 0, 0) in a flat vector."""
Rows = list[list[float]]

TERMS = 16
"""The number of terms of a sum, the largest ones, that are written out; the others are added up."""


@dataclass(frozen=True)
class Term:
    """A term of a unit's value: the values read, row by row, their weights where there are any, and their sum."""

    label: str
    patch: Rows
    weights: Rows | None
    value: float


@dataclass(frozen=True)
class Explanation:
    """A unit's `value` as the sum of its `terms`, of `others` that are not written out, and of its `bias`.

    `formula` is the computation with its numbers.
    """

    value: float
    formula: str
    terms: tuple[Term, ...] = ()
    others: tuple[int, float] = (0, 0.0)
    bias: float | None = None


def find_step(plan: Plan, path: str) -> int:
    """The number of the step of that path that runs in prediction. Raises UnknownNameError where there is none."""
    numbers = {step.path: number for number, step in enumerate(plan.steps) if not step.head}
    if path not in numbers:
        raise unknown_name("layer", path, numbers)
    return numbers[path]


def check_place(step: Step, place: Place) -> None:
    """Raise SpecError unless a step's output has that place."""
    sizes = (*step.output, 1, 1)[:3]
    if not all(0 <= at < size for at, size in zip(place, sizes, strict=True)):
        raise SpecError(
            f"{step.path} has no unit at map {place[0]}, row {place[1]}, column {place[2]}.",
            f"Its output is {show(step.output)}, counted from 0.",
        )


@torch.inference_mode()
def explain(predictor: Predictor, outputs: dict[int, Tensor], number: int, place: Place) -> Explanation:
    """The computation of the unit's value at a place of a step; `outputs` has the step's output and those it reads."""
    step = predictor.plan.steps[number]
    check_place(step, place)
    sources = [outputs[source] for source in step.sources]
    value = float(_at(outputs[number], place))
    module = predictor.model.get_submodule(step.path)
    layer, read, maps = step.layer, sources[0], place[0]
    match layer:
        case Conv():
            return _convolution(module, step, read, place, value)
        case Pool() | Subsample():
            return _pooling(module, step, read, place, value)
        case Linear():
            weights = cast(Tensor, module.weight)[maps]
            bias = float(cast(Tensor, module.bias)[maps]) if layer.bias else None
            terms, others = _largest([_term(f"input {each}", read[each], weights[each]) for each in range(len(read))])
            return Explanation(value, _sum_text(len(read), "inputs", bias, value), terms, others, bias)
        case RBF():
            centre = cast(Tensor, module.centres)[maps]
            gaps = [
                Term(
                    f"input {each}",
                    [[float(read[each])]],
                    [[float(centre[each])]],
                    float((read[each] - centre[each]) ** 2),
                )
                for each in range(len(read))
            ]
            terms, others = _largest(gaps)
            text = f"Σ (input − centre)² over {len(read)} inputs = {_n(value)}: the smaller, the nearer"
            return Explanation(value, text, terms, others)
        case Activation():
            into = float(_at(read, place))
            formula = _FUNCTIONS[layer.function].format(a=_n(into), alpha=f"{layer.alpha or 0:g}")
            return Explanation(value, f"{formula} = {_n(value)}")
        case BatchNorm():
            mean, variance, scale, shift = (
                float(cast(Tensor, each)[maps])
                for each in (module.running_mean, module.running_var, module.weight, module.bias)
            )
            into = float(_at(read, place))
            text = f"({_n(into)} − {_n(mean)}) / √({_n(variance)} + {layer.epsilon:g}) · {_n(scale)} + {_n(shift)}"
            return Explanation(value, f"{text} = {_n(value)}")
        case LocalResponseNorm():
            into = float(_at(read, place))
            return Explanation(
                value, f"{_n(into)}, divided by what its {layer.size} neighbours add up to = {_n(value)}"
            )
        case Softmax():
            return Explanation(
                value, f"exp({_n(float(read[maps]))}), divided by the sum over all classes = {_n(value)}"
            )
        case GlobalAveragePool():
            return Explanation(value, f"the mean of the {read[0].numel()} values of map {maps} = {_n(value)}")
        case Flatten():
            if read.ndim == 1:
                return Explanation(value, f"as it is: {_n(value)}")
            size = read.shape[1] * read.shape[2]
            where = f"map {maps // size}, row {maps % size // read.shape[2]}, column {maps % read.shape[2]}"
            return Explanation(value, f"{where}, as it is: {_n(value)}")
        case PositionBias():
            bias = float(_at(cast(Tensor, module.bias), place))
            return Explanation(value, f"{_n(float(_at(read, place)))} {_signed(bias)} = {_n(value)}", bias=bias)
        case Upsample():
            return Explanation(value, f"as it is: {_n(value)}")
        case Shuffle():
            source = maps % layer.groups * (len(read) // layer.groups) + maps // layer.groups
            return Explanation(value, f"map {source}, as it is: {_n(value)}")
        case Scale():
            weight = float(cast(Tensor, module.weight)[maps])
            return Explanation(value, f"{_n(float(_at(read, place)))} · {_n(weight)} = {_n(value)}")
        case Gate():
            into, gate = float(_at(read, place)), sources[1]
            by = float(_at(gate, place)) if gate.shape == read.shape else float(gate.flatten()[maps])
            return Explanation(value, f"{_n(into)} · {_n(by)} from the gate = {_n(value)}")
        case Residual():
            main, side = (float(_at(each, place)) for each in sources)
            return Explanation(value, f"body {_n(main)} {_signed(side)} from the shortcut = {_n(value)}")
        case Branches():
            for name, each in zip(step.sources, sources, strict=True):
                if maps < len(each):
                    where = "the input" if name == INPUT else predictor.plan.steps[name].path
                    return Explanation(value, f"map {maps} of {where}, as it is: {_n(value)}")
                maps -= len(each)
            raise AssertionError(step.path)
        case Dropout():
            return Explanation(value, f"as it is: {_n(value)}; dropout works in training only")
        case PadChannels():
            zero = maps >= len(read)
            return Explanation(value, "0: a map of zeros" if zero else f"as it is: {_n(value)}")
        case _:
            assert_never(layer)


def _convolution(module: nn.Module, step: Step, read: Tensor, place: Place, value: float) -> Explanation:
    layer, (filter, row, column) = cast(Conv, step.layer), place
    moved = window(layer, step.inputs[0])
    if isinstance(module, TableConvolution):
        weights = module.dense_weight()[filter]
        seen = list(cast("tuple[tuple[int, ...], ...]", layer.table)[filter])
    else:
        weights = cast(Tensor, module.weight)[filter]
        first = filter // (layer.filters // layer.groups) * len(weights)
        seen = list(range(first, first + len(weights)))
    of = weights if len(weights) == len(seen) else weights[seen]
    patches = _patch(read[seen], moved.height, moved.width, row, column)
    terms, others = _largest([_term(f"map {each}", p, w) for each, p, w in zip(seen, patches, of, strict=True)])
    bias = float(cast(Tensor, module.bias)[filter]) if layer.bias else None
    text = _sum_text(of.numel(), "products", bias, value)
    return Explanation(value, text, terms, others, bias)


def _pooling(module: nn.Module, step: Step, read: Tensor, place: Place, value: float) -> Explanation:
    layer, (maps, row, column) = step.layer, place
    moved = window(cast(Pool, layer), step.inputs[0])
    blank = -torch.inf if isinstance(layer, Pool) and layer.function == "max" else 0.0
    patch = _patch(read[maps : maps + 1], moved.height, moved.width, row, column, blank)[0]
    inside = torch.where(patch.isfinite(), patch, 0.0)
    rows = cast(Rows, inside.tolist())
    if isinstance(layer, Subsample):
        weight, bias = (float(cast(Tensor, each)[maps]) for each in (module.weight, module.bias))
        total = float(patch.sum())
        text = f"{_n(total)} · {_n(weight)} {_signed(bias)} = {_n(value)}: the window's sum, its coefficient, its bias"
        return Explanation(value, text, (Term(f"map {maps}", rows, None, total * weight),), bias=bias)
    word = "the largest" if blank else "the mean"
    return Explanation(
        value, f"{word} of {patch.numel()} values = {_n(value)}", (Term(f"map {maps}", rows, None, value),)
    )


def _patch(maps: Tensor, height: Axis, width: Axis, row: int, column: int, blank: float = 0.0) -> Tensor:
    """The values that a window reads of some maps; `blank` where it lies in the padding."""
    out = maps.new_full((len(maps), height.kernel, width.kernel), blank)
    downs, acrosses = _places(height, row), _places(width, column)
    for at, down in downs:
        for to, across in acrosses:
            out[:, at, to] = maps[:, down, across]
    return out


def _places(axis: Axis, output: int) -> list[tuple[int, int]]:
    """(tap, position in the input) for the taps of a window that are not in the padding."""
    start = output * axis.stride - axis.before
    taps = ((tap, start + tap * axis.dilation) for tap in range(axis.kernel))
    return [(tap, place) for tap, place in taps if 0 <= place < axis.size]


def _term(label: str, patch: Tensor, weights: Tensor) -> Term:
    rows = [cast(Rows, (each if each.ndim == 2 else each.reshape(1, 1)).tolist()) for each in (patch, weights)]
    return Term(label, rows[0], rows[1], float((patch * weights).sum()))


def _largest(terms: list[Term]) -> tuple[tuple[Term, ...], tuple[int, float]]:
    """The largest terms, in their order, and the number and the sum of the others."""
    kept = sorted(sorted(range(len(terms)), key=lambda each: -abs(terms[each].value))[:TERMS])
    rest = set(range(len(terms))).difference(kept)
    return tuple(terms[each] for each in kept), (len(rest), sum(terms[each].value for each in rest))


def _at(values: Tensor, place: Place) -> Tensor:
    return values[place] if values.ndim == 3 else values[place[0]]


def _sum_text(count: int, what: str, bias: float | None, value: float) -> str:
    if bias is None:
        return f"the sum of {count} {what} = {_n(value)}"
    return f"{_n(value - bias)} {_signed(bias)} = {_n(value)}: the sum of {count} {what}, and the bias"


def _n(value: float) -> str:
    """A number as the page writes it: three decimals, with a minus sign (U+2212).

    >>> _n(-0.12345), _n(1234.5)
    ('−0.123', '1234.500')
    """
    return f"{value:.3f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'} {_n(abs(value))}"


_FUNCTIONS: dict[ActivationFunction, str] = {
    "relu": "max(0, {a})",
    "tanh": "tanh({a})",
    "scaled_tanh": "1.7159 · tanh(⅔ · {a})",
    "sigmoid": "1 / (1 + exp(−({a})))",
    "leaky_relu": "max(0, {a}) + {alpha} · min(0, {a})",
    "relu6": "min(max(0, {a}), 6)",
    "elu": "max(0, {a}) + {alpha} · (exp(min(0, {a})) − 1)",
    "silu": "{a} / (1 + exp(−({a})))",
    "gelu": "{a} · Φ({a})",
    "gelu_tanh": "{a} · Φ({a}), Φ by a tanh",
    "hard_sigmoid": "min(max(0, {a} + 3), 6) / 6",
    "hard_swish": "{a} · min(max(0, {a} + 3), 6) / 6",
}
