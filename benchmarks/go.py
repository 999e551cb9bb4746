"""Games of a network against Debian's gnugo: wins with a 95 % interval.

    python -m benchmarks.go RUN [--games 40] [--levels 1 10] [--jobs 1] [--symmetries] [--records FOLDER]

RUN is the folder of a run, or the name of a network, which then plays untrained. `striate gtp RUN` plays as a process
of its own, by Chinese rules with positional superko and a komi of 7.5, and has black in every other game. gnugo gets
another seed in each game. A finished game is scored by gnugo's `final_score`, and by our count of the area without the
stones that gnugo holds dead; games in which the two differ are counted. A game of more than `--most` moves has no
result, and counts as lost. `--jobs 2` plays two games at a time: gnugo thinks on one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from striate.go.position import BLACK, WHITE
from tests.support.referee import COLOURS, GNUGO, Played, game, gnugo, program, wilson

KOMI = 7.5


def one(ours: list[str], level: int, number: int, asked: argparse.Namespace) -> tuple[int, Played]:
    """Game `number`, from 0, against one level: our colour, and the game."""
    own, began = (BLACK, WHITE)[number % 2], time.monotonic()
    with program([*ours, "--seed", str(number)]) as us, program(gnugo(level, number + 1)) as them:
        black, white = (us, them) if own == BLACK else (them, us)
        played = game(black, white, judge=them, komi=KOMI, most=asked.most)
    scores = f"{played.judged or 'no result'}, by our count {played.counted or 'none'}"
    print(
        f"  game {number + 1}, level {level}: {COLOURS[own]}, {len(played.moves)} moves, {scores}, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    if asked.records:
        asked.records.mkdir(parents=True, exist_ok=True)
        (asked.records / f"level-{level}-game-{number + 1}.sgf").write_text(played.sgf(KOMI))
    return own, played


def match(ours: list[str], level: int, asked: argparse.Namespace) -> list[tuple[int, Played]]:
    """The games against one level, in order: our colour, and the game."""
    with ThreadPoolExecutor(asked.jobs) as games:
        return list(games.map(lambda number: one(ours, level, number, asked), range(asked.games)))


def summary(level: int, found: list[tuple[int, Played]]) -> str:
    """A line with the wins."""
    wins = sum(played.winner() == own for own, played in found)
    low, high = wilson(wins, len(found))
    cut = sum(played.ended == "limit" for _, played in found)
    differ = sum(played.judged != played.counted for _, played in found)
    return (
        f"gnugo level {level}: {wins} of {len(found)} won, {100 * wins / len(found):.1f} % "
        f"({100 * low:.1f} to {100 * high:.1f} %); {cut} without a result; the two scores differ in {differ}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--games", type=int, default=40)
    parser.add_argument("--levels", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--most", type=int, default=500)
    parser.add_argument("--symmetries", action="store_true")
    parser.add_argument("--temperature", default="0")
    parser.add_argument("--records", type=Path)
    asked = parser.parse_args()
    if GNUGO is None:
        sys.exit("gnugo is not installed. Install it: apt-get install gnugo")
    ours = [sys.executable, "-m", "striate", "gtp", asked.run, "--temperature", asked.temperature]
    ours += ["--komi", str(KOMI), *(["--symmetries"] if asked.symmetries else [])]
    lines = [summary(level, match(ours, level, asked)) for level in asked.levels]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
