"""striate predict --out, as it is called: what is printed, what is written, what is refused."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.cli.verbs import predict
from tests.cli.test_interrupt import interrupted
from tests.support.commands import striate


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(5):
        pixels = np.random.default_rng(number).integers(0, 256, (28, 28), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "3.png").write_bytes(b"")
    return folder


def test_a_folder_becomes_a_table(finished_run, pictures, tmp_path) -> None:
    done = striate("predict", finished_run, pictures, "--out", "found.csv", "--kernels", "torch", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "found.csv: 5 images"
    assert lines[-3:-1] == [
        "  not readable: 1; their rows have the reason in `error`",
        f"    {pictures}/3.png: empty (0 bytes)",
    ]
    assert lines[-1].startswith("  answered by PyTorch's kernels, ")
    assert len((tmp_path / "found.csv").read_text().splitlines()) == 6
    assert os.listdir(tmp_path) == ["found.csv"]


def test_the_summary_as_json(finished_run, pictures, tmp_path) -> None:
    words = ("--out", "found.jsonl", "--json", "--top", "2", "--kernels", "torch")
    done = striate("predict", finished_run, pictures, *words, cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (found["file"], found["images"], found["unreadable"], found["kernels"]) == ("found.jsonl", 5, 1, "torch")
    assert found["unreadable_named"] == [{"image": f"{pictures}/3.png", "error": "empty (0 bytes)"}]
    assert (sum(found["classes"].values()), list(found["classes"])) == (4, list("0123456789"))


def test_where_none_can_be_read_the_exit_code_says_so(finished_run, pictures, tmp_path) -> None:
    done = striate("predict", finished_run, pictures / "3.png", "--out", "found.csv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "Error: none of the images can be read.\n")
    assert (tmp_path / "found.csv").exists()


def test_steps_of_two_images_of_one_name_are_refused(finished_run, pictures, tmp_path) -> None:
    twice = tmp_path / "more"
    twice.mkdir()
    (twice / "0.png").write_bytes((pictures / "0.png").read_bytes())
    done = striate("predict", finished_run, pictures / "0.png", twice / "0.png", "--steps", "s", cwd=tmp_path)
    assert done.returncode == 2
    assert "s would have one file for several images.\n" in done.stderr
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "is a folder.\nWithout --out an IMAGE is a file.\nFor all images in it: --out predictions.csv"),
        (["--top", "3"], "--top is for --out FILE."),
        (["--ray"], "--ray is for --out FILE."),
        (["--kernels", "torch"], "--kernels is for --out FILE."),
        (["--out", "f.csv", "--steps", "s"], "--steps is not for --out FILE."),
        (["--out", "f.csv", "--top", "11"], "--top 11 is more than the run's 10 classes."),
        (["--out", "f.txt"], "f.txt has no suffix of a format that predictions are written in."),
        (["--out", "no/f.csv", "--ray", "scans"], "'scans' is no address of a cluster."),
        (["--out", "f.csv", "none"], "none: no such file or folder."),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(words, text, finished_run, pictures, tmp_path) -> None:
    done = striate("predict", finished_run, pictures, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert text in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_keeps_what_is_done_and_says_so(finished_run, pictures, tmp_path, monkeypatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        (tmp_path / "found.csv.parts").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr("striate.predictions.work.predict_all", stopped)
    done = striate("predict", finished_run, pictures, "--out", "found.csv", cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == "\nStopped; what is done is kept. The same command continues.\n\nInterrupted.\n"


@pytest.mark.slow
@pytest.mark.parametrize("imports", [200, 900, 1300])
def test_ctrl_c_at_the_start(imports, finished_run, pictures, tmp_path) -> None:
    code, _, errors = interrupted(
        imports, "predict", str(finished_run), str(pictures), "--out", "found.csv", cwd=tmp_path
    )
    assert (code, errors.splitlines()[-1]) == (130, "Interrupted.")
    assert predict.command.name == "predict"
