"""The terminal: how wide it is, and text that it can show, whatever its encoding."""

from __future__ import annotations

import codecs
import io
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

ERRORS = "striate-plain"
"""The name of the error handler of codecs that `plain` is."""
ASCII = "striate-ascii"
"""ASCII under another name: to a stream whose encoding is called ascii click writes UTF-8."""
WIDEST = 1000
"""Columns of a page, at the most: COLUMNS may hold any number."""

LIKE = {
    **{"×": "x", "−": "-", "·": ".", "…": "~", "±": "+", "°": "o", "≠": "#", "≡": "=", "∂": "d", "√": "sqrt "},
    **{"✓": "+", "✗": "x", "◂": "<", "▇": "#", "→": "->", "←": "<-", "Σ": "sum ", "‖": "|", "′": "'", "″": '"'},
    **{"α": "alpha", "β": "beta", "η": "eta", "λ": "lambda", "μ": "mu", "ρ": "rho", "σ": "sigma", "⅔": "2/3"},
    **{"–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "≤": "<=", "≥": ">=", "•": "*", "ᵀ": "^T"},
    **{"─": "-", "━": "-", "╸": "-", "╺": "-", "│": "|", "├": "|", "└": "`"},
}
"""ASCII in the place of what Striate and its progress bars print; of one character where tables are aligned by it."""
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))


def width() -> int:
    """The columns of the terminal, or of the environment's COLUMNS."""
    return min(shutil.get_terminal_size().columns, WIDEST)


def echo_json(text: str) -> None:
    r"""Print JSON. Where the stream is not UTF-8, what is not ASCII is escaped as \uXXXX, so that it stays JSON."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    every = codecs.lookup(encoding).name != "utf-8"
    click.echo(re.sub(r"[^\x00-\x7f]" if every else r"[\ud800-\udfff]", _json_escape, text).rstrip("\n"))


def plain(error: UnicodeError) -> tuple[str, int]:
    r"""What stands in the place of characters that an encoding lacks: their like in ASCII, or their escape.

    >>> _ = codecs.register_error("doctest", plain)
    >>> "6×28×28, Géron, 10⁶, 日".encode("ascii", "doctest")
    b'6x28x28, Geron, 10^6, \\u65e5'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    before = error.object[: error.start][-1:]
    parts: list[str] = []
    for character in error.object[error.start : error.end]:
        parts.append(_like(character, before))
        before = character
    return "".join(parts), error.end


@contextmanager
def streams() -> Iterator[None]:
    """Standard output and error that take every text, and nothing where they are closed, full or read no more."""
    codecs.register_error(ERRORS, plain)
    codecs.register(_ascii)
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
        elif name != "stdin" and isinstance(stream, io.TextIOWrapper):
            same = codecs.lookup(stream.encoding).name
            stream.reconfigure(encoding=ASCII if same == "ascii" else None, errors=ERRORS)
    try:
        yield
    except OSError:  # of the message itself
        sys.exit(2)
    finally:
        _drop_unwritten()


def _drop_unwritten() -> None:
    """Python writes what is left once more as it ends; where that cannot be, it goes nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _like(character: str, before: str) -> str:
    if character in LIKE:
        return LIKE[character]
    if character in _SUPERSCRIPTS:
        return _SUPERSCRIPTS[character] if before in _SUPERSCRIPTS else f"^{_SUPERSCRIPTS[character]}"
    if "\u2800" <= character <= "\u28ff":  # Braille, of which spinners are made
        return "*"
    if "\udc80" <= character <= "\udcff":  # a byte of a file's name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    import unicodedata

    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return letters or character.encode("ascii", "backslashreplace").decode()


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _ascii(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != ASCII:
        return None
    found = codecs.lookup("ascii")
    return codecs.CodecInfo(
        found.encode,
        found.decode,
        incrementalencoder=found.incrementalencoder,
        incrementaldecoder=found.incrementaldecoder,
        streamreader=found.streamreader,
        streamwriter=found.streamwriter,
        name=ASCII,
    )
