"""The table of ONNX's operators, and the walk over a file's nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from striate.errors import FormatError, SpecError
from striate.exchange.reading import elementwise, enlarging, layers, layout, pooling, windows
from striate.exchange.reading.constants import computed
from striate.exchange.reading.graph import Array, Branch, Node, Problem
from striate.exchange.reading.reader import Reader
from striate.exchange.reading.views import (
    View,
)

OPERATORS: dict[str, Callable[[Reader, Node], View | Array]] = {
    "Add": elementwise.arithmetic,
    "AveragePool": pooling.pooling,
    "BatchNormalization": layers.batch_norm,
    "Cast": layout.cast,
    "CastLike": layout.cast_like,
    "Clip": elementwise.clip,
    "Concat": elementwise.concatenation,
    "Conv": windows.convolution,
    "Div": elementwise.arithmetic,
    "Dropout": layout.dropout,
    "Elu": elementwise.function("elu", alpha=1.0),
    "Erf": elementwise.function("erf"),
    "Exp": elementwise.function("exp"),
    "Expand": layout.expanded,
    "Flatten": layout.flatten,
    "Gelu": elementwise.gelu,
    "Gemm": layers.gemm,
    "GlobalAveragePool": pooling.global_pooling,
    "GlobalMaxPool": pooling.global_pooling,
    "HardSigmoid": elementwise.function("hard_sigmoid", alpha=0.2, beta=0.5),
    "HardSwish": elementwise.hard_swish,
    "Identity": layout.same,
    "LRN": layers.local_response,
    "LeakyRelu": elementwise.function("leaky_relu", alpha=0.01),
    "MatMul": layers.product,
    "Max": elementwise.limit,
    "MaxPool": pooling.pooling,
    "Min": elementwise.limit,
    "Mul": elementwise.arithmetic,
    "Neg": elementwise.negated,
    "PRelu": elementwise.sloped,
    "Pad": enlarging.padding,
    "Pow": elementwise.power,
    "Reciprocal": elementwise.root,
    "ReduceMax": pooling.whole_maps,
    "ReduceMean": pooling.whole_maps,
    "ReduceSum": layers.squares,
    "ReduceSumSquare": layers.squares,
    "Relu": elementwise.relu,
    "Reshape": layout.reshape,
    "Resize": enlarging.upsampling,
    "Shape": layout.shape,
    "Sigmoid": elementwise.function("sigmoid"),
    "Softmax": layers.softmax,
    "Softplus": elementwise.function("softplus"),
    "Sqrt": elementwise.root,
    "Squeeze": layout.squeeze,
    "Sub": elementwise.arithmetic,
    "Sum": elementwise.arithmetic,
    "Swish": elementwise.swish,
    "Tile": layout.tiled,
    "Tanh": elementwise.function("tanh"),
    "Transpose": layout.transpose,
    "Unsqueeze": layout.unsqueeze,
    "Upsample": enlarging.upsampling,
}
"""The function that reads a node, by its operator."""


VIEWS = {"Cast", "CastLike", "Dropout", "Expand", "Flatten", "Identity", "Reshape", "Shape", "Squeeze", "Transpose"}
VIEWS |= {"Tile", "Unsqueeze"}
"""Operators that change no value; they may change its shape or its order in memory."""


def read_nodes(reader: Reader, nodes: tuple[Node, ...]) -> None:
    """Read the nodes in their order. A node that cannot be read is added to the reader's problems."""
    for node in nodes:
        if node.outputs[0] in reader.values and node.operator == "Constant":
            continue
        given = [reader.values.get(name) for name in node.inputs if name]
        if any(each is None for each in given):  # a problem before it, or a value that no node gives
            if node.refused is not None:
                reader.problems.append(Problem(node, *node.refused))
            elif not reader.problems:
                found = "reads a value that no layer gives, such as the mask of a dropout or the places of maxima."
                reader.problems.append(Problem(node, found, "A layer gives one value."))
            reader.values.update(dict.fromkeys(node.outputs, None))
            continue
        try:
            reader.values[node.outputs[0]] = _value(reader, node)
        except SpecError as error:
            reader.problems.append(Problem(node, error.what, error.expected))
            reader.values.update(dict.fromkeys(node.outputs, None))
        except (ArithmeticError, LookupError, TypeError, ValueError) as problem:
            shown = " ".join(str(problem).split())[:120]
            found = f"cannot be read: {shown}."
            reader.problems.append(Problem(node, found, "Its inputs and attributes must fit each other."))
            reader.values.update(dict.fromkeys(node.outputs, None))


def _branch(reader: Reader, node: Node) -> View | Array | None:
    """The value of an If whose condition the file knows: of the branch that is taken."""
    condition = reader.constant(node, 0)
    taken = node.attributes.get("else_branch" if condition is None or not condition.any() else "then_branch")
    if condition is None or not isinstance(taken, Branch) or len(taken.outputs) != 1:
        raise FormatError("chooses what runs.", "A network runs the same layers for every image.")
    reader.values.update(taken.constants)
    read_nodes(reader, taken.nodes)
    return reader.values.get(taken.outputs[0])


def _value(reader: Reader, node: Node) -> View | Array | None:
    if node.refused is not None:
        raise FormatError(*node.refused)
    if node.operator == "If":
        return _branch(reader, node)
    if not any(isinstance(reader.values[name], View) for name in node.inputs if name):
        given = [reader.constant(node, each) for each in range(len(node.inputs))]
        made = computed(node, given, reader.opset)
        reader.hold(made, given)
        return made
    read = OPERATORS.get(node.operator)
    if read is None:
        raise FormatError("is no operator that layers are made of.", "See docs/import.md for those that are read.")
    if node.operator not in VIEWS:
        for name in node.inputs:
            given = reader.values.get(name)
            if isinstance(given, View):
                reader.values[name] = reader.settled(given, node)
    made = read(reader, node)
    before = reader.values.get(node.input(0))
    if isinstance(made, View) and isinstance(before, View) and made.piece == before.piece and made != before:
        return replace(made, by=node)
    return made
