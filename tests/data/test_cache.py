from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from striate.data import Preprocessing, cache
from striate.data.cache import Cached, cache_entry, cache_folder
from striate.data.folder import image_folder
from striate.data.packing import keep

Paint = Callable[..., Path]


def kept(own_cache: Path) -> list[Path]:
    return sorted(own_cache.iterdir()) if own_cache.is_dir() else []


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def forbid() -> None:
        def refuse(*_: object) -> None:
            raise AssertionError("decoded although it was kept")

        monkeypatch.setattr("striate.data.folder._decoded", refuse)

    return forbid


def test_a_second_load_decodes_nothing(pets: Path, own_cache: Path, no_decoding: Callable[[], None]):
    first = image_folder(pets, "train")
    assert [file.suffix for file in kept(own_cache)] == [".safetensors"]
    no_decoding()
    again = image_folder(pets, "train")
    assert again.fingerprint() == first.fingerprint()
    assert again.names == first.names


def test_splits_and_sizes_have_files_of_their_own_and_a_changed_folder_replaces_its_own(
    pets: Path, own_cache: Path, paint: Paint
):
    image_folder(pets, "train")
    image_folder(pets, "test")
    image_folder(pets, "train", resize=(3, 3))
    assert len(kept(own_cache)) == 3
    paint(pets / "train/cat/7.png", level=99)
    assert image_folder(pets, "train").images[:, 0, 0, 0].tolist() == [10, 11, 12, 99, 20, 21]
    os.utime(pets / "train/cat/7.png", ns=(1, 1))
    paint(pets / "train/dog/0.png", level=77)
    assert image_folder(pets, "train").images[:, 0, 0, 0].tolist() == [10, 11, 12, 99, 77, 21]
    assert len(kept(own_cache)) == 3


def test_two_files_of_one_size_and_time_that_were_swapped_are_read_again(pets: Path) -> None:
    one, other = (pets / "train" / name / "0.bmp" for name in ("cat", "dog"))
    for file, level in ((one, 100), (other, 200)):
        Image.new("RGB", (8, 6), (level,) * 3).save(file)
        os.utime(file, ns=(5, 5))
    before = image_folder(pets, "train")
    one.rename(pets / "passing")
    other.rename(one)
    (pets / "passing").rename(other)
    after = image_folder(pets, "train")
    place = [before.names.index(f"train/{name}/0.bmp") for name in ("cat", "dog")]
    assert before.images[place, 0, 0, 0].tolist() == [100, 200]
    assert after.images[place, 0, 0, 0].tolist() == [200, 100]


def test_the_key_hangs_on_names_sizes_times_resize_and_version(pets: Path, monkeypatch: pytest.MonkeyPatch):
    files = ("train/cat/0.png", "train/cat/1.png")
    keys = [cache_entry(pets, "train", files, count=len(files), resize=None).key]
    assert cache_entry(pets, "train", files, count=len(files), resize=None).key == keys[0]
    keys.append(cache_entry(pets, "train", files, count=len(files), resize=(2, 2)).key)
    keys.append(cache_entry(pets, "train", files[:1], count=1, resize=None).key)
    os.utime(pets / files[0], ns=(5, 5))
    keys.append(cache_entry(pets, "train", files, count=len(files), resize=None).key)
    (pets / files[0]).write_bytes(b"12")
    os.utime(pets / files[0], ns=(5, 5))
    keys.append(cache_entry(pets, "train", files, count=len(files), resize=None).key)
    monkeypatch.setattr(cache, "VERSION", 99)
    keys.append(cache_entry(pets, "train", files, count=len(files), resize=None).key)
    assert len(set(keys)) == 6


@pytest.mark.parametrize("damage", ["empty", "rubbish", "cut", "flipped", "a folder"])
def test_a_damaged_cache_is_rebuilt_silently(
    pets: Path, own_cache: Path, damage: str, capsys: pytest.CaptureFixture[str]
):
    good = image_folder(pets, "train").fingerprint()
    (file,) = kept(own_cache)
    raw = file.read_bytes()
    if damage == "a folder":
        file.unlink()
        file.mkdir()
    else:
        flipped = raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:]
        file.write_bytes({"empty": b"", "rubbish": b"x" * 500, "cut": raw[:-9], "flipped": flipped}[damage])
    assert image_folder(pets, "train").fingerprint() == good
    assert capsys.readouterr() == ("", "")
    if damage != "a folder":
        assert len(file.read_bytes()) == len(raw)
        files = [f"train/{name}/{one}.png" for name, count in (("cat", 3), ("dog", 2)) for one in range(count)]
        assert cache_entry(pets, "train", files, count=len(files), resize=None).read() is not None
    assert kept(own_cache) == [file]


def test_a_cache_that_cannot_be_written_is_only_no_cache(pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "taken").write_text("a file, not a folder")
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "taken" / "cache"))
    assert len(image_folder(pets, "train")) == 5
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "taken"))
    assert len(image_folder(pets, "train")) == 5


def test_an_unreadable_file_that_was_repaired_in_place_is_read_again(pets: Path, own_cache: Path):
    entry = cache_entry(pets, "train", [f"train/cat/{one}.png" for one in range(3)], count=3, resize=None)
    keep(entry, Cached(torch.zeros(2, 3, 6, 8, dtype=torch.uint8), (("train/cat/1.png", "permission denied"),)))
    assert (entry.read() or pytest.fail("nothing kept")).unreadable[0][1] == "permission denied"
    files = [f"train/{name}/{one}.png" for name, count in (("cat", 3), ("dog", 2)) for one in range(count)]
    entry = cache_entry(pets, "train", files, count=len(files), resize=None)
    keep(entry, Cached(torch.zeros(4, 3, 6, 8, dtype=torch.uint8), (("train/cat/1.png", "permission denied"),)))
    assert image_folder(pets, "train", skip_unreadable=True).images[:, 0, 0, 0].tolist() == [10, 11, 12, 20, 21]


def test_what_was_kept_for_another_number_of_files_is_not_used(pets: Path):
    entry = cache_entry(pets, "train", ["train/cat/0.png"], count=1, resize=None)
    keep(entry, Cached(torch.zeros(3, 3, 6, 8, dtype=torch.uint8), ()))
    assert entry.read() is None


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch):
    assert cache_folder() == Path(os.environ["STRIATE_CACHE"])
    monkeypatch.delenv("STRIATE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/striate")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/elsewhere/someone")
    assert cache_folder() == Path("/elsewhere/someone/.cache/striate")

    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder() is None


def test_an_image_that_cannot_be_brought_to_the_shape_is_not_tried_again(
    pets: Path, own_cache: Path, paint: Paint, no_decoding: Callable[[], None]
):
    """It can be decoded, and is too long for its shorter side to be enlarged."""
    paint(pets / "train/cat/long.png", size=(1, 7000), level=90)
    crop = Preprocessing((3, 64, 64), "crop", low=0, high=1, form="picture", shorter=64)
    first = image_folder(pets, "train", skip_unreadable=True, fit=crop)
    assert [file for file, _ in first.unreadable] == ["train/cat/long.png"]
    no_decoding()
    assert len(image_folder(pets, "train", skip_unreadable=True, fit=crop)) == 5
