"""The sandbox: the same figures as the account's, and an answer to numbers that do not fit."""

import pytest

from striate import NETWORKS, Branches, Conv, Flatten, Gate, Linear, Network, Pool, Residual, account, find
from striate.accounting.fitting import fitting
from striate.errors import FormatError, UnknownNameError
from striate.web.sandbox import EXAMPLES, Trial, changed, read_trial, trials, try_it

OWN = find("lenet5-dense")


def asked(network: str = "post-002", shape: tuple[int, ...] | None = None, **changes: dict[str, int]):
    return try_it(Trial(network, shape, changes), own=OWN)


def test_post_002_does_not_fit_and_is_told_what_would() -> None:
    found = asked()
    assert found["exact"] is False
    assert found["fit"]["misfits"][0]["formula"] == "(7 − 3)/3 + 1 = 2.333"
    assert found["fit"]["misfits"][0]["fits"] == ["input 6 or 9", "kernel 4", "stride 2", "padding 1"]
    for cure in ({"kernel": 4}, {"stride": 2}, {"padding": 1}):
        assert asked(conv1=cure)["exact"] is True
    assert asked(shape=(1, 9, 9))["exact"] is True


def test_its_account_is_the_account() -> None:
    assert asked("lenet5-dense")["account"] == account(OWN).to_dict()
    found = asked("lenet5-dense", C1={"filters": 8}, F6={"filters": 100})
    assert found["account"] == account(changed(OWN, {"C1": {"filters": 8}, "F6": {"filters": 100}})).to_dict()
    assert found["account"]["rows"][0]["weights"] == 8 * 25
    assert found["fit"] == fitting(changed(OWN, {"C1": {"filters": 8}})).to_dict()


def test_layers_within_blocks_are_found_by_their_path() -> None:
    network = Network(
        "nested",
        (1, 8, 8),
        [
            Residual([Conv(1, kernel=3, padding=1)], shortcut=[Conv(1, kernel=1)]),
            Branches([[Conv(2, kernel=1)], [Conv(3, kernel=3, padding=1)]]),
            Gate([Conv(4, kernel=1), Conv(5, kernel=1)]),
            Pool("max", kernel=2),
            Flatten(),
            Linear(2),
        ],
    )
    changes = {
        "residual1.conv1": {"kernel": 5, "padding": 2},
        "residual1.shortcut.conv1": {"kernel": 3, "padding": 1},
        "branches1.block2.conv1": {"filters": 7},
        "gate1.conv1": {"filters": 6},
        "gate1.conv2": {"filters": 9},
        "linear1": {"filters": 4},
    }
    rows = {row.path: row for row in account(changed(network, changes)).rows}
    assert rows["residual1.conv1"].counts.weights == 25
    assert rows["residual1.shortcut.conv1"].counts.weights == 9
    assert rows["branches1"].step.output == (9, 8, 8)
    assert rows["gate1.conv1"].step.output == (6, 8, 8)
    assert rows["linear1"].step.output == (4,)


@pytest.mark.parametrize("name", [*EXAMPLES, *NETWORKS])
def test_every_network_can_be_tried(name: str) -> None:
    found = asked(name)
    assert name in trials(OWN)
    assert found["problem"] is None
    assert found["account"]["network"] == name


def test_layers_that_do_not_fit_are_a_problem_with_three_lines() -> None:
    found = asked("lenet5-dense", (1, 8, 8))
    assert found["account"] is None
    assert found["problem"] == {
        "where": "C3",
        "what": "a window 5 long does not fit an input of 6×2×2: (2 − 5)/1 + 1 = -2.",
        "expected": "The window must not be longer than the padded input, which is 2 long here.",
        "remedy": "What fits: kernel 2 or less, padding of 2 more at top and bottom, or an input here of 5 or more.",
    }


def test_a_pooling_window_in_padding_is_a_problem_with_three_lines() -> None:
    assert asked("lenet5-dense", S2={"padding": 2})["problem"] == {
        "where": "S2",
        "what": "a pooling window of 2 lies wholly in the padding of 2 at the top.",
        "expected": "Each window must read at least one value of its input.",
        "remedy": "What fits: padding of 1 or less at the top, or kernel 3 or more.",
    }


@pytest.mark.parametrize(
    ("network", "changes", "text"),
    [
        ("post-002", {"conv1": {"kernel": 0}}, "conv1: Conv kernel is 0.\nIt must be a whole number of at least 1."),
        ("post-002", {"conv1": {"stride": 5000}}, "conv1: stride is 5,000.\nHere it may be 1,024 at most."),
        ("post-002", {"conv1": {"filters": 10**6}}, "conv1: filters is 1,000,000.\nHere it may be 65,536 at most."),
        ("lenet5-dense", {"F6": {"kernel": 3}}, "F6: Linear has no kernel.\nLeave it out."),
        ("lenet5-dense", {"tanh1": {"kernel": 3}}, "lenet5-dense has no layer 'tanh1' with numbers to change."),
        ("lenet5-dense", {"S2": {"filters": 3}}, "S2: Pool has no filters."),
    ],
)
def test_numbers_that_no_layer_can_have(network: str, changes: dict[str, dict[str, int]], text: str) -> None:
    problem = asked(network, **changes)["problem"]
    where = f"{problem['where']}: " if problem["where"] else ""
    assert text in f"{where}{problem['what']}\n{problem['expected']}"


def test_a_network_that_is_not_there() -> None:
    with pytest.raises(UnknownNameError, match="no network is called 'lenet9'"):
        asked("lenet9")
    with pytest.raises(UnknownNameError):
        asked("/etc/passwd")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ([], "the document names no network."),
        ({"network": 3}, "the document names no network."),
        ({"network": "x", "shape": [1, 2, 3]}, "unknown: shape."),
        ({"network": "x", "input": [1, 28]}, "input is [1, 28]."),
        ({"network": "x", "input": [1, 28, 10**9]}, "It is [channels, height, width], each from 1 to 1,024."),
        ({"network": "x", "input": [1, 28, True]}, "input is [1, 28, True]."),
        ({"network": "x", "changes": {"C1": {"dilation": 2}}}, "changes cannot be read."),
        ({"network": "x", "changes": {"C1": {"kernel": 2.5}}}, "changes cannot be read."),
        ({"network": "x", "changes": ["C1"]}, "changes cannot be read."),
    ],
)
def test_documents_that_cannot_be_read(document, text: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_trial(document)
    assert text in str(caught.value)


def test_a_document_that_can_be_read() -> None:
    found = read_trial({"network": "x", "input": [1, 2, 3], "changes": {"C1": {"kernel": 2, "padding": "same"}}})
    assert found == Trial("x", (1, 2, 3), {"C1": {"kernel": 2, "padding": "same"}})
