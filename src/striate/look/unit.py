"""How one unit's value is computed: the patches it reads, its weights, and their sum."""

from __future__ import annotations

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
from striate.description.shapes import show, window
from striate.errors import SpecError, unknown_name
from striate.look.predictor import Predictor
from striate.look.unit_terms import (
    Explanation,
    Place,
    Rows,
    Term,
    counted,
    largest,
    patch_of,
    signed,
    sum_text,
    term_of,
    text_of,
    value_at,
)
from striate.modules import on_cpu
from striate.modules.convolution import TableConvolution


def step_number(plan: Plan, path: str) -> int:
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
    value = float(value_at(outputs[number], place))
    module = on_cpu(predictor.model.get_submodule(step.path))
    layer, read, maps = step.layer, sources[0], place[0]
    match layer:
        case Conv():
            return _convolution(module, step, read, place, value)
        case Pool() | Subsample():
            return _pooling(module, step, read, place, value)
        case Linear():
            weights = cast(Tensor, module.weight)[maps]
            bias = float(cast(Tensor, module.bias)[maps]) if layer.bias else None
            terms, others = largest([term_of(f"input {each}", read[each], weights[each]) for each in range(len(read))])
            return Explanation(value, sum_text(len(read), "inputs", bias, value), terms, others, bias)
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
            terms, others = largest(gaps)
            text = f"Σ (input − centre)² over {len(read)} inputs = {text_of(value)}: the smaller, the nearer"
            return Explanation(value, text, terms, others)
        case Activation():
            into = float(value_at(read, place))
            formula = _FUNCTIONS[layer.function].format(a=text_of(into), alpha=f"{layer.alpha or 0:g}")
            return Explanation(value, f"{formula} = {text_of(value)}")
        case BatchNorm():
            mean, variance, scale, shift = (
                float(cast(Tensor, each)[maps])
                for each in (module.running_mean, module.running_var, module.weight, module.bias)
            )
            into = float(value_at(read, place))
            deviation = f"√({text_of(variance)} + {layer.epsilon:g})"
            text = f"({text_of(into)} − {text_of(mean)}) / {deviation} · {text_of(scale)} + {text_of(shift)}"
            return Explanation(value, f"{text} = {text_of(value)}")
        case LocalResponseNorm():
            into = float(value_at(read, place))
            return Explanation(value, f"{text_of(into)}, normalised over {layer.size} maps = {text_of(value)}")
        case Softmax():
            return Explanation(
                value, f"exp({text_of(float(read[maps]))}), divided by the sum over all classes = {text_of(value)}"
            )
        case GlobalAveragePool():
            return Explanation(value, f"the mean of the {read[0].numel()} values of map {maps} = {text_of(value)}")
        case Flatten():
            if read.ndim == 1:
                return Explanation(value, f"unchanged: {text_of(value)}")
            size = read.shape[1] * read.shape[2]
            where = f"map {maps // size}, row {maps % size // read.shape[2]}, column {maps % read.shape[2]}"
            return Explanation(value, f"{where}, unchanged: {text_of(value)}")
        case PositionBias():
            bias = float(value_at(cast(Tensor, module.bias), place))
            return Explanation(
                value, f"{text_of(float(value_at(read, place)))} {signed(bias)} = {text_of(value)}", bias=bias
            )
        case Upsample():
            return Explanation(value, f"unchanged: {text_of(value)}")
        case Shuffle():
            source = maps % layer.groups * (len(read) // layer.groups) + maps // layer.groups
            return Explanation(value, f"map {source}, unchanged: {text_of(value)}")
        case Scale():
            weight = float(cast(Tensor, module.weight)[maps])
            return Explanation(value, f"{text_of(float(value_at(read, place)))} · {text_of(weight)} = {text_of(value)}")
        case Gate():
            into, gate = float(value_at(read, place)), sources[1]
            by = float(value_at(gate, place)) if gate.shape == read.shape else float(gate.flatten()[maps])
            return Explanation(value, f"{text_of(into)} · {text_of(by)} from the gate = {text_of(value)}")
        case Residual():
            main, side = (float(value_at(each, place)) for each in sources)
            return Explanation(value, f"body {text_of(main)} {signed(side)} from the shortcut = {text_of(value)}")
        case Branches():
            for name, each in zip(step.sources, sources, strict=True):
                if maps < len(each):
                    where = "the input" if name == INPUT else predictor.plan.steps[name].path
                    return Explanation(value, f"map {maps} of {where}, unchanged: {text_of(value)}")
                maps -= len(each)
            raise AssertionError(step.path)
        case Dropout():
            return Explanation(value, f"unchanged: {text_of(value)}; dropout works in training only")
        case PadChannels():
            zero = maps >= len(read)
            return Explanation(value, "0: a map of zeros" if zero else f"unchanged: {text_of(value)}")
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
    patches = patch_of(read[seen], moved.height, moved.width, row, column)
    terms, others = largest([term_of(f"map {each}", p, w) for each, p, w in zip(seen, patches, of, strict=True)])
    bias = float(cast(Tensor, module.bias)[filter]) if layer.bias else None
    text = sum_text(of.numel(), "products", bias, value)
    return Explanation(value, text, terms, others, bias)


def _pooling(module: nn.Module, step: Step, read: Tensor, place: Place, value: float) -> Explanation:
    layer, (maps, row, column) = step.layer, place
    moved = window(cast(Pool, layer), step.inputs[0])
    blank = -torch.inf if isinstance(layer, Pool) and layer.function == "max" else 0.0
    patch = patch_of(read[maps : maps + 1], moved.height, moved.width, row, column, blank)[0]
    inside = torch.where(patch.isfinite(), patch, 0.0)
    rows = cast(Rows, inside.tolist())
    if isinstance(layer, Subsample):
        weight, bias = (float(cast(Tensor, each)[maps]) for each in (module.weight, module.bias))
        total = float(patch.sum())
        numbers = f"{text_of(total)} · {text_of(weight)} {signed(bias)} = {text_of(value)}"
        text = f"{numbers}: the window's sum, its coefficient, its bias"
        return Explanation(value, text, (Term(f"map {maps}", rows, None, total * weight),), bias=bias)
    padding = isinstance(layer, Pool) and layer.function == "average" and layer.count_padding
    count = counted(moved.height, row, padding=padding) * counted(moved.width, column, padding=padding)
    formula = f"{'the largest' if blank else 'the mean'} of {count} values = {text_of(value)}"
    return Explanation(value, formula, (Term(f"map {maps}", rows, None, value),))


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
