"""A run's best weights on a set of images, answered by the kernels that are fastest here."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from striate.data import ImageSet, Preprocessing, hold_out
from striate.description.network import Network
from striate.errors import MissingSplitError, RunError
from striate.execution.choice import Choice, missing
from striate.execution.executor import plain
from striate.execution.inference import answering, choose_for_inference
from striate.execution.names import KERNELS
from striate.modules import Built, placed
from striate.train.agreement import require_agreement
from striate.train.answer_checks import require_answers, require_scores
from striate.train.images import images_as
from striate.train.imported import require_data
from striate.train.losses import class_scores, loss_of
from striate.train.metrics import Outputs, batch_for, run_over
from striate.train.run import Run

_CHOSEN: dict[tuple[Network, int, int], Choice] = {}
"""The choices measured in this process, by network, batch and threads, so that answers have the same last digits."""


def evaluate(
    run: Run,
    *,
    split: str = "test",
    source: str | None = None,
    kernels: str = "auto",
    flips: bool = False,
    device: str = "cpu",
) -> tuple[Outputs, ImageSet]:
    """The outputs of a run's best weights for its "test" or "validation" images, or for those of another `source`.

    `kernels` "auto" means those that answer this many images fastest: on a `device` other than the CPU PyTorch's, else
    those that an earlier evaluation of the run, or this process, measured for such batches, so that the last digits
    stay the same; else they are measured first. Classes are matched by name. With `flips`, scores are the mean over
    each image and its mirror image.

    Raises DataError for images that are missing or broken, or of classes that the run did not learn; RunError where
    the validation images are not those that the run held out; AuditError where the kernels' answers differ from those
    of the PyTorch module.
    """
    require_scores(run)
    chosen = images_of(run, split, source=source, way=run.preprocessing).relabelled(run.classes)
    packed = run.preprocessing.packed(chosen)
    if split == "validation" and source is None:
        require_held_out(run, packed)
    model = placed(run.model(), device)
    if kernels == "auto" and plain(model):
        choice = _choice(run, model, batch=_at_once(run, packed.labels), images=len(packed))
    else:
        choice = Choice("torch" if kernels == "auto" else kernels, torch.get_num_threads())
    runs = answering(model, choice)
    outputs = run_over(runs, packed, run.preprocessing, recipe=run.recipe, temperature=run.temperature)
    require_answers(outputs.probabilities, run.folder)
    require_agreement(run, runs, packed, outputs)
    if flips:
        mirrored = run_over(runs, packed, run.preprocessing, recipe=run.recipe, mirrored=True)
        outputs = _mean_of(outputs, mirrored, run)
    return replace(outputs, answered=choice), chosen


def require_held_out(run: Run, validation: ImageSet) -> None:
    """Raise RunError where a run's packed validation images are others than in its training, which may know them."""
    if run.reproduction is not None or validation.fingerprint() == run.data.validation_fingerprint:
        return
    raise RunError(
        f"the validation images of {run.data.source} are not those that {run.folder} held out.",
        "Images were added, changed or taken away since, so it may have learned some of these.",
        "Bring them back as they were, or give other images by --data.",
    )


def _mean_of(outputs: Outputs, mirrored: Outputs, run: Run) -> Outputs:
    """The mean of the scores of images and of their mirror images, with its loss."""
    scores = (outputs.scores + mirrored.scores) / 2
    values = class_scores(run.network, scores)  # negates scores of RBF units, which gives back their distances
    loss = loss_of(values, outputs.labels, run.recipe).item()
    return replace(outputs, scores=scores, loss=loss)


def images_of(run: Run, split: str, *, source: str | None = None, way: Preprocessing | None = None) -> ImageSet:
    """A run's "test" or "validation" images, or those of another `source`, as they are stored.

    With a `way` that crops, images of a folder are brought to the network's size when they are read.

    Raises MissingSplitError where the source has no test images, or the run held none out for validation; DataError
    where they cannot be read.
    """
    images = images_as(run, require_data(run, source), way=way)
    if split == "test":
        sized = run.preprocessing
        if images.resize is None and sized.form == "picture" and sized.fit in ("pad", "resize"):
            images = replace(images, resize=sized.size)  # pictures of other sizes are brought to the training's
        return images.load("test")
    if not run.recipe.hold_out:
        raise MissingSplitError(
            f"{run.folder} {'was not trained here' if run.origin else 'learned from all training images'}.",
            "None was held out for validation.",
            "Look at --split test.",
        )
    return hold_out(images.load("train"), fraction=run.recipe.hold_out)[1]


def answered(run: Run, outputs: Outputs) -> dict[str, Any]:
    """Which kernels answered, as the run's event "evaluated" keeps it, so that the next evaluation takes the same."""
    return {"batch": _at_once(run, outputs.labels), **asdict(outputs.answered)} if outputs.answered else {}


def log_evaluation(run: Run, *, source: str, split: str, **figures: Any) -> Run:
    """The run with an evaluation among its events, and a look counted if it was at the run's own test images."""
    run.log("evaluated", source=source, split=split, **figures)
    return run.looked_at_test() if split == "test" and source == run.data.source else run


def _at_once(run: Run, labels: Tensor) -> int:
    return min(len(labels), batch_for(run.network))


def _choice(run: Run, model: Built, *, batch: int, images: int) -> Choice:
    """The choice that an evaluation of the run, or this process, measured for such batches; else one measured now."""
    most = torch.get_num_threads()
    for event in reversed(run.events("evaluated")):
        before = event.get("answered", {})
        measured = before.get("batch") == batch and before["milliseconds"] and before["threads"] <= most
        if measured and before["kernels"] in KERNELS and not missing(run.network, before["kernels"], answering=True):
            return Choice(before["kernels"], before["threads"], before["milliseconds"])
    key = run.network, batch, most
    if key not in _CHOSEN:
        _CHOSEN[key] = choose_for_inference(model, batch=batch, images=images)
    return _CHOSEN[key]
