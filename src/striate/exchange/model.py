"""A network and its weights as an ONNX model: from a normalised image to logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from striate.description.json import to_json
from striate.description.layers import RBF, BatchNorm, Dropout, Layer
from striate.description.network import INPUT as FROM_INPUT
from striate.description.network import Network, Plan, plan
from striate.description.properties import properties
from striate.errors import SpecError
from striate.exchange.graph import Array, Graph, Node, Place, Value, Weights
from striate.exchange.layers import write_layer
from striate.exchange.proto import to_proto

if TYPE_CHECKING:
    from onnx import ModelProto

INPUT = "images"
"""The name of the graph's input."""
OUTPUT = "logits"
"""The name of its output, the scores before a softmax."""
PROBABILITIES, LABEL = "probabilities", "label"
OURS = (INPUT, OUTPUT, PROBABILITIES, LABEL)
"""Names of whole inputs and outputs; a layer that is called so has another name for its value."""
SMALL = 1024
"""Bytes of a constant that is written into the model even where the large ones stay beside it."""

_FIXED: dict[type[Layer], tuple[str, ...]] = {BatchNorm: ("running_mean", "running_var"), RBF: ("centres",)}
"""The values of layers that are not trained."""


@dataclass(frozen=True)
class Written:
    """A network in a graph: the `logits`' value, and with every layer asked for each layer's value by its path."""

    logits: str
    layers: dict[str, str]


def onnx_model(network: Network, weights: Weights, *, every_layer: bool = False) -> ModelProto:
    """The model of a network with its weights by their path, as it runs after training.

    Its input `images` is float32, (batch, channels, height, width), normalised as in training; its output `logits` is
    float32, what the last layer gives before a closing softmax; the batch has any size. Nodes have the paths of the
    description, and weights their paths. Dropout and auxiliary heads, which only training
    uses, are left out. With `every_layer` each layer's output is an output too, under its path.

    The metadata holds the description as JSON, under "network". Raises RequirementError without the package onnx,
    AuditError where ONNX's checker refuses the model, and SpecError where its weights are too large for a file.
    """
    graph, inputs, outputs = _whole_graph(network, weights, every_layer=every_layer)
    return to_proto(graph, name=network.name, inputs=inputs, outputs=outputs, properties={"network": to_json(network)})


def model_beside_weights(network: Network, weights: Weights) -> tuple[ModelProto, dict[str, Array]]:
    """The model without its large constants, and those by name: for a session that gets them as they lie in memory.

    Writing them into the model takes seconds for VGG's, and a file holds 2 GiB at most. The model is not checked: it is
    the one of `onnx_model`. Raises RequirementError without the package onnx.
    """
    graph, inputs, outputs = _whole_graph(network, weights)
    beside = {name: values for name, values in graph.constants.items() if values.nbytes > SMALL}
    model = to_proto(graph, name=network.name, inputs=inputs, outputs=outputs, beside=frozenset(beside))
    return model, beside


def _whole_graph(
    network: Network, weights: Weights, *, every_layer: bool = False
) -> tuple[Graph, list[Value], list[Value]]:
    """The graph of a network from images to logits, its input and its outputs."""
    graph, planned = Graph(), plan(network)
    require_weights(network, weights)
    written = write_network(graph, network, weights, every_layer=every_layer, logits=OUTPUT)
    logits = Value(OUTPUT, "float32", planned.shape(logits_step(network, planned)))
    return graph, [Value(INPUT, "float32", planned.input)], [logits, *layer_outputs(graph, written)]


def require_weights(network: Network, weights: Weights) -> None:
    """Raises SpecError, naming all, where parameters of a network's layers are not among the weights."""
    steps = [step for step in plan(network).steps if not step.head]
    needed = [
        f"{step.path}.{name}"
        for step in steps
        for name in (*properties(step.layer).trained, *_FIXED.get(type(step.layer), ()))
    ]
    if lacking := [name for name in needed if name not in weights]:
        shown = ", ".join(lacking[:8]) + (f" and {len(lacking) - 8:,} more" if len(lacking) > 8 else "")
        raise SpecError(
            f"the weights lack {shown}.",
            f"They are written under the names that a module of {network.name} has for them.",
            "Give the weights of a module that was built from the same network.",
        )


def layer_outputs(graph: Graph, written: Written) -> list[Value]:
    """The values of layers as outputs of the graph."""
    return [Value(value, "float32", graph.shapes[value]) for value in written.layers.values() if value != OUTPUT]


def write_network(
    graph: Graph,
    network: Network,
    weights: Weights,
    *,
    source: str = INPUT,
    every_layer: bool = False,
    logits: str = "",
) -> Written:
    """Write the layers of a network, which read the value `source`.

    The logits' value is called `logits` where that is given, else by the path of the layer that gives it. A layer that
    does nothing after training has no node, or with `every_layer` one that passes its value on.
    """
    planned = plan(network)
    wanted = logits_step(network, planned)
    named = wanted if every_layer else _given_by(planned, wanted)
    values = {FROM_INPUT: source}
    for number, step in enumerate(planned.steps):
        closing = number == planned.last and number != wanted
        if step.head or (closing and not every_layer):
            continue
        read = [values[each] for each in step.sources]
        if isinstance(step.layer, Dropout) and not every_layer:
            values[number] = read[0]
            continue
        output = logits if logits and number == named else value_name(step.path)
        values[number] = write_layer(step, read, Place(graph, step.path, output), weights)
        graph.shapes[output] = step.output
    layers = {planned.steps[each].path: value for each, value in values.items() if each != FROM_INPUT}
    given = values[wanted]
    if logits and given != logits:
        given = graph.add(Node("Identity", f"{OUTPUT}/identity", (given,), logits, {}))
    return Written(given, layers if every_layer else {})


def value_name(path: str) -> str:
    """The name of a layer's value: its path, but for those that are called like an input or output of the whole.

    >>> value_name("C1"), value_name("label")
    ('C1', 'label/value')
    """
    return f"{path}/value" if path in OURS else path


def logits_step(network: Network, planned: Plan) -> int:
    """The step whose output are the logits: the last, or the one before a closing softmax."""
    return planned.steps[planned.last].sources[0] if network.probabilities else planned.last


def _given_by(planned: Plan, number: int) -> int:
    """The step whose node gives the value of a step, those without one passed over."""
    while number != FROM_INPUT and isinstance(planned.steps[number].layer, Dropout):
        number = planned.steps[number].sources[0]
    return number
