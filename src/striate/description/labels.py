"""Names that others wrote, as part of a path or of a line: a name is data, and never says where a file goes."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 120
"""The bytes that a name may take of a file's name, which most systems limit to 255."""
_UNFIT = re.compile(r'[/\\:*?"<>|]')
"""What some file system takes as more than a letter of a name."""
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
"""Names that Windows takes for a device, whatever their suffix."""
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What changes the direction of writing, and so the order in which a reader sees what follows."""


def path_part(name: str) -> str:
    """A name as exactly one component of a path: it leads nowhere, hides nothing and fits.

    >>> path_part("lenet5"), path_part("my réseau (2)")
    ('lenet5', 'my réseau (2)')
    >>> path_part("../../escaped"), path_part("/etc/passwd"), path_part(".."), path_part("a\\0b")
    ('-..-escaped', '-etc-passwd', 'unnamed', 'a-b')
    """
    found = "".join("-" if _is_unprintable(each) else each for each in _UNFIT.sub("-", name))
    found = found.encode("utf-8")[:LONGEST].decode("utf-8", "ignore").lstrip(". ").rstrip(". ")
    return f"_{found}" if _DEVICE.match(found) else found or "unnamed"


def one_line(text: str) -> str:
    r"""A text for a line of a terminal: what would move the cursor, colour or end the line is written out instead.

    >>> print(one_line("four\x1b[2J\n.png"))
    four\x1b[2J\n.png
    """
    return "".join(_written_out(each) if _is_unprintable(each) else each for each in text)


def lines(text: str) -> str:
    r"""The same for a text of several lines, whose ends stay.

    >>> print(lines("no class is called '\x9b2J'.\nThe classes are: 0, 1."))
    no class is called '\x9b2J'.
    The classes are: 0, 1.
    """
    return "\n".join(map(one_line, text.split("\n")))


def is_one_line(text: str) -> bool:
    """Whether nothing in a text is more than a letter, so that it can be a name."""
    return not any(map(_is_unprintable, text))


def _is_unprintable(letter: str) -> bool:
    """Control characters, halves of a character that was no UTF-8, ends of lines, and changes of direction."""
    return unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in _TURNING


def _written_out(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
