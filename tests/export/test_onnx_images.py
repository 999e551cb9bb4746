"""The images by which a run's file is judged, and what is missing or cannot be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from striate import find, from_text
from striate.data import Preprocessing, load
from striate.errors import DataError, OutputError, RequirementError
from striate.train import Recipe, Run, open_run
from striate.train.run import DataRecord
from tests.support.exported import SMALL, noise, run_of

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from striate.export.images import as_learned  # noqa: E402
from striate.export.onnx import agreement, write  # noqa: E402 - after what may be missing
from striate.export.onnx.bring import import_onnx  # noqa: E402
from striate.export.onnx.write import export_onnx  # noqa: E402


def test_held_out_images_stand_in_where_there_are_no_test_images(
    few_digits: Path, finished_run: Path, tmp_path
) -> None:
    folder = tmp_path / "digits"
    folder.mkdir()
    for file in few_digits.glob("train-*"):
        (folder / file.name).symlink_to(file)
    run = open_run(finished_run)
    made = export_onnx(replace(run, data=replace(run.data, source=str(folder))), tmp_path / "tiny.onnx")
    assert (made.split, made.agreement.images) == ("validation", 100)


def test_a_large_network_answers_fewer_images(tmp_path: Path) -> None:
    images = noise(3, 8, 8, count=600)
    counts = {}
    for name in ("lenet5", "alexnet", "vgg-e"):
        network = find(name)
        way = Preprocessing(network.input, "resize", 0, 1, "picture")
        run = Run(tmp_path, network, Recipe(), DataRecord("", (), None, False, (), 1, 1, "", ""), way, 1, "cpu", {})
        counts[name] = len(agreement.sample(run, images))
    assert counts["lenet5"] == 500
    assert 4 <= counts["vgg-e"] < counts["alexnet"] < 500


@pytest.mark.parametrize(("fit", "more"), [("crop", {"shorter": 48}), ("letterbox", {})])
def test_pictures_take_the_runs_own_way_into_a_file_whose_images_were_cropped_as_they_were_read(
    fit: str, more: dict[str, int], tmp_path: Path, monkeypatch
) -> None:
    network = from_text("name cropped 3x32x32: conv 4 5x5 /2, relu, max 2, linear 10")
    way = Preprocessing((3, 32, 32), fit, -1, 1, "picture", **more)
    run, _ = run_of(network, tmp_path / "run", way)
    monkeypatch.setattr(write, "compared_images", lambda *_: replace(noise(3, 32, 32), fitted=True))
    export_onnx(run, tmp_path / "cropped.onnx")
    assert open_run(tmp_path / "cropped.onnx").preprocessing == way
    made = import_onnx(tmp_path / "cropped.onnx", tmp_path / "again")
    assert made.run.preprocessing == way
    assert made.difference is not None


def test_a_file_takes_cropped_images_with_and_without_data(tmp_path: Path) -> None:
    """A run of a library's weights has no images of its own: its file is the one that it has with some."""
    picture_folder(tmp_path / "data/test", (50, 60))
    network = from_text("name cropped 3x32x32: conv 4 5x5 /2, relu, max 2, linear 2")
    run, _ = run_of(network, tmp_path / "run", Preprocessing((3, 32, 32), "crop", -1, 1, "picture", shorter=48))
    run = replace(run, data=replace(run.data, source="", classes=("a", "b")))
    export_onnx(run, tmp_path / "without.onnx")
    export_onnx(run, tmp_path / "with.onnx", source=str(tmp_path / "data"))
    assert (tmp_path / "without.onnx").read_bytes() == (tmp_path / "with.onnx").read_bytes()


def test_a_name_that_is_no_onnx_file(finished_run: Path, tmp_path: Path) -> None:
    for name in ("tiny.pb", "tiny.ONNX"):  # which no command would open
        with pytest.raises(OutputError) as caught:
            export_onnx(open_run(finished_run), tmp_path / name)
        assert str(caught.value) == (
            f"{tmp_path}/{name} does not end in .onnx.\nPrograms know an ONNX file by its suffix.\nName it tiny.onnx."
        )


