from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from striate.data import preprocess
from striate.data.preprocess import Preprocessing, preprocessing_for
from striate.data.resize import resized
from striate.data.store import ImageSet
from striate.errors import DataError, FormatError, SpecError

LENET = Preprocessing((1, 32, 32), "pad", low=-0.1, high=1.175, form="digits", size=(28, 28))
CROP = Preprocessing((3, 12, 12), "crop", low=(-2.0, -1.9, -1.8), high=(2.4, 2.5, 2.6), form="picture", shorter=15)


def images(*shape: int) -> ImageSet:
    return ImageSet(
        torch.zeros(1, *shape, dtype=torch.uint8), torch.tensor([0]), ("a", "b"), "mnist", "train", "digits"
    )


@pytest.mark.parametrize(
    ("size", "shape", "fit"),
    [
        ((28, 28), (1, 32, 32), "pad"),
        ((28, 28), (1, 28, 28), "pad"),
        ((28, 28), (1, 35, 35), "pad"),
        ((28, 28), (1, 36, 36), "resize"),
        ((28, 28), (1, 32, 27), "resize"),
        ((64, 64), (3, 32, 32), "resize"),
    ],
)
def test_near_sizes_are_padded_and_others_resized(size, shape, fit):
    found = preprocessing_for(shape, images(1, *size), low=0, high=1)
    assert (found.fit, found.shape, found.size, found.form) == (fit, shape, size, "digits")
    assert found.pack(images(1, *size).images).shape == (1, *shape)


def test_padding_is_centred_on_zeros():
    packed = LENET.pack(torch.full((2, 1, 28, 28), 9, dtype=torch.uint8))
    assert packed.shape == (2, 1, 32, 32)
    assert packed[:, :, 2:30, 2:30].eq(9).all()
    assert int(packed.sum()) == 2 * 28 * 28 * 9
    assert LENET.margins() == (2, 2, 2, 2)


def test_an_image_of_another_size_is_brought_to_the_data_sets_size_first():
    packed = LENET.pack(torch.full((1, 1, 200, 100), 9, dtype=torch.uint8))
    assert packed[0, 0, 2:30, 2:30].eq(9).all()
    assert int(packed.sum()) == 28 * 28 * 9
    unknown = Preprocessing((1, 32, 32), "pad", low=0, high=1, form="picture")
    assert unknown.pack(torch.full((1, 1, 200, 100), 9, dtype=torch.uint8)).eq(9).all()
    assert unknown.pack(torch.full((1, 1, 4, 4), 9, dtype=torch.uint8)).sum() == 9 * 16


