"""striate read, with a reader after some seconds of training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from striate import find
from striate.cli.verbs.read import command
from striate.data import load, windows
from striate.data.strips import Letters, set_strip
from striate.errors import RunError
from striate.train import recipe_for, session

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of lenet5-reader on few windows."""
    folder = tmp_path_factory.mktemp("reader") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "COUNTS", {"train": 12_000, "validation": 500, "test": 500})
        network = find("lenet5-reader")
        recipe = replace(recipe_for(network), epochs=2, average=0.0)
        run, split = session.prepare(network, session.Images("mnist-lines"), recipe, folder=folder, device="cpu")
        list(session.start(run, split))
    return folder


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first four test digits, 7210, on paper."""
    path = tmp_path_factory.mktemp("pictures") / "number.png"
    letters = Letters.of(load("mnist", "test"))
    pixels = 255 - set_strip(letters, [0, 1, 2, 3], gaps=[4, 4, 4], margin=20).pixels
    Image.fromarray(pixels).resize((pixels.shape[1] * 3, pixels.shape[0] * 3)).save(path)
    return path


def read(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments])


def test_a_line_an_image(reader: Path, picture: Path) -> None:
    found = read(reader, picture)
    assert found.exit_code == 0
    assert found.output.startswith(f"{picture}  7210  ")
    assert found.output.endswith("%\n")


def test_lines_below_each_other(reader: Path, picture: Path, tmp_path: Path) -> None:
    single = np.asarray(Image.open(picture))
    Image.fromarray(np.concatenate([single, single])).save(tmp_path / "two.png")
    first, second = read(reader, tmp_path / "two.png").output.splitlines()
    assert first.split()[1] == second.split()[0] == "7210"
    assert first.index("7210") == second.index("7210")


def test_json_has_every_character_and_its_box(reader: Path, picture: Path) -> None:
    [found] = json.loads(read(reader, picture, "--json").output)
    [line] = found["lines"]
    assert found["image"] == str(picture)
    assert line["text"] == "".join(each["name"] for each in line["characters"]) == "7210"
    assert 0 < line["confidence"] <= 1
    lefts = [each["box"][0] for each in line["characters"]]
    assert lefts == sorted(lefts)
    width, height = Image.open(picture).size
    for each in line["characters"]:
        left, top, right, bottom = each["box"]
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert 40 < bottom - top < 80


def test_pictures(reader: Path, picture: Path, tmp_path: Path) -> None:
    assert read(reader, picture, "--picture", tmp_path / "seen.svg").exit_code == 0
    assert (tmp_path / "seen.svg").read_text().startswith("<svg")
    assert read(reader, picture, picture, "--picture", tmp_path / "many").exit_code == 0
    assert [each.name for each in (tmp_path / "many").iterdir()] == ["number-read.svg"]


def test_a_page_without_ink(reader: Path, tmp_path: Path) -> None:
    Image.new("L", (100, 50), 255).save(tmp_path / "empty.png")
    assert read(reader, tmp_path / "empty.png").output == f"{tmp_path / 'empty.png'}  no digits found\n"


def test_a_file_that_cannot_be_read_leaves_the_others(reader: Path, picture: Path, tmp_path: Path) -> None:
    found = read(reader, tmp_path / "none.png", picture)
    assert found.exit_code == 2
    assert "7210" in found.output
    assert f"Error: {tmp_path / 'none.png'}: no such file.\n" in found.output


def test_a_page_of_too_many_lines_leaves_the_others(reader: Path, picture: Path, tmp_path: Path) -> None:
    page = np.full((70 * 33, 100), 255, dtype=np.uint8)
    for top in range(5, len(page), 33):
        page[top : top + 20, 20:24] = page[top : top + 20, 60:64] = 0
    Image.fromarray(page).save(tmp_path / "many.png")
    found = read(reader, tmp_path / "many.png", picture, "--json")
    assert found.exit_code == 2
    assert found.stderr == (
        f"Error: {tmp_path / 'many.png'}: 70 rows of ink were found.\n"
        "At most 64 lines are read from one picture.\n"
        "Cut the part out that is to be read.\n"
    )
    assert [each["lines"][0]["text"] for each in json.loads(found.stdout)] == ["7210"]


def test_a_run_that_cannot_read(finished_run: Path, picture: Path) -> None:
    found = read(finished_run, picture)
    assert isinstance(found.exception, RunError)
    assert "Train one: striate train lenet5-reader." in str(found.exception)


def test_a_reader_answers_for_a_single_digit_too(reader: Path) -> None:
    from striate.serve import Predictor
    from striate.train import open_run

    predictor = Predictor(open_run(reader))
    names = [predictor(ROOT / "examples" / "digits" / f"{name}.png").name for name in ("0-pen", "2-thin-pen", "4-pen")]
    assert names == ["0", "2", "4"]
