"""Filters, feature maps, sharing, drawings: what is in the figures is what is in the network."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from striate import RBF, Flatten, Network, from_text
from striate.errors import ShapeError
from striate.look import Figure, Shown, attribution, filters, maps, saved, sharing, shown, subject
from striate.look.capture import capture
from striate.look.choose import find_step, spread
from striate.look.drawing import HALF, MARKED, ZERO, Drawing, number
from striate.look.filters import dense_weight
from striate.look.scenes import scene, scenes
from striate.look.tiles import TileRow, draw_tiles, in_blocks
from striate.networks import find, glyphs
from striate.networks.adapt import adapted


def painted(svg: str) -> np.ndarray:
    """The raster of a figure as red, green, blue, alpha."""
    data = re.search(r'href="data:image/png;base64,([^"]+)"', svg)
    assert data
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1]))).convert("RGBA"))


def test_colours_of_values() -> None:
    drawing = Drawing("values")
    drawing.values(0, 0, torch.tensor([[-1.0, 0.0, 0.5, 1.0]]), scale=1)
    left, zero, half, right = painted(drawing.svg())[0].tolist()
    assert left == [33, 113, 217, 255]
    assert zero[3] == 0
    assert half[:3] == right[:3] == [222, 45, 38]
    assert 0 < half[3] < right[3] == 255


def test_a_relus_zero_is_marked_and_a_small_value_is_not() -> None:
    drawing = Drawing("zeros")
    drawing.values(0, 0, torch.tensor([[0.0, 1e-6, 1.0]]), scale=1, zeros=True)
    assert drawing.painted[0][2].tolist() == [[MARKED, ZERO, ZERO + HALF]]
    assert painted(drawing.svg())[0, 0].tolist() == [128, 132, 145, 80]


def test_every_figure_is_well_formed_has_a_title_and_a_caption(grey, colour) -> None:
    for found in (grey, colour):
        image = shown(found)[0]
        for figure in [*filters(found), maps(found, image), sharing(found.network)]:
            for svg in (figure.svg, figure.standalone()):
                root = ElementTree.fromstring(svg)
                assert root.tag.endswith("svg")
                assert figure.title in "".join(root.itertext())
            assert figure.caption
            assert "prefers-color-scheme" in figure.standalone()


def test_titles_are_escaped() -> None:
    svg = Drawing("<script> & co").svg()
    assert "<script>" not in svg
    ElementTree.fromstring(svg)


def test_numbers() -> None:
    assert [number(value) for value in (0.0, -0.0, -1.5, 0.00123456, 98765.0)] == ["0", "0", "−1.5", "0.00123", "98800"]
    assert [number(value) for value in (999.4, 999.7, -999.7)] == ["999", "1000", "−1000"]


def test_nothing_is_drawn_beyond_the_page() -> None:
    letters = adapted(find("lenet5"), tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    wide = from_text("1x64x64: conv 6 5x5, max 2, conv 16 5x5, max 2, conv 120 13x13, linear 10")
    for figure in (*filters(subject(letters)), *filters(subject(wide))):
        root = ElementTree.fromstring(figure.svg)
        right = float(root.attrib["viewBox"].split()[2])
        for each in root.iter():
            if each.tag.endswith(("rect", "image")):
                assert float(each.get("x", 0)) + float(each.attrib["width"]) <= right, figure.name


def test_the_pictures_of_a_tall_image_lie_above_their_bar() -> None:
    found = subject("3x128x64: conv 8 3x3 same, relu, max 2, global_average, linear 2")
    svg = attribution(found, shown(found)[0]).svg
    tall = [
        (float(y), float(y) + float(height))
        for y, height in re.findall(r'<image [^>]*y="([\d.]+)"[^>]*height="([\d.]+)"', svg)
    ]
    assert [end for top, end in tall if top < 252 and top > 60 and end - top > 100]
    assert all(end <= 252 for top, end in tall if 60 < top < 252)


def test_a_table_shows_its_gaps_and_names_its_inputs(grey) -> None:
    figure = next(each for each in filters(grey) if each.name == "filters-C3")
    assert figure.title == "C3: conv 3 2×2 table, reading S2"
    assert "map 0" in figure.svg
    assert "map 1" in figure.svg
    assert figure.caption.endswith("A dot: no link.")
    assert figure.svg.count('fill-opacity="0.3"') == 2


def test_the_dense_weight_of_groups_and_tables_gives_the_same_maps(grey, colour) -> None:
    for found, path in ((grey, "C3"), (colour, "mix.block2.conv1"), (colour, "conv1")):
        step, module = find_step(found.network, path), found.model.get_submodule(path)
        weight, linked = dense_weight(step, module)
        maps_in = torch.rand(1, *step.inputs[0])
        padding = "same" if path != "C3" else 0
        made = torch.nn.functional.conv2d(maps_in, weight, module.bias, padding=padding)
        torch.testing.assert_close(made, module(maps_in))
        assert (weight[~linked] == 0).all()


def test_the_first_layer_in_colour_and_templates_of_pixels(colour) -> None:
    assert "grey is a weight of zero" in filters(colour)[0].caption
    templates = filters(subject("fully-connected"))
    assert [each.name for each in templates] == ["filters-linear1"]
    assert templates[0].svg.count("<image") == 10


def test_templates_of_hidden_units_are_not_those_of_classes() -> None:
    hidden, answers = (filters(subject(name))[0].caption for name in ("mlp-300", "fully-connected"))
    whose = "One tile a unit: its weights, laid out as the image they read. "
    assert hidden == whose + "Shown are the first 32 of 300 units."
    assert answers == whose + "There is one template for each class."


def test_characters_of_rbf_units() -> None:
    names = [each.name for each in filters(subject("lenet5"))]
    assert names == ["filters-C1", "filters-C3", "filters-C5", "filters-output"]
    found = subject("lenet5")
    assert "F6" not in maps(found, shown(found)[0], layer="C1").svg
    assert "tanh6 as a character" in maps(found, shown(found)[0]).svg


def test_maps_of_every_layer_and_the_share_of_zeros(learned) -> None:
    image = shown(learned)[0]
    with capture(learned.model) as outputs, torch.no_grad():
        learned.model.logits(learned.preprocessing.normalise(image.pixels))
    svg = maps(learned, image).svg
    for path in ("conv1", "relu1", "pool1", "linear1"):
        assert f">{path}</text>" in svg
    assert f"{(outputs['relu1'] == 0).float().mean():.0%} of the values are zero" in svg


def test_a_softmax_is_a_layer_too(colour) -> None:
    figure = maps(colour, shown(colour)[0], layer="softmax1")
    assert ">softmax · 3</text>" in figure.svg


def test_one_layer_with_all_its_maps() -> None:
    found = subject("simple-cnn")
    image = shown(found)[0]
    some, whole = maps(found, image), maps(found, image, layer="conv2")
    assert "--layer PATH shows all of one" in some.caption
    assert "--layer" not in whole.caption
    assert ">127</text>" in whole.svg


def test_tiles_stop_where_there_is_no_room() -> None:
    drawing = Drawing("tiles")
    assert draw_tiles(drawing, [torch.zeros(10, 10)] * 40, TileRow(0, 960, 40, 60, rows=2), 1.0) == 28
    assert max(x + index.shape[1] for x, _, index in drawing.painted) <= 960
    assert in_blocks(torch.ones(5, 5), 2).tolist() == [[1.0] * 3] * 3


def test_sharing_and_locality_in_numbers() -> None:
    first, third, _ = saved(find("lenet5"))
    assert (first.path, first.has, first.unshared, first.dense) == ("C1", 6 * 25, 6 * 25 * 784, 1024 * 6 * 784)
    assert (third.has, third.unshared) == (60 * 25, 60 * 25 * 100)
    svg = sharing(find("lenet5")).svg
    assert "117,600  (×784)" in svg
    assert "all convolutions" in svg


def test_drawn_pictures_are_the_same_each_time() -> None:
    assert torch.equal(scenes((3, 20, 30), 3), scenes((3, 20, 30), 3))
    assert len({scene((3, 20, 30), seed).tobytes() for seed in range(8)}) == 8
    assert scene((1, 20, 30), 0).mode == "L"
    assert scene((1, 20, 30), 0).size == (30, 20)


def test_spread() -> None:
    assert spread(range(10), 4) == [0, 3, 6, 9]
    assert spread([1, 2], 4) == [1, 2]
    assert spread([1, 2, 3], 1) == [3]


def test_a_picture_of_ones_own(learned, tmp_path) -> None:
    Image.linear_gradient("L").crop((0, 0, 60, 256)).save(tmp_path / "stroke.png")
    (image,) = shown(learned, (str(tmp_path / "stroke.png"),))
    assert isinstance(image, Shown)
    assert image.name == "stroke.png"
    assert isinstance(maps(learned, image), Figure)


@pytest.mark.parametrize("level", [0, 255])
def test_an_empty_image_does_no_harm(level, colour) -> None:
    image = Shown("empty", torch.full((1, 3, 16, 16), level, dtype=torch.uint8))
    for figure in (maps(colour, image), attribution(colour, image)):
        assert "nan" not in figure.svg
        ElementTree.fromstring(figure.svg)


def test_a_network_that_ends_in_maps_has_no_figures() -> None:
    with pytest.raises(ShapeError, match=r"ends in 2×10×10\.\nFigures need a score for each class"):
        subject(from_text("1x12x12: conv 2 3x3"))


def test_a_network_of_bitmaps_alone_has_maps() -> None:
    digits = subject(Network("templates", (1, 12, 7), [Flatten(), RBF(glyphs.digits())]))
    assert maps(digits, shown(digits)[0])
