"""Go played slowly, by the words of the rules alone: what Striate's own boards and planes are held against.

Boards are dicts from (row, column) to 1 or 2. Nothing of Striate is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Point = tuple[int, int]
Stones = dict[Point, int]


def beside(point: Point, size: int) -> list[Point]:
    row, column = point
    near = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return [(r, c) for r, c in near if 0 <= r < size and 0 <= c < size]


def group(stones: Stones, point: Point, size: int) -> set[Point]:
    found, todo = set(), [point]
    while todo:
        here = todo.pop()
        if here not in found:
            found.add(here)
            todo += [each for each in beside(here, size) if stones.get(each) == stones[point]]
    return found


def free(stones: Stones, point: Point, size: int) -> set[Point]:
    return {each for stone in group(stones, point, size) for each in beside(stone, size) if each not in stones}


def put(stones: Stones, point: Point, colour: int, size: int) -> tuple[Stones, int, int]:
    """The board after a stone was put down, and how many stones of the other and of its own colour went."""
    board = {**stones, point: colour}
    others = dead(board, 3 - colour, size)
    for each in others:
        del board[each]
    own = dead(board, colour, size)
    for each in own:
        del board[each]
    return board, len(others), len(own)


def dead(stones: Stones, colour: int, size: int) -> set[Point]:
    """All stones of a colour whose group has no empty point beside it."""
    found: set[Point] = set()
    seen: set[Point] = set()
    for point, own in stones.items():
        if own == colour and point not in seen:
            members = group(stones, point, size)
            seen |= members
            if not any(each not in stones for stone in members for each in beside(stone, size)):
                found |= members
    return found


@dataclass
class Game:
    """A game with all boards that there were, and when each stone was put down."""

    size: int
    superko: bool = False
    suicide: bool = False
    boards: list[Stones] = field(default_factory=lambda: [{}])
    moves: list[tuple[int, Point | None]] = field(default_factory=list)
    placed: dict[Point, int] = field(default_factory=dict)
    to_play: int = 1

    @property
    def stones(self) -> Stones:
        return self.boards[-1]

    def forbidden_ko(self) -> Point | None:
        """The point where a lone stone was just taken by a lone stone that could be taken back at once."""
        if not self.moves or self.moves[-1][1] is None:
            return None
        point, before = self.moves[-1][1], self.boards[-2]
        gone = [each for each in before if each not in self.stones]
        if len(gone) == 1 and point in self.stones and gone[0] != point:
            alone = len(group(self.stones, point, self.size)) == 1
            if alone and free(self.stones, point, self.size) == {gone[0]}:
                return gone[0]
        return None

    def legal(self, point: Point) -> bool:
        if point in self.stones or point == self.forbidden_ko():
            return False
        board, _, own = put(self.stones, point, self.to_play, self.size)
        if own and not self.suicide:
            return False
        return not (self.superko and board in self.boards)

    def play(self, point: Point | None) -> None:
        board = self.stones
        if point is not None:
            board, _, _ = put(self.stones, point, self.to_play, self.size)
            self.placed[point] = len(self.moves)
        self.moves.append((self.to_play, point))
        self.boards.append(dict(board))
        self.placed = {each: when for each, when in self.placed.items() if each in board}
        self.to_play = 3 - self.to_play

    def area(self) -> tuple[int, int]:
        counts = [0, list(self.stones.values()).count(1), list(self.stones.values()).count(2)]
        for point in ((row, column) for row in range(self.size) for column in range(self.size)):
            if point in self.stones:
                continue
            seen, todo, colours = set(), [point], set()
            while todo:
                here = todo.pop()
                if here in self.stones:
                    colours.add(self.stones[here])
                elif here not in seen:
                    seen.add(here)
                    todo += beside(here, self.size)
            if len(colours) == 1:
                counts[colours.pop()] += 1
        return counts[1], counts[2]


LADDER_MOVES = 500


def planes(game: Game) -> list[list[list[int]]]:
    """The 48 planes of the position, by their words in docs/go.md; suicide is illegal and superko unknown."""
    return planes_of(game.stones, game.to_play, game.size, game.forbidden_ko(), game.placed, len(game.moves))


def planes_of(
    stones: Stones, own: int, size: int, ko: Point | None, placed: dict[Point, int], turn: int
) -> list[list[list[int]]]:
    found = [[[0] * size for _ in range(size)] for _ in range(48)]

    def count(plane: int, number: int, point: Point) -> None:
        if number > 0:
            found[plane + min(number, 8) - 1][point[0]][point[1]] = 1

    def mark(plane: int, point: Point, yes: bool = True) -> None:
        found[plane][point[0]][point[1]] = int(yes)

    for point in ((row, column) for row in range(size) for column in range(size)):
        mark(3, point)
        if point in stones:
            mark(0 if stones[point] == own else 1, point)
            count(4, turn - placed[point], point)
            count(12, len(free(stones, point, size)), point)
            continue
        mark(2, point)
        board, taken, lost = put(stones, point, own, size)
        if point == ko or lost:
            continue
        count(20, taken, point)
        after = len(free(board, point, size))
        if after == 1:
            count(28, len(group(board, point, size)), point)
        count(36, after, point)
        mark(46, point, not fills_eye(stones, point, own, size))
        mark(44, point, any(catches(stones, each, point, ko, size, [0]) for each in preys(stones, point, own, size)))
    for atari in {min(group(stones, each, size)) for each, colour in stones.items() if colour == own}:
        if len(free(stones, atari, size)) == 1:
            for move in rescues(stones, atari, size):
                if escapes(stones, atari, move, ko, size, [0]):
                    mark(45, move)
    return found


def fills_eye(stones: Stones, point: Point, own: int, size: int) -> bool:
    if any(stones.get(each) != own for each in beside(point, size)):
        return False
    row, column = point
    corners = [(row + down, column + right) for down in (-1, 1) for right in (-1, 1)]
    on_board = [(r, c) for r, c in corners if 0 <= r < size and 0 <= c < size]
    theirs = sum(stones.get(each) == 3 - own for each in on_board)
    return theirs <= (1 if len(on_board) == 4 else 0)


def preys(stones: Stones, point: Point, own: int, size: int) -> list[Point]:
    """Opponent's stones beside a point whose chains have two liberties."""
    near = [each for each in beside(point, size) if stones.get(each) == 3 - own]
    return [each for each in near if len(free(stones, each, size)) == 2]


