"""The words of the notation: for each kind of layer its word, the values after it, and its options.

The code that reads the notation (`reading`), writes it (`writing`) and the page docs/notation.md all use this table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum

from striate.description.layers import (
    ALPHAS,
    FUNCTIONS,
    POOLINGS,
    RBF,
    Activation,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Scale,
    Shuffle,
    Simple,
    Softmax,
    Subsample,
    Upsample,
)


class Form(Enum):
    """The forms of values; the text of each is how an error describes it."""

    COUNT = "a whole number, such as 64"
    NUMBER = "a number, such as 0.5"
    KERNEL = "a size, such as 3x3 or 3 (one number: height and width)"
    PAIR = "a number, such as 2, or two: 2x1 (height and width)"
    SIDES = "a number, such as 2, two: 2x1 (height and width), or four: 0 1 0 1 (top, bottom, left, right)"
    TABLE = "the maps that each filter sees, such as (012 123 0,10)"
    CENTRES = "a row for each unit, such as (1 -0.5; 0 2), or (+-; -+) for 1 and -1"
    NOTHING = "no value"


@dataclass(frozen=True)
class Value:
    """A value directly after the layer's word; `required` or not."""

    field: str
    form: Form
    required: bool = True


@dataclass(frozen=True)
class Option:
    """An option: a word followed by a value of a `form`, or a word alone, which stands for `value`."""

    word: str
    field: str
    form: Form = Form.NOTHING
    value: object = None


@dataclass(frozen=True)
class Word:
    """The notation of one kind of layer; `preset` are fields that the word itself sets."""

    kind: type[Simple]
    values: tuple[Value, ...] = ()
    options: tuple[Option, ...] = ()
    preset: dict[str, object] = field(default_factory=dict[str, object])

    def says(self, layer: Simple) -> bool:
        """Whether this is the word for a layer."""
        return type(layer) is self.kind and all(getattr(layer, name) == value for name, value in self.preset.items())


_STRIDE = Option("/", "stride", Form.PAIR)
_PADDING = (Option("pad", "padding", Form.SIDES), Option("same", "padding", value="same"))
_NO_BIAS = Option("no bias", "bias", value=False)
_ALPHA = (Option("alpha", "alpha", Form.NUMBER),)
_POOL = (_STRIDE, *_PADDING, Option("ceil", "ceil", value=True), Option("uncounted", "count_padding", value=False))

WORDS: dict[str, Word] = {
    "conv": Word(
        Conv,
        (Value("filters", Form.COUNT), Value("kernel", Form.KERNEL)),
        (
            _STRIDE,
            *_PADDING,
            Option("dilation", "dilation", Form.PAIR),
            Option("groups", "groups", Form.COUNT),
            Option("table", "table", Form.TABLE),
            _NO_BIAS,
        ),
    ),
    **{word: Word(Pool, (Value("kernel", Form.KERNEL),), _POOL, {"function": word}) for word in POOLINGS},
    "subsample": Word(Subsample, (Value("kernel", Form.KERNEL),), (_STRIDE,)),
    "global_average": Word(GlobalAveragePool),
    "bn": Word(BatchNorm, (), (Option("epsilon", "epsilon", Form.NUMBER), Option("momentum", "momentum", Form.NUMBER))),
    "lrn": Word(
        LocalResponseNorm,
        (Value("size", Form.COUNT, required=False),),
        (Option("alpha", "alpha", Form.NUMBER), Option("beta", "beta", Form.NUMBER), Option("k", "k", Form.NUMBER)),
    ),
    **{word: Word(Activation, (), _ALPHA if word in ALPHAS else (), {"function": word}) for word in FUNCTIONS},
    "dropout": Word(Dropout, (Value("rate", Form.NUMBER),)),
    "flatten": Word(Flatten),
    "linear": Word(Linear, (Value("units", Form.COUNT),), (_NO_BIAS,)),
    "rbf": Word(RBF, (Value("centres", Form.CENTRES),)),
    "softmax": Word(Softmax),
    "pad_channels": Word(PadChannels, (Value("channels", Form.COUNT),)),
    "upsample": Word(Upsample, (Value("factor", Form.PAIR),)),
    "shuffle": Word(Shuffle, (Value("groups", Form.COUNT),)),
    "scale": Word(Scale),
    "position_bias": Word(PositionBias),
}
NESTED = ("residual", "gate", "branches", "auxiliary")
"""The words of layers that hold layers; a block is a pair of parentheses."""
HEADERS = ("name", "paper", "place", "departure")

OTHERS = {
    "stride": "/",
    "padding": "pad",
    "conv2d": "conv",
    "pool": "max",
    "maxpool": "max",
    "maxpool2d": "max",
    "avg": "average",
    "avgpool": "average",
    "gap": "global_average",
    "batchnorm": "bn",
    "batch_norm": "bn",
    "batchnorm2d": "bn",
    "fc": "linear",
    "dense": "linear",
    "concat": "branches",
    "se": "gate",
    "squeeze_excitation": "gate",
    "swish": "silu",
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "leakyrelu": "leaky_relu",
    "channel_shuffle": "shuffle",
    "resize": "upsample",
    "aux": "auxiliary",
    "bias": "no bias",
}
"""Words of other libraries, and the word of this notation for each."""


def word_for(layer: Simple) -> str:
    """The word of a layer's kind.

    >>> word_for(Pool("max", kernel=2))
    'max'
    """
    found = next((text for text, word in WORDS.items() if word.says(layer)), None)
    if found is None:
        raise AssertionError(f"the notation has no word for {layer!r}")
    return found


def usage(text: str) -> str:
    """The syntax of a layer: its values in capitals, optional parts in brackets.

    >>> usage("linear")
    'linear UNITS [no bias]'
    """
    word = WORDS[text]
    for value in word.values:
        name = value.field.upper() if value.form != Form.CENTRES else "(CENTRES)"
        text += f" {name}" if value.required else f" [{name}]"
    for option in word.options:
        gap = {Form.NOTHING: "", Form.TABLE: "(TABLE)"}.get(option.form, f" {option.field.upper()}")
        text += f" [{option.word}{gap if option.word != '/' else gap.strip()}]"
    return text.replace(" (", "(")


def defaults(layer: Simple, word: Word) -> dict[str, object]:
    """The values that a layer would have if only its word and its required values were written."""
    required = {value.field: getattr(layer, value.field) for value in word.values if value.required}
    bare = word.kind(**required, **word.preset)  # pyright: ignore[reportArgumentType] - the layer's own values
    return {each.name: getattr(bare, each.name) for each in fields(bare)}
