from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.augment import Augmentation, augment
from striate.errors import FormatError


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


BATCH = torch.rand(16, 3, 12, 10, generator=drawn(9))


def test_nothing_asked_for_is_no_work():
    generator = drawn()
    before = generator.get_state()
    assert augment(BATCH, Augmentation(), generator=generator, fill=0.0) is BATCH
    assert torch.equal(generator.get_state(), before)


@given(
    st.builds(
        Augmentation,
        rotation=st.sampled_from([0, 15]),
        scale=st.sampled_from([0, 0.2]),
        squeeze=st.sampled_from([0, 0.2]),
        shear=st.sampled_from([0, 10]),
        elastic=st.sampled_from([0, 1.5]),
        shift=st.sampled_from([0, 1, 2.5]),
        flip=st.booleans(),
    )
)
@settings(deadline=None)
def test_a_seed_gives_one_result_and_the_batch_stays(augmentation: Augmentation):
    kept = BATCH.clone()
    first, again = (augment(BATCH, augmentation, generator=drawn(3), fill=-0.1) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(BATCH, kept)
    assert first.shape == BATCH.shape
    assert first.min() >= -0.1 - 1e-5
    assert first.max() <= 1 + 1e-5
    if not augmentation.is_none:
        assert not torch.equal(first, augment(BATCH, augmentation, generator=drawn(4), fill=-0.1))


def test_a_shift_moves_whole_pixels_and_fills():
    batch = torch.arange(1.0, 26).view(1, 1, 5, 5).repeat(64, 1, 1, 1)
    seen = set()
    for image in augment(batch, Augmentation(shift=2), generator=drawn(), fill=-7.0)[:, 0]:
        row, column = divmod(int((image == 13).nonzero()[0] @ torch.tensor([5, 1])), 5)
        expected = torch.full((9, 9), -7.0)
        expected[row : row + 5, column : column + 5] = batch[0, 0]
        assert torch.equal(image, expected[2:7, 2:7])
        seen.add((row - 2, column - 2))
    assert len(seen) > 15
    assert {abs(side) for pair in seen for side in pair} == {0, 1, 2}


@pytest.mark.parametrize("flip", [False, True])
def test_a_shifted_image_is_reflected_as_pytorch_pads_it(flip: bool):
    batch = torch.rand(64, 3, 5, 7, generator=drawn())
    change = Augmentation(shift=3, flip=flip, outside="reflected")
    out = augment(batch, change, generator=drawn(), fill=-9.0)
    padded = torch.nn.functional.pad(batch, (3, 3, 3, 3), mode="reflect")
    black = augment(batch, Augmentation(shift=3, flip=flip), generator=drawn(), fill=-9.0)
    inside = black != -9.0
    assert torch.equal(out[inside], black[inside])
    assert not inside.all()
    for one, source in zip(out, padded, strict=True):
        windows = [source[:, row : row + 5, column : column + 7] for row in range(7) for column in range(7)]
        assert any(torch.equal(one, shown) for each in windows for shown in ((each, each.flip(2)) if flip else (each,)))


def test_an_image_of_one_pixel_is_reflected_too():
    out = augment(BATCH[:, :, :1, :1], Augmentation(shift=4, outside="reflected"), generator=drawn(), fill=-9.0)
    assert torch.equal(out, BATCH[:, :, :1, :1])


def test_a_flip_mirrors_about_half_of_the_images():
    out = augment(BATCH.repeat(8, 1, 1, 1), Augmentation(flip=True), generator=drawn(), fill=0.0)
    mirrored = sum(torch.equal(one, BATCH[index % 16].flip(2)) for index, one in enumerate(out))
    kept = sum(torch.equal(one, BATCH[index % 16]) for index, one in enumerate(out))
    assert mirrored + kept == 128
    assert 40 < mirrored < 88


def test_a_rotation_turns_about_the_middle_and_keeps_the_shape():
    image = torch.zeros(200, 1, 41, 81)
    image[:, :, 15:26, 35:46] = 1
    out = augment(image, Augmentation(rotation=45), generator=drawn(), fill=0.0)
    mass = out.sum((1, 2, 3))
    assert (mass / 121 - 1).abs().max() < 0.02
    rows, columns = torch.arange(41.0), torch.arange(81.0)
    assert ((out.sum((1, 3)) @ rows) / mass - 20).abs().max() < 0.05
    assert ((out.sum((1, 2)) @ columns) / mass - 40).abs().max() < 0.05
    # The corner of the square reaches farthest when turned by 45 degrees.
    reach = torch.stack([one[0].amax(1).gt(0.3).sum() for one in out])
    assert reach.min() == 11
    assert reach.max() in (15, 16)


def test_a_scale_changes_the_area_within_its_range():
    image = torch.zeros(300, 1, 40, 40)
    image[:, :, 10:30, 10:30] = 1
    area = augment(image, Augmentation(scale=0.1), generator=drawn(), fill=0.0).sum((1, 2, 3)) / 400
    assert 0.80 < area.min() < 0.84
    assert 1.17 < area.max() < 1.22


def test_a_squeeze_keeps_the_area():
    image = torch.zeros(300, 1, 40, 40)
    image[:, :, 14:26, 10:30] = 1
    out = augment(image, Augmentation(squeeze=0.2), generator=drawn(), fill=0.0)
    assert (out.sum((1, 2, 3)) / 240 - 1).abs().max() < 0.03
    widths = out.sum((1, 2)).gt(6).sum(1)
    assert 16 <= widths.min() <= 18
    assert 23 <= widths.max() <= 26


def test_smoothness_alone_changes_nothing():
    assert augment(BATCH, Augmentation(smoothness=2.0), generator=drawn(), fill=0.0) is BATCH


def test_near_the_borders_nothing_is_no_number():
    out = augment(torch.full((64, 1, 9, 9), 0.5), Augmentation(elastic=30.0, rotation=90), generator=drawn(), fill=-0.1)
    assert out.isfinite().all()
    assert out.min() >= -0.1 - 1e-6
    assert out.max() <= 0.5 + 1e-6


def test_a_fractional_shift_interpolates():
    image = torch.zeros(100, 1, 9, 9)
    image[:, :, 4, 4] = 1
    out = augment(image, Augmentation(shift=0.5), generator=drawn(), fill=0.0)
    torch.testing.assert_close(out.sum((1, 2, 3)), torch.ones(100))
    offsets = (out.sum((1, 2)) @ torch.arange(9.0)) - 4
    assert -0.5 <= offsets.min() < -0.4
    assert 0.4 < offsets.max() <= 0.5


def test_outside_lies_the_fill_everywhere():
    out = augment(torch.full((8, 1, 6, 6), 0.5), Augmentation(rotation=30, shift=3.5), generator=drawn(), fill=0.5)
    torch.testing.assert_close(out, torch.full((8, 1, 6, 6), 0.5))


def test_an_empty_batch():
    empty = torch.zeros(0, 1, 4, 4)
    assert augment(empty, Augmentation(rotation=5), generator=drawn(), fill=0.0).shape == (0, 1, 4, 4)


def test_it_comes_back_from_its_dictionary():
    one = Augmentation(rotation=10, scale=0.1, flip=True)
    assert Augmentation.from_dict(one.to_dict()) == one
    members = {"rotation": 10.0, "scale": 0.1, "shear": 0.0, "shift": 0.0, "flip": True}
    later = {"squeeze": 0.0, "elastic": 0.0, "smoothness": 4.0, "lighting": 0.0, "symmetries": "none"}
    later |= {"alternating_flip": False, "crop": 0.0, "outside": "black"}
    colours = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0, "cutout": 0}
    assert one.to_dict() == members | later | colours
    assert Augmentation.from_dict(members) == one


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"rotate": 3},
            "augmentation: 'rotate' is an unknown member.\nIts members are: alternating_flip, brightness, contrast",
        ),
        ({"rotation": -1}, "augmentation: rotation is -1.\nIt must be a number of at least 0"),
        ({"scale": 1}, "scale is 1.\nIt must be a number of at least 0 and below 1"),
        ({"shear": 80}, "shear is 80"),
        ({"squeeze": 1}, "squeeze is 1.\nIt must be a number of at least 0 and below 1"),
        ({"shift": 1e300}, "shift is 1e\\+300.\nIt must be a number of at least 0 and below 65536"),
        ({"elastic": float("nan")}, "elastic is nan"),
        ({"elastic": -1}, "elastic is -1.\nIt must be a number of at least 0"),
        ({"smoothness": 0}, "smoothness is 0.\nIt must be a number of at least 0.5"),
        ({"shift": "2"}, "shift is '2'"),
        ({"flip": 1}, "flip is 1.\nIt must be true or false"),
        ({"lighting": -1}, "lighting is -1.\nIt must be a number of at least 0"),
        ({"hue": 181}, "hue is 181.\nIt must be a number of at least 0 and below 181"),
        ({"cutout": 2.5}, "cutout is 2.5.\nIt must be a whole number of at least 0"),
        ({"cutout": 10**9}, "cutout is 1000000000.\nIt may be 65,536 at most"),
        ({"outside": "white"}, "outside is 'white'.\nIt must be one of black, reflected"),
        (
            {"outside": "reflected", "rotation": 5, "shift": 2},
            "augmentation: outside is 'reflected', and pixels are interpolated.\nImages are reflected at their edges",
        ),
        ({"symmetries": "all"}, "symmetries is 'all'.\nIt must be one of none, images, boards"),
    ],
)
def test_what_is_no_augmentation_is_refused(change: dict[str, Any], text: str):
    with pytest.raises(FormatError, match=text):
        Augmentation.from_dict(Augmentation().to_dict() | change)


def test_members_that_are_left_out_have_their_defaults():
    assert Augmentation.from_dict({"rotation": 1}) == Augmentation(rotation=1)
    assert Augmentation.from_dict({}) == Augmentation()
