"""A predictor: images in, class probabilities out, and every layer's output on the way. It knows no HTTP."""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import cast, overload

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from striate.accounting import account
from striate.data import PreparationStep, Preprocessing, read_image
from striate.data.image_file import MOST_SENT, open_picture, prepare
from striate.description.network import INPUT, Plan, plan
from striate.errors import DataError, RunError, quote
from striate.execution.inference import answering, choose_for_inference
from striate.execution.runtime import OnRuntime
from striate.kernels.engine import Pictures
from striate.look.capture import capture
from striate.look.inputs import Images, Picture, batches, is_one, pixels_of
from striate.look.positions import board_size, move_names, planes, whole_game
from striate.modules import Built, placed
from striate.train.answer_checks import require_answers, require_scores
from striate.train.losses import class_scores
from striate.train.run import Run

Pixels = Float[Tensor, "images channels height width"]
Stored = UInt8[Tensor, "images channels height width"]
AT_ONCE, AT_ONCE_MACS = 128, 2e9
"""The most images, and the most MACs, that are computed together: more delay the first answer and save little."""


@dataclass(frozen=True)
class Prediction:
    """A network's answer to one image: the class, and the `probabilities` by class.

    `steps` shows how the image was prepared; `trained` is False where the network's weights are random.
    """

    image: str
    name: str
    probability: float
    probabilities: dict[str, float]
    steps: tuple[PreparationStep, ...]
    trained: bool = True


@dataclass(frozen=True, eq=False)
class Watched:
    """One image seen through a network: the prediction, its input, and the output of each step that was asked for.

    `outputs` goes by the number of the step in the plan; `INPUT` is the input. None has a batch axis.
    """

    prediction: Prediction
    outputs: dict[int, Tensor]


