"""A network as JavaScript takes it: for each step its kind, shapes and geometry, and all tensors in one row."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, assert_never

import torch
from torch import Tensor

from striate.account import account
from striate.serve.predictor import Predictor
from striate.spec.layers import (
    RBF,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Softmax,
    Subsample,
    Windowed,
    kind,
)
from striate.spec.network import Step
from striate.spec.shapes import window

Numbers = dict[str, Any]


def numbers(predictor: Predictor) -> tuple[Numbers, bytes]:
    """All that computing takes, as JSON has it, and the tensors as little-endian float32, one after another.

    A step's `tensors` say by name where each begins and how many values it has. Auxiliary heads are left out.
    """
    run, planned = predictor.run, predictor.plan
    parts: list[Tensor] = []
    steps = [_step(step, {} if step.head else _tensors(predictor, step), parts) for step in planned.steps]
    scores = "log" if run.network.probabilities else "minus" if isinstance(run.network.layers[-1], RBF) else "plain"
    members = {
        "steps": steps,
        "last": planned.last,
        "scores": scores,
        "temperature": predictor.temperature,
        "classes": list(run.classes),
        "preprocessing": run.preprocessing.to_dict(),
        "macs": account(run.network).totals.macs,
    }
    content = torch.cat([each.flatten() for each in parts]) if parts else torch.zeros(0)
    return members, content.numpy().astype("<f4").tobytes()


def _tensors(predictor: Predictor, step: Step) -> dict[str, Tensor]:
    state = predictor.model.get_submodule(step.path).state_dict()
    return {} if _joins(step) else {name: each for name, each in state.items() if each.is_floating_point()}


def _joins(step: Step) -> bool:
    return isinstance(step.layer, (Residual, Branches))


def _step(step: Step, tensors: dict[str, Tensor], parts: list[Tensor]) -> Numbers:
    places: dict[str, list[int]] = {}
    for name, tensor in tensors.items():
        places[name] = [sum(each.numel() for each in parts), tensor.numel()]
        parts.append(tensor)
    return {
        "path": step.path,
        "kind": kind(step.layer),
        "head": step.head,
        "sources": list(step.sources),
        "inputs": [list(shape) for shape in step.inputs],
        "output": list(step.output),
        "tensors": places,
        **_own(step),
    }


def _own(step: Step) -> Numbers:
    """The numbers of a layer's own that its arithmetic reads."""
    match step.layer:
        case Conv() as layer:
            return {"axes": _axes(layer, step), "groups": layer.groups, "table": layer.table}
        case Pool() as layer:
            return {"axes": _axes(layer, step), "function": layer.function, "count_padding": layer.count_padding}
        case Subsample() as layer:
            return {"axes": _axes(layer, step)}
        case Activation() as layer:
            return {"function": layer.function}
        case BatchNorm() as layer:
            return {"epsilon": layer.epsilon, "epsilon_text": f"{layer.epsilon:g}"}
        case LocalResponseNorm() as layer:
            return {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "k": layer.k}
        case (
            Softmax()
            | Dropout()
            | Flatten()
            | GlobalAveragePool()
            | PadChannels()
            | Linear()
            | RBF()
            | PositionBias()
            | Residual()
            | Branches()
        ):
            return {}
        case other:
            assert_never(other)


def _axes(layer: Windowed, step: Step) -> list[Numbers]:
    """The windows along the height and the width; "same" padding and sizes worked out."""
    return [asdict(axis) | {"output": axis.output} for axis in window(layer, step.inputs[0]).axes]
