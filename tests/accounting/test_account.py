"""Accounts against published figures, and as text."""

import csv
import io
import json

import pytest

from striate import Conv, Flatten, Linear, Network, Pool, account, find
from striate.accounting.show.table import to_csv, to_json, to_markdown, to_table
from striate.errors import ShapeError
from tests.support.commands import python

POST_002 = Network("post-002", (1, 7, 7), [Conv(1, kernel=3, stride=3)])


def by_path(network):
    return {row.path: row for row in account(network).rows}


def test_lenet5_is_the_papers_to_the_last_parameter() -> None:
    rows = by_path(find("lenet5"))
    layers = ["C1", "S2", "C3", "S4", "C5", "F6", "output"]
    assert [rows[path].counts.parameters for path in layers] == [156, 12, 1516, 32, 48120, 10164, 0]
    assert [rows[path].counts.connections for path in layers] == [122304, 5880, 151600, 2000, 48120, 10164, 840]
    assert [rows[path].counts.macs for path in layers] == [117600, 1176, 150000, 400, 48000, 10080, 840]
    assert [rows[path].receptive_field.size for path in layers[:5]] == [(side, side) for side in (5, 6, 14, 16, 32)]
    assert [rows[path].receptive_field.jump[0] for path in layers[:5]] == [1, 2, 2, 4, 4]
    assert [rows[path].receptive_field.start[0] for path in layers[:5]] == [2.0, 2.5, 6.5, 7.5, 15.5]
    totals = account(find("lenet5")).totals
    assert (totals.parameters, totals.fixed, totals.connections, totals.macs) == (60000, 840, 340908, 328096)


@pytest.mark.parametrize(
    ("name", "parameters", "without_biases", "macs"),
    [
        ("lenet5-dense", 61706, 61470, 416520),
        ("lenet5-keras", 388502, 388266, 1736592),
        ("lenet5-keras-table", 33090, 33058, 1858312),
        ("simple-cnn", 1413834, 1412800, 89466496),
        ("fully-connected", 122890, 122880, 122880),
    ],
)
def test_published_totals(name: str, parameters: int, without_biases: int, macs: int) -> None:
    totals = account(find(name)).totals
    assert (totals.parameters, totals.macs) == (parameters, macs)
    bare = account(find(name), biases=False).totals
    assert (bare.parameters, bare.biases, bare.macs) == (without_biases, 0, macs)


def test_without_biases_takes_their_connections_away() -> None:
    assert account(find("lenet5-dense"), biases=False).totals.connections == 416520


def test_a_batch_multiplies_what_each_image_needs() -> None:
    one, four = account(find("lenet5")).totals, account(find("lenet5"), batch=4).totals
    assert (four.parameters, four.fixed) == (one.parameters, one.fixed)
    assert (four.macs, four.connections, four.activations) == (
        4 * one.macs,
        4 * one.connections,
        4 * one.activations,
    )


def test_activations_are_the_input_and_what_layers_make() -> None:
    network = Network("n", (3, 8, 8), [Conv(4, kernel=3), Pool("max", kernel=2), Flatten(), Linear(10)])
    assert account(network).totals.activations == 3 * 64 + 4 * 36 + 4 * 9 + 10


def test_unseen_rows_are_told() -> None:
    (row,) = account(POST_002).rows
    assert row.unseen is not None
    assert str(row.unseen) == "unseen: 1 row and 1 column of the input"
    assert "  └ unseen: 1 row and 1 column of the input" in str(account(POST_002))
    assert account(POST_002).to_dicts()[0]["unseen"] == {
        "rows": 1,
        "columns": 1,
        "padding_rows": 0,
        "padding_columns": 0,
    }


def test_unseen_padding_is_told_apart() -> None:
    (row,) = account(Network("n", (3, 224, 224), [Conv(64, kernel=7, stride=2, padding=3)])).rows
    assert str(row.unseen) == "unseen: 1 row and 1 column of the padding"


def test_strict_says_what_would_fit() -> None:
    with pytest.raises(ShapeError) as caught:
        account(POST_002, strict=True)
    assert str(caught.value) == (
        "conv1: the windows do not cover the input of 7: (7 − 3)/3 + 1 = 2.333; "
        "unseen: 1 row and 1 column of the input.\n"
        "With --strict every row and column must be read.\n"
        "What fits: input 6 or 9; kernel 4; stride 2; padding 1."
    )


def test_strict_leaves_alone_what_fits() -> None:
    assert account(find("lenet5"), strict=True).totals.parameters == 60000


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 240])
@pytest.mark.parametrize("name", ["lenet5", "lenet5-keras", "simple-cnn"])
def test_the_table_keeps_within_the_page(name: str, width: int) -> None:
    text = to_table(account(find(name)), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert f"{account(find(name)).totals.parameters:,}" in text


def test_the_narrow_table_has_the_field_and_names_what_it_hides() -> None:
    text = to_table(account(find("lenet5")), width=80)
    heading = " ".join(text.splitlines()[4].split())
    assert heading == "layer what it is output parameters connections MACs field"
    assert "not shown at this width: input, weights, biases, fixed, share, activations, jump" in text


def test_the_json_has_the_agreed_keys() -> None:
    document = json.loads(to_json(account(find("lenet5"))))
    assert {"network", "input", "rows", "totals"} <= set(document)
    row = document["rows"][0]
    keys = {"path", "kind", "input", "output", "weights", "biases", "fixed", "connections", "macs", "activations"}
    assert keys | {"receptive_field"} <= set(row)
    assert row["receptive_field"] == {"size": [5, 5], "jump": [1, 1], "start": [2.0, 2.0]}
    assert document["totals"]["parameters"] == 60000
    assert set(document["totals"]) == {
        "parameters", "weights", "biases", "fixed", "connections", "macs", "activations",
    }  # fmt: skip


def test_csv_has_a_line_for_each_layer() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(account(find("lenet5"))))))
    assert len(rows) == 14
    assert (rows[0]["path"], rows[0]["output"], rows[0]["kernel"], rows[0]["receptive_field_size"]) == (
        "C1",
        "6x28x28",
        "5x5",
        "5x5",
    )


def test_markdown_is_one_table_with_all_columns() -> None:
    lines = to_markdown(account(find("lenet5"))).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 14 + 1
    assert len({line.count("|") for line in table}) == 1


def test_no_framework_is_loaded() -> None:
    code = (
        "import sys, striate; striate.account(striate.find('lenet5')); "
        "print([name for name in ('torch', 'numpy', 'rich', 'jaxtyping') if name in sys.modules])"
    )
    assert python(code).stdout == "[]\n"
