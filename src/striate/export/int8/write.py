"""A run written as an ONNX file in 8-bit integers, once its accuracy beside the float file's is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from striate.accounting import account
from striate.data import ImageSet
from striate.data.part import spread
from striate.errors import AuditError
from striate.exchange.folding import fold_batch_norms
from striate.exchange.requirement import require_onnx
from striate.exchange.session import session_of
from striate.export.images import Int8Images, compared_images, fitted_once, int8_images
from striate.export.int8.losses import EXACT, LayerLoss, layer_losses, worst
from striate.export.int8.measure import BATCH, Latency, inputs, labels_of, latencies
from striate.export.int8.quantise import quantised
from striate.export.onnx.write import Checked, Exported, checked_model, write_model
from striate.export.place import require_place
from striate.train.imported import require_classifier
from striate.train.run import Run
from striate.wording import counted, percent

if TYPE_CHECKING:
    from onnx import ModelProto

MOST_LOSS = 1.0
"""The points of accuracy that an int8 file may lose."""
WATCHED, WATCHED_BYTES = 32, 2**28
"""Images that each layer's loss is measured on, and what their activations may take: they are kept several times."""


@dataclass(frozen=True)
class Int8Options:
    """The most points of accuracy that an int8 file may lose, and the layers kept in float32; `force` ignores the
    loss."""

    most_loss: float = MOST_LOSS
    keep_float: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True)
class Measured:
    """An int8 model beside the float model: of `images` of a split, how many each answers rightly, and how many get
    the same class from both; bytes, times, and the loss of each layer."""

    split: str
    images: int
    calibration: int
    right: tuple[int, int]
    same: int
    bytes: tuple[int, int]
    latency: tuple[Latency, ...]
    layers: tuple[LayerLoss, ...]
    looked: bool = False

    @property
    def loss(self) -> float:
        """The points of accuracy that are lost; below 0 where the int8 file is right more often."""
        return 100 * (self.right[0] - self.right[1]) / self.images


@dataclass(frozen=True)
class Int8:
    """The int8 file that was written; its `agreement` is that of the float model that it was made of."""

    exported: Exported
    measured: Measured


def export_int8(run: Run, file: Path, options: Int8Options, *, bare: bool = False, source: str | None = None) -> Int8:
    """Write a run's best weights as an ONNX file in 8-bit integers, whole or not at all.

    The float model is compared with the run first, as `export_onnx` does. Training images calibrate; labelled images
    that were not learned from judge (`int8_images`). Raises AuditError where more accuracy is lost than `most_loss`
    allows, and what `export_onnx` and `quantised` raise.
    """
    require_onnx()
    require_place(file, ".onnx", "an ONNX file")
    require_classifier(run)  # it is judged by its classes, with `bare` too
    parts = int8_images(run, source)
    compared = parts.judging if parts.looked else compared_images(run, source)
    checked = checked_model(run, compared, bare=bare)
    own, run = run, fitted_once(run, compared)
    given = parts.calibration.images[:]
    batches = (inputs(run, part, bare=bare) for part in given.split(BATCH))
    made = quantised(checked.model, run.network, batches, keep_float=options.keep_float)
    found = _measured(run, parts, checked.model, made, bare=bare)
    if parts.looked:
        own.looked_at_test().log("looked", split="test", source=run.data.source)
    if found.loss > options.most_loss and not options.force:
        raise _too_much(run, found, options)
    return Int8(write_model(Checked(made, checked.split, checked.agreement), file), found)


def _measured(run: Run, parts: Int8Images, whole: ModelProto, rounded: ModelProto, *, bare: bool) -> Measured:
    contents = whole.SerializeToString(), rounded.SerializeToString()
    float_session, int8_session = (session_of(each, threads=torch.get_num_threads()) for each in contents)
    images = parts.judging
    labels = [labels_of(each, run, images, bare=bare) for each in (float_session, int8_session)]
    right = [int((each == images.labels).sum()) for each in labels]
    timed = latencies(float_session, int8_session, inputs(run, images.images[:BATCH], bare=bare))
    watched = inputs(run, _watched(run, images).images[:], bare=bare)
    return Measured(
        images.split,
        len(images),
        len(parts.calibration),
        (right[0], right[1]),
        int((labels[0] == labels[1]).sum()),
        (len(contents[0]), len(contents[1])),
        timed,
        layer_losses(whole=fold_batch_norms(whole), rounded=rounded, images=watched),
        parts.looked,
    )


def _watched(run: Run, images: ImageSet) -> ImageSet:
    each = 4 * max(1, account(run.network).totals.activations)
    return images.subset(spread(len(images), max(1, min(WATCHED, WATCHED_BYTES // each))))


def _too_much(run: Run, found: Measured, options: Int8Options) -> AuditError:
    low = worst(found.layers)
    named = ", ".join(f"{each.path} ({each.total:.0f} dB, {_bounded(before)} before it)" for each, before in low[:3])
    before, after = (percent(right / found.images) for right in found.right)
    lost = f"{found.loss:.2f}".rstrip("0").rstrip(".")
    keep = next((each.path for each, _ in low if each.weights is not None), "PATH")
    return AuditError(
        f"in 8-bit integers {run.network.name} loses {lost} points of accuracy: of {counted(found.images, 'image')} "
        f"({found.split}) it was right on {before}, and is on {after}. Most is lost at {named}.",
        f"It may lose {options.most_loss:g} (--most-loss); nothing is written.",
        f"Keep layers in float32 (--keep-float {keep}), allow more with --most-loss, or write it anyway with --force.",
        where=str(run.folder),
    )


def _bounded(ratio: float) -> str:
    return "exact" if ratio >= EXACT else f"{ratio:.0f}"
