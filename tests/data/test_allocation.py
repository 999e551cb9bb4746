"""Room for images: in memory, or in a file without a name; where there is none, an error in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from striate.data import Preprocessing, allocation, load
from striate.data.allocation import allocated
from striate.errors import DataError


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(allocation, "reserve", refuse)


def test_images_beyond_half_of_the_memory_go_to_a_file_that_leaves_nothing(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allocation, "machine_memory", lambda: 800)
    assert allocated(1, (1, 20, 20)).shape == (1, 1, 20, 20)
    assert not own_cache.exists()
    found = allocated(2, (1, 20, 20))
    assert found.shape == (2, 1, 20, 20)
    found.fill_(7)
    assert found.sum() == 7 * 800
    assert os.listdir(own_cache) == []
    mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if str(own_cache) in line]
    assert len(mapped) == 1
    assert mapped[0].endswith("(deleted)")


def test_where_the_disk_has_no_room_either_the_error_says_so(
    pets: Path, own_cache: Path, full: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allocation, "machine_memory", lambda: 800)
    with pytest.raises(DataError) as caught:
        load("mnist", "test", resize=(7_000, 7_000))
    assert str(caught.value).splitlines() == [
        "10,000 images of 1 × 7000 × 7000: 456.3 GiB.",
        f"Decoded images beyond half of the memory are kept in a file in {own_cache}: No space left on device.",
        "Make room, set STRIATE_CACHE to a folder on a larger disk, or make the images smaller (--resize).",
    ]
    monkeypatch.setattr("striate.data.packing.reserve", allocation.reserve)
    with pytest.raises(DataError, match="5 images of 3 × 20 × 20: 0.0 GiB"):
        load(pets, resize=(20, 20))
    with pytest.raises(DataError, match="1 image of 1 × 30 × 30: "):
        Preprocessing((1, 30, 30), "resize", 0, 1, "picture").pack(torch.zeros(1, 1, 3, 3, dtype=torch.uint8))
    assert list(own_cache.iterdir()) == []


def test_what_no_disk_holds_is_refused_in_words() -> None:
    for shape in ((1, 2**20, 2**20), (1, 2**40, 2**40)):
        with pytest.raises(DataError, match="Decoded images beyond half of the memory"):
            allocated(2**10, shape)
