"""A network for JavaScript: the kind, shapes and geometry of each step, and all tensors one after another."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, assert_never, cast

import torch
from torch import Tensor

from striate.accounting import account
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
    Windowed,
    kind,
)
from striate.description.network import Network, Step, plan
from striate.description.properties import properties
from striate.description.shapes import window
from striate.description.simple import LEAST_EPSILON
from striate.look.predictor import Predictor

Numbers = dict[str, Any]


def numbers(predictor: Predictor) -> tuple[Numbers, bytes]:
    """The data for computing a network: JSON members, and the tensors as little-endian float32, one after another.

    `tensors` of a step has, by name, where each tensor begins and its number of values. Auxiliary heads have none.
    `last` is the step that gives the scores: the logits, where a softmax follows.
    """
    run, planned = predictor.run, predictor.plan
    parts: list[Tensor] = []
    places = [_places({} if step.head else _tensors(predictor, step), parts) for step in planned.steps]
    described = description(run.network)
    described["steps"] = [step | {"tensors": each} for step, each in zip(described["steps"], places, strict=True)]
    last = planned.steps[planned.last].sources[0] if run.network.probabilities else planned.last
    members = described | {
        "last": last,
        "scores": "minus" if isinstance(run.network.layers[-1], RBF) else "plain",
        "temperature": predictor.temperature,
        "classes": list(run.classes),
        "preprocessing": run.preprocessing.to_dict(),
        "macs": account(run.network).totals.macs,
    }
    content = torch.cat([each.flatten() for each in parts]) if parts else torch.zeros(0)
    return members, content.numpy().astype("<f4").tobytes()


def description(network: Network) -> Numbers:
    """A network's name, its input, and for each step its kind, its shapes and the numbers of its description."""
    steps = [
        {
            "path": step.path,
            "kind": kind(step.layer),
            "head": step.head,
            "sources": list(step.sources),
            "inputs": [list(shape) for shape in step.inputs],
            "output": list(step.output),
            "properties": asdict(properties(step.layer)),
            **_own(step),
        }
        for step in plan(network).steps
    ]
    return {"name": network.name, "input": list(network.input), "steps": steps}


def _tensors(predictor: Predictor, step: Step) -> dict[str, Tensor]:
    state = predictor.model.get_submodule(step.path).state_dict()
    return (
        {}
        if properties(step.layer).joins
        else {name: each.cpu() for name, each in state.items() if each.is_floating_point()}
    )


def _places(tensors: dict[str, Tensor], parts: list[Tensor]) -> dict[str, list[int]]:
    """The start and the number of values of each tensor; the tensors are appended to `parts`."""
    places: dict[str, list[int]] = {}
    for name, tensor in tensors.items():
        places[name] = [sum(each.numel() for each in parts), tensor.numel()]
        parts.append(tensor)
    return places


def _own(step: Step) -> Numbers:
    """The numbers of a layer that its arithmetic in JavaScript reads."""
    match step.layer:
        case Conv() as layer:
            own = {"filters": layer.filters, "groups": layer.groups, "table": layer.table, "bias": layer.bias}
            return own | {"axes": _axes(layer, step), "same": layer.padding == "same"}
        case Pool() as layer:
            own = {"function": layer.function, "count_padding": layer.count_padding}
            return own | {"axes": _axes(layer, step), "same": layer.padding == "same"}
        case Subsample() as layer:
            return {"axes": _axes(layer, step)}
        case Activation() as layer:
            return {"function": layer.function, "alpha": layer.alpha}
        case BatchNorm() as layer:
            return {"epsilon": max(layer.epsilon, LEAST_EPSILON), "epsilon_text": f"{layer.epsilon:g}"}
        case LocalResponseNorm() as layer:
            return {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "k": layer.k}
        case Linear() as layer:
            return {"filters": layer.units, "bias": layer.bias}
        case RBF() as layer:
            return {"filters": len(layer.centres), "features": len(layer.centres[0])}
        case PadChannels() as layer:
            return {"channels": layer.channels}
        case Upsample() as layer:
            return {"factor": list(cast("tuple[int, int]", layer.factor))}
        case Shuffle() as layer:
            return {"groups": layer.groups}
        case (
            Softmax()
            | Dropout()
            | Flatten()
            | GlobalAveragePool()
            | PositionBias()
            | Scale()
            | Residual()
            | Gate()
            | Branches()
        ):
            return {}
        case other:
            assert_never(other)


def _axes(layer: Windowed, step: Step) -> list[Numbers]:
    """The windows along the height and the width, with "same" padding and sizes as numbers."""
    return [asdict(axis) | {"output": axis.output} for axis in window(layer, step.inputs[0]).axes]
