"""The text of counts and percentages in everything that a person reads, and its width in a terminal's cells."""

from __future__ import annotations

import unicodedata

_IRREGULAR = {"axis": "axes", "basis": "bases", "epoch": "epochs"}


def plural(word: str) -> str:
    """The plural of a noun, or of a phrase that ends in one.

    >>> [plural(each) for each in ("epoch", "class", "training image", "axis", "branch", "library", "key")]
    ['epochs', 'classes', 'training images', 'axes', 'branches', 'libraries', 'keys']
    """
    rest, space, noun = word.rpartition(" ")
    if noun in _IRREGULAR:
        noun = _IRREGULAR[noun]
    elif noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        noun = f"{noun[:-1]}ies"
    else:
        noun = f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"
    return f"{rest}{space}{noun}"


def counted(count: int, word: str) -> str:
    """A count with its noun.

    >>> counted(1, "epoch"), counted(0, "class"), counted(60_000, "image")
    ('1 epoch', '0 classes', '60,000 images')
    """
    return f"{count:,} {word if count == 1 else plural(word)}"


def percent(share: float | None, decimals: int = 2, *, exact: bool = True, space: str = "") -> str:
    """A share as a percentage, with `space` before the sign; only an exact 0 or 1 is printed as 0 or 100.

    A computed probability is not `exact`: its 0 and 1 are rounded values. A share of nothing, None, is "-".

    >>> percent(0.9952), percent(1.0), percent(0.99999), percent(0.00001), percent(0.0)
    ('99.52%', '100.00%', '>99.99%', '<0.01%', '0.00%')
    >>> percent(1.0, 1, exact=False), percent(0.0, 1, exact=False, space=" ")
    ('>99.9%', '< 0.1 %')
    """
    if share is None:
        return "-"
    least = 10**-decimals
    text = f"{100 * share:.{decimals}f}"
    if text == f"{100:.{decimals}f}" and (share < 1 or not exact):
        text = f">{space}{100 - least:.{decimals}f}"
    elif text == f"{0:.{decimals}f}" and (share > 0 or not exact):
        text = f"<{space}{least:.{decimals}f}"
    return f"{text}{space}%"


def cells(text: str) -> int:
    """How many cells of a terminal a text takes: a wide character two, a combining one none.

    >>> cells("LeNet-5의 구조")
    14
    """
    return sum(map(_cells, text))


def padded(text: str, width: int, side: str = "<") -> str:
    """A text with spaces after it ("<") or before it (">"), so that it takes at least `width` cells.

    >>> padded("고양이", 8), padded("cat", 8, ">")
    ('고양이  ', '     cat')
    """
    spaces = " " * (width - cells(text))
    return text + spaces if side == "<" else spaces + text


def _cells(character: str) -> int:
    if unicodedata.combining(character) or "\u1160" <= character <= "\u11ff":  # a syllable's later letters, in NFD
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
