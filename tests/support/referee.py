"""A referee of games of Go between two players that speak the Go Text Protocol: legality, results, an interval."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from striate.go.coordinates import PASS, name_of, point_named
from striate.go.position import BLACK, WHITE, Rules, illegal, is_over, play, start
from striate.go.score import area, result
from striate.go.sgf import write_game
from striate.play.commands import Commands
from striate.play.protocol import answer

GNUGO = shutil.which("gnugo") or next((each for each in ("/usr/games/gnugo",) if Path(each).exists()), None)
"""Debian's gnugo; None where it is not installed."""
COLOURS = {BLACK: "black", WHITE: "white"}
Ended = Literal["passes", "resignation", "limit"]


class Foul(Exception):  # noqa: N818 - a finding of the referee
    """A player broke the rules of the game or of the protocol."""


class Player(Protocol):
    """Somebody who answers commands."""

    def ask(self, command: str) -> str:
        """The text of the answer. Raises Foul where it is a failure."""
        ...


@dataclass(frozen=True)
class Program:
    """A process that speaks the protocol."""

    process: subprocess.Popen[str]

    def ask(self, command: str) -> str:
        into, out = self.process.stdin, self.process.stdout
        assert into is not None
        assert out is not None
        into.write(f"{command}\n")
        into.flush()
        lines: list[str] = []
        while line := out.readline():
            if line.strip() or not lines:
                lines.append(line.rstrip())
            else:
                return _good(command, "\n".join(lines).strip())
        raise Foul(f"it ended at `{command}`")


@dataclass(frozen=True)
class Inside:
    """A player in this process, asked by lines of the protocol, too."""

    commands: Commands

    def ask(self, command: str) -> str:
        return _good(command, answer(command, self.commands).strip())


@contextmanager
def program(command: Sequence[str]) -> Iterator[Program]:
    """A player in a process of its own."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Program(process)
        finally:
            process.terminate()


def gnugo(level: int, seed: int) -> list[str]:
    """The command of gnugo at a level, by the rules that the referee judges by."""
    rules = ["--chinese-rules", "--positional-superko"]
    return [str(GNUGO), "--mode", "gtp", "--level", str(level), "--seed", str(seed), *rules]


@dataclass(frozen=True)
class Played:
    """A game: its moves, how it ended, and its result by a judge's `final_score` and by our count of the area.

    The area leaves out the stones that the judge holds dead. A game that reached the limit of moves has no result.
    """

    moves: tuple[int, ...]
    ended: Ended
    judged: str = ""
    counted: str = ""
    size: int = 19

    def winner(self) -> int | None:
        """BLACK or WHITE by the judge; None for a draw and for a game without a result."""
        return {"B": BLACK, "W": WHITE}.get(self.judged[:1])

    def sgf(self, komi: float) -> str:
        """The game as SGF."""
        turns = ((BLACK, WHITE)[number % 2] for number in range(len(self.moves)))
        return write_game(self.size, zip(turns, self.moves, strict=True), komi=komi, result=self.judged)


def game(black: Player, white: Player, *, judge: Player, komi: float = 7.5, most: int = 500, size: int = 19) -> Played:
    """One game, by area and positional superko. `judge` is one of the players, who scores it. Raises Foul."""
    players = {BLACK: black, WHITE: white}
    for each in (black, white):
        for command in (f"boardsize {size}", "clear_board", f"komi {komi:g}"):
            each.ask(command)
    position, moves = start(size, Rules("positional")), list[int]()
    while len(moves) < most:
        colour = position.to_play
        name = players[colour].ask(f"genmove {COLOURS[colour]}")
        if name.lower() == "resign":
            won = f"{'W' if colour == BLACK else 'B'}+R"
            return Played(tuple(moves), "resignation", won, won, size)
        move = point_named(name, size)
        if reason := illegal(position, move):
            raise Foul(f"{COLOURS[colour]} plays {name} as move {len(moves) + 1}: {reason}")
        players[3 - colour].ask(f"play {COLOURS[colour]} {name_of(move, size)}")
        position = play(position, move)
        moves.append(move)
        if is_over(position):
            dead = [point_named(each, size) for each in judge.ask("final_status_list dead").split()]
            counted = result(area(position, dead), komi)
            return Played(tuple(moves), "passes", judge.ask("final_score"), counted, size)
    return Played(tuple(moves), "limit", size=size)


def wilson(wins: float, games: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share that 95 of 100 such intervals cover (E. B. Wilson, 1927).

    >>> [round(each, 3) for each in wilson(8, 40)]
    [0.105, 0.348]
    """
    if not games:
        return 0.0, 1.0
    share, scale = wins / games, 1 + z * z / games
    middle = (share + z * z / (2 * games)) / scale
    half = z * math.sqrt(share * (1 - share) / games + z * z / (4 * games * games)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def passes(played: Played) -> int:
    """The passes in a game."""
    return sum(move == PASS for move in played.moves)


def _good(command: str, text: str) -> str:
    if not text.startswith("="):
        raise Foul(f"`{command}` is answered by `{text}`")
    return text[1:].strip()
