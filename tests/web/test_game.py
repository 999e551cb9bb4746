"""The game as the page keeps it: what it sends is the position that the server told."""

from __future__ import annotations

import json
from pathlib import Path

from striate.go.position import BLACK, WHITE
from striate.go.sgf import read_game
from tests.support.node import COMPUTE, NEEDS_NODE, under_node

pytestmark = NEEDS_NODE
GAME = (COMPUTE.parent / "ui" / "game.js").as_uri()


def sent(tmp_path: Path, *steps: str) -> bytes:
    """The game that the page sends after some steps."""
    script = tmp_path / "game.mjs"
    begin = f"import {{ Game }} from {json.dumps(GAME)}; const game = new Game(9);"
    script.write_text("\n".join([begin, *steps, "console.log(game.sgf());"]))
    return under_node(script).encode()


def told(moves: list[tuple[str, str]], to_play: str, komi: float | None = 5.5) -> str:
    """An answer of the server with two stones at first."""
    listed = [{"colour": colour, "name": name} for colour, name in moves]
    return json.dumps({"first": [1, 2, *[0] * 79], "moves": listed, "to_play": to_play, "komi": komi, "comment": ""})


def test_a_file_keeps_whose_turn_it_is(tmp_path: Path) -> None:
    for moves, to_play, colour in (
        ([("black", "E5")], "black", BLACK),
        ([("black", "E5")], "white", WHITE),
        ([], "white", WHITE),
    ):
        found = read_game(sent(tmp_path, f"game.take({told(moves, to_play)});"))
        assert (found.positions[-1].to_play, len(found.moves), found.komi) == (colour, len(moves), 5.5)


def test_without_a_komi_a_game_has_that_of_chinese_rules(tmp_path: Path) -> None:
    assert read_game(sent(tmp_path, f"game.take({told([], 'black', None)});")).komi == 7.5


def test_a_move_that_is_refused_leaves_the_turn(tmp_path: Path) -> None:
    """White is to play in a problem, and chooses a point with a stone."""
    refused = told([], "white")
    steps = [f"game.take({refused});", 'game.add({ colour: "white", name: "A9" });', f"game.refused({refused});"]
    assert read_game(sent(tmp_path, *steps)).positions[-1].to_play == WHITE


def test_a_move_that_is_refused_leaves_the_moves_that_were_taken_back(tmp_path: Path) -> None:
    """Of a game of two moves the second is taken back, and a click goes to a point with a stone."""
    took = told([("black", "E5"), ("white", "A1")], "black")
    stood = told([("black", "E5")], "white")
    steps = [f"game.take({took});", "game.back();", 'game.add({ colour: "white", name: "E5" });']
    steps += [f"game.refused({stood});", "game.forward();"]
    found = read_game(sent(tmp_path, *steps))
    assert (len(found.moves), found.positions[-1].to_play) == (2, BLACK)


def test_work_that_fails_is_done_again_when_it_is_asked_for(tmp_path: Path) -> None:
    """The server may stop in the middle of an answer, and be started again."""
    script = tmp_path / "latest.mjs"
    script.write_text(f"""
        const {{ latest }} = await import({json.dumps((COMPUTE.parent / "ui" / "latest.js").as_uri())});
        globalThis.document = {{ body: {{ dataset: {{}} }} }};
        let calls = 0;
        const again = latest(() => {{ calls += 1; if (calls === 1) throw new Error("lost"); }});
        await again().catch(() => undefined);
        await again();
        console.log(calls);
    """)
    assert under_node(script).strip() == "2"
