"""Every table held against torchvision and timm themselves, in an environment of theirs: outputs, pictures and back.

STRIATE_TORCHVISION names its Python: one with torch, torchvision, timm and safetensors, of whatever versions.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from striate.export.weights.bring import bring
from striate.export.weights.tables import ALL, TABLES
from striate.export.weights.theirs import Theirs
from striate.export.weights.writing import export_weights
from striate.networks import find

PYTHON = os.environ.get("STRIATE_TORCHVISION", "")
PROGRAM = Path(__file__).parents[2] / "support/libraries.py"
MOST, EXACT = 1e-5, 1e-11
"""The largest difference of an output, as a share of the outputs' range, in float32 and in float64.

Weights are drawn, so that a network may be sensitive to its last digits: in float32 four times the error of the library
itself, beside its float64, passes too.
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path(PYTHON).is_file(), reason="STRIATE_TORCHVISION names no Python that has torchvision and timm"
    ),
]
Ask = Callable[..., None]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Asks the libraries' Python, which stays for all tests."""
    own = {name: each for name, each in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [PYTHON, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=own
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def asked(do: str, **request: object) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"do": do} | request) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline().strip()
        assert answer == "done", answer

    with process:
        yield asked
        process.stdin.close()


def share(ours: Tensor, theirs: np.ndarray) -> float:
    """The largest difference as a share of the range of `theirs`."""
    wanted = torch.from_numpy(theirs)
    return ((ours - wanted).abs().max() / (wanted.max() - wanted.min())).item()


@pytest.mark.parametrize("theirs", ALL, ids=lambda each: f"{each.package}-{each.model}")
def test_outputs_are_the_librarys(theirs: Theirs, ask: Ask, tmp_path: Path) -> None:
    seed = ALL.index(theirs)
    file = tmp_path / ("weights.safetensors" if seed % 2 else "weights.pth")
    out, arguments = tmp_path / "made.npz", {"init_weights": False} if theirs.model == "googlenet" else {}
    ask(
        "make", library=theirs.package, model=theirs.model, seed=seed, file=str(file), out=str(out), arguments=arguments
    )
    run = bring(find(theirs.network), file, library=theirs.package, folder=tmp_path / "run").run
    file.unlink()
    made = np.load(out)
    images = torch.from_numpy(made["images"])
    with torch.inference_mode():
        module = run.model()
        found = share(module.logits(images), made["logits"])
        exact = share(module.double().logits(images.double()), made["exact"])
    own = share(torch.from_numpy(made["logits"]), made["exact"])
    told = f"{found:.1e} in float32 (the library's own error {own:.1e}), {exact:.1e} in float64"
    print(f"{theirs.package:12} {theirs.model:22} {theirs.network:22} {told}")  # noqa: T201
    assert exact <= EXACT
    assert found <= max(MOST, 4 * own)
    if theirs.package == "torchvision":
        written = export_weights(run, file)
        ask("load", call=written.call, file=str(file), images=str(out), out=str(tmp_path / "back.npz"))
        assert np.array_equal(np.load(tmp_path / "back.npz")["logits"], made["logits"])
    for each in (file, run.path("best.safetensors")):  # those of all tables would fill a disk
        each.unlink(missing_ok=True)


def photograph(path: Path, width: int, height: int) -> Path:
    """A picture with smooth parts, edges and noise."""
    generator = np.random.default_rng(7)
    rows, columns = np.mgrid[:height, :width]
    smooth = np.stack([rows * 255 / height, columns * 255 / width, 128 + 127 * np.sin(rows / 9)], 2)
    noise = generator.normal(0, 40, (height, width, 3)) * (rows > columns)[..., None]
    Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8)).save(path)
    return path


PICTURES = [("resnet50", "IMAGENET1K_V1"), ("googlenet", "IMAGENET1K_V1"), ("efficientnet_b0", "IMAGENET1K_V1")]


@pytest.mark.parametrize(("width", "height"), [(640, 427), (333, 500), (224, 224), (180, 300)])
@pytest.mark.parametrize(("model", "weights"), PICTURES)
def test_pictures_are_torchvisions(model, weights, width, height, ask: Ask, tmp_path: Path) -> None:
    theirs = next(each for each in TABLES["torchvision"].values() if each.model == model)
    found, made = _pictures(theirs, ask, tmp_path, size=(width, height), weights=weights)
    own = _levels(theirs, found)
    pillow, pixels = ((own - _levels(theirs, _entering(model, made[name]))).abs() for name in ("image", "pixels"))
    told = f"{pillow.max():.3f} ({pillow.mean():.3f}) levels from Pillow's, {pixels.max():.3f} from a tensor's"
    print(f"{model:16} {width} × {height}: {told}")  # noqa: T201
    # As Pillow's image, whose resizing rounds after each axis.
    assert pillow.max() < 1.001
    assert pillow.mean() < 0.3
    # As a tensor of bytes, which torchvision resizes as Striate does, but for the rounding of a cubic kernel.
    if theirs.way.interpolation == "bilinear":
        assert pixels.max() < 1e-3


@pytest.mark.parametrize("model", ["resnet50", "vgg11", "densenet121", "mobilenetv1_100", "mobilenetv3_small_100"])
def test_pictures_are_timms(model, ask: Ask, tmp_path: Path) -> None:
    theirs = next(each for each in TABLES["timm"].values() if each.model == model)
    found, made = _pictures(theirs, ask, tmp_path, size=(500, 375))
    off = (_levels(theirs, found) - _levels(theirs, made["image"])).abs()
    print(f"timm's {model:22} {off.max():.3f} ({off.mean():.3f}) levels from Pillow's")  # noqa: T201
    assert off.max() < 1.001
    assert off.mean() < 0.3


def _pictures(
    theirs: Theirs, ask: Ask, folder: Path, *, size: tuple[int, int], weights: str = ""
) -> tuple[Tensor, dict]:
    file = photograph(folder / "picture.png", *size)
    request = {"library": theirs.package, "model": theirs.model, "weights": weights}
    ask("prepare", file=str(file), out=str(folder / "made.npz"), **request)
    way = theirs.way.preprocessing()
    pixels = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).unsqueeze(0)
    return way.normalise(way.pack(pixels))[0], dict(np.load(folder / "made.npz"))


def _entering(model: str, values: np.ndarray) -> np.ndarray:
    """What the layers get: torchvision's GoogLeNet changes the range of its input itself (transform_input)."""
    if model != "googlenet":
        return values
    mean, std = (np.array(each).reshape(3, 1, 1) for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (values * (std / 0.5) + (mean - 0.5) / 0.5).astype(np.float32)


def _levels(theirs: Theirs, values: Tensor | np.ndarray) -> Tensor:
    """Normalised values as levels of 0 to 255."""
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (theirs.way.mean, theirs.way.std))
    return (torch.as_tensor(values) * std + mean) * 255
