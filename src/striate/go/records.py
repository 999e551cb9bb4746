"""Records of games from SGF files (FF[4] and earlier), one or many a file, plain or compressed by gzip.

`sgfmill` (the extra `go`) reads the text; only the main line of a game is followed. A record that is not a game on the
wanted board is left out and named; a game with an illegal move is kept up to it, and named too.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from striate.errors import DataError
from striate.extras import require_extra
from striate.go.coordinates import PASS, name_of
from striate.go.games import POINT, Games, packed
from striate.go.planes import legal_lengths
from striate.go.position import BLACK, WHITE
from striate.wording import counted

SUFFIXES = (".sgf", ".sgf.gz")
MOST_BYTES = 2**30
"""The most bytes of a file, unpacked."""
MOST_MOVES = 2000
"""The most moves of a game that is read; longer ones are no games that two people played."""
_GAME = re.compile(rb"\(\s*;\s*(?=(?:FF|GM|SZ|CA|AP)\[[^]\\]*\])")
"""The beginning of a game: a node with properties that roots alone have. Each begins anew, whatever was broken before.

In a comment that quotes a game, the brackets are escaped.
"""
_NODE = re.compile(rb"\(\s*;")
_TOKEN = re.compile(rb"\[[^]\\]*(?:\\.[^]\\]*)*\]?|[()]", re.DOTALL)
"""A value, to the end of the text where it is not closed, or a parenthesis."""
_TEXT_LIMIT = 80


@dataclass(frozen=True)
class Note:
    """A record that was left out or cut: `where` names it, `why` has the reason in words."""

    where: str
    why: str


@dataclass(frozen=True)
class Records:
    """The games of some files: those `left_out` and those `cut`, at an illegal move, are named."""

    games: Games
    left_out: tuple[Note, ...]
    cut: tuple[Note, ...]


def is_record(path: str | Path) -> bool:
    """Whether a file is a record of games, by its name.

    >>> is_record("games/a.SGF"), is_record("b.sgf.gz"), is_record("c.png")
    (True, True, False)
    """
    return str(path).lower().endswith(SUFFIXES)


def read_records(files: list[Path], size: int = 19, *, tell: Callable[[float], None] | None = None) -> Records:
    """The games of all files on boards of one `size`. `tell` hears which share is read.

    Raises DataError, naming the file, where a file cannot be read; RequirementError without sgfmill.
    """
    moves: list[int] = []
    starts, names = [0], list[str]()
    left_out: list[Note] = []
    for number, file in enumerate(files):
        pieces = _pieces(_content(file))
        for at, piece in enumerate(pieces):
            where = f"{file.name}, game {at + 1}" if len(pieces) > 1 else file.name
            try:
                found = moves_of(piece, size)
            except DataError as error:
                left_out.append(Note(where, error.what))
                continue
            moves += found
            starts.append(len(moves))
            names.append(where)
            if tell and at % 50 == 0:
                tell((number + at / len(pieces)) / len(files))
    games, cut = _legal(Games(size, np.array(moves, np.int16), np.array(starts, np.int64), tuple(names)))
    return Records(games, tuple(left_out), tuple(cut))


def game_in(file: Path, number: int = 1) -> bytes:
    """The text of one game of a file, for `striate.go.sgf.read_game`. Raises DataError, naming the file."""
    pieces = _pieces(_content(file))
    if not 1 <= number <= len(pieces):
        raise DataError(
            f"has no game {number}.", f"It has {counted(len(pieces), 'game')}.", "Give another --game.", where=str(file)
        )
    return pieces[number - 1]


def moves_of(text: bytes, size: int = 19) -> list[int]:
    """The packed moves of a record's first game. Raises DataError, which says in `what` why it is left out."""
    nodes = list(_nodes(text))
    root = nodes[0]
    if root.get("GM", [b"1"])[0].strip() not in (b"1", b""):
        raise DataError("it is a record of another game than Go")
    found = root.get("SZ", [b"19"])[0].strip()
    if found not in (str(size).encode(), f"{size}:{size}".encode()):
        raise DataError(f"the board is {_shown(found)}, not {size}×{size}")
    moves: list[int] = []
    played = 0
    for number, node in enumerate(nodes):
        setup = [name for name in ("AB", "AW", "AE") if any(value.strip() for value in node.get(name, []))]
        if setup and (played or "AE" in setup):
            break  # stones are placed in the middle of a game: what follows is another position
        for name, colour in (("AB", BLACK), ("AW", WHITE)):
            moves += [packed(each, colour, set_up=True) for each in _points(node.get(name, []), size, number)]
        for name, colour in (("B", BLACK), ("W", WHITE)):
            for value in node.get(name, []):
                moves.append(packed(_move(value, size, number), colour))
                played += 1
        if played > MOST_MOVES:
            raise DataError(f"it has more than {MOST_MOVES:,} moves")
    if not any(code < 4096 and code & POINT != POINT for code in moves):
        raise DataError("it has handicap stones and no moves" if len(moves) > played else "it has no moves")
    return moves


