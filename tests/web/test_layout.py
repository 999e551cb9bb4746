"""How the page lays layers out, under Node: the grid of a layer's maps, and which bars of the drawing are thin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from striate import account, from_text
from striate.description.layers import KINDS
from striate.web.describe import describe
from tests.support.node import COMPUTE, NEEDS_NODE, under_node
from tests.support.serving import fresh

pytestmark = NEEDS_NODE

UI = COMPUTE.parent / "ui"


def evaluated(folder: Path, module: str, expression: str, given: object) -> Any:
    """An expression over the names of a module of ui/, and `given`."""
    script = folder / "script.mjs"
    script.write_text(
        f'import * as ui from "{(UI / module).as_uri()}";\n'
        f"const given = {json.dumps(given)};\nconsole.log(JSON.stringify({expression}));\n"
    )
    return json.loads(under_node(script))


def test_layers_that_keep_their_values_are_thin_in_the_drawing(tmp_path: Path) -> None:
    network = from_text(
        "3x8x8: conv 4 3x3 same, bn, silu, shuffle 2, scale, upsample 2, pad_channels 8, lrn, position_bias, "
        "gate(global_average, linear 8, sigmoid), residual(subsample 1), max 3 /1 pad 1, "
        "branches(conv 4 1x1; conv 4 1x1), dropout 0.5, global_average, linear 2, softmax, rbf (1 0; 0 1)"
    )
    rows = describe(fresh(network, tmp_path / "run"))["rows"]
    assert {row["kind"] for row in rows} == set(KINDS) - {"block", "auxiliary", "flatten"}
    thin = evaluated(tmp_path, "drawing.js", "given.filter(ui.thin).map((row) => row.path)", rows)
    assert thin == [
        *("silu1", "shuffle1", "local_response_norm1", "gate1.sigmoid1", "gate1", "residual1", "branches1"),
        *("dropout1", "softmax1"),
    ]
    kinds = {row["kind"] for row in rows if row["path"] not in thin}
    assert {"upsample", "global_average_pool", "pad_channels", "pool"} < kinds  # they change the number of values


@pytest.mark.parametrize("wide", [340, 900])
@pytest.mark.parametrize("values", [10, 84, 1000, 4096, 8192, 25088, 1_000_000])
def test_a_vector_however_long_has_a_grid_of_less_than_a_screen(tmp_path: Path, values: int, wide: int) -> None:
    expression = """(() => {
      const shape = ui.shownOf([given.values]);
      const grid = ui.gridOf(shape, given.wide, { columns: null, side: null });
      const last = ui.cornerOf(grid, shape, shape[0] - 1);
      return { shape, extent: ui.extentOf(grid, shape), last, unit: ui.unitAt(grid, shape, last[0] + 1, last[1] + 1) };
    })()"""
    found = evaluated(tmp_path, "grid.js", expression, {"values": values, "wide": wide})
    shown = min(values, 10_000)
    assert found["shape"] == [shown, 1, 1]
    across, down = found["extent"]
    assert across <= wide
    assert down < 500
    assert found["unit"] == {"map": shown - 1, "row": 0, "column": 0}


@pytest.mark.parametrize("shape", [[6, 28, 28], [512, 14, 14], [64, 112, 112], [16, 1, 1], [3, 5, 200]])
def test_every_unit_of_every_map_is_at_a_point_of_its_own(tmp_path: Path, shape: list[int]) -> None:
    expression = """(() => {
      const shape = ui.shownOf(given);
      const grid = ui.gridOf(shape, 900, { columns: null, side: null });
      const lost = [];
      const places = [0, 1, shape[0] - 1].flatMap((map) =>
        [0, shape[1] - 1].flatMap((row) => [0, shape[2] - 1].map((column) => [map, row, column])));
      for (const [map, row, column] of places) {
        const [left, top] = ui.cornerOf(grid, shape, map);
        const unit = ui.unitAt(grid, shape, left + (column + 0.5) * grid.zoom, top + (row + 0.5) * grid.zoom);
        if (JSON.stringify(unit) !== JSON.stringify({ map, row, column })) lost.push([map, row, column, unit]);
      }
      const between = ui.unitAt(grid, shape, grid.zoom * shape[2] + 0.5, 0.5);
      return { lost, extent: ui.extentOf(grid, shape), between };
    })()"""
    found = evaluated(tmp_path, "grid.js", expression, shape)
    assert found["lost"] == []
    assert found["extent"][0] <= 900
    assert found["between"] is None


def test_keys_walk_through_maps_and_vectors(tmp_path: Path) -> None:
    expression = (
        """given.map(([shape, from, key]) => ui.moved({ zoom: 5, gap: 1, columns: 4 }, shape, from, key) ?? null)"""
    )
    maps, vector = [3, 5, 5], [10, 1, 1]
    place = {"map": 0, "row": 2, "column": 2}
    asked = [
        (maps, None, "ArrowRight"), (maps, place, "ArrowRight"), (maps, place, "ArrowUp"), (maps, place, "PageDown"),
        (maps, place, "PageUp"), (maps, {"map": 0, "row": 0, "column": 4}, "ArrowRight"),
        (vector, {"map": 1, "row": 0, "column": 0}, "ArrowDown"),
        (vector, {"map": 9, "row": 0, "column": 0}, "ArrowRight"),
        (maps, place, "a"),
    ]  # fmt: skip
    found = evaluated(tmp_path, "grid.js", expression, asked)
    assert [each and tuple(each.values()) for each in found] == [
        (0, 2, 2), (0, 2, 3), (0, 1, 2), (1, 2, 2), None, None, (5, 0, 0), None, None
    ]  # fmt: skip


@pytest.mark.parametrize(
    "layer", ["conv 2 3x3", "conv 2 3x3 dilation 2 /5", "conv 2 2x3 dilation 3 pad 1 /2", "max 2 /3"]
)
def test_the_drawing_of_windows_marks_what_the_account_says_is_unread(tmp_path: Path, layer: str) -> None:
    row = account(from_text(f"1x13x16: {layer}")).to_dict()["rows"][0]
    expression = """[0, 1].map((at) => {
      const size = given.input[at + 1] + given.padding[2 * at] + given.padding[2 * at + 1];
      const axis = { kernel: given.kernel[at], stride: given.stride[at], dilation: given.dilation[at] };
      return size - ui.covered(size, given.output[at + 1], axis).size;
    })"""
    left = row["unseen"]
    found = evaluated(tmp_path, "windows.js", expression, row)
    assert found == [left["rows"] + left["padding_rows"], left["columns"] + left["padding_columns"]]
    assert layer == "conv 2 3x3" or any(found)
