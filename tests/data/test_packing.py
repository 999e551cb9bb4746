"""The cache is written image by image, whole or not at all, by several processes at once, and mapped when read."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from striate.data import View, allocation, hold_out, load, packing, preprocessing_for, workers
from striate.data.folder import image_folder
from striate.data.survey import Survey
from striate.data.workers import in_order, telling
from striate.errors import DataError


def kept(own_cache: Path) -> list[str]:
    return sorted(os.listdir(own_cache)) if own_cache.is_dir() else []


def test_the_file_is_one_that_any_reader_of_safetensors_reads(pets: Path, own_cache: Path) -> None:
    images = image_folder(pets, "train")
    assert images.mapped
    found = load_file(own_cache / kept(own_cache)[0])
    assert torch.equal(found["images"], images.images[:])
    assert bytes(found["unreadable"].tolist()) == b"[]"


def test_parts_of_a_mapped_set_are_views_and_equal_copies(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = image_folder(pets, "train")
    some = images.subset(torch.tensor([4, 0, 2]))
    assert isinstance(some.images, View)
    assert some.images.store is images.images
    assert torch.equal(some.images[:], images.images[torch.tensor([4, 0, 2])])
    assert torch.equal(some.images[:, 0, 0, 0], torch.tensor([21, 10, 12], dtype=torch.uint8))
    assert some.images[1, 0, 0].tolist() == [10] * 8
    assert some.labels_of_store.tolist() == [0, -1, 0, -1, 1]
    again = some.subset(torch.tensor([2]))
    assert isinstance(again.images, View)
    assert again.images[0, 0, 0, 0] == 12
    parts = hold_out(images, fraction=1 / 3)
    monkeypatch.setenv("STRIATE_CACHE", "/dev/null/none")  # no cache: in memory
    copies = hold_out(image_folder(pets, "train"), fraction=1 / 3)
    for part, copy in zip(parts, copies, strict=True):
        assert (isinstance(part.images, View), isinstance(copy.images, Tensor)) == (True, True)
        assert part.fingerprint() == copy.fingerprint()


@pytest.mark.parametrize("when", ["at once", "in between", "at the end"])
def test_a_full_disk_leaves_no_file_behind(
    pets: Path, own_cache: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    at = {"at once": (packing, "reserve"), "in between": (packing.Packing, "add"), "at the end": (os, "fsync")}
    monkeypatch.setattr(at[when][0], at[when][1], full)
    images = image_folder(pets, "train")
    assert images.images[:, 0, 0, 0].tolist() == [10, 11, 12, 20, 21]
    assert not images.mapped
    assert kept(own_cache) == []


def test_ctrl_c_in_the_middle_leaves_no_file_behind_and_the_next_reading_is_whole(
    pets: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, seen = Survey.pixels, []

    def interrupted(surveyed: Survey, number: int) -> Tensor:
        seen.append(number)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return decode(surveyed, number)

    monkeypatch.setattr(Survey, "pixels", interrupted)
    with pytest.raises(KeyboardInterrupt):
        image_folder(pets, "train")
    assert kept(own_cache) == []
    monkeypatch.setattr(Survey, "pixels", decode)
    assert image_folder(pets, "train").images[:, 0, 0, 0].tolist() == [10, 11, 12, 20, 21]


def pack_slowly(source: str, cache: str, killed: bool) -> None:
    """Pack a folder, slowly; or be killed after the second image."""
    os.environ["STRIATE_CACHE"] = cache  # the server of processes may have that of another test
    add, seen = packing.Packing.add, []

    def slow(file: packing.Packing, images: Tensor) -> None:
        add(file, images)
        seen.append(images)
        if killed and len(seen) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)

    setattr(packing.Packing, "add", slow)  # noqa: B010 - the type checker forbids the plain form
    image_folder(Path(source), "train")


def packers(source: Path, kills: list[bool]) -> list[int | None]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.data.test_packing"])
    found = [
        context.Process(target=pack_slowly, args=(str(source), os.environ["STRIATE_CACHE"], killed)) for killed in kills
    ]
    for each in found:
        each.start()
    for each in found:
        each.join()
    return [each.exitcode for each in found]


def test_two_processes_may_pack_one_source_at_once_and_what_a_killed_one_left_is_removed(
    pets: Path, own_cache: Path
) -> None:
    assert packers(pets, [True]) == [-signal.SIGKILL]
    (left,) = kept(own_cache)
    assert left.endswith(".tmp")
    assert packers(pets, [False, False]) == [0, 0]
    (file,) = kept(own_cache)
    assert file.endswith(".safetensors")
    assert image_folder(pets, "train").images[:, 0, 0, 0].tolist() == [10, 11, 12, 20, 21]


def test_packed_images_of_another_size_go_to_the_disk_too(pets: Path) -> None:
    images = image_folder(pets, "train")
    packed = preprocessing_for((1, 7, 9), images, low=0, high=1).packed(images.subset(torch.arange(5)))
    assert packed.mapped
    assert packed.images.shape == (5, 1, 7, 9)
    assert isinstance(packed.subset(torch.tensor([1])).images, View)


def test_results_come_in_order_whatever_the_number_of_workers() -> None:
    def work(number: int) -> int:
        time.sleep((number % 7) * 1e-4)
        if number % 50 == 3:
            raise DataError(f"no {number}")
        return number * number

    found = [list(in_order(work, range(200), workers=count)) for count in (1, 2, 5)]
    assert found[0] == found[1] == found[2]
    assert found[0][:5] == [0, 1, 4, "no 3", 16]


def test_no_more_than_a_few_portions_are_begun_ahead() -> None:
    begun: list[int] = []
    results = in_order(lambda number: begun.append(number), range(10_000), workers=2)
    next(results)
    with contextlib.closing(results):  # pyright: ignore[reportArgumentType] - a generator
        assert len(begun) <= (2 * workers.AHEAD + 1) * workers.AT_ONCE


def test_whoever_listens_is_told_how_far_it_is(pets: Path) -> None:
    told: list[tuple[str, float]] = []
    with telling(lambda what, share: told.append((what, share))):
        load(pets)
    assert {what for what, _ in told} == {"Reading the headers", "Decoding"}
    assert all(0 <= share < 1 for _, share in told)


def test_a_mapped_file_is_used_without_room_in_memory(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation, "machine_memory", lambda: 1)
    assert len(image_folder(pets, "train")) == 5


def test_with_no_image_that_can_be_decoded_nothing_is_kept(
    pets: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Survey, "pixels", lambda *_: (_ for _ in ()).throw(DataError("cut short")))
    with pytest.raises(DataError, match="5 of 5 files cannot be read as images"):
        image_folder(pets, "train", skip_unreadable=True)
    assert kept(own_cache) == []
