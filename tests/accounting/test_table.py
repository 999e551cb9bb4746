"""Long accounts in few lines: folding and depth."""

import xml.etree.ElementTree as ET

import pytest

from striate import Block, Conv, Network, Residual, account, find, from_text
from striate.accounting.counts import Counts
from striate.accounting.show.fold import lines
from striate.accounting.show.table import to_table


def total(found) -> Counts:
    return sum((line.counts for line in found if not line.in_head), Counts())


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "googlenet", "resnet50", "resnet152", "resnet110-cifar"])
@pytest.mark.parametrize("depth", [None, 1, 2, 3])
@pytest.mark.parametrize("fold", [True, False])
def test_no_line_is_lost(name: str, depth: int | None, fold: bool) -> None:
    rows = account(find(name)).rows
    found = lines(rows, depth=depth, fold=fold)
    assert total(found) == total(lines(rows, fold=False))
    assert sum(line.counts.parameters for line in found) == sum(row.counts.parameters for row in rows)


def test_blocks_with_heads_are_counted_without_them() -> None:
    network = from_text("4x8x8: 3*(conv 4 3x3 same, auxiliary (global_average, linear 10)), global_average, linear 2")
    rows = account(network).rows
    assert any("more like it" in line.words for line in lines(rows))
    assert total(lines(rows)) == total(lines(rows, fold=False))


@pytest.mark.parametrize("depth", [None, 1])
def test_the_line_of_blocks_between_heads_is_theirs(depth: int | None) -> None:
    stage = "(conv 4 3x3 same, relu), auxiliary (global_average, linear 10)"
    rows = account(from_text(f"4x8x8: {stage}, {stage}, {stage}, global_average, linear 2")).rows
    found = lines(rows, depth=depth)
    assert total(found) == total(lines(rows, fold=False))
    (more,) = [line for line in found if "more like it" in line.words]
    assert (more.output, more.in_head) == ((4, 8, 8), False)


@pytest.mark.parametrize("depth", [None, 1])
def test_a_folded_line_has_the_input_of_its_first_block(depth: int | None) -> None:
    repeated = ", ".join(["(conv 8 3x3 same, relu), conv 4 1x1"] * 3)
    rows = account(from_text(f"4x8x8: {repeated}, global_average, linear 2")).rows
    (more,) = [line for line in lines(rows, depth=depth) if "more like it" in line.words]
    assert (more.input, more.output) == ((4, 8, 8), (4, 8, 8))


def test_like_blocks_are_told_once() -> None:
    found = lines(account(find("resnet152")).rows)
    told = [(line.path, line.words) for line in found if "more like it" in line.words]
    assert told == [
        ("stage1.block3", "1 more like it"),
        ("stage2.block3 … block8", "6 more like it"),
        ("stage3.block3 … block36", "34 more like it"),
        ("stage4.block3", "1 more like it"),
    ]
    assert len(found) < 110


def test_a_folded_line_has_the_sum_and_the_last_field() -> None:
    rows = account(find("resnet152")).rows
    folded = next(line for line in lines(rows) if line.path.startswith("stage3.block3 "))
    hidden = [
        row for row in rows if row.path.startswith("stage3.") and int(row.path.split(".")[1].lstrip("blockreu")) > 2
    ]
    assert folded.counts.parameters == sum(row.counts.parameters for row in hidden)
    assert folded.receptive_field == rows[[row.path for row in rows].index("stage3.block36")].receptive_field


def test_blocks_that_differ_are_not_folded() -> None:
    blocks = [Block([Conv(4, kernel=kernel, padding="same")], name=f"b{kernel}") for kernel in (1, 3, 5)]
    assert len(lines(account(Network("n", (4, 8, 8), blocks)).rows)) == 3
    alike = [Residual([Conv(4, kernel=3, padding=1), Conv(4, kernel=3, padding=1)]) for _ in range(3)]
    found = lines(account(Network("n", (4, 8, 8), alike)).rows)
    assert [line.path for line in found] == [
        "residual1.conv1",
        "residual1.conv2",
        "residual1",
        "residual2 … residual3",
    ]


def test_depth_gives_a_line_for_each_stage() -> None:
    found = lines(account(find("resnet152")).rows, depth=1)
    assert [line.path for line in found] == [
        "stem", "stage1", "stage2", "stage3", "stage4", "pool", "fc", "softmax1",
    ]  # fmt: skip
    assert (found[3].words, found[3].input, found[3].output) == ("362 layers", (512, 28, 28), (1024, 14, 14))


@pytest.mark.parametrize("width", [80, 120, 160])
@pytest.mark.parametrize("name", ["alexnet", "googlenet", "resnet152"])
def test_long_tables_keep_within_the_page_and_have_the_macs(name: str, width: int) -> None:
    text = to_table(account(find(name)), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert f"{account(find(name)).totals.macs:,}" in text


def test_every_layer_is_there_on_demand() -> None:
    result = account(find("resnet152"))
    text = to_table(result, fold=False)
    assert all(f"\n{row.path} " in text for row in result.rows)
    assert "identical blocks are shown once" not in text
    assert "identical blocks are shown once" in to_table(result)


@pytest.mark.parametrize("name", ["lenet5", "resnet152", "simple-cnn"])
def test_a_notebook_shows_a_table_that_is_well_formed(name: str) -> None:
    result = account(find(name))
    root = ET.fromstring(f"<div>{result._repr_html_().replace('<br>', '<br/>')}</div>")
    (table,) = root.iter("table")
    texts = ["".join(cell.itertext()) for cell in table.iter("td")] + [
        "".join(cell.itertext()) for cell in table.iter("th")
    ]
    assert f"{result.totals.parameters:,}" in texts
    assert f"{result.totals.macs:,}" in texts
    assert result.rows[0].path in texts
    widths = {len(row) for row in table if "colspan" not in row[0].attrib}
    assert len(widths) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("conv 4 3x3 pad 1, relu", "conv 4 3x3 pad 2 dilation 2, tanh"),
        ("lrn 3, relu", "lrn 3 alpha 1, relu"),
        ("average 3/1 pad 1, relu", "average 3/1 pad 1 uncounted, relu"),
        ("bn, relu", "bn epsilon 0.1, relu"),
    ],
)
@pytest.mark.parametrize("depth", [None, 1])
def test_blocks_that_differ_are_not_told_as_one(first: str, second: str, depth: int | None) -> None:
    rows = account(from_text(f"4x8x8: a: ({first}), b: ({second}), global_average, linear 2")).rows
    assert not any("more like it" in line.words for line in lines(rows, depth=depth))


def test_a_folded_line_names_its_first_and_its_last_block() -> None:
    block = "(b: 3*(conv 8 3x3 same, relu))"
    rows = account(from_text(f"8x8x8: s1: {block}, s2: {block}, global_average, linear 2")).rows
    assert "s1.b2 … s2.b3" in [line.path for line in lines(rows, depth=2)]


def test_the_advice_below_a_folded_table_shows_what_it_says() -> None:
    result = account(find("resnet152"))
    assert "--depth 2 --all a line for each block" in " ".join(to_table(result).split())
    found = lines(result.rows, depth=2, fold=False)
    assert sum(line.path.startswith("stage3.block") for line in found) == 36
