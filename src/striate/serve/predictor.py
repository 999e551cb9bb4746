"""A predictor: images in, class probabilities out. It knows no HTTP and no terminal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from striate.data import Step, read_image
from striate.train.losses import class_scores
from striate.train.metrics import pictures_of
from striate.train.run import Run


@dataclass(frozen=True)
class Prediction:
    """What a network says of one image; `probabilities` by class, `steps` is how the image was brought to its form."""

    image: str
    name: str
    probability: float
    probabilities: dict[str, float]
    steps: tuple[Step, ...]


class Predictor:
    """A run's best weights, ready for images: `Predictor(open_run("runs/lenet5"))("four.png").name`."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.model = run.model()
        self.temperature = run.temperature

    @torch.inference_mode()
    def __call__(self, image: str | Path) -> Prediction:
        """What is on one image file. Raises DataError, naming the file, where it cannot be read."""
        pixels, steps = read_image(image, self.run.preprocessing)
        engine = self.model.engine()
        if engine:
            outputs = engine.outputs(pictures_of(pixels, self.run.preprocessing), threads=1)
        else:
            outputs = self.model.logits(self.run.preprocessing.normalise(pixels))
        values = (class_scores(self.run.network, outputs)[0] / self.temperature).softmax(0).tolist()
        probabilities = dict(zip(self.run.classes, values, strict=True))
        name = max(probabilities, key=probabilities.__getitem__)
        return Prediction(str(image), name, probabilities[name], probabilities, steps)
