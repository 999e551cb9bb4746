"""The images of a job: which files, in which order, under which names."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from striate.errors import DataError, RunError
from striate.predictions.listing import Item, Listed, Pending, listed_images, require_apart


def picture(level: int = 0) -> bytes:
    content = io.BytesIO()
    Image.new("L", (3, 2), level).save(content, "png")
    return content.getvalue()


def tar(file: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(file, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_folders_are_read_with_all_that_lies_in_them(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in/b/2.PNG", "in/b/1.jpg", "in/a/deep/x.webp", "in/z.tif", "in/.no.png", "in/a/.x/y.png", "in/n.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"")
    tar(Path("in/beside.tar"), {"1.png": b""})  # what the folder came in
    found = list(listed_images(["in/z.tif", "in/b", "in/a/"]))
    assert [item.name for item in found] == ["in/z.tif", "in/b/1.jpg", "in/b/2.PNG", "in/a/deep/x.webp"]
    assert all(os.path.isabs(item.file) for item in found)
    everything = [item.name for item in listed_images(["in"])]
    assert everything == ["in/a/deep/x.webp", "in/b/1.jpg", "in/b/2.PNG", "in/z.tif"]


def test_images_are_read_where_they_lie_in_tar_files(tmp_path) -> None:
    contents = {"sub/0.png": picture(1), "0.cls": b"3", "1.png": picture(2), ".h.png": b"x", "0.png": picture(4)}
    tar(tmp_path / "s-1.tar", contents)
    tar(tmp_path / "s-0.tar", {"a.jpg": b"no image"})
    found = list(listed_images([str(tmp_path)]))
    names = ["s-0.tar/a.jpg", "s-1.tar/sub/0.png", "s-1.tar/1.png", "s-1.tar/0.png"]
    assert [item.name for item in found] == [f"{tmp_path}/{name}" for name in names]
    assert [item.content() for item in found] == [b"no image", *(picture(level) for level in (1, 2, 4))]
    assert list(listed_images([f"{tmp_path}/s-1.tar"])) == found[1:]
    (tmp_path / "found.csv.parts").mkdir()  # a job's folder is none of images
    assert list(listed_images([str(tmp_path)])) == found
    (tmp_path / "s-1.tar").rename(tmp_path / "S.TAR")
    assert [item.name for item in listed_images([f"{tmp_path}/S.TAR"])][-1] == f"{tmp_path}/S.TAR/0.png"


def test_a_loop_of_links_ends_in_an_error(tmp_path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(DataError, match="folders lie in one another more than 100 deep|cannot be listed: Too many"):
        list(listed_images([str(tmp_path)]))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda place: None, "{}: no such file or folder.\nExpected image files, folders of images, or tar files"),
        (lambda place: place.mkdir(), "{}: holds no images.\nLooked for files ending in .png, .jpg"),
    ],
)
def test_a_source_without_images_is_an_error(make, text, tmp_path) -> None:
    make(tmp_path / "in")
    with pytest.raises(DataError) as caught:
        list(listed_images([str(tmp_path / "in")]))
    assert str(caught.value).startswith(text.format(tmp_path / "in"))


def test_a_tar_file_that_is_none_or_is_compressed_is_an_error(tmp_path) -> None:
    file = tmp_path / "a.tar"
    tar(file, {"1.png": picture(), "2.png": picture() * 30})
    whole = file.read_bytes()
    # Cut in a header and in an image, and garbage in the place of a header: tarfile itself takes some for the end.
    for content in (whole[:1100], whole[:1600], whole[:1024] + b"x" * 600, b"x" * 2000):
        file.write_bytes(content)
        with pytest.raises(DataError, match="is no whole tar file") as caught:
            list(listed_images([str(file)]))
        assert caught.value.where == str(file)
    file.write_bytes(whole[:1024])  # without the blocks that end it, as some programs write it
    assert len(list(listed_images([str(file)]))) == 1
    with pytest.raises(DataError, match="is compressed.\nImages are read where they lie"):
        list(listed_images([str(tmp_path / "b.tar.gz")]))


def test_no_image_is_given_twice(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    inner, outer = str(tmp_path / "in" / "x.png"), str(tmp_path / "in")
    (tmp_path / "link").symlink_to(outer)
    require_apart([inner, str(tmp_path / "inside")])
    for sources, text in [
        ([inner, inner], f"{inner}: is given twice."),
        ([outer, inner], f"{inner}: is a part of {outer}, which is given too."),
        ([inner, outer], f"{inner}: is a part of {outer}, which is given too."),
        ([outer, str(tmp_path / "link")], f"{tmp_path}/link: is a part of {outer}, which is given too."),
    ]:
        with pytest.raises(DataError) as caught:
            require_apart(sources)
        assert str(caught.value) == f"{text}\nEach image is classified once.\nLeave one of them out."


def test_the_list_gives_the_parts_that_are_asked_for(tmp_path) -> None:
    items = [Item(f"ä \ud800\n{number}", f"/x/{number}", *((number, 7) if number % 2 else ())) for number in range(23)]
    path = tmp_path / "images.jsonl"
    path.write_text("".join(item.line() for item in items), encoding="utf-8")
    listed = Listed(path, count=23, part_size=5)
    assert [listed.size(part) for part in range(listed.parts)] == [5, 5, 5, 5, 3]
    assert [item for part in range(5) for item in listed.part(part)] == items
    pending = Pending(listed, [1, 3, 4])
    assert pending[:] == items[5:10] + items[15:]
    assert pending[9:12] == items[19:22]
    assert (len(pending), pending[12]) == (13, items[22])
    with pytest.raises(RunError, match="is damaged: it has 23 images of 22"):
        Listed(path, count=22, part_size=5)
