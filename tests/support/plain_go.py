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
    others = {each for each, own in board.items() if own != colour and not free(board, each, size)}
    for each in others:
        del board[each]
    own = {each for each, its in board.items() if its == colour and not free(board, each, size)}
    for each in own:
        del board[each]
    return board, len(others), len(own)


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
