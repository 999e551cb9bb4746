"""Sliding is exact: each column is what the network says of its crop."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import Network, account, find, from_text
from striate.description.layers import RBF
from striate.errors import ShapeError
from striate.modules import build
from striate.read import Columns, slide
from striate.read.reader import Reader
from striate.train import Run
from striate.train.losses import class_scores

SLIDES = ["lenet5", "lenet5-reader", "lenet5-reader-1998", "lenet5-dense", "fully-connected"]
REFUSED = {
    "simple-cnn": "simple-cnn: conv1 pads 3 columns at the sides, so the network cannot slide.",
    "resnet20-cifar": "resnet20-cifar: stem.conv1 pads 1 columns at the sides, so the network cannot slide.",
    "alphago-policy": "alphago-policy: conv1 pads 2 columns at the sides, so the network cannot slide.",
}


def agree(network: Network, *, more: int, seed: int = 0) -> None:
    """Columns on an image some pixels wider than the input, against the network on each crop."""
    drawn = "lecun" if isinstance(network.layers[-1], RBF) else "he"
    model = build(network, initialisation=drawn, generator=torch.Generator().manual_seed(seed)).eval()
    columns = Columns(model)
    slid = columns.slid
    channels, height, window = network.input
    image = torch.randn(2, channels, height, window + more, generator=torch.Generator().manual_seed(seed))
    found = columns(image)
    starts = range(0, more + 1, slid.step)
    assert found.shape[1] == len(starts) == slid.columns(window + more)
    with torch.no_grad():
        crops = [class_scores(network, model.logits(image[..., start : start + window])) for start in starts]
    torch.testing.assert_close(found, torch.stack(crops, dim=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SLIDES)
def test_networks_of_the_catalogue(name: str) -> None:
    agree(find(name), more=37)


def test_a_column_every_four_pixels_as_the_paper_has_it() -> None:
    slid = slide(find("lenet5"))
    assert (slid.step, slid.window) == (4, 32)
    assert [slid.columns(width) for width in (31, 32, 35, 36, 64, 96)] == [0, 1, 1, 2, 9, 17]


def test_paths_and_parameters_stay() -> None:
    for name in SLIDES:
        before, after = account(find(name)), account(slide(find(name)).network)
        assert before.totals.parameters == after.totals.parameters
        assert {row.path for row in after.rows} <= {row.path for row in before.rows}


def test_one_window_costs_what_the_network_costs() -> None:
    for name in SLIDES:
        network = find(name)
        slid = slide(network)
        assert slid.macs(network.input[2]) == account(network).totals.macs


def test_what_neighbours_share_is_computed_once() -> None:
    slid, crop = slide(find("lenet5-reader-1998")), account(find("lenet5-reader-1998")).totals.macs
    assert slid.macs(160) == (
        150 * 28 * 156 + 6 * 14 * 78 + 60 * 25 * 10 * 74 + 16 * 5 * 37 + 33 * (48_000 + 10_080 + 11 * 84)
    )
    assert slid.macs(160) < 0.35 * slid.columns(160) * crop


@pytest.mark.parametrize("name", REFUSED)
def test_networks_that_pad_are_refused(name: str) -> None:
    with pytest.raises(ShapeError) as caught:
        slide(find(name))
    assert str(caught.value).splitlines() == [
        REFUSED[name],
        "Slid along a line, each layer must do at every place what it does on a crop of the input's size.",
        "Layers in a row that do not pad at the sides can: lenet5-reader, lenet5 and lenet5-dense do.",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1x8x8: conv 2 3x3, residual(relu), linear 3", "residual1 is not one layer after another"),
        ("1x8x9: conv 2 3x3, max 2 ceil, linear 3", "pool1 lets its last window hang over the edge"),
        ("1x8x8: conv 2 3x3, position_bias, linear 3", "position_bias1 has a bias for each place"),
        ("1x4x4: flatten, bn, linear 3", "batch_norm1 normalises each place of its maps apart"),
        ("1x1x2: rbf(1 2; 3 4)", "rbf1 looks at whole maps; put a linear layer before it"),
        ("1x4x4: linear 3, softmax, linear 2", "linear2 comes after class scores"),
        ("1x4x4: conv 3 2x2", "conv1 gives a map and not one score for each class"),
    ],
)
def test_why_not(text: str, why: str) -> None:
    with pytest.raises(ShapeError) as caught:
        slide(from_text(text))
    assert str(caught.value).splitlines()[0] == f"network: {why}, so the network cannot slide."


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Layers in a row that do not pad at the sides."""
    size, words = draw(st.integers(9, 14)), []
    left = size
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["conv 4 {k}x{k}", "conv 2 {k}x{k} /2", "max 2", "average 3 /1", "subsample 2"]))
        kernel = draw(st.integers(1, 3))
        word = kind.format(k=kernel)
        reach, stride = (kernel, 2 if "/2" in word else 1) if "conv" in word else (3, 1) if "3 /1" in word else (2, 2)
        if left < reach:
            continue
        left = (left - reach) // stride + 1
        words += [word, draw(st.sampled_from(["relu", "tanh", "bn", "dropout 0.5", "lrn"]))]
    head = draw(st.sampled_from(["linear 5, relu, linear 3", "global_average, linear 3", "linear 3, softmax"]))
    return from_text(f"2x{size}x{size}: {', '.join([*words, head])}")


@given(network=networks(), more=st.integers(0, 23), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_columns_equal_crops(network: Network, more: int, seed: int) -> None:
    agree(network, more=more, seed=seed)


@pytest.mark.parametrize("size", ["28x28", "32x40", "32x64"])
def test_a_network_of_another_size_reads_no_lines(size: str, untrained: Run, tmp_path: Path) -> None:
    network = from_text(f"1x{size}: conv 6 5x5, scaled_tanh, average 2, linear 11")
    run = replace(untrained, folder=tmp_path / "run", network=network)
    shown = size.replace("x", "×")
    with pytest.raises(
        ShapeError, match=f"{network.name} takes images of {shown} pixels.\nA line is read by windows of 32"
    ):
        Reader(run)