def _nodes(text: bytes) -> Iterator[dict[str, list[bytes]]]:
    """The nodes of the main line."""
    grammar = _sgfmill()
    try:
        tree = grammar.parse_sgf_game(text)
        yield from grammar.main_sequence_iter(tree)
    except (ValueError, AttributeError) as problem:
        raise DataError(f"it cannot be read: {problem}"[: 2 * _TEXT_LIMIT]) from None


def _move(value: bytes, size: int, node: int) -> int:
    text = value.strip()
    if text == b"" or (text == b"tt" and size <= 19):
        return PASS
    return _point(text, size, node)


def _point(text: bytes, size: int, node: int) -> int:
    if len(text) == 2:
        column, row = text[0] - ord("a"), text[1] - ord("a")
        if 0 <= column < size and 0 <= row < size:
            return row * size + column
    raise DataError(f"node {node} has {_shown(text)}, which is no point of the board")


def _points(values: list[bytes], size: int, node: int) -> list[int]:
    """Points of a list, in which `aa:cc` stands for a rectangle; each once. One empty value is an empty list."""
    if [value.strip() for value in values] == [b""]:
        return []
    found: list[int] = []
    for value in values:
        first, _, last = value.strip().partition(b":")
        low = _point(first, size, node)
        high = _point(last, size, node) if last else low
        rows = range(low // size, high // size + 1)
        found += [row * size + column for row in rows for column in range(low % size, high % size + 1)]
    return list(dict.fromkeys(found))


def _legal(games: Games) -> tuple[Games, list[Note]]:
    """The games up to their first illegal move, and which were cut."""
    lengths, starts = legal_lengths(games.size, games.moves, games.starts), games.starts
    full = np.diff(starts)
    if (lengths == full).all():
        return games, []
    cut: list[Note] = []
    for game in (lengths < full).nonzero()[0].tolist():
        at = int(starts[game] + lengths[game])
        code = int(games.moves[at])
        point = name_of(code & POINT, games.size)
        colour = "black" if code & 1024 else "white"
        number = int(games.turn_of(np.array([at]))[0])
        why = f"move {number}, {colour} {point}, is illegal; kept up to there"
        cut.append(Note(games.names[game], why))
    kept = np.concatenate([np.arange(a, a + n) for a, n in zip(starts[:-1], lengths, strict=True)])
    shorter = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Games(games.size, games.moves[kept], shorter, games.names), cut


def _pieces(content: bytes) -> list[bytes]:
    """The text of each game of a file; all of it where there is none."""
    found: list[bytes] = []
    for first, last in pairwise([0, *(match.start() for match in _GAME.finditer(content)), len(content)]):
        text = content[first:last]
        found += [text[begin:end] for begin, end in pairwise([*_begins(text), len(text)])]
    return found or [content]


def _begins(text: bytes) -> list[int]:
    """Where each game begins, whatever its first property is; a game that is not closed goes on to the end."""
    begins: list[int] = []
    end = 0
    while found := _NODE.search(text, end):
        begins.append(found.start())
        depth, end = 0, len(text)
        for token in _TOKEN.finditer(text, found.start()):
            depth += {b"(": 1, b")": -1}.get(token[0], 0)
            if not depth:
                end = token.end()
                break
    return begins


def _content(file: Path) -> bytes:
    """The bytes of a file, unpacked. Raises DataError."""
    try:
        with open(file, "rb") as stream:
            zipped = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            source = gzip.GzipFile(fileobj=stream) if zipped else stream
            content = source.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise DataError(
            f"cannot be read: {reason.lower().rstrip('.')}.",
            "Expected records of Go games, in SGF, plain or compressed by gzip.",
            "Give another file, or take it out of the folder.",
            where=str(file),
        ) from None
    if len(content) > MOST_BYTES:
        raise DataError(f"unpacks to more than {MOST_BYTES:,} bytes.", "Split it into several files.", where=str(file))
    return content


def _sgfmill() -> Any:
    require_extra("go", "records of Go games need")
    from sgfmill import sgf_grammar

    return sgf_grammar


def _shown(text: bytes) -> str:
    return repr(text[:_TEXT_LIMIT].decode("ascii", "replace"))


def summary(records: Records) -> str:
    """One line on what was read.

    >>> nothing = np.zeros(0, np.int16)
    >>> summary(Records(Games(19, nothing, np.zeros(1, np.int64)), (Note("a.sgf", "it has no moves"),), ()))
    '0 games, 0 positions; 1 record left out'
    """
    text = f"{counted(len(records.games), 'game')}, {counted(len(records.games.positions), 'position')}"
    if records.left_out:
        text += f"; {counted(len(records.left_out), 'record')} left out"
    return f"{text}; {counted(len(records.cut), 'game')} cut at an illegal move" if records.cut else text
