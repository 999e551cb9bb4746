"""Lasagne source: a function that builds the network, and one for each part that repeats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from striate.description.layers import Auxiliary
from striate.description.network import Network
from striate.description.shapes import show
from striate.emit.source.functional import Dialect, Place, Source, chain, function, named, require_names
from striate.emit.source.header import header
from striate.emit.source.lasagne_classes import FUNCTIONS
from striate.emit.source.lasagne_layers import activation_word, layer_calls, require
from striate.emit.source.naming import PYTHON
from striate.emit.source.parts import Part, parts
from striate.emit.source.repeats import Speech, definitions, scope_of
from striate.emit.source.shortcuts import unified
from striate.emit.source.text import INDENT, Argument, Call
from striate.emit.source.values import constants_text

LAYERS = (
    *("InputLayer", "Conv2DLayer", "DilatedConv2DLayer", "DenseLayer", "MaxPool2DLayer", "Pool2DLayer"),
    *("GlobalPoolLayer", "BatchNormLayer", "LocalResponseNormalization2DLayer", "NonlinearityLayer", "DropoutLayer"),
    *("FlattenLayer", "ReshapeLayer", "DimshuffleLayer", "PadLayer", "Upscale2DLayer", "ScaleLayer", "BiasLayer"),
    *("ElemwiseSumLayer", "ElemwiseMergeLayer", "ConcatLayer"),
)
"""The names that the source may import from `lasagne.layers`."""
NONLINEARITIES = ("rectify", "LeakyRectify", "elu", "sigmoid", "softmax", "tanh")
"""The names that the source may import from `lasagne.nonlinearities`."""
TAKEN = frozenset(
    {*PYTHON, "lasagne", "numpy", "theano", "T", "name", "heads", "h", "shortcut", "signs", "build", "input_var"}
    | {*FUNCTIONS, *map(str.lower, FUNCTIONS), *NONLINEARITIES, *(f"y{number}" for number in range(1, 100))}
    | {"h" * count for count in range(2, 17)}
)


def lasagne(network: Network, made_by: str) -> str:
    """The source of a Lasagne network. SpecError, naming the layer, for what Lasagne has no layer for."""
    whole = unified(parts(network))
    require_names(whole, "Lasagne")
    for part in (each for top in whole for each in top.walk()):
        require(part)
    channels = ("num_filters", "num_filters", "num_filters")
    speech = Speech(inferred=True, taken=TAKEN, reads="x.output_shape[1]", channels=channels)
    source = Source(definitions(whole, speech), DIALECT)
    body = [line for each in source.defined.values() for line in function(each, source)]
    body += _model(network, whole, source)
    written = "\n".join(body)
    own = [
        line
        for name, each in FUNCTIONS.items()
        if named(name, written)
        for line in ["", "", *each.rstrip("\n").split("\n")]
    ]
    own += constants_text(source.used)
    note = "Layers bear the paths of the description, with _ for the dots. num_groups needs Lasagne 0.2."
    end = ["", "", 'if __name__ == "__main__":', "    print(lasagne.layers.count_params(build(), trainable=True))"]
    text = [*header(network, "Lasagne", made_by, note), *_imports("\n".join([*own, *body])), *own, *body, *end]
    return "\n".join(text) + "\n"


def _imports(text: str) -> Iterator[str]:
    yield "import lasagne"
    if named("numpy", text):
        yield "import numpy"
    if named("theano", text):
        yield "import theano"
    if named("T", text):
        yield "import theano.tensor as T"
    used = [each for each in LAYERS if named(each, text)]
    yield from ["from lasagne.layers import (", *(f"{INDENT}{each}," for each in sorted(used)), ")"]
    functions = [each for each in NONLINEARITIES if named(each, text)]
    if functions:
        yield f"from lasagne.nonlinearities import {', '.join(functions)}"


def _placed(made: Call, reads: str) -> tuple[Call, str]:
    """The layer that is read is the first argument."""
    first = Argument("", reads)
    given = [replace(each, value=str(each.value).replace("\0.", f"{reads}.")) for each in made.arguments]
    return Call(made.name, (first, *given), made.spread), ""


def _model(network: Network, whole: tuple[Part, ...], source: Source) -> Iterator[str]:
    channels, height, width = network.input
    heads = [each for top in whole for each in top.walk() if isinstance(each.layer, Auxiliary)]
    shapes = f"{show(network.input)} to {show(whole[-1].output)}"
    yield from ["", "", "def build(input_var=None):"]
    if heads:
        weights = ", ".join(f"{part.layer.weight:g}" for part in heads if isinstance(part.layer, Auxiliary))
        yield f'    """{shapes}, and the auxiliary heads, for training, whose losses count {weights}."""'
        yield "    heads = {}"
    else:
        yield f'    """{shapes}."""'
    yield f"    x = InputLayer((None, {channels}, {height}, {width}), input_var)"
    body, last = chain(whole, Place(scope_of(whole), ""), source, ("x", "x"))
    yield from (INDENT + line for line in body)
    yield f"    return {last}{', heads' if heads else ''}"


DIALECT = Dialect(
    layers=layer_calls,
    activation=activation_word,
    placed=_placed,
    add="ElemwiseSumLayer({})",
    multiply="ElemwiseMergeLayer({}, T.mul)",
    scale="GateLayer({})",
    concatenate="ConcatLayer({})",
    widen="",
    shown=lambda shape: shape,
    plain=lambda made, before: made,
)