def test_what_is_missing_is_said_before_anything_is_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("striate.extras.find_spec", lambda name: None)
    monkeypatch.setattr(write, "compared_images", lambda *_: pytest.fail("it read the images"))
    way = Preprocessing((1, 32, 32), "pad", 0, 1, "picture", (28, 28))
    run, _ = run_of(from_text(SMALL), tmp_path / "run", way)
    with pytest.raises(RequirementError, match="ONNX files need onnx and onnxruntime"):
        export_onnx(run, tmp_path / "small.onnx")


UNSURE = "name unsure 3x32x32: conv 8 3x3, relu, max 2, linear {classes}"


def picture_folder(folder: Path, size: tuple[int, int], *, mode: str = "RGB") -> Path:
    for number, name in enumerate("ab"):
        (folder / name).mkdir(parents=True)
        for image in range(3):
            Image.new(mode, size[::-1], 40 * number + image).save(folder / name / f"{image}.png")
    return folder


def run_on(folder: Path, runs: Path, *, channels: int | None, size: tuple[int, int]) -> Run:
    network = from_text("name two 1x24x20: conv 2 3x3, relu, linear 2")
    way = Preprocessing(network.input, "resize", 0, 1, "picture", size)
    run, _ = run_of(network, runs, way)
    return replace(run, data=replace(run.data, source=str(folder), classes=("a", "b"), channels=channels))


def test_a_broken_test_image_is_named_and_no_reason_to_take_others(tmp_path: Path) -> None:
    for split in ("train", "test"):
        picture_folder(tmp_path / "data" / split, (24, 20))
    (tmp_path / "data/test/a/0.png").write_bytes(b"no picture")
    run = run_on(tmp_path / "data", tmp_path / "run", channels=3, size=(24, 20))
    with pytest.raises(DataError, match="cannot be read as images"):
        export_onnx(run, tmp_path / "two.onnx")


def test_the_file_takes_images_of_the_size_and_channels_that_were_learned_from(tmp_path: Path) -> None:
    picture_folder(tmp_path / "data/train", (24, 20))
    picture_folder(tmp_path / "data/test", (24, 20), mode="L")
    made = export_onnx(run_on(tmp_path / "data", tmp_path / "one", channels=3, size=(24, 20)), tmp_path / "two.onnx")
    assert made.inputs[0].shape == (24, 20, 3)
    run = run_on(tmp_path / "data", tmp_path / "two", channels=3, size=(48, 40))
    made = export_onnx(run, tmp_path / "three.onnx")  # the test images are brought to the size of the training's
    assert made.inputs[0].shape == (48, 40, 3)
    with pytest.raises(DataError) as caught:
        as_learned(run, load(str(tmp_path / "data"), "test"))
    assert str(caught.value) == (
        f"{tmp_path / 'data'}: the test images are 24×20 pixels (height × width).\n"
        "The run learned from images of 48×40, and the file takes such.\n"
        "Bring them to one size, or train with --resize."
    )


def test_a_run_records_the_channels_of_its_images(finished_run: Path) -> None:
    assert open_run(finished_run).data.channels == 1


def test_a_folder_that_is_not_there_is_named_before_anything_is_read(finished_run: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(write, "compared_images", lambda *_: pytest.fail("it read the images"))
    with pytest.raises(OutputError) as caught:
        export_onnx(open_run(finished_run), tmp_path / "no/tiny.onnx")
    assert str(caught.value) == (
        f"{tmp_path}/no/tiny.onnx cannot be written: there is no folder {tmp_path}/no.\n"
        "It was not written.\nMake the folder, or give another place to --out."
    )
    with pytest.raises(OutputError, match=r"has no name before .onnx.*\n.*\nName it model.onnx."):
        export_onnx(open_run(finished_run), tmp_path / ".onnx")
