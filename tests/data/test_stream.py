"""A stream decodes the images that a store keeps: the same pixels, labels and parts, whatever the number of workers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from striate.data import ImageSet, Preprocessing, Stream, hold_out, load, load_stream, order_of, preprocessing_for
from striate.data.stream import BUFFER, PIECE, Files, pieces_of
from striate.errors import DataError
from tests.data.test_shards import CLASSES, picture, samples, shard


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    folder = tmp_path / "shards"
    shard(folder / "photos-train-000.tar", samples(range(30)))
    shard(folder / "photos-train-001.tar", {})
    shard(folder / "photos-train-002.tar", samples(range(30, 51)))
    shard(folder / "photos-test-000.tar", samples(range(60, 72)))
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return folder


def stream_of(images: ImageSet) -> Stream:
    assert isinstance(images.images, Stream)
    return images.images


def test_it_has_the_images_of_the_store_and_writes_nothing(shards: Path, own_cache: Path) -> None:
    for split in ("train", "test"):
        streamed = load_stream(shards, split)
        assert not own_cache.exists() or split == "test"
        stored = load(shards, split)
        assert torch.equal(streamed.images[:], stored.images[:])
        assert torch.equal(streamed.images[-1], stored.images[-1])
        assert torch.equal(streamed.images[3:5, 0, 1], stored.images[3:5, 0, 1])
        assert torch.equal(streamed.labels, stored.labels)
        assert (streamed.names, streamed.classes) == (stored.names, stored.classes)
        for one, other in zip(hold_out(streamed), hold_out(stored), strict=True):
            assert one.names == other.names
            assert torch.equal(one.images[:], other.images[:])
            way = preprocessing_for((3, 40, 40), one, low=0, high=1)
            assert torch.equal(way.packed(one).images[:], way.packed(other).images[:])
    with pytest.raises(IndexError):
        streamed.images[12]


@pytest.mark.parametrize("fit", ["crop", "letterbox"])
def test_images_are_cropped_as_the_store_has_them(pets: Path, fit: str) -> None:
    shorter = 5 if fit == "crop" else None
    way = Preprocessing((1, 5, 5), fit, low=0, high=1, form="picture", shorter=shorter)
    one, other = load_stream(pets, way=way), load(pets, way=way)
    assert (one.fitted, other.fitted) == (True, True)
    assert torch.equal(one.images[:], other.images[:])
    assert torch.equal(load_stream(pets, resize=(3, 4)).images[:], load(pets, resize=(3, 4)).images[:])


def test_batches_are_those_of_the_order_whatever_the_number_of_workers(shards: Path) -> None:
    images = load_stream(shards)
    order = order_of(images, seed=3, epoch=1)
    expected = load(shards).images[order]
    for workers in (1, 2, 7):
        stream = replace(stream_of(images), workers=workers)
        assert torch.equal(torch.cat(list(stream.batches(order, 8))), expected)
        assert torch.equal(torch.cat(list(stream.batches(order[16:], 8))), expected[16:])  # resumed after two steps
    assert stream_of(images).meter.read()[0] == 3 * (51 + 35)  # whatever is made of a stream has its meter
    assert stream_of(images).meter.read() == (0, 0.0)


def test_the_order_mixes_pieces_of_shards_and_then_by_a_buffer() -> None:
    count = 25 * PIECE
    pieces = pieces_of(["one giant shard.tar"] * count)
    assert pieces.unique().tolist() == list(range(25))
    files = Files(lambda _: torch.zeros(1, 1, 1), lambda _, reason: DataError(reason), pieces, "")
    stream = Stream(files, torch.arange(count), (1, 1, 1))
    orders = {key: stream.order(seed=key[0], epoch=key[1]) for key in ((0, 0), (0, 1), (1, 0))}
    for (seed, epoch), order in orders.items():
        assert torch.equal(order.sort().values, torch.arange(count))
        assert torch.equal(order, stream.order(seed=seed, epoch=epoch))
        drawn = pieces[order[: PIECE * 5]].unique()  # of the pieces in the buffer, and of the few that come
        assert BUFFER // PIECE <= len(drawn) <= BUFFER // PIECE + 6
    assert not torch.equal(orders[0, 0], orders[0, 1])
    assert not torch.equal(orders[0, 0], orders[1, 0])
    part = stream.part(torch.arange(5, count, 7))
    assert torch.equal(part.order(seed=0, epoch=0).sort().values, torch.arange(len(part)))


def damaged(name: str, number: int) -> dict[str, bytes]:
    """A sample with a header, and pixels that are cut short."""
    whole = picture(number)
    return {f"photos/{name}.png": whole[: len(whole) // 2], f"photos/{name}.cls": b"1"}


def test_a_damaged_image_in_the_middle_is_named_when_it_is_asked_for(shards: Path) -> None:
    shard(shards / "photos-train-001.tar", damaged("broken", 99))
    images = load_stream(shards)
    assert len(images) == 52
    with pytest.raises(DataError) as caught:
        list(stream_of(images).batches(torch.arange(52), 8))
    what, expected, remedy = str(caught.value).splitlines()[0:1] + str(caught.value).splitlines()[-2:]
    assert what == f"{shards}: 1 of 52 files cannot be read as images:"
    assert "  photos-train-001.tar/photos/broken: cut short (" in str(caught.value)
    assert expected == "Every file of a class is a whole image."
    assert remedy == "Repair or remove them, or pass --skip-unreadable."


def test_skipped_images_are_left_out_and_listed_as_of_a_store(shards: Path) -> None:
    shard(shards / "photos-train-001.tar", damaged("broken", 99) | {"b.png": b"junk", "b.cls": b"1"})
    with pytest.raises(DataError, match="1 of 53 files cannot be read"):  # it has no header
        load_stream(shards)
    one, other = load_stream(shards, skip_unreadable=True), load(shards, skip_unreadable=True)
    assert one.unreadable == other.unreadable
    assert [file for file, _ in one.unreadable] == ["photos-train-001.tar/photos/broken", "photos-train-001.tar/b"]
    assert torch.equal(one.images[:], other.images[:])


def test_a_shard_that_is_cut_off_meanwhile_is_named(shards: Path) -> None:
    images = load_stream(shards)
    file = shards / "photos-train-002.tar"
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(DataError, match="photos-train-002.tar/photos/00050: empty"):
        images.images[50]
    file.unlink()
    with pytest.raises(DataError, match="photos-train-002.tar/photos/00030: no such file"):
        images.images[30]


def test_its_fingerprint_is_of_the_files(shards: Path) -> None:
    found = load_stream(shards).fingerprint()
    assert load_stream(shards).fingerprint() == found
    assert hold_out(load_stream(shards))[0].fingerprint() != found
    file = shards / "photos-train-002.tar"
    shard(file, samples(range(31, 52)))
    assert load_stream(shards).fingerprint() != found


def test_other_sources_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        load_stream("mnist")
    assert str(caught.value).splitlines() == [
        "mnist: is not decoded image by image.",
        "A stream reads image files, tar files, or a data set of Hugging Face's.",
        "Leave --stream out: these images are read into memory at once.",
    ]
