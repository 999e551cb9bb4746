"""A file compared with the run it was made of: another program answers images, and so does the run's module."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from striate.accounting import account
from striate.data import ImageSet
from striate.data.part import spread
from striate.errors import AuditError
from striate.exchange.model import INPUT, LABEL, OUTPUT, PROBABILITIES
from striate.exchange.requirement import require_onnx
from striate.exchange.session import session_of
from striate.modules import Built
from striate.train.answer_checks import require_answers
from striate.train.losses import class_scores
from striate.train.run import Run
from striate.wording import counted

if TYPE_CHECKING:
    from onnx import ModelProto

IMAGES, LEAST_IMAGES = 500, 4
MOST_MACS = 100e9
"""The most MACs of all compared images together, some seconds' work; large networks answer fewer images."""
NOISE, SEED = 4, 0
"""The number of images of noise, which are compared too: blank or similar images would hide many faults."""
BATCH = 50
MOST, MOST_ROUNDED = 1e-4, 1e-2
"""The largest difference of class scores that passes, as a share of their range. PyTorch's own float32 is off by 1e-6.

Where images are resized or made grey, one pixel in some thousands lies just between two levels and is rounded
differently; then the second number applies. No larger difference ever passes.
"""
TIMES = 100.0
"""A difference of up to this many times PyTorch's own float32 error passes too, for weights that magnify such
errors."""
SCORES = "/classes/scores"
"""The value of a classifier's graph that has the class scores before the softmax."""


@dataclass(frozen=True)
class Agreement:
    """How near a model's answers to `images` real images are to the run's own.

    `same` counts the images with the same class; `difference` is the largest of any output, a probability or, of the
    bare graph, a logit. `share` is the largest difference of a class score as a share of the scores' range, images of
    noise included, and `allowed` the share that passes.
    """

    images: int
    same: int
    difference: float
    share: float
    allowed: float


@dataclass(frozen=True)
class Compared:
    """Class scores (the larger, the likelier), outputs and labels of some images."""

    scores: Tensor
    outputs: Tensor
    labels: Tensor


def sample(run: Run, images: ImageSet) -> ImageSet:
    """The images that a model answers: spread over the set, fewer for a large network."""
    count = int(MOST_MACS / max(1, account(run.network).totals.macs))
    return images.subset(spread(len(images), min(IMAGES, max(LEAST_IMAGES, count))))


@dataclass(frozen=True)
class Other:
    """Another program that answers: `answers` of stored images as a file takes them; with the words for errors."""

    answers: Callable[[Tensor], Compared]
    named: str
    remedy: str


def compared(
    model: ModelProto, run: Run, module: Built, *, images: ImageSet, bare: bool = False, most: float = MOST
) -> Agreement:
    """How an ONNX model's answers compare with those of the run's `module`: see `agreement_with`.

    The first image goes alone, the others in batches. Raises RequirementError without the package onnxruntime.
    """
    other = Other(
        lambda given: _runtime(model, run, given, bare=bare),
        "ONNX Runtime and PyTorch",
        "Try another version of onnxruntime. If it stays so, this is a fault of Striate: please report it.",
    )
    return agreement_with(other, run, module, images=images, bare=bare, most=most)


def agreement_with(
    other: Other, run: Run, module: Built, *, images: ImageSet, bare: bool = False, most: float = MOST
) -> Agreement:
    """How another program's answers to stored `images`, and to some of noise, compare with those of the run's `module`.

    It gets uint8 pixels of (images, height, width, channels), or with `bare` normalised images. Raises AuditError where
    class scores differ by more than `most` of their range, where a class is another by more than that, or where `label`
    is not the likeliest class.
    """
    generator = torch.Generator().manual_seed(SEED)
    noise = torch.randint(0, 256, (NOISE, *images.images.shape[1:]), dtype=torch.uint8, generator=generator)
    raw, real = torch.cat([images.images[:], noise]), len(images)
    values = run.preprocessing.normalise(run.preprocessing.pack(raw))
    found = other.answers(values if bare else raw.permute(0, 2, 3, 1).contiguous())
    wanted = _module(run, module, values, bare=bare)
    require_answers(wanted.outputs.flatten(1), run.folder)
    span = (wanted.scores.max() - wanted.scores.min()).item() or 1.0
    share = (found.scores - wanted.scores).abs().nan_to_num(torch.inf).max().item() / span
    allowed = most
    if share > most:
        exact = _module(run, deepcopy(module).double(), values.double(), bare=bare)
        unsure = (wanted.scores - exact.scores).abs().max().item() / span
        allowed = min(MOST_ROUNDED, max(most, TIMES * unsure))
    chosen = wanted.scores.gather(1, found.labels[:, None])[:, 0]
    right = (chosen >= wanted.scores.amax(1) - allowed * span) & (found.labels == found.scores.argmax(1))
    if share <= allowed and right.all():
        difference = (found.outputs - wanted.outputs)[:real].abs().max().item()
        same = int((found.labels == wanted.labels)[:real].reshape(real, -1).all(1).sum())
        return Agreement(real, same, difference, share, allowed)
    raise AuditError(
        f"{other.named} differ in their answers to {counted(real, 'image')} and {NOISE} of noise: "
        f"{int((~right).sum()):,} get another class, and class scores differ by up to {share:.1e} of their range.",
        f"Weights and images are the same, so the answers must be too, to {allowed:.0e}; nothing is written.",
        other.remedy,
        where=str(run.folder),
    )


def _runtime(model: ModelProto, run: Run, given: Tensor, *, bare: bool) -> Compared:
    """The answers of ONNX Runtime. Raises AuditError where it cannot run the model."""
    require_onnx("onnxruntime")
    names = [OUTPUT] if bare else [PROBABILITIES, LABEL, SCORES]
    parts: list[list[Tensor]] = []
    try:
        session = session_of(_with_scores(model, bare=bare), threads=torch.get_num_threads())
        for start in (0, *range(1, len(given), BATCH)):
            batch = given[start : start + BATCH if start else 1]
            made = session.run(names, {INPUT: np.ascontiguousarray(batch.numpy())})
            parts.append([torch.from_numpy(each) for each in made])
    except Exception as problem:  # the runtime's own errors have no common kind
        raise AuditError(
            f"ONNX Runtime cannot run the model: {str(problem).strip().splitlines()[0]:.200}",
            "It must answer images as the run does; nothing is written.",
            "Try another version of onnxruntime. If it stays so, this is a fault of Striate: please report it.",
            where=str(run.folder),
        ) from None
    outputs, *others = (torch.cat(each) for each in zip(*parts, strict=True))
    if bare:
        scores = class_scores(run.network, outputs)
        return Compared(scores, outputs, scores.argmax(1))
    labels, scores = others
    return Compared(scores, outputs, labels)


def _with_scores(model: ModelProto, *, bare: bool) -> bytes:
    """The file's bytes, with the class scores as one more output of a classifier."""
    from onnx import ModelProto, TensorProto, helper

    checked = ModelProto()
    checked.CopyFrom(model)
    if not bare:
        checked.graph.output.append(helper.make_tensor_value_info(SCORES, TensorProto.FLOAT, None))
    return checked.SerializeToString()


@torch.inference_mode()
def _module(run: Run, module: Built, values: Tensor, *, bare: bool) -> Compared:
    """The answers of PyTorch, in the precision of the values."""
    logits = torch.cat([module.logits(part) for part in values.split(BATCH)])
    scores = class_scores(run.network, logits)
    if bare:
        return Compared(scores, logits, scores.argmax(1))
    scores = scores / run.temperature
    return Compared(scores, scores.softmax(1), scores.argmax(1))
