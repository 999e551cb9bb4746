"""About how wide a text is, without a font: Helvetica's widths, and a little more for fonts that take its place."""

from __future__ import annotations

from unicodedata import east_asian_width

_GROUPS = {
    222: "ijl'",
    278: " !,./:;I[]\\ft·",
    333: "()-`r{}",
    355: '"|*',
    500: "Jckvxyzs",
    556: "#$0123456789L_?abdeghnopqu",
    584: "+<=>~^×−",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1015: "@…",
}
_WIDTHS = {character: width for width, characters in _GROUPS.items() for character in characters}
_OTHER, _WIDE = 700, 1050
_SPARE, _BOLD = 1.06, 1.08


def width(words: str, size: float, *, bold: bool = False) -> float:
    """The width of a text in pixels.

    >>> round(width("conv 3×3", 14)), round(width("conv 3×3", 14, bold=True))
    (61, 65)
    """
    units = sum(_WIDTHS.get(each) or _unlisted(each) for each in words)
    return units / 1000 * size * _SPARE * (_BOLD if bold else 1)


def shortened(words: str, size: float, room: float) -> str:
    """A text that is not wider than the room for it: its end is left out where it is.

    >>> shortened("Gradient-based learning", 14, 100), shortened("short", 14, 100)
    ('Gradient-ba…', 'short')
    """
    if width(words, size) <= room:
        return words
    kept = 0
    total = width("…", size)
    while kept < len(words) and (total := total + width(words[kept], size)) <= room:
        kept += 1
    return words[:kept].rstrip() + "…"


def wrapped(words: list[str], size: float, room: float, separator: str = " · ") -> list[str]:
    """Words joined in lines of about that room; a word that is longer has a line of its own.

    >>> wrapped(["bn", "relu", "dropout 0.5"], 14, 70)
    ['bn · relu', 'dropout 0.5']
    """
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]}{separator}{word}" if lines else word
        if lines and width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _unlisted(character: str) -> int:
    return _WIDE if east_asian_width(character) in "WF" else _OTHER
