"""The commands of the Go Text Protocol, each a function of a session."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from pathlib import Path

from striate.errors import DataError, MoveError, StriateError
from striate.go.coordinates import LARGEST, PASS, name_of, point_named
from striate.go.position import BLACK, EMPTY, NAMES, WHITE, Colour
from striate.go.sgf import LARGEST_FILE, read_game
from striate.go.show import board
from striate.play.choose import RESIGN
from striate.play.protocol import RefusedError, Request
from striate.play.rules import result
from striate.play.session import Session, handicap_points
from striate.version import __version__

COLOURS: dict[str, Colour] = {"b": BLACK, "black": BLACK, "w": WHITE, "white": WHITE}
STATUSES = ("alive", "dead", "seki")
MOST_DIGITS = 6

Act = Callable[[tuple[str, ...]], str]


class Commands:
    """The commands by name. `closed` is set by `quit`."""

    def __init__(self, session: Session) -> None:
        self.session, self.closed = session, False
        self.acts: dict[str, Act] = {
            "protocol_version": lambda _: "2",
            "name": lambda _: "Striate",
            "version": lambda _: f"{__version__} {session.policy.name}",
            "known_command": self._known,
            "list_commands": lambda _: "\n".join(self.acts),
            "quit": self._quit,
            "boardsize": self._boardsize,
            "clear_board": self._clear,
            "komi": self._komi,
            "play": self._play,
            "genmove": self._genmove,
            "undo": self._undo,
            "showboard": self._show,
            "fixed_handicap": self._fixed,
            "place_free_handicap": self._free,
            "set_free_handicap": self._set,
            "loadsgf": self._load,
            "final_score": self._score,
            "final_status_list": self._status,
            "time_settings": self._time_settings,
            "time_left": self._time_left,
        }

    def __call__(self, request: Request) -> str:
        """The answer to a command. Raises RefusedError."""
        act = self.acts.get(request.name)
        if act is None:
            raise RefusedError("unknown command")
        try:
            return act(request.arguments)
        except StriateError as error:
            raise RefusedError(" ".join(str(error).split())) from None

    def _known(self, arguments: tuple[str, ...]) -> str:
        return "true" if _count(arguments, 1)[0] in self.acts else "false"

    def _quit(self, _: tuple[str, ...]) -> str:
        self.closed = True
        return ""

    def _boardsize(self, arguments: tuple[str, ...]) -> str:
        # GTP has one text for every size that a program does not play on.
        if _whole(_count(arguments, 1)[0]) != self.session.size:
            raise RefusedError("unacceptable size")
        self.session.clear()
        return ""

    def _clear(self, _: tuple[str, ...]) -> str:
        self.session.clear()
        return ""

    def _komi(self, arguments: tuple[str, ...]) -> str:
        try:
            komi = float(_count(arguments, 1)[0])
        except ValueError:
            raise RefusedError("syntax error: komi is a number") from None
        if not isfinite(komi) or abs(komi) > LARGEST**2:
            raise RefusedError("syntax error: komi is a number of points on the board")
        self.session.komi = komi
        return ""

    def _play(self, arguments: tuple[str, ...]) -> str:
        colour, vertex = _count(arguments, 2)
        player, move = _colour(colour), self._vertex(vertex)
        try:
            self.session.play(player, move)
        except MoveError as error:
            raise RefusedError(f"illegal move: {error.what}") from None
        return ""

    def _genmove(self, arguments: tuple[str, ...]) -> str:
        move = self.session.generate(_colour(_count(arguments, 1)[0]))
        return "resign" if move == RESIGN else name_of(move, self.session.size)

    def _undo(self, _: tuple[str, ...]) -> str:
        try:
            self.session.undo()
        except MoveError:
            raise RefusedError("cannot undo") from None
        return ""

    def _show(self, _: tuple[str, ...]) -> str:
        position = self.session.position
        black, white = position.captured
        to_play = NAMES[position.to_play]
        return f"\n{board(position)}\n{to_play} to play; black captured {black}, white captured {white}"

    def _fixed(self, arguments: tuple[str, ...]) -> str:
        stones = _whole(_count(arguments, 1)[0])
        self._require_empty()
        try:
            points = handicap_points(self.session.size, stones)
        except MoveError:
            raise RefusedError("invalid number of stones") from None
        self.session.handicap(points)
        return self._names(points)

    def _free(self, arguments: tuple[str, ...]) -> str:
        stones = _whole(_count(arguments, 1)[0])
        self._require_empty()
        if not 2 <= stones < self.session.size**2:
            raise RefusedError("invalid number of stones")
        # Fewer stones may be placed than were asked for.
        for fewer in range(min(stones, 9), 1, -1):
            try:
                points = handicap_points(self.session.size, fewer)
            except MoveError:
                continue
            self.session.handicap(points)
            return self._names(points)
        raise RefusedError("invalid number of stones")

    def _set(self, arguments: tuple[str, ...]) -> str:
        self._require_empty()
        try:
            points = [point_named(each, self.session.size) for each in arguments]
        except MoveError:
            raise RefusedError("bad vertex list") from None
        if not 2 <= len(points) < self.session.size**2 or PASS in points or len(set(points)) < len(points):
            raise RefusedError("bad vertex list")
        self.session.handicap(points)
        return ""

    def _load(self, arguments: tuple[str, ...]) -> str:
        if not 1 <= len(arguments) <= 2:
            raise RefusedError("syntax error: a file, and the number of a move")
        # The position before that move; without a number, the one at the end.
        most = max(0, _whole(arguments[1]) - 1) if arguments[1:] else None
        try:
            with Path(arguments[0]).open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
            record = read_game(content, rules=self.session.rules.moves, most=most)
        except (OSError, ValueError, DataError) as error:
            reason = error.what if isinstance(error, DataError) else getattr(error, "strerror", None) or error
            raise RefusedError(f"cannot load file: {reason}") from None
        if record.size != self.session.size:
            raise RefusedError(f"cannot load file: a game on {record.size}x{record.size}")
        if record.broken:
            raise RefusedError(f"cannot load file: {record.broken}")
        self.session.load(record, len(record.moves))
        return ""

    def _score(self, _: tuple[str, ...]) -> str:
        return result(self.session.score(), self.session.whites)

    def _status(self, arguments: tuple[str, ...]) -> str:
        status = _count(arguments, 1)[0]
        if status not in STATUSES:
            raise RefusedError(f"syntax error: expected one of {', '.join(STATUSES)}")
        # Stones count as they stand, so that all are alive; `final_score` agrees with it.
        stones = self.session.position.stones
        return self._names([at for at, each in enumerate(stones) if each != EMPTY]) if status == "alive" else ""

    def _time_settings(self, arguments: tuple[str, ...]) -> str:
        for each in _count(arguments, 3):
            _whole(each)
        return ""

    def _time_left(self, arguments: tuple[str, ...]) -> str:
        colour, *left = _count(arguments, 3)
        _colour(colour)
        for each in left:
            _whole(each)
        return ""

    def _require_empty(self) -> None:
        if not self.session.empty:
            raise RefusedError("board not empty")

    def _names(self, points: list[int]) -> str:
        return " ".join(name_of(each, self.session.size) for each in points)

    def _vertex(self, name: str) -> int:
        try:
            return point_named(name, self.session.size)
        except MoveError:
            raise RefusedError("syntax error: no such vertex") from None


def _count(arguments: tuple[str, ...], count: int) -> tuple[str, ...]:
    if len(arguments) != count:
        raise RefusedError(f"syntax error: expected {count} argument{'s' if count > 1 else ''}")
    return arguments


def _colour(name: str) -> Colour:
    found = COLOURS.get(name.lower())
    if found is None:
        raise RefusedError("syntax error: a colour is black or white")
    return found


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise RefusedError("syntax error: expected a whole number")
    return int(text)
