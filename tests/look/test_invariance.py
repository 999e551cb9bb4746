"""The movement of outputs, and what pooling drops."""

import pytest
import torch

from striate.look import dropped, invariance, movements, shown
from striate.look.invariance import SHIFTS, poolings, shifted, with_pooling
from striate.modules import build
from striate.networks import find

PAIR = "1x6x6: {}, flatten, linear 2"
IMAGES = torch.arange(36.0).view(1, 1, 6, 6)


def pooled(kind: str, function: str) -> torch.Tensor:
    """What the pooling of a network of one pooling makes of IMAGES when another stands in its place."""
    changed = with_pooling(build(find(PAIR.format(kind))), function)
    return changed.get_submodule("pool1")(IMAGES)[0, 0]


def test_other_poolings_by_hand() -> None:
    assert pooled("max 2x2", "max")[0].tolist() == [7, 9, 11]
    assert pooled("max 2x2", "average")[0].tolist() == [3.5, 5.5, 7.5]
    assert pooled("max 2x2", "none")[0].tolist() == [0, 2, 4]
    assert pooled("average 3x3 /2 pad 1", "none").tolist() == [[0, 1, 3], [6, 7, 9], [18, 19, 21]]


def test_sizes_stay_whatever_the_pooling() -> None:
    network = find("googlenet")
    for step in poolings(network)[:3]:
        for function in ("max", "average", "none"):
            kind = find(f"{'x'.join(map(str, step.inputs[0]))}: max 3x3 /2 same, flatten, linear 2")
            images = torch.rand(1, *step.inputs[0])
            made = with_pooling(build(kind), function).get_submodule("pool1")(images)
            assert made.shape == build(kind).get_submodule("pool1")(images).shape


def test_a_networks_own_pooling_is_itself(learned, grey) -> None:
    with torch.no_grad():
        for found, own in ((learned, "max"), (grey, "average")):
            images = found.some(4)
            same = with_pooling(found.model, own).eval()(images)
            torch.testing.assert_close(same, found.model.eval()(images))
            assert not torch.allclose(with_pooling(found.model, "none").eval()(images), same)


def test_subsampling_keeps_its_coefficients(grey) -> None:
    module = grey.model.get_submodule("S2")
    maps = torch.rand(1, 2, 10, 10)
    largest = with_pooling(grey.model, "max").get_submodule("S2")(maps)
    expected = 4 * torch.nn.functional.max_pool2d(maps, 2) * module.weight[:, None, None] + module.bias[:, None, None]
    torch.testing.assert_close(largest, expected)


def test_images_move_to_the_right() -> None:
    assert shifted(IMAGES, 0).equal(IMAGES)
    assert shifted(IMAGES, 2)[0, 0, 0].tolist() == [0, 0, 0, 1, 2, 3]


def test_distances_begin_at_zero_and_the_first_convolution_has_none_of_the_pooling(learned) -> None:
    found = movements(learned.model, learned.some(8))
    assert [each.path for each in found] == ["conv1", "pool1", "linear1"]
    for each in found:
        assert set(each.distances) == {"max", "average", "none"}
        for distances in each.distances.values():
            assert len(distances) == SHIFTS + 1
            assert distances[0] == 0
            assert min(distances[1:]) > 0
    assert len(set(found[0].distances.values())) == 1


def test_a_distance_by_hand() -> None:
    network = find("1x1x4: conv 1 1x1, flatten, linear 2")
    model = build(network)
    with torch.no_grad():
        model.get_submodule("conv1").weight.fill_(2)
        model.get_submodule("conv1").bias.zero_()
    images = torch.tensor([3.0, 0, 0, 4]).view(1, 1, 1, 4)
    moved = movements(model, images)[0].distances["as it is"]
    assert moved[1] == pytest.approx((3**2 + 4**2) ** 0.5 / 5)


def test_pooling_by_two_drops_three_quarters(learned) -> None:
    (row,) = dropped(learned.model, learned.some(8))
    assert (row.path, row.values_in, row.values_out, row.share) == ("pool1", 4 * 144, 4 * 36, 0.75)
    assert row.chosen == 0.25


def test_overlapping_windows_choose_some_values_twice() -> None:
    model = build(find("1x7x7: max 3x3 /2, flatten, linear 2"))
    peak = torch.zeros(1, 1, 7, 7)
    peak[0, 0, 2, 2] = 1
    (row,) = dropped(model, peak)
    assert row.share == pytest.approx(1 - 9 / 49)
    assert row.chosen == pytest.approx((1 + 5) / 49)


def test_pooling_that_gives_more_values_than_it_reads_drops_none() -> None:
    model = build(find("1x8x8: max 2x2 /1 pad 1, flatten, linear 2"))
    assert [each.share for each in dropped(model, torch.rand(2, 1, 8, 8))] == [0]


def test_a_network_without_pooling_has_one_line(colour) -> None:
    model = build(find("1x8x8: conv 2 3x3, relu, flatten, linear 2"))
    assert set(movements(model, torch.rand(2, 1, 8, 8))[0].distances) == {"as it is"}


def test_the_figures(learned) -> None:
    moved, drops = invariance(learned, shown(learned)[0])
    assert moved.svg.count("pixels to the right") == 3
    assert "75.0%" in drops.svg
    assert "25.0% are a window&#x27;s largest" in drops.svg
