"""Pictures of any size and aspect ratio: cropped or letterboxed in training, in answers, and in what is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from striate.cli import root
from striate.data import load
from striate.look.predictor import Predictor
from striate.train import open_run
from striate.train.evaluation import evaluate

NET = "3x16x16: conv 4 5x5 /2, relu, linear 2"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright and dark pictures of sizes from 12 to 60, no two alike."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    dice = np.random.default_rng(0)
    for split, count in (("train", 40), ("test", 10)):
        for number, name in enumerate(("dark", "light")):
            (folder / split / name).mkdir(parents=True)
            for each in range(count):
                size = (*dice.integers(12, 60, 2), 3)
                pixels = dice.integers(100 * number, 100 * number + 120, size, dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{each}.png")
    return folder


def trained(photos: Path, folder: Path, *options: str) -> Path:
    command = ["train", NET, "--data", str(photos), "--epochs", "20", "--batch", "16", "--rate", "0.01"]
    command += ["--threads", "1", "--out", str(folder)]
    made = CliRunner().invoke(root, [*command, *options], catch_exceptions=False)
    assert made.exit_code == 0, made.output
    return folder


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fit", "crop"], "shorter side to 16 pixels (bilinear), the middle 16 × 16"),
        (["--fit", "crop", "--resize", "20"], "shorter side to 20 pixels (bilinear), the middle 16 × 16"),
        (["--fit", "letterbox"], "letterboxed to 16 × 16"),
    ],
)
def test_a_run_keeps_how_it_fitted_pictures_and_does_so_ever_after(photos, tmp_path, options, words) -> None:
    folder = trained(photos, tmp_path / "run", *options)
    run = open_run(folder)
    assert run.preprocessing.fit == options[1]
    assert run.data.resize is None
    outputs, images = evaluate(run)
    assert images.fitted
    assert outputs.accuracy > 0.9
    predictor = Predictor(run)
    for number in range(3):  # what is answered for a file is what was evaluated
        file = photos / images.names[number]
        found = predictor.predict(file.read_bytes()).probabilities
        values = torch.tensor([found[name] for name in run.classes])
        torch.testing.assert_close(values, outputs.probabilities[number], rtol=1e-3, atol=1e-4)
    shown = CliRunner().invoke(root, ["train", NET, "--data", str(photos), *options, "--epochs", "1", "--batch", "16",
                                      "--out", str(tmp_path / "again")], catch_exceptions=False)  # fmt: skip
    assert words in shown.output
    resumed = CliRunner().invoke(root, ["train", "--resume", str(folder)], catch_exceptions=False)
    assert resumed.exit_code == 0, resumed.output  # its images are those that it began with


@pytest.mark.parametrize("fit", ["crop", "letterbox"])
def test_a_file_takes_pictures_that_were_fitted_already(photos: Path, tmp_path: Path, fit: str) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    folder = trained(photos, tmp_path / "run", "--fit", fit)
    made = CliRunner().invoke(root, ["export", str(folder), "--out", str(tmp_path / "x.onnx")], catch_exceptions=False)
    assert made.exit_code == 0, made.output
    assert "16×16×3" in made.output
    import onnxruntime

    run = open_run(folder)
    images = load(photos, "test", way=run.preprocessing)
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx", providers=["CPUExecutionProvider"])
    pixels = images.images.permute(0, 2, 3, 1).contiguous().numpy()
    probabilities = torch.from_numpy(session.run(["probabilities"], {"images": pixels})[0])
    torch.testing.assert_close(probabilities, evaluate(run)[0].probabilities, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            ["--fit", "crop", "--resize", "20x24"],
            "takes one number from --resize, the shorter side",
        ),
        (
            ["--fit", "letterbox", "--resize", "20"],
            "letterbox brings images to the network",
        ),
        (["--fit", "crop", "--resize", "8"], "shorter is 8 for a crop of 16 × 16."),
        (["--fit", "stretch"], "'stretch' is not one of 'crop', 'letterbox'."),
    ],
)
def test_what_cannot_be_fitted_is_refused(photos: Path, tmp_path: Path, options: list[str], text: str) -> None:
    made = CliRunner().invoke(root, ["train", NET, "--data", str(photos), "--out", str(tmp_path / "run"), *options])
    assert made.exit_code != 0
    assert text in made.output + str(made.exception)
    assert not (tmp_path / "run").exists()
