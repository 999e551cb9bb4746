"""The images that an exported file is compared on, calibrated on and judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from striate.accounting import account
from striate.data import ImageSet, hold_out
from striate.data.preprocess import with_channels
from striate.errors import DataError, MissingSplitError
from striate.train.evaluation import images_of, require_held_out
from striate.train.images import images_as
from striate.train.imported import require_data
from striate.train.run import Run

CALIBRATION, LEAST_CALIBRATION, MOST_MACS = 512, 16, 2e12
"""The most and the least images for measuring ranges, and the most MACs of all of them together."""
SEED = 0
NOISE = 50


@dataclass(frozen=True)
class Int8Images:
    """Images for an int8 file: those it is calibrated on, and those it is judged by, with their labels.

    `looked` says that the judging images are the run's own test images, so that judging is a look at them.
    """

    calibration: ImageSet
    judging: ImageSet
    looked: bool


def compared_images(run: Run, source: str | None = None) -> ImageSet:
    """The images to compare a file's answers on; no label of them is read.

    They are the test images of `source`, or of the run's own data. Where these have none, they are the validation
    images, and of another source its training images. A run that has no data, and is given none, gets images of noise.
    """
    if not source and not run.data.source:
        return _noise(run)
    try:
        images = images_of(run, "test", source=source, way=run.preprocessing)
    except MissingSplitError:
        if source:
            images = _training(run, source)
        elif run.recipe.hold_out:
            images = images_of(run, "validation", way=run.preprocessing)
        else:
            raise
    return as_learned(run, images)


def int8_images(run: Run, source: str | None = None) -> Int8Images:
    """The images that calibrate and that judge.

    A run's own validation images judge; where it held none out its test images do, which is a look at them. Of another
    `source` its test images judge, and where it has none, a part of its training images. Calibration takes training
    images that were not held out, chosen by a seed. Raises RunError where there is no source.
    """
    training = _training(run, require_data(run, source))
    if run.recipe.hold_out and not source:
        train, judging = hold_out(training, fraction=run.recipe.hold_out)
        require_held_out(run, run.preprocessing.packed(judging.relabelled(run.classes)))
        looked = False
    else:
        try:
            train, judging = training, images_of(run, "test", source=source, way=run.preprocessing)
            looked = judging.source == run.data.source
        except MissingSplitError:
            if not source:
                raise
            train, judging = hold_out(training)
            looked = False
    count = int(MOST_MACS / max(1, account(run.network).totals.macs))
    count = min(len(train), CALIBRATION, max(LEAST_CALIBRATION, count))
    chosen = torch.randperm(len(train), generator=torch.Generator().manual_seed(SEED))[:count]
    calibration = as_learned(run, train.subset(chosen))
    return Int8Images(calibration, as_learned(run, judging).relabelled(run.classes), looked)


def as_learned(run: Run, images: ImageSet) -> ImageSet:
    """Images in the channels that the run learned from. Raises DataError where they have another size than those."""
    channels, height, width = images.images.shape[1:]
    learned = run.preprocessing.size
    if learned is not None and learned != (height, width):
        raise DataError(
            f"the {images.split} images are {height}×{width} pixels (height × width).",
            f"The run learned from images of {learned[0]}×{learned[1]}, and the file takes such.",
            "Bring them to one size, or train with --resize.",
            where=images.source,
        )
    if run.data.channels in (None, channels):
        return images
    return replace(images, images=with_channels(images.images[:], run.data.channels or channels))


def fitted_once(run: Run, images: ImageSet) -> Run:
    """The run whose file takes such images. It does not crop or letterbox what was so treated when it was read."""
    if not images.fitted:
        return run
    return replace(run, preprocessing=replace(run.preprocessing, fit="resize", shorter=None))


def _training(run: Run, source: str) -> ImageSet:
    return images_as(run, source, way=run.preprocessing).load("train")


def _noise(run: Run) -> ImageSet:
    """Images of noise, in the size and the channels that the run takes; cropped or letterboxed ones count as such."""
    channels = run.data.channels or run.preprocessing.shape[0]
    size = run.preprocessing.size or run.preprocessing.shape[1:]
    generator = torch.Generator().manual_seed(SEED)
    pixels = torch.randint(0, 256, (NOISE, channels, *size), dtype=torch.uint8, generator=generator)
    labels = torch.zeros(NOISE, dtype=torch.int64)
    fitted = run.preprocessing.fit in ("crop", "letterbox")
    return ImageSet(pixels, labels, run.classes, "noise", "noise", run.preprocessing.form, fitted=fitted)