class Predictor:
    """A run's best weights, ready for images: `Predictor(open_run("runs/lenet5"))("four.png").name`.

    Called with one image it gives a `Prediction`, with several a list of them: see `striate.look.inputs` for what
    images may be. Several are answered in batches.

    `images` is the number of images that will be asked one at a time; None means a server, where the number is unknown
    and images often arrive together. The kernels that answer single images fastest are measured when the predictor is
    made; those for batches are measured before the first batch. On a `device` other than the CPU, PyTorch's kernels are
    used. A `model` with random weights may replace the run's: see `striate.look.untrained`.

    For a network that plays Go an "image" is a game, as the bytes of an SGF file: the position at its end is answered.
    """

    def __init__(
        self, run: Run, *, model: Built | None = None, images: int | None = 1, device: torch.device | str = "cpu"
    ) -> None:
        if not isinstance(run, Run):
            raise RunError(
                f"{quote(run)} is no run.", "A Predictor is made of a run.", 'Predictor(open_run("runs/lenet5")).'
            )
        if model is None:
            require_scores(run)
        self.run = run
        self.trained = model is None
        self.model = placed(run.model() if model is None else model, device)
        self.choice = choose_for_inference(self.model, batch=1, images=images)
        self.runs = self.runs_together = answering(self.model, self.choice)
        self.measured = images is None
        if images is None and self.at_once > 1:
            together = choose_for_inference(self.model, batch=self.at_once, images=None)
            self.runs_together = answering(self.model, together)
        self.temperature = run.temperature if model is None else 1.0
        self._recent = lru_cache(maxsize=4)(self._read)

    @cached_property
    def board(self) -> int | None:
        """The lines of the board of a network that plays Go; None for images."""
        return board_size(self.run.network)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The name of each output: a class, or a move."""
        return self.run.classes if self.board is None else move_names(self.board)

    @cached_property
    def plan(self) -> Plan:
        """The network's layers in the order they run."""
        return plan(self.run.network)

    @cached_property
    def at_once(self) -> int:
        """The most images that are computed together: AT_ONCE, and one alone of a network of more than AT_ONCE_MACS."""
        return max(1, min(AT_ONCE, int(AT_ONCE_MACS / max(1, account(self.run.network).totals.macs))))

    def twin(self) -> Predictor:
        """The same predictor with modules of its own over the same weights, so that another thread can use it."""
        other = copy(self)
        weights = chain(self.model.parameters(), self.model.buffers())
        other.model = deepcopy(self.model, {id(each): each for each in weights})
        # A session may be asked by several threads at once.
        runs = self.runs
        other.runs = runs.twin(other.model) if isinstance(runs, OnRuntime) else answering(other.model, self.choice)
        other.runs_together = other.runs
        return other

    @overload
    def __call__(self, images: Picture) -> Prediction: ...
    @overload
    def __call__(self, images: Images) -> list[Prediction]: ...
    def __call__(self, images: Picture | Images) -> Prediction | list[Prediction]:
        """The prediction for one image, or a list for several. Raises DataError, naming an image that cannot be read.

        An array of (height, width) is one image.
        """
        if isinstance(images, str | Path):
            pixels, steps = read_image(images, self.run.preprocessing)
            return self._predict(self.run.preprocessing.normalise(pixels), steps, str(images))
        if is_one(images):
            chances = self.probabilities(pixels_of(cast(Picture, images), self.run.preprocessing))
            require_answers(chances, self.run.folder)
            return self._named(chances[0].tolist(), (), "")
        several = cast(Images, images)
        found = self.predict_proba(several).tolist()
        names = [str(each) if isinstance(each, str | Path) else "" for each in several]
        return [self._named(chances, (), name) for name, chances in zip(names, found, strict=True)]

    def predict_proba(self, images: Images) -> Float[Tensor, "images classes"]:
        """The probability of each class, in the order of the run's classes, for each of several images.

        Raises DataError, naming the image, where one cannot be read.
        """
        found: list[Tensor] = []
        for batch in batches(images, self.run.preprocessing, self.at_once):
            if not self.measured and len(batch) > 1:
                self.measured = True
                together = choose_for_inference(self.model, batch=len(batch), images=len(images))
                self.runs_together = answering(self.model, together)
            found.append(self.probabilities(batch))
        chances = torch.cat(found) if found else torch.empty(0, len(self.run.classes))
        require_answers(chances, self.run.folder)
        return chances

    def read(self, content: bytes, *, prepared: bool = True) -> tuple[Pixels, tuple[PreparationStep, ...]]:
        """The network's input from the bytes of an image file, and the steps of its preparation. Raises DataError.

        Without `prepared` a drawing is only resized, and not brought to MNIST's form. The last few images are cached,
        because a page asks many questions about one image.
        """
        return self._recent(content, prepared)

    @torch.inference_mode(False)  # what is remembered may be asked for its gradient
    def _read(self, content: bytes, prepared: bool) -> tuple[Pixels, tuple[PreparationStep, ...]]:
        pixels, steps = self.pixels(content, prepared=prepared)
        return self.run.preprocessing.normalise(pixels), steps

    def pixels(self, content: bytes, *, prepared: bool = True) -> tuple[Stored, tuple[PreparationStep, ...]]:
        """As `read`, with the pixels as they are stored, 0 to 255; of a position, its planes."""
        if self.board is not None:
            return planes([whole_game(content, self.board).positions[-1]]), ()
        image = open_picture(content, most_pixels=MOST_SENT)
        return prepare(image, self.run.preprocessing if prepared else self._resizing)

    @cached_property
    def _resizing(self) -> Preprocessing:
        """The preprocessing that brings no drawing to MNIST's form."""
        return replace(self.run.preprocessing, form="picture")

    @torch.inference_mode()
    def probabilities(self, pixels: Stored) -> Float[Tensor, "images classes"]:
        """Each class's probability for each image of the network's size. They are not checked for being finite."""
        low, high = self.run.preprocessing.ends()
        runs = self.runs if len(pixels) == 1 else self.runs_together
        outputs: list[Tensor] = []
        for part in pixels.split(self.at_once):
            if isinstance(low, Tensor) or isinstance(high, Tensor):
                pictures = Pictures(self.run.preprocessing.normalise(part))
            else:
                pictures = Pictures(part, low=low, scale=(high - low) / 255)
            outputs.append(runs.answers(pictures))
        return (class_scores(self.run.network, torch.cat(outputs)) / self.temperature).softmax(1)

    def predict(self, content: bytes, *, prepared: bool = True) -> Prediction:
        """The prediction for an image, given as the bytes of its file. Raises DataError for anything but bytes."""
        if not isinstance(content, bytes):
            raise DataError(
                f"{quote(content)} is not the bytes of a file.",
                "predict takes what is in one image file.",
                "Arrays, paths and PIL's images are answered by the predictor itself: predictor(images).",
            )
        return self._predict(*self.read(content, prepared=prepared), "")

    @torch.inference_mode()
    def watch(self, content: bytes, steps: set[int] | None = None, *, prepared: bool = True) -> Watched:
        """The same, with the outputs of some `steps` of the plan, or of all that run."""
        values, made = self.read(content, prepared=prepared)
        with capture(self.model) as outputs:
            # All of it runs, so that a closing softmax can be watched; its logarithm has the logits' differences.
            answer = self.model(values)
            prediction = self._prediction(answer.log() if self.run.network.probabilities else answer, made, "")
        wanted = {number: step.path for number, step in enumerate(self.plan.steps) if steps is None or number in steps}
        kept = {number: outputs[path][0] for number, path in wanted.items() if path in outputs}
        return Watched(prediction, {INPUT: values[0]} | kept)

    def scores(self, images: Pixels) -> Float[Tensor, "images classes"]:
        """A score for each class, the larger the likelier: logits, or RBF distances with their sign turned."""
        return class_scores(self.run.network, self.model.logits(images))

    @torch.inference_mode()
    def _predict(self, images: Pixels, steps: tuple[PreparationStep, ...], image: str) -> Prediction:
        return self._prediction(self.runs.answers(Pictures(images)), steps, image)

    def _prediction(self, outputs: Tensor, steps: tuple[PreparationStep, ...], image: str) -> Prediction:
        scores = class_scores(self.run.network, outputs)
        found = (scores[0] / self.temperature).softmax(0)
        require_answers(found, self.run.folder)
        return self._named(found.tolist(), steps, image)

    def _named(self, values: list[float], steps: tuple[PreparationStep, ...], image: str) -> Prediction:
        probabilities = dict(zip(self.classes, values, strict=True))
        name = max(probabilities, key=probabilities.__getitem__)
        return Prediction(image, name, probabilities[name], probabilities, steps, self.trained)
