"""A network that was fitted to images: it answers, is evaluated, looked at and saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data import ImageSet, labels_of, values_of
from striate.data.arrays import Layout
from striate.description.network import Network
from striate.errors import DataError
from striate.execution.choice import Choice
from striate.execution.executor import Executor
from striate.execution.inference import answering, choose_for_inference
from striate.export.hub.write import push
from striate.fitted.figures import Looked, looked
from striate.fitted.inputs import packed_pixels
from striate.fitted.kept import TemporaryRun, contents, put_back, save_run
from striate.look.report import write_report
from striate.modules import evaluating
from striate.train.answer_checks import require_answers
from striate.train.losses import class_scores
from striate.train.metrics import Evaluation, Outputs, batch_for, evaluation_of, pictures_of, run_over
from striate.train.run import Run
from striate.wording import percent

FEW = 256
"""Up to this many images are answered by PyTorch at once; for more, the fastest kernels are measured first."""

_CHOSEN: dict[tuple[Network, int], Choice] = {}
"""The choices measured in this process, by network and threads, so that a copy gives the same last digits."""


class Fitted:
    """A trained network that answers arrays, tensors, pictures and files, with the labels that it was trained on.

    `run` is the run behind it: until `save`, it lies in a folder of its own that is gone with this object. It can be
    pickled: weights and all else go as bytes. `validation` are the images that were held out, where they are at hand;
    `held` is that folder, where it has one.
    """

    def __init__(
        self,
        run: Run,
        *,
        values: NDArray[Any] | None = None,
        validation: ImageSet | None = None,
        held: TemporaryRun | None = None,
    ) -> None:
        self.run = run
        self.classes = values_of(run.classes, run.data.labels) if values is None else values
        self.validation = validation
        with torch.random.fork_rng(devices=[]):  # a module draws weights before it gets the run's
            self.model, self.temperature = run.model(), run.temperature
        self.held = held
        self._fast: Executor | None = None

    def predict(self, images: object, *, layout: Layout | None = None) -> NDArray[Any]:
        """The label of each image, (images,), of the kind that was learned.

        `images` are an array or tensor as in `striate.fit`, or one, or a list, of PIL images, paths, or bytes of files.
        Raises DataError for what is no image, RunError where the network's outputs are not finite.
        """
        scores = self._scores(images, layout)
        require_answers(scores, self.run.folder)
        return self.classes[scores.argmax(1).numpy()]

    def predict_proba(self, images: object, *, layout: Layout | None = None) -> NDArray[np.float32]:
        """The probability of each class, float32 (images, classes), in the order of `classes`."""
        found = (self._scores(images, layout) / self.temperature).softmax(1)
        require_answers(found, self.run.folder)
        return found.numpy()

    def evaluate(self, images: object = None, labels: object = None, *, layout: Layout | None = None) -> Evaluation:
        """The figures on these images, or on the held-out validation images where none are given.

        Raises DataError for labels that the network did not learn, and where there are no images.
        """
        if images is None and labels is None:
            outputs = self._outputs(self._held_out())
        else:
            outputs = self._outputs(self._labelled(images, labels, layout))
        require_answers(outputs.probabilities, self.run.folder)
        return evaluation_of(outputs, self.run.classes)

    def look(self, images: object = None, *, only: tuple[str, ...] | str = (), layout: Layout | None = None) -> Looked:
        """The figures of `striate look` for the first of these images, or for validation images; `only` names sections.

        Raises UnknownNameError for a section that there is not.
        """
        packed = None if images is None else self._packed(images, layout)
        return looked(self.run, self.validation, packed, (only,) if isinstance(only, str) else tuple(only))

    def save(self, folder: str | Path) -> Path:
        """Keep it as a run: a new folder, made whole or not at all, which every `striate` command takes.

        With validation images at hand, report.html is in it. Raises RunError where something is in its place.
        """
        if self.validation is not None:
            # They are in the network's size already.
            write_report(self.run, self._outputs(self.validation), replace(self.validation, fitted=True))
        return save_run(self.run, self.model, Path(folder))

    def push(self, folder: str | Path) -> Path:
        """Write it in the layout of the Hugging Face hub, as `striate push` does; nothing is sent."""
        return push(self.run, Path(folder)).folder

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """The figures of each epoch: the run's events "epoch"."""
        return self.run.events("epoch")

    def __repr__(self) -> str:
        finished = self.run.events("finished")  # the epoch whose weights were kept
        images = f"of the {self.run.judging} images right"
        reached = f", {percent(finished[-1]['accuracy'], space=' ')} {images}" if finished else ""
        return f"Fitted({self.run.network.name}, {len(self.classes)} classes{reached})"

    def _repr_html_(self) -> str:
        return self.run._repr_html_()

    def __getstate__(self) -> dict[str, Any]:
        return {"files": contents(self.run), "values": self.classes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        run, held = put_back(state["files"])
        self.__init__(run, values=state["values"], held=held)

    def _packed(self, images: object, layout: Layout | None) -> Tensor:
        return packed_pixels(images, self.run.preprocessing, layout=layout, span=self.run.data.span)

    @torch.inference_mode()
    def _scores(self, images: object, layout: Layout | None) -> Tensor:
        pixels = self._packed(images, layout)
        runs, at_once = self._runs(len(pixels)), batch_for(self.run.network)
        found = [torch.empty(0, len(self.classes))]
        with evaluating(self.model):
            for part in pixels.split(at_once):
                if len(part):
                    outputs = runs.answers(pictures_of(part, self.run.preprocessing))
                    found.append(class_scores(self.run.network, outputs).cpu())
        return torch.cat(found[1:] or found)

    def _runs(self, images: int) -> Executor:
        if images <= FEW:
            return answering(self.model, Choice("torch", torch.get_num_threads()))
        if self._fast is None:
            key = self.run.network, torch.get_num_threads()
            if key not in _CHOSEN:
                at_once = min(images, batch_for(self.run.network))
                _CHOSEN[key] = choose_for_inference(self.model, batch=at_once, images=images)
            self._fast = answering(self.model, _CHOSEN[key])
        return self._fast

    def _outputs(self, packed: ImageSet) -> Outputs:
        run, runs = self.run, self._runs(len(packed))
        return run_over(runs, packed, run.preprocessing, recipe=run.recipe, temperature=self.temperature)

    def _labelled(self, images: object, labels: object, layout: Layout | None) -> ImageSet:
        pixels, known = self._packed(images, layout), labels_of(labels)
        if len(known.numbers) != len(pixels) or not len(pixels):
            raise DataError(
                f"there are {len(pixels):,} images and {len(known.numbers):,} labels.", "Each image has one label."
            )
        given = ImageSet(pixels, known.numbers, known.names, "arrays", "test", "picture", fitted=True)
        strange = [name for name in known.names if name not in self.run.classes]
        if strange:
            raise DataError(
                f"the network did not learn the labels {', '.join(strange[:12])}.",
                f"It learned {', '.join(self.run.classes[:12])}{', ...' if self.run.classes[12:] else ''}.",
                "Give images of these labels only.",
            )
        return given.relabelled(self.run.classes)

    def _held_out(self) -> ImageSet:
        if self.validation is None:
            raise DataError(
                "there are no images to evaluate on.",
                "Validation images are at hand only where fit has just returned.",
                "Give some: evaluate(images, labels).",
            )
        return self.validation
