"""Makes names from outside safe in paths and in lines: a name never decides where a file is written."""

from __future__ import annotations

import re
import unicodedata

MOST_LETTERS = 1000
"""The most letters of a name."""
LONGEST = 120
"""The most bytes of a name in a file's name; most systems limit the whole to 255."""
_UNFIT = re.compile(r'[/\\:*?"<>|]')
"""Characters that have a meaning of their own in names of some file system."""
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
"""Names that Windows reserves for devices, with any suffix."""
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of writing, and so the order in which the text after them is displayed."""


def path_part(name: str) -> str:
    """A name as exactly one component of a path: it leads to no other folder, is no hidden file, and is not too long.

    >>> path_part("lenet5"), path_part("my réseau (2)")
    ('lenet5', 'my réseau (2)')
    >>> path_part("../../escaped"), path_part("/etc/passwd"), path_part(".."), path_part("a\\0b")
    ('-..-escaped', '-etc-passwd', 'unnamed', 'a-b')
    """
    found = "".join("-" if _is_unprintable(each) else each for each in _UNFIT.sub("-", name))
    found = found.encode("utf-8")[:LONGEST].decode("utf-8", "ignore").lstrip(". ").rstrip(". ")
    return f"_{found}" if _DEVICE.match(found) else found or "unnamed"


def one_line(text: str) -> str:
    r"""A text for one line of a terminal; characters that move the cursor, colour or end the line become escapes.

    >>> print(one_line("four\x1b[2J\n.png"))
    four\x1b[2J\n.png
    """
    return "".join(_written_out(each) if _is_unprintable(each) else each for each in text)


def lines(text: str) -> str:
    r"""As `one_line`, for a text of several lines: the line ends stay.

    >>> print(lines("no class is called '\x9b2J'.\nThe classes are: 0, 1."))
    no class is called '\x9b2J'.
    The classes are: 0, 1.
    """
    return "\n".join(map(one_line, text.split("\n")))


def is_one_line(text: str) -> bool:
    """Whether a text has no control character, line end or lone surrogate, so that it can be a name."""
    return not any(map(_is_unprintable, text))


def is_name(text: str) -> bool:
    """Whether a text can be the name of a class: one line of 1 to `MOST_LETTERS` letters."""
    return 0 < len(text) <= MOST_LETTERS and is_one_line(text)


def _is_unprintable(letter: str) -> bool:
    """Whether a character is a control character, a lone surrogate, a line end, or changes the writing direction."""
    return unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in _TURNING


def _written_out(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