def rescues(stones: Stones, prey: Point, size: int) -> list[Point]:
    """A chain's one liberty, then what takes a chain beside it, in order."""
    (extension,) = free(stones, prey, size)
    moves: set[Point] = set()
    for stone in group(stones, prey, size):
        for each in beside(stone, size):
            if stones.get(each) == 3 - stones[prey] and len(free(stones, each, size)) == 1:
                moves |= free(stones, each, size)
    return [extension, *sorted(moves - {extension})]


def tried(stones: Stones, move: Point, colour: int, ko: Point | None, size: int) -> tuple[Stones, Point | None] | None:
    """The board and the ko after a legal move, or None."""
    if move in stones or move == ko:
        return None
    board, taken, lost = put(stones, move, colour, size)
    if lost:
        return None
    new_ko = None
    if taken == 1 and len(group(board, move, size)) == 1 and len(free(board, move, size)) == 1:
        new_ko = next(each for each in stones if each not in board)
    return board, new_ko


def catches(stones: Stones, prey: Point, move: Point, ko: Point | None, size: int, spent: list[int]) -> bool:
    spent[0] += 1
    after = tried(stones, move, 3 - stones[prey], ko, size)
    if spent[0] > LADDER_MOVES or after is None or len(free(after[0], prey, size)) != 1:
        return False
    return not any(escapes(after[0], prey, each, after[1], size, spent) for each in rescues(after[0], prey, size))


def escapes(stones: Stones, prey: Point, move: Point, ko: Point | None, size: int, spent: list[int]) -> bool:
    spent[0] += 1
    if spent[0] > LADDER_MOVES:
        return True
    after = tried(stones, move, stones[prey], ko, size)
    if after is None:
        return False
    left = sorted(free(after[0], prey, size))
    if len(left) != 2:
        return len(left) > 2
    return not any(catches(after[0], prey, each, after[1], size, spent) for each in left)
