"""The answers to the images of a part: probabilities, and a reason for each image that cannot be read."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float32, Int64
from safetensors.torch import save
from torch import Tensor

from striate.data.decode import decode
from striate.data.image_file import prepare
from striate.errors import RunError
from striate.execution.choice import Choice
from striate.execution.inference import answering
from striate.modules import Built, placed
from striate.predictions.listing import Item, damaged
from striate.train.answer_checks import require_answers
from striate.train.losses import class_scores
from striate.train.metrics import batch_for, pictures_of
from striate.train.run import Run
from striate.train.tensors import checksum, not_finite, read_tensors

FORMAT, VERSION = "striate-predictions", "1"


@dataclass(frozen=True, eq=False)
class Answers:
    """For each image the probabilities of `classes`, the numbers of these, most probable first; or of all, in order.

    `classes` is empty where the probabilities are of all classes. An image of `errors`, by its number in the part, has
    zeros.
    """

    probabilities: Float32[Tensor, "images kept"]
    classes: Int64[Tensor, "images kept"] | None = None
    errors: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Manner:
    """How images are answered: `kernels` and `threads`, on a device, with probabilities of the `top` classes.

    `top` 0 stands for all classes.
    """

    kernels: str = "torch"
    threads: int = 1
    device: str = "cpu"
    top: int = 0


class Answerer:
    """A run's best weights, ready for the images of parts. A `model` takes the place of loading the run's weights."""

    def __init__(self, run: Run, manner: Manner, *, model: Built | None = None) -> None:
        self.run, self.manner = run, manner
        self.model = placed(run.model(), manner.device) if model is None else model
        self.runs = answering(self.model, Choice(manner.kernels, manner.threads))
        self.temperature = run.temperature
        self.batch = batch_for(run.network)

    def pixels(self, item: Item) -> Tensor:
        """One image in the network's channels and size, (channels, height, width). Raises DataError with the reason."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders warn of what they can still read
            return prepare(decode(item.content()), self.run.preprocessing)[0][0]

    def answers(self, images: Iterable[Tensor | str]) -> Answers:
        """The answers to images, or to the reasons that `pixels` gave instead of them.

        Raises RunError where an answer is not finite.
        """
        found: list[Tensor] = []
        errors: dict[int, str] = {}
        places: list[int] = []
        count = 0
        for batch in _batches(images, self.batch):
            good = [each for each in batch if isinstance(each, Tensor)]
            for number, each in enumerate(batch, count):
                if isinstance(each, str):
                    errors[number] = each.partition("\n")[0].rstrip(".")
                else:
                    places.append(number)
            count += len(batch)
            if good:
                found.append(self._probabilities(torch.stack(good)))
        values = torch.zeros(count, len(self.run.classes))
        if found:
            values[places] = torch.cat(found)
        if not self.manner.top:
            return Answers(values, None, errors)
        best = torch.sort(values, stable=True, dim=1, descending=True)
        kept = slice(0, self.manner.top)
        return Answers(best.values[:, kept].contiguous(), best.indices[:, kept].contiguous(), errors)

    @torch.inference_mode()
    def _probabilities(self, images: Tensor) -> Tensor:
        outputs = self.runs.answers(pictures_of(images, self.run.preprocessing))
        scores = class_scores(self.run.network, outputs).float().cpu()
        found = (scores / self.temperature).softmax(1)
        require_answers(found, self.run.folder)
        return found.clone()


def encoded(answers: Answers) -> bytes:
    """The answers of a part as the content of its file: a safetensors file with a checksum over all of it."""
    tensors = {"probabilities": answers.probabilities}
    if answers.classes is not None:
        tensors["classes"] = answers.classes
    errors = json.dumps([[number, reason] for number, reason in answers.errors.items()])
    metadata = {"format": FORMAT, "version": VERSION, "errors": errors, "checksum": checksum(tensors, errors)}
    return save(tensors, metadata=metadata)


def read_answers(path: Path, *, images: int, classes: int, top: int) -> Answers:
    """The answers of a part, decoded from its file. Raises RunError where it is not a file of `images` answers."""
    expected = "It must be a part of predictions that Striate wrote."
    try:
        tensors, metadata = read_tensors(path, expected=expected)
        errors = metadata.get("errors", "")
        known = dict(json.loads(errors))
    except (RunError, OSError, ValueError, TypeError, RecursionError):
        raise damaged(path, "it cannot be read") from None
    if metadata.get("checksum") != checksum(tensors, errors):
        raise damaged(path, "its checksum is not that of what it holds")
    wanted = {"probabilities": (images, min(top, classes) if top else classes)}
    wanted |= {"classes": wanted["probabilities"]} if top else {}
    numbers = tensors.get("classes", torch.zeros(1, dtype=torch.int64))
    whole = {name: tuple(each.shape) for name, each in tensors.items()} == wanted and not_finite(tensors) is None
    if not (whole and numbers.numel() and int(numbers.min()) >= 0 and int(numbers.max()) < classes):
        raise damaged(path, "it is of another job")
    return Answers(tensors["probabilities"], tensors.get("classes"), known)


def _batches(images: Iterable[Tensor | str], size: int) -> Iterator[list[Tensor | str]]:
    batch: list[Tensor | str] = []
    for each in images:
        batch.append(each)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
