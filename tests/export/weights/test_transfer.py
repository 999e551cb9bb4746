"""Published weights as the beginning of a training on one's own pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from striate.data import Preprocessing
from striate.export.weights.bring import bring
from striate.networks import find
from striate.networks.adapt import adapted
from striate.train import Recipe, open_run, session
from striate.train.checkpoint import LAST, load_checkpoint
from striate.train.loop import Batch
from striate.train.transfer import take_over
from tests.support.weights import drawn, kept

SMALL = "squeezenet-1.1"


def test_a_training_begins_with_a_librarys_weights_and_its_range_of_pixels(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "photos/train" / name).mkdir(parents=True)
        for number in range(4):
            pixels = dice.integers(0, 256, (70, 90 + number, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos/train" / name / f"{number}.png")
    _, tensors = drawn(SMALL, "torchvision")
    made = bring(find(SMALL), kept(tensors, tmp_path / "x.pth"), library="torchvision", folder=tmp_path / "library")
    network = adapted(find(SMALL), ("cat", "dog"))
    way = Preprocessing(network.input, "crop", -0.1, 1.175, "picture", shorter=256)  # pyright: ignore[reportArgumentType]
    recipe = Recipe(epochs=1, batch=3, hold_out=0.25, freeze=("taken",))
    images = session.Images(str(tmp_path / "photos"), way=way)
    run, split = session.prepare(network, images, recipe, folder=tmp_path / "run", device="cpu", threads=1)
    run, weights = take_over(run, made.run, threads=1)
    assert run.transfer is not None
    assert [path for path, _ in run.transfer.new] == ["conv10"]
    assert run.preprocessing.low == made.run.preprocessing.low
    assert run.preprocessing.shorter == 256
    events = session.start(run, split, weights)
    assert isinstance(next(events), Batch)
    events.close()
    resumed = open_run(tmp_path / "run")
    list(session.resume(resumed, session.reload(resumed)))
    found = load_checkpoint(tmp_path / "run" / LAST)[0]
    theirs = made.run.model().state_dict()
    for name, tensor in theirs.items():
        if name.rpartition(".")[0] != "conv10":
            assert torch.equal(found[name], tensor)
    assert found["conv10.weight"].shape[0] == 2
