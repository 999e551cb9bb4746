"""Caffe's prototxt: a layer after the other, as the plan runs them, with names such as inception3a/branch1x1/conv.

What Caffe has no layer for is written out with the layers that it has; the rest is refused. Nothing here needs a fork
of Caffe but `Shuffle`, whose layer is that of ShuffleNet's authors.
"""

from __future__ import annotations

from collections import Counter
from typing import assert_never, cast

from striate.description.layers import (
    Activation,
    BatchNorm,
    Branches,
    Dropout,
    Flatten,
    Gate,
    Joined,
    Residual,
    Scale,
    Simple,
)
from striate.description.network import INPUT, Network, Plan, Step, plan
from striate.emit.source.caffe_layers import simple
from striate.emit.source.header import header
from striate.emit.source.naming import unique
from striate.emit.source.prototxt import Prototxt, members_text


def caffe(network: Network, made_by: str) -> str:
    """The prototxt. SpecError, naming the layer, for what cannot be written with Caffe's layers."""
    planned = plan(network)
    used = _used(planned)
    file = Prototxt(planned)
    file.readers = Counter(source for number in used for source in planned.steps[number].sources)
    file.names = {step.path.replace(".", "/") for step in planned.steps}
    data = unique("data", file.names)
    file.names.add(data)
    file.blobs[INPUT] = data
    sizes = [("dim", size) for size in (1, *network.input)]
    file.text += ["layer {", f'  name: "{data}"', '  type: "Input"', f'  top: "{data}"']
    file.text += [*members_text([("input_param", [("shape", sizes)])], "  "), "}"]
    for number in used:
        step = planned.steps[number]
        bottoms = [file.blobs[source] for source in step.sources]
        name = step.path.replace(".", "/")
        if isinstance(step.layer, Simple):
            file.blobs[number] = simple(file, step, name, bottoms[0], in_place=_in_place(file, step))
        else:
            file.blobs[number] = _join(file, step, name, bottoms)
    notes = [f"Left out, as it is used in training only: {each}." for each in planned.heads]
    title = network.name.replace('"', "'")
    return "\n".join([*header(network, "Caffe", made_by, *notes), f'name: "{title}"', *file.text]) + "\n"


def _used(planned: Plan) -> list[int]:
    """The steps that the output needs: none of an auxiliary head."""
    return [number for number, step in enumerate(planned.steps) if not step.head]


def _in_place(file: Prototxt, step: Step) -> bool:
    """Whether a layer may write over its input, as Caffe's people let it: nobody else reads it.

    Caffe's flatten gives out the memory of its own input, which nobody else may read then, either.
    """
    light = isinstance(step.layer, (Activation, BatchNorm, Dropout, Scale))
    source = step.sources[0]
    if not light or source == file.planned.last:
        return False
    while source != INPUT and file.readers[source] == 1:
        before = file.planned.steps[source]
        if not isinstance(before.layer, Flatten):
            return True
        source = before.sources[0]
    return False


def _join(file: Prototxt, step: Step, name: str, bottoms: list[str]) -> str:
    layer = cast(Joined, step.layer)
    match layer:
        case Residual():
            operation = ("eltwise_param", [("operation", "SUM")])
            return file.layer("Eltwise", name, bottoms, operation, shape=step.output)
        case Branches():
            return file.layer("Concat", name, bottoms, shape=step.output)
        case Gate():
            values, factor = step.inputs
            if values == factor:
                operation = ("eltwise_param", [("operation", "PROD")])
                return file.layer("Eltwise", name, bottoms, operation, shape=step.output)
            if len(factor) == 3:
                bottoms[1] = file.layer("Flatten", file.part(name, "flatten"), bottoms[1:])
            return file.layer("Scale", name, bottoms, ("scale_param", [("axis", 0)]), shape=step.output)
        case _:
            assert_never(layer)
