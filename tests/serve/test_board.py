"""A network that plays Go behind the server: positions, answers to games, and the page with the board."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from striate import find
from striate.errors import SpecError
from striate.export.page import alone
from striate.go.coordinates import name_of, point_named
from striate.go.planes import plane_name
from striate.go.sgf import read_game
from striate.look.untrained import untrained
from striate.play.policy import Policy
from tests.support.asking import is_described
from tests.support.browsing import NARROW, NEEDS_CHROMIUM, OVERFLOWING, expect
from tests.support.playing import NEEDS_KERNELS, policy
from tests.support.serving import Server, serving_here

pytestmark = NEEDS_KERNELS
SGF = {"Content_Type": "application/x-go-sgf"}
KO = b"(;SZ[9]KM[5.5]C[A ko];B[dc];W[ec];B[cd];W[fd];B[de];W[ee];B[ed];W[dd])"


@pytest.fixture(scope="module")
def board() -> Iterator[Server]:
    """A server of a small untrained network for 9×9."""
    with serving_here(policy().predictor) as found:
        yield found


def test_a_position_with_its_ko_and_its_legal_moves(board: Server) -> None:
    status, found = board.json("POST", "/position", KO, **SGF)
    assert status == 200
    is_described(found, "/position")
    stones = {name_of(at, 9): each for at, each in enumerate(found["stones"]) if each}
    assert stones == {"D7": 1, "C6": 1, "D5": 1, "E7": 2, "F6": 2, "E5": 2, "D6": 2}
    assert (found["captured"], found["to_play"], found["komi"], found["comment"]) == ([0, 1], "black", 5.5, "A ko")
    assert name_of(found["last"], 9) == "D6"
    illegal = {name_of(at, 9) for at in range(81)} - {name_of(at, 9) for at in found["legal"]}
    assert illegal == {*stones, "E6"}
    assert [move["name"] for move in found["moves"]] == ["D7", "E7", "C6", "F6", "D5", "E5", "E6", "D6"]


def test_stones_that_are_set_up_in_the_middle_are_the_first_ones(board: Server) -> None:
    _, found = board.json("POST", "/position", b"(;SZ[9];B[aa];W[bb];AE[aa]AB[cc];B[dd];PL[B])", **SGF)
    first = {name_of(at, 9): each for at, each in enumerate(found["first"]) if each}
    assert (first, found["moves"]) == ({"B8": 2, "C7": 1}, [{"colour": "black", "name": "D6"}])
    assert [each for each in found["stones"] if each] == [2, 1, 1]
    assert (found["to_play"], name_of(found["last"], 9), found["komi"]) == ("black", "D6", None)


def test_an_illegal_move_is_said_and_the_game_kept_up_to_there(board: Server) -> None:
    broken = KO.replace(b"W[dd])", b"W[dd];B[ed])")
    _, found = board.json("POST", "/position", broken, **SGF)
    assert found["broken"] == "move 9: black cannot play E6: the ko was just taken there."
    assert len(found["moves"]) == 8
    status, refused = board.json("POST", "/predict", broken, **SGF)
    assert (status, refused["error"]["what"]) == (422, f"the game breaks off at {found['broken']}")


def test_answers_are_those_of_the_policy(board: Server) -> None:
    status, found = board.json("POST", "/predict", KO, **SGF)
    expected = policy().moves(read_game(KO).positions[-1])
    assert status == 200
    assert [found["probabilities"][name_of(at, 9)] for at in range(81)] == pytest.approx(
        expected.probabilities, abs=1e-6
    )
    _, network = board.json("GET", "/network")
    assert network["board"] == 9
    assert network["planes"] == [plane_name(each) for each in range(48)]
    _, layers = board.json("POST", "/activations?paths=conv1", KO, **SGF)
    planes = layers["layers"][0]
    assert (planes["path"], planes["shape"]) == ("input", [48, 9, 9])
    own = [at for at, value in enumerate(planes["values"][:81]) if value == max(planes["values"])]
    assert {name_of(at, 9) for at in own} == {"D7", "C6", "D5"}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"no game", "not a record of a game that can be read: no SGF data found."),
        (b"(;SZ[19];B[dd])", "a game on 19×19."),
    ],
)
def test_what_is_no_game_on_its_board_is_refused(board: Server, body: bytes, what: str) -> None:
    for path in ("/position", "/predict", "/activations", "/unit?path=conv1"):
        status, found = board.json("POST", path, body, **SGF)
        assert (status, found["error"]["what"]) == (422, what)


def test_a_network_of_images_has_no_positions() -> None:
    with serving_here(untrained(find("1x8x8: conv 2 3x3, flatten, linear 10"))) as found:
        status, refused = found.json("POST", "/position", KO, **SGF)
        assert status == 422
        assert refused["error"]["what"].endswith("does not play Go.")
        _, runs = found.json("GET", "/runs")
        assert runs["runs"][0]["board"] is None


def test_there_is_no_page_in_a_file() -> None:
    with pytest.raises(SpecError) as refused:
        alone(policy().predictor)
    assert refused.value.what.endswith("plays Go, and its page needs a server, which knows the rules.")


def click(page, name: str) -> None:
    point = point_named(name, 9)
    box = page.get_by_test_id("board").bounding_box()
    step = box["width"] / 10.4
    page.mouse.click(box["x"] + (point % 9 + 1.2) * step, box["y"] + (point // 9 + 1.2) * step)


def state(page, text: str) -> None:
    expect(page.get_by_test_id("state")).to_have_text(text)


@pytest.mark.slow
@NEEDS_CHROMIUM
def test_stones_are_placed_taken_and_taken_back(board: Server, visit) -> None:
    page = visit(board)
    state(page, "Black to play. Captured: 0 by black, 0 by white.")
    for number, (name, colour, other) in enumerate([("A8", "black", "White"), ("A9", "white", "Black")], 1):
        click(page, name)
        state(page, f"Move {number}: {colour} {name}. {other} to play. Captured: 0 by black, 0 by white.")
    page.get_by_test_id("board").focus()
    for _ in range(5):
        page.keyboard.press("ArrowUp")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")  # B9 takes A9
    state(page, "Move 3: black B9. White to play. Captured: 1 by black, 0 by white.")
    click(page, "A9")
    expect(page.locator("#error")).to_contain_text(
        "move 4: white cannot play A9: it takes its own last liberty (suicide)."
    )
    page.keyboard.press("p")
    state(page, "Move 4: white pass. Black to play. Captured: 1 by black, 0 by white.")
    expect(page.locator("#error")).to_be_hidden()
    page.keyboard.press("Backspace")
    page.get_by_test_id("back").click()
    state(page, "Move 2: white A9. Black to play. Captured: 0 by black, 0 by white.")
    page.get_by_test_id("forward").click()
    state(page, "Move 3: black B9. White to play. Captured: 1 by black, 0 by white.")
    page.get_by_test_id("turn").click()
    state(page, "Move 3: black B9. Black to play. Captured: 1 by black, 0 by white.")
    page.get_by_test_id("clear").click()
    state(page, "Black to play. Captured: 0 by black, 0 by white.")


@pytest.mark.slow
@NEEDS_CHROMIUM
def test_quick_clicks_place_stones_of_both_players(board: Server, visit) -> None:
    """The second comes before the server has answered with the position after the first."""
    page = visit(board)
    state(page, "Black to play. Captured: 0 by black, 0 by white.")

    def late(route) -> None:
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/activations**", late)
    for name in ("A8", "C3", "E5"):
        click(page, name)
    state(page, "Move 3: black E5. White to play. Captured: 0 by black, 0 by white.")
    page.get_by_test_id("clear").click()
    click(page, "C3")
    state(page, "Move 1: black C3. White to play. Captured: 0 by black, 0 by white.")
    for _ in range(2):
        page.get_by_test_id("turn").click()
    click(page, "E5")
    state(page, "Move 2: white E5. Black to play. Captured: 0 by black, 0 by white.")


@pytest.mark.slow
@NEEDS_CHROMIUM
def test_answers_to_an_earlier_position_are_not_played(board: Server, visit) -> None:
    page = visit(board)
    state(page, "Black to play. Captured: 0 by black, 0 by white.")
    for address in ("**/activations**", "**/position**"):
        page.route(address, lambda route: (page.wait_for_timeout(300), route.continue_()))
    click(page, "C3")
    state(page, "Move 1: black C3. White to play. Captured: 0 by black, 0 by white.")
    page.get_by_test_id("network-move").evaluate("button => { button.click(); button.click(); }")
    expect(page.locator("#best li button").first).to_be_visible()
    page.wait_for_timeout(2000)
    assert "Move 2: white" in page.get_by_test_id("state").inner_text()
    assert page.locator("#error").is_hidden()
    click(page, "C3")  # which is taken
    page.get_by_test_id("clear").click()
    page.wait_for_timeout(2000)
    state(page, "Black to play. Captured: 0 by black, 0 by white.")


@NEEDS_CHROMIUM
def test_the_best_moves_a_unit_and_a_plane(board: Server, visit) -> None:
    page = visit(board, NARROW)
    expect(page.locator("#best li")).to_have_count(5)
    page.get_by_test_id("file").set_input_files({"name": "ko.sgf", "mimeType": "", "buffer": KO})
    state(page, "Move 8: white D6. Black to play. Captured: 0 by black, 1 by white.")
    expect(page.locator("#comment")).to_have_text("A ko")
    best = Policy.moves(policy(), read_game(KO).positions[-1])
    legal = [at for at in best.probabilities.argsort()[::-1] if not read_game(KO).positions[-1].stones[at]]
    names = [name_of(int(at), 9) for at in legal if name_of(int(at), 9) != "E6"][:5]
    expect(page.locator("#best b")).to_have_text(names)
    page.get_by_test_id("network-move").click()
    state(page, f"Move 9: black {names[0]}. White to play. Captured: 0 by black, 1 by white.")
    page.locator("[data-path=conv2] canvas").click(position={"x": 6, "y": 6})
    expect(page.get_by_test_id("inspector")).to_contain_text("of the input")
    page.locator("[data-path=input] canvas").click(position={"x": 6, "y": 6})
    expect(page.get_by_test_id("inspector")).to_contain_text("stone colour: own")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("inspector")).to_be_empty()
    assert page.evaluate(OVERFLOWING) == []
