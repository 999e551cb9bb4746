"""A reader: a picture in, its lines of digits out, each character with its box. It has no HTTP code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from striate.data import open_picture
from striate.data.ruled import HEIGHT, Ruled, ruled
from striate.errors import RunError, ShapeError
from striate.read.columns import Columns
from striate.read.decode import Characters, Decoded, decode
from striate.read.spread import spans_of
from striate.train.answer_checks import require_answers
from striate.train.run import Run, open_run

BLANK = "blank"
"""The name of the class for "no character here"."""

Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels of the picture."""


@dataclass(frozen=True)
class Character:
    """One character of a line: its name, its highest probability at a column, its box, and its columns of scores."""

    name: str
    confidence: float
    box: Box
    columns: tuple[int, int]

    def to_dict(self) -> dict[str, Any]:
        """The members as JSON."""
        return {"name": self.name, "confidence": self.confidence, "box": [round(each, 1) for each in self.box]}


@dataclass(frozen=True, eq=False)
class Line:
    """One line that was read: its `text`, the probability that it is right, and its characters from left to right.

    `ruled` is the line as the network's input; `probabilities` are (columns, classes), a column every `step` pixels.
    """

    text: str
    confidence: float
    characters: tuple[Character, ...]
    box: Box
    ruled: Ruled
    probabilities: Float[Tensor, "columns classes"]
    step: int

    def to_dict(self) -> dict[str, Any]:
        """The members as JSON."""
        return {
            "text": self.text,
            "confidence": self.confidence,
            "box": [round(each, 1) for each in self.box],
            "characters": [each.to_dict() for each in self.characters],
        }


class Reader:
    """A run whose network has a blank class, ready for pictures: `reader_of("runs/lenet5-reader").read("plate.png")`.

    Raises RunError where the run has no class "blank", and ShapeError where its network cannot slide along
    a line or takes images of another size.
    """

    def __init__(self, run: Run) -> None:
        if BLANK not in run.classes:
            raise RunError(
                f"{run.folder} cannot read lines: its network has no class {BLANK!r}.",
                "A reader must be able to say that there is no character in the middle of what it sees.",
                "Train one: striate train lenet5-reader.",
            )
        if run.network.input[1:] != (HEIGHT, HEIGHT):
            raise ShapeError(
                f"{run.network.name} takes images of {run.network.input[1]}×{run.network.input[2]} pixels.",
                f"A line is read by windows of {HEIGHT}×{HEIGHT}.",
                "Train lenet5-reader, or a network of that input.",
            )
        self.run = run
        self.columns = Columns(run.model())
        self.temperature = run.temperature

    @cached_property
    def characters(self) -> Characters:
        """The character model."""
        return Characters(self.run.classes, BLANK)

    def read(self, picture: Image.Image | bytes | str | Path) -> tuple[Line, ...]:
        """The lines of a picture, an image file or its bytes, from top to bottom; none where there is no ink.

        Lines without a recognised character are left out. Raises DataError where a file cannot be read.
        """
        found = (self._line(each) for each in ruled(open_picture(picture)))
        return tuple(line for line in found if line is not None)

    @torch.inference_mode()
    def probabilities(self, strip: UInt8[np.ndarray, "height width"]) -> Float[Tensor, "columns classes"]:
        """The probability of each class at each column of a strip of pixels, 0 to 255."""
        pixels = torch.from_numpy(np.ascontiguousarray(strip)).expand(1, self.run.preprocessing.shape[0], -1, -1)
        scores = self.columns(self.run.preprocessing.normalise(pixels))[0]
        found = (scores / self.temperature).softmax(1)
        require_answers(found, self.run.folder)
        return found

    def _line(self, found: Ruled) -> Line | None:
        probabilities = self.probabilities(found.strip)
        logarithms = probabilities.clamp_min(1e-30).log().double().numpy()
        decoded = decode(logarithms, self.characters)
        if not decoded.characters:
            return None
        characters = self._characters(found, probabilities, decoded)
        boxes = np.array([each.box for each in characters])
        box = (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
        step = self.columns.slid.step
        return Line(decoded.text, decoded.confidence, characters, box, found, probabilities, step)

    def _characters(self, found: Ruled, probabilities: Tensor, decoded: Decoded) -> tuple[Character, ...]:
        slid, classes = self.columns.slid, list(self.run.classes)
        middles: list[float] = []
        sure: list[float] = []
        for each in decoded.characters:
            own = probabilities[each.first : each.end, classes.index(each.symbol)]
            places = torch.arange(each.first, each.end) * slid.step + slid.window / 2
            middles.append(float((own * places).sum() / own.sum()))
            sure.append(float(own.max()))
        spans = spans_of(found.strip, middles)
        return tuple(
            Character(each.symbol, certain, found.placement.box(*span), (each.first, each.end))
            for each, certain, span in zip(decoded.characters, sure, spans, strict=True)
        )


def reader_of(run: str | Path | Run) -> Reader:
    """The reader of a run, or of its folder. Raises RunError where the run cannot read lines."""
    return Reader(run if isinstance(run, Run) else open_run(run))
