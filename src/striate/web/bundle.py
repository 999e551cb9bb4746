"""The page's JavaScript modules as one script, because a page that is opened from a disk cannot load modules.

Each module becomes a function that returns its exports. Modules follow a few rules, which are checked: an import is at
the start of a line and names a path and names; the word `export` is directly followed by a declaration.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from striate.errors import FormatError

_IMPORT = re.compile(r'^import (\{[\w\s,]+\}|\* as (\w+)) from "(\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function\*?|const|let) (\w+))", re.MULTILINE)


def bundle(folder: Path, entry: str, *, instead: dict[str, str] | None = None) -> str:
    """The module `entry` of a folder and all modules that it imports, as one script; imported modules come first.

    `instead` replaces modules by others. Raises FormatError where a module breaks the rules.
    """
    done: dict[str, str] = {}
    _add(folder, entry, instead or {}, done, ())
    return "".join(done.values())


def in_language(page: str, language: str) -> str:
    """A page's HTML, to be shown in a language, "en" or "ko", whatever the browser's; "" leaves it to the browser."""
    return page.replace('<html lang="en">', f'<html lang="en" data-lang="{language}">') if language else page


def _add(folder: Path, path: str, instead: dict[str, str], done: dict[str, str], above: tuple[str, ...]) -> None:
    if path in above:
        raise FormatError(f"modules import each other: {' → '.join([*above, path])}.", "Each must stand on others.")
    source = (folder / path).read_text(encoding="utf-8")
    heads: list[str] = []
    for what, whole, other in _IMPORT.findall(source):
        found = posixpath.normpath(posixpath.join(posixpath.dirname(path), other))
        found = instead.get(found, found)
        if found not in done:
            _add(folder, found, instead, done, (*above, path))
        heads.append(f"const {whole or what} = {_word(found)};\n")
    body = _IMPORT.sub("", source)
    names = _EXPORT.findall(body)
    body = _EXPORT.sub("", body)
    if left := re.search(r"^\s*(import|export)\b.*$", body, re.MULTILINE):
        raise FormatError(f"{path} has {left[0]!r}.", "Imports name a path and names; exports declare what they name.")
    inside = "".join(heads) + body
    if above:
        done[path] = f"const {_word(path)} = (() => {{\n{inside}return {{ {', '.join(names)} }};\n}})();\n"
    else:
        done[path] = f"{{\n{inside}}}\n"


def _word(path: str) -> str:
    return "$" + re.sub(r"\W", "_", path.removesuffix(".js"))