@pytest.mark.parametrize("size", [(3, 4), (9, 2), (30, 31)])
def test_an_image_that_is_resized_is_as_sharp_as_those_of_the_data_set(size):
    way = Preprocessing((3, 12, 12), "resize", low=0, high=1, form="picture", size=size)
    sharp = torch.randint(0, 256, (2, 3, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    assert torch.equal(way.pack(sharp), resized(resized(sharp, size), (12, 12)))
    stored = resized(sharp, size)
    assert torch.equal(way.pack(stored), way.pack(sharp))


def test_nothing_is_copied_where_nothing_changes():
    pixels = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    assert Preprocessing((3, 8, 8), "resize", low=0, high=1, form="picture").pack(pixels) is pixels
    assert Preprocessing((3, 8, 8), "pad", low=0, high=1, form="picture", size=(8, 8)).pack(pixels) is pixels


def test_channels():
    colour = torch.tensor([255, 0, 10], dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    grey = Preprocessing((1, 4, 4), "resize", low=0, high=1, form="picture").pack(colour)
    assert grey.shape == (2, 1, 4, 4)
    assert grey.eq(round(0.299 * 255 + 0.114 * 10)).all()
    rgb = Preprocessing((3, 4, 4), "resize", low=0, high=1, form="picture").pack(grey)
    assert rgb.shape == (2, 3, 4, 4)
    assert rgb.eq(grey).all()
    with pytest.raises(DataError, match="pack: images of 2 channels"):
        LENET.pack(torch.zeros(1, 2, 4, 4, dtype=torch.uint8))


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch):
    pixels = torch.randint(0, 256, (9, 3, 28, 28), dtype=torch.uint8)
    whole = LENET.pack(pixels)
    monkeypatch.setattr("striate.data.resize.CHUNK_BYTES", 5000)
    assert len(preprocess.chunks(9, bytes_each=3 * 28 * 28)) == 5
    assert torch.equal(LENET.pack(pixels), whole)


def test_normalise_runs_from_low_to_high():
    values = LENET.normalise(torch.arange(256, dtype=torch.uint8))
    assert values.dtype == torch.float32
    torch.testing.assert_close(values, torch.linspace(-0.1, 1.175, 256))


def test_a_crop_is_the_middle_once_the_shorter_side_has_its_size():
    pixels = torch.zeros(1, 3, 30, 80, dtype=torch.uint8)
    pixels[:, :, :, 34:46] = 200
    packed = CROP.pack(pixels)
    assert packed.shape == (1, 3, 12, 12)
    assert packed[..., 4:8].eq(200).all()
    assert packed[..., :2].eq(0).all()
    assert packed[..., 10:].eq(0).all()
    assert torch.equal(CROP.pack(pixels.transpose(2, 3)), packed.transpose(2, 3))


def test_a_letterbox_keeps_the_aspect_ratio_on_black():
    way = Preprocessing((1, 12, 12), "letterbox", low=-1.0, high=1.0, form="picture")
    packed = way.pack(torch.full((1, 3, 20, 40), 200, dtype=torch.uint8))
    assert packed[0, 0].ne(0).nonzero().aminmax(dim=0).min.tolist() == [3, 0]
    assert packed[0, 0].ne(0).sum() == 6 * 12
    assert Preprocessing.from_dict(json.loads(json.dumps(way.to_dict()))) == way


def test_a_crop_of_the_networks_own_size_is_enlarged_all_the_same():
    pixels = torch.randint(0, 256, (1, 3, 12, 12), dtype=torch.uint8)
    assert torch.equal(CROP.pack(pixels), resized(pixels, (15, 15))[:, :, 2:14, 2:14])


def test_a_long_and_narrow_picture_is_refused():
    with pytest.raises(DataError, match="2 × 20000000 pixels become 15 × 150,000,000 before the middle is cut out"):
        CROP.fitted(torch.zeros(1, 1, 2, 20_000_000, dtype=torch.uint8))


def test_images_that_were_fitted_when_they_were_read_are_not_fitted_again():
    found = replace(images(3, 12, 12), fitted=True)
    assert CROP.packed(found) is found
    assert CROP.packed(replace(found, fitted=False)).images.shape == (1, 3, 12, 12)


def test_each_channel_may_have_a_range_of_its_own():
    pixels = torch.tensor([0, 255, 51], dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    values = CROP.normalise(pixels)
    wanted = torch.tensor([-2.0, 2.5, 0.2 * 2.6 - 0.8 * 1.8]).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    torch.testing.assert_close(values, wanted)
    with pytest.raises(SpecError, match="each channel has a range of its own"):
        CROP.range()
    assert LENET.range() == (-0.1, 1.175)
    mixed = Preprocessing((3, 4, 4), "resize", low=0, high=(1.0, 2.0, 3.0), form="picture")
    assert mixed.low == (0.0, 0.0, 0.0)


def test_runs_of_earlier_versions_have_neither_crop_nor_interpolation():
    members = {name: one for name, one in LENET.to_dict().items() if name not in ("shorter", "interpolation")}
    assert Preprocessing.from_dict(members) == LENET


def test_it_comes_back_from_json():
    for one in (LENET, CROP, Preprocessing((3, 8, 8), "resize", low=0, high=1, form="picture")):
        assert Preprocessing.from_dict(json.loads(json.dumps(one.to_dict()))) == one


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"extra": 1},
            "unknown: extra.\nIts members are: fit, form, high, interpolation, low, shape, shorter, size",
        ),
        ({"low": None}, "preprocessing: low is None"),
        ({"low": "0"}, "low is '0'"),
        ({"low": float("nan")}, "low is nan"),
        ({"low": True}, "low is True"),
        ({"fit": "tile"}, "fit is 'tile'.\nIt must be one of pad, resize, crop, letterbox"),
        ({"fit": "crop"}, "shorter is None.\nIt must be a whole number"),
        ({"fit": "crop", "shorter": 31}, "shorter is 31 for a crop of 32 × 32.\nA crop is no larger than its image"),
        ({"fit": "crop", "shorter": 10**9}, "shorter is 1000000000 for a crop.*\n.*may get 4,000 pixels"),
        ({"shorter": 40}, "shorter is 40 with 'pad'.\nOnly a crop has it"),
        ({"interpolation": "nearest"}, "interpolation is 'nearest'.\nIt must be one of bilinear, bicubic"),
        ({"low": [0.0, 0.0]}, "low has 2 numbers.\nIt must be a number, or 1, one a channel"),
        ({"high": ["1"]}, "high is '1'"),
        ({"form": 3}, "form is 3.\nIt must be one of digits, line, picture"),
        ({"shape": [1, 32]}, r"shape is \(1, 32\).\nIt must be \(channels, height, width\)"),
        ({"shape": [1, 32, 0]}, "a side of shape is 0"),
        ({"shape": "132"}, "shape is '132'"),
        ({"shape": [2, 32, 32]}, "shape has 2 channels.\nImages have 1"),
        ({"size": [28]}, r"size is \(28,\)"),
    ],
)
def test_what_is_not_its_json_is_refused(change: dict[str, Any], text: str):
    with pytest.raises(FormatError, match=text):
        Preprocessing.from_dict(LENET.to_dict() | change)


def test_missing_members_are_named():
    with pytest.raises(FormatError, match="missing: fit, low"):
        Preprocessing.from_dict({name: one for name, one in LENET.to_dict().items() if name not in ("fit", "low")})
    with pytest.raises(FormatError, match="list is no object"):
        Preprocessing.from_dict([])  # type: ignore[arg-type]
