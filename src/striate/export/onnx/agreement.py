"""An ONNX model held against the run it was made of: ONNX Runtime answers real images, and so does PyTorch."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from striate.accounting import account
from striate.data import ImageSet
from striate.errors import AuditError
from striate.export.onnx.model import INPUT, OUTPUT, PROBABILITIES
from striate.export.onnx.requirement import require_onnx
from striate.modules import Built
from striate.train.losses import class_scores
from striate.train.run import Run, require_answers
from striate.wording import counted

IMAGES, LEAST_IMAGES = 500, 4
MOST_MACS = 100e9
"""A large network answers fewer images: so many that they take no more MACs together, which is some seconds."""
BATCH = 50
MOST, MOST_ROUNDED = 1e-4, 1e-2
"""The largest difference that passes, as a share of the output's range. PyTorch's own float32 is off by some 1e-6.

Where images are resized, or made grey, a pixel in some thousands lies just between two levels and is rounded the other
way."""
TIMES = 100.0
"""Or so many times what PyTorch's float32 is off: there are weights whose outputs depend on its last digits."""


@dataclass(frozen=True)
class Agreement:
    """How near a model's answers are to the run's own.

    `difference` is the largest of any output (a probability, or of the bare graph a logit), `span` the output's range,
    1 for probabilities; `same` counts images with the same class.
    """

    images: int
    same: int
    difference: float
    span: float

    @property
    def share(self) -> float:
        """The difference as a share of the range."""
        return self.difference / self.span


@dataclass(frozen=True)
class Tolerance:
    """By what differences are judged: the output's range, the largest share of it, and whether it is the bare graph."""

    span: float
    most: float
    bare: bool


def sample(run: Run, images: ImageSet) -> ImageSet:
    """The images that a model is held against: spread over the set, fewer for a large network."""
    count = int(MOST_MACS / max(1, account(run.network).totals.macs))
    count = min(len(images), IMAGES, max(LEAST_IMAGES, count))
    return images.subset(torch.arange(count) * len(images) // count)


def require_agreement(
    content: bytes, run: Run, module: Built, images: ImageSet, *, bare: bool = False, most: float = MOST
) -> Agreement:
    """How a model, as the bytes of its file, answers raw `images`, held against the run's `module`.

    The first image goes alone, the others in batches. Raises AuditError where outputs differ by more than `most` of
    their range or a class is another, RequirementError without the package onnxruntime.
    """
    packed = run.preprocessing.pack(images.images)
    found = answers(content, run, images.images, packed, bare=bare)
    wanted = _own(run, module, packed, bare=bare)
    require_answers(wanted, run.folder)
    span = (wanted.max() - wanted.min()).item() if bare else 1.0
    agreement = _held(found, wanted, run, Tolerance(span or 1.0, most, bare))
    if agreement.same == len(found) and agreement.share <= most:
        return agreement
    exact = _own(run, deepcopy(module).double(), packed, bare=bare)
    allowed = max(most, TIMES * (wanted - exact).abs().max().item() / agreement.span)
    again = _held(found, wanted, run, Tolerance(agreement.span, allowed, bare))
    if again.same == len(found) and again.share <= allowed:
        return again
    raise AuditError(
        f"ONNX Runtime and PyTorch differ in their answers to {counted(len(images), 'image')}: "
        f"{len(found) - again.same:,} get another class, and outputs differ by up to {again.share:.1e} of their range.",
        f"Weights and images are the same, so the answers must be too, to {allowed:.0e}; nothing is written.",
        "Try another version of onnxruntime. If it stays so, this is a fault of Striate: please report it.",
        where=str(run.folder),
    )


def answers(content: bytes, run: Run, raw: Tensor, packed: Tensor, *, bare: bool) -> Tensor:
    """The outputs of ONNX Runtime for uint8 images: probabilities, or of the bare graph logits."""
    session = session_of(content, threads=torch.get_num_threads())
    given = packed if bare else raw.permute(0, 2, 3, 1)
    found: list[Tensor] = []
    for start in (0, *range(1, len(given), BATCH)):
        batch = given[start : start + BATCH if start else 1]
        values = run.preprocessing.normalise(batch) if bare else batch
        made = session.run([OUTPUT if bare else PROBABILITIES], {INPUT: np.ascontiguousarray(values.numpy())})
        found.append(torch.from_numpy(made[0]))
    return torch.cat(found)


def session_of(content: bytes, *, threads: int) -> Any:
    """An ONNX Runtime session on the CPU. Raises RequirementError without the package."""
    require_onnx("onnxruntime")
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])


@torch.inference_mode()
def _own(run: Run, module: Built, packed: Tensor, *, bare: bool) -> Tensor:
    dtype = next(module.parameters(), torch.empty(0)).dtype
    parts = [module.logits(run.preprocessing.normalise(part).to(dtype)) for part in packed.split(BATCH)]
    logits = torch.cat(parts)
    return logits if bare else (class_scores(run.network, logits) / run.temperature).softmax(1)


def _held(found: Tensor, wanted: Tensor, run: Run, scale: Tolerance) -> Agreement:
    """A class counts as the same where PyTorch finds none likelier by more than the difference that passes."""
    mine, theirs = ((class_scores(run.network, each) if scale.bare else each) for each in (wanted, found))
    chosen = mine.gather(1, theirs.argmax(1, keepdim=True))[:, 0]
    same = int((chosen >= mine.amax(1) - scale.most * scale.span).sum())
    difference = (found - wanted).abs().nan_to_num(torch.inf).max().item()
    return Agreement(len(found), same, difference, scale.span)
