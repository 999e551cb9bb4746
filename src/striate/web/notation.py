"""The table of the notation for JavaScript: the words, their values and options, and how errors describe them."""

from __future__ import annotations

from functools import cache
from typing import Any

from striate.description import limits
from striate.description.layers import kind
from striate.description.notation.words import HEADERS, NESTED, OTHERS, WORDS, Form, Word, usage
from striate.description.properties import properties

Members = dict[str, Any]

_SAMPLES: dict[Form, Any] = {
    Form.COUNT: 1,
    Form.NUMBER: 0.5,
    Form.KERNEL: 1,
    Form.PAIR: 1,
    Form.SIDES: 0,
    Form.TABLE: ((0,),),
    Form.CENTRES: ((1.0,),),
    Form.NOTHING: None,
}
"""A value of each form, for a layer whose properties are asked for."""


@cache
def table() -> Members:
    """The notation as JSON members. The page's reader (`compute/notation.js`) has no word of its own."""
    return {
        "words": {text: _word(text, word) for text, word in WORDS.items()},
        "forms": {form.name: form.value for form in Form},
        "nested": list(NESTED),
        "headers": list(HEADERS),
        "others": OTHERS,
        "limits": {"number": limits.NUMBER, "depth": limits.DEPTH, "digits": limits.DIGITS},
    }


def _word(text: str, word: Word) -> Members:
    required = {value.field: _SAMPLES[value.form] for value in word.values if value.required}
    layer = word.kind(**word.preset, **required)
    own = properties(layer)
    return {
        "kind": kind(layer),
        "class": word.kind.__name__,
        "values": [[value.field, value.form.name, value.required] for value in word.values],
        "options": [[option.word, option.field, option.form.name, option.value] for option in word.options],
        "preset": word.preset,
        "usage": usage(text),
        "reads": own.reads,
        "flattens": own.flattens,
    }
