"""Transfer: the weights of a trained network, taken over layer by layer where they fit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import assert_never

import torch
from torch import Tensor

from striate.data import Preprocessing
from striate.description.labels import one_line
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
    Joined,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Simple,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import INPUT, Network, Plan, plan
from striate.description.shapes import Shape
from striate.errors import RunError
from striate.modules import build
from striate.train.kernel_choice import with_kernels
from striate.train.learner import cannot_train
from striate.train.run import Run, Transfer

TAKEN = "taken"
"""What stands in `freeze` for all layers that are taken over."""

Weights = dict[str, Tensor]
"""The tensors of a network by the path of their layer and their own name."""


def take_over(run: Run, source: Run, *, threads: int | None = None) -> tuple[Run, Weights]:
    """A new run that begins with the weights of `source`'s layers that fit, and all its weights at the start.

    A layer fits where both networks have it under one path with tensors of one shape, and with the connection table,
    groups, centres and size of the maps before it that its tensors are of. Layers whose values are the classes' are
    taken only where the classes are the same. Pixels get the range that the source's network learned from. `taken` in
    the recipe's `freeze` becomes the layers that were taken over. `run` is not yet on the disk. Raises RunError where
    no layer fits.
    """
    generator = torch.Generator().manual_seed(run.recipe.seed)
    model = build(run.network, initialisation=run.recipe.initialisation, generator=generator)
    own, theirs = _by_layer(model.state_dict()), _by_layer(source.model().state_dict())
    answering = set() if source.classes == run.classes else _answering(run.network, own)
    others = _others(run.network, source.network)
    new = {
        path: reason
        for path in own
        if (reason := _unfit(path, own[path], theirs.get(path), answering) or others.get(path))
    }
    taken = tuple(path for path in own if path not in new)
    if not taken:
        raise RunError(
            f"no layer of {source.folder} ({source.network.name}) fits {run.network.name}.",
            "A layer is taken over where both networks have it under one path with weights of one shape; "
            f"{source.network.name} has {_some(theirs)}; {run.network.name} has {_some(own)}.",
            "Train the network of that run: striate train RUN --from RUN --adapt.",
        )
    weights = {name: each for layer in own.values() for name, each in layer.items()}
    weights |= {name: each for path in taken for name, each in theirs[path].items()}
    record = Transfer(
        one_line(str(source.folder)), taken, tuple(new.items()), tuple(path for path in theirs if path not in own)
    )
    learning = {name.rpartition(".")[0] for name, _ in model.named_parameters()}  # RBF units' centres do not learn
    still = [path for path in taken if path in learning]
    frozen = tuple(dict.fromkeys(path for name in run.recipe.freeze for path in (still if name == TAKEN else [name])))
    begun = replace(
        run,
        recipe=replace(run.recipe, freeze=frozen),
        preprocessing=_range_of(run.preprocessing, source.preprocessing),
        transfer=record,
    )
    again = begun.kernels in cannot_train(begun.recipe)
    return (with_kernels(begun, threads=threads) if again else begun), weights


def _by_layer(tensors: Mapping[str, Tensor]) -> dict[str, Weights]:
    """Tensors by the path of their layer."""
    layers: dict[str, Weights] = {}
    for name, each in tensors.items():
        layers.setdefault(name.rpartition(".")[0], {})[name] = each
    return layers


def _unfit(path: str, own: Weights, theirs: Weights | None, answering: set[str]) -> str | None:
    """Why a layer's weights are not taken over, in words; None where they are."""
    if theirs is None:
        return "the source has no layer of that path"
    if theirs.keys() != own.keys():
        return f"the source has {_names(theirs)} there, not {_names(own)}"
    for name, tensor in own.items():
        if theirs[name].shape != tensor.shape:
            return f"{_shape(tensor)} here, {_shape(theirs[name])} in the source"
    return "it answers for other classes" if path in answering else None


def _others(network: Network, source: Network) -> dict[str, str]:
    """The layers whose tensors mean something else in the source, even if the shapes agree, each with the reason."""
    own, theirs = _settings(plan(network)), _settings(plan(source))
    return {
        path: f"the source has another {word} there"
        for path, settings in own.items()
        for word, value in settings.items()
        if theirs.get(path, {}).get(word, value) != value
    }


def _settings(planned: Plan) -> dict[str, dict[str, object]]:
    """By the path of each layer, what gives its tensors their meaning and does not show in their shapes."""
    maps: list[Shape] = []  # by step: the maps that its output is made of, flattened or not
    settings: dict[str, dict[str, object]] = {}
    for step in planned.steps:
        read = [planned.input if source == INPUT else maps[source] for source in step.sources]
        maps.append(read[0] if isinstance(step.layer, Flatten | Activation | Dropout | Softmax) else step.output)
        settings[step.path] = _own_settings(step.layer, read[0])
    return settings


def _own_settings(layer: Simple | Joined, maps: Shape) -> dict[str, object]:
    match layer:
        case Conv():
            return {"number of groups": layer.groups, "connection table": layer.table}
        case Linear():
            return {"size of maps": maps if maps[1:] != (1, 1) else maps[:1]}
        case RBF():
            return {"set of centres": layer.centres}
        case BatchNorm() | Scale() | PositionBias() | Subsample():
            return {}
        case Pool() | LocalResponseNorm() | Activation() | Softmax() | Dropout() | Flatten() | GlobalAveragePool():
            return {}
        case PadChannels() | Upsample() | Shuffle() | Residual() | Gate() | Branches():
            return {}
        case _:
            assert_never(layer)


def _answering(network: Network, layers: Collection[str]) -> set[str]:
    """Of the layers with weights the last before each output, that of the classes and those of auxiliary heads."""
    planned = plan(network)
    found: set[str] = set()
    for number in (planned.last, *planned.ends.values()):
        while number >= 0 and planned.steps[number].path not in layers:
            number = planned.steps[number].sources[0]
        if number >= 0:
            found.add(planned.steps[number].path)
    return found


def _range_of(own: Preprocessing, source: Preprocessing) -> Preprocessing:
    """A preprocessing with the range of pixels of another one, where both have as many channels."""
    if own.shape[0] != source.shape[0] and isinstance(source.low, tuple):
        return own
    return replace(own, low=source.low, high=source.high)


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a number"


def _names(tensors: Weights) -> str:
    return " and ".join(name.rpartition(".")[2] for name in tensors)


def _some(paths: Iterable[str]) -> str:
    named = list(paths)
    return ", ".join(named[:6]) + (", ..." if len(named) > 6 else "")
