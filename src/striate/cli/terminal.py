"""The terminal: its width, and text in characters that its encoding has."""

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
"""The name under which `plain` is registered as an error handler of codecs."""
ASCII = "striate-ascii"
"""Another name for ASCII, because click writes UTF-8 to a stream whose encoding is called ascii."""
WIDEST = 1000
"""The largest width that is used; the variable COLUMNS may hold any number."""

LIKE = {
    **{"×": "x", "−": "-", "·": ".", "…": "~", "±": "+", "°": "o", "≠": "#", "≡": "=", "∂": "d", "√": "sqrt "},
    **{"✓": "+", "✗": "x", "◂": "<", "▇": "#", "→": "->", "←": "<-", "Σ": "sum ", "‖": "|", "′": "'", "″": '"'},
    **{"α": "alpha", "β": "beta", "η": "eta", "λ": "lambda", "μ": "mu", "ρ": "rho", "σ": "sigma", "⅔": "2/3"},
    **{"–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "≤": "<=", "≥": ">=", "•": "*", "ᵀ": "^T"},
    **{"─": "-", "━": "-", "╸": "-", "╺": "-", "│": "|", "├": "|", "└": "`"},
    **{"⌊": "floor(", "⌋": ")"},
}
"""ASCII replacements for the characters that Striate and its progress bars print.

Characters in aligned columns of tables have replacements of one character.
"""
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))


def width() -> int:
    """The number of columns of the terminal, or the value of COLUMNS."""
    return min(shutil.get_terminal_size().columns, WIDEST)


def echo_json(text: str) -> None:
    r"""Print JSON. On a stream that is not UTF-8, other characters than ASCII become \uXXXX, so that it stays JSON."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    every = codecs.lookup(encoding).name != "utf-8"
    click.echo(re.sub(r"[^\x00-\x7f]" if every else r"[\ud800-\udfff]", _json_escape, text).rstrip("\n"))


def plain(error: UnicodeError) -> tuple[str, int]:
    r"""The replacement for characters that an encoding lacks: similar ASCII characters, or an escape.

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
    """Make standard output and error take any text; text is dropped where they are closed, full or no longer read."""
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
    """Drop buffered text that cannot be written, which Python would try to write again as it ends."""
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
