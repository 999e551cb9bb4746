"""Where the network of a graph begins and ends: the sizes of its input, and the nodes that its output depends on."""

from __future__ import annotations

from striate.description.shapes import Shape, show
from striate.errors import FormatError
from striate.exchange.reading.file import PART
from striate.exchange.reading.graph import Branch, FileGraph, Node

AFTERWARDS = {"ArgMax", "Cast", "Constant", "Gather", "Identity", "Reshape", "Shape", "Softmax", "Squeeze", "TopK"}
"""Operators that make labels of class scores; an output that needs no others is passed over."""


def input_sizes(graph: FileGraph, given: Shape | None) -> Shape:
    """The sizes of one image in the file's own order."""
    if len(graph.sizes) != 4:
        raise FormatError(f"has an input of {len(graph.sizes)} dimensions.", "A batch of images has four.", PART)
    own = graph.sizes[1:]
    if given is not None:
        orders = (given, (*given[1:], given[0])) if len(own) == 3 and len(given) == 3 else (given,)
        for order in orders:
            if len(order) == len(own) and all(size in (None, wanted) for size, wanted in zip(own, order, strict=True)):
                return order
        raise FormatError(f"has an input of {_open(own)}, and not {show(given)}.", "Give sizes that fit the file's.")
    if None in own:
        raise FormatError(
            f"leaves the sizes of its input open: {_open(own)}.",
            "An account needs all of them.",
            "Give them: --input 3x224x224 (channels, height, width), to striate import.",
        )
    return tuple(size for size in own if size is not None)


def _open(sizes: tuple[int | None, ...]) -> str:
    return "×".join("?" if size is None else str(size) for size in sizes)


def wanted_nodes(graph: FileGraph, output: str) -> tuple[str, tuple[Node, ...]]:
    """The value that the network ends in, and the nodes that it depends on.

    Without an `output` it is the file's first. Raises FormatError where another output needs layers of its own.
    """
    outputs = graph.outputs
    made = {name: node for node in graph.nodes for name in node.outputs}
    end = output or outputs[0]
    if end not in made:
        raise FormatError(f"no node gives {end!r}.", f"Its outputs are: {', '.join(outputs[:20])}.")
    needed, left = set[int](), [end]
    while left:
        node = made.get(left.pop())
        if node is not None and id(node) not in needed:
            needed.add(id(node))
            left += [name for name in node.inputs if name]
            left += [name for each in node.attributes.values() if isinstance(each, Branch) for name in each.reads]
    others = [node for node in graph.nodes if id(node) not in needed and node.operator not in AFTERWARDS]
    if others and not output and len(outputs) > 1:
        raise FormatError(
            f"has {len(outputs)} outputs with layers of their own: {', '.join(outputs[:8])}.",
            "A network ends in one.",
            "Name it: --output NAME, to striate import.",
        )
    return end, tuple(node for node in graph.nodes if id(node) in needed)
