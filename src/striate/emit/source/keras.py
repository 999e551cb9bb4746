"""Keras 3 source: a function that builds the model with the functional API, and one for each part that repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator

from striate.description.layers import (
    RBF,
    Activation,
    Auxiliary,
    BatchNorm,
    Conv,
    Layer,
    Linear,
    Pool,
    PositionBias,
    Scale,
    Subsample,
)
from striate.description.network import Network
from striate.description.shapes import show
from striate.emit.source.functional import Dialect, Place, Source, chain, function, named, require_names
from striate.emit.source.header import header
from striate.emit.source.keras_classes import FUNCTIONS
from striate.emit.source.keras_layers import activation_word, layer_calls, require
from striate.emit.source.naming import PYTHON, title
from striate.emit.source.parts import Part, parts
from striate.emit.source.repeats import Speech, definitions, scope_of
from striate.emit.source.shortcuts import unified
from striate.emit.source.text import INDENT, Argument, Call, call, lines
from striate.emit.source.values import constants_text
from striate.errors import SpecError

AUTOMATIC = re.compile(
    r"(?:activation|softmax|leaky_re_lu|elu|dropout|permute|flatten|reshape|add|multiply|concatenate|input_layer"
    r"|global_average_pooling2d|zero_padding2d|lowest_padding2d|up_sampling2d|pad_channels"
    r"|local_response_normalization)"
    r"(?:_\d+)?"
)
"""The names that Keras gives to layers which the source leaves without one."""
NAMED = (Conv, Pool, Subsample, Linear, BatchNorm, Scale, PositionBias, RBF)
"""The kinds whose layers have names in the source."""
TAKEN = frozenset(
    {*PYTHON, "keras", "layers", "ops", "name", "heads", "h", "inputs", "shortcut", "signs", "with_heads", "build"}
    | {*FUNCTIONS, *map(str.lower, FUNCTIONS), *(f"y{number}" for number in range(1, 100))}
    | {"h" * count for count in range(2, 17)}
)


def _placed(made: Call, reads: str) -> tuple[Call, str]:
    """A layer is called with what it reads; a function of our own takes it as its first argument."""
    if made.name == "channel_shuffle":
        return Call(made.name, (Argument("", reads), *made.arguments[1:])), ""
    return made, f"({reads})"


def keras(network: Network, made_by: str) -> str:
    """The source of a Keras 3 model. SpecError, naming the layer, for what Keras has no layer for."""
    whole = unified(parts(network))
    require_names(whole, "Keras")
    for part in (each for top in whole for each in top.walk()):
        require(part)
        _require_own_name(part)
    speech = Speech(inferred=True, taken=TAKEN, reads="x.shape[-1]", channels=("filters", "filters", "filters"))
    source = Source(definitions(whole, speech), DIALECT)
    body = [line for each in source.defined.values() for line in function(each, source)]
    body += _model(network, whole, source)
    note = "Layers bear the paths of the description, with _ for the dots; maps are channels last."
    own = [each for name, each in FUNCTIONS.items() if named(name, "\n".join(body))]
    ops = ", ops" if any(named("ops", each) for each in own) else ""
    text = [*header(network, "Keras", made_by, note), "import keras", f"from keras import layers{ops}"]
    text += constants_text(source.used)
    text += [line for each in own for line in ["", "", *each.rstrip("\n").split("\n")]]
    end = ["", "", 'if __name__ == "__main__":', "    build().summary()"]
    return "\n".join([*text, *body, *end]) + "\n"


def _require_own_name(part: Part) -> None:
    """Raise SpecError for a layer with the name that Keras gives to one without a name."""
    name = part.path.replace(".", "_")
    if isinstance(part.layer, NAMED) and AUTOMATIC.fullmatch(name):
        raise SpecError(
            f"in Keras it would be called {name!r}, as Keras calls a layer without a name.",
            "Every layer of a Keras model has a name of its own.",
            "Give it another name.",
            where=part.path,
        )


def _plainly_padded(made: list[str], before: Layer) -> list[str]:
    """Zeros around maps that have no value below 0 change no maximum, so that Keras's own padding will do."""
    if not isinstance(before, Activation) or before.function not in ("relu", "relu6", "sigmoid", "hard_sigmoid"):
        return made
    return [
        re.sub(r"LowestPadding2D\(\(\((\w+), \1\), \(\1, \1\)\)\)", r"layers.ZeroPadding2D(\1)", line) for line in made
    ]


def _model(network: Network, whole: tuple[Part, ...], source: Source) -> Iterator[str]:
    channels, height, width = network.input
    heads = [each for top in whole for each in top.walk() if isinstance(each.layer, Auxiliary)]
    yield from ["", "", f"def build({'with_heads=False' if heads else ''}):"]
    shapes = f"{show((height, width, channels))} to {show((*whole[-1].output[1:], whole[-1].output[0]))}"
    if heads:
        weights = ", ".join(f"{part.layer.weight:g}" for part in heads if isinstance(part.layer, Auxiliary))
        yield f'    """{shapes}; `with_heads` adds the outputs of the auxiliary heads, whose losses count {weights}."""'
        yield "    heads = {}"
    else:
        yield f'    """{shapes}."""'
    yield f"    inputs = x = keras.Input(({height}, {width}, {channels}))"
    body, last = chain(whole, Place(scope_of(whole), ""), source, ("x", "x"))
    yield from (INDENT + line for line in body)
    outputs = f"[{last}, *heads.values()] if with_heads else {last}" if heads else last
    yield from [*lines("return ", call("keras.Model", "inputs", outputs, name=f'"{title(network.name)}"'), INDENT)]


DIALECT = Dialect(
    layers=layer_calls,
    activation=activation_word,
    placed=_placed,
    add="layers.Add()({})",
    multiply="layers.Multiply()({})",
    scale="layers.Multiply()({})",
    concatenate="layers.Concatenate()({})",
    widen="layers.Reshape((1, 1, -1))({})",
    shown=lambda shape: (*shape[1:], shape[0]),
    plain=_plainly_padded,
)
