"""Examples: a few validation images of each class, which a run keeps so that its page has pictures to try."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.nn.functional import pad

from striate.data import ImageSet, Preprocessing
from striate.data.resize import corner
from striate.errors import RunError
from striate.files import write_whole
from striate.look.pictures import image_picture, png
from striate.train.run import Run

FILE = "examples.safetensors"
MOST = 20
"""The most examples of a run: two of each class where that many fit, else one of each of the first classes."""
LARGEST = 4096
"""The largest height or width of an example."""


@dataclass(frozen=True)
class Example:
    """A picture of a class, as the bytes of a PNG file."""

    name: str
    picture: bytes


def keep_examples(run: Run, images: ImageSet) -> None:
    """Keep the first images of each class in the run's folder, so that a page prepares them to the same input.

    Images of the test set are not kept, nor the windows of a line, nor those that were resized twice on their way.
    """
    if images.split == "test" or images.form not in ("digits", "picture"):
        return
    way = run.preprocessing
    if images.fitted and way.fit == "resize" and way.size not in (None, way.shape[1:]):
        return
    each = 2 if 2 * len(images.classes) <= MOST else 1
    chosen: list[int] = []
    for label in range(min(len(images.classes), MOST)):
        chosen += torch.nonzero(images.labels == label)[:each, 0].tolist()
    if not chosen:
        return
    pixels = torch.stack([images.images[number] for number in chosen])
    if images.fitted:
        pixels = unfitted(pixels, way)
    if max(pixels.shape[2:]) <= LARGEST:
        tensors = {"pixels": pixels.contiguous(), "labels": images.labels[chosen].contiguous()}
        write_whole(run.path(FILE), save(tensors))


def unfitted(pixels: Tensor, way: Preprocessing) -> Tensor:
    """Images in the network's size as images that its preprocessing brings to these.

    "pad" and "resize" bring other sizes to that of the data set first, and "crop" an image's shorter side to `shorter`.
    """
    left, right, top, bottom = way.margins()
    height, width = pixels.shape[2:]
    if any((left, right, top, bottom)):
        return pixels[:, :, max(top, 0) : height - max(bottom, 0), max(left, 0) : width - max(right, 0)]
    if way.fit == "crop" and way.shorter is not None:
        more = way.shorter - min(height, width)
        before, _ = corner((more, more), (0, 0))
        sides = (before, more - before) * 2
        return pad(pixels.float(), sides, mode="replicate").to(torch.uint8)
    return pixels


def examples_of(run: Run) -> list[Example]:
    """The examples of a run; none where it has kept none. Raises RunError for a damaged file."""
    if run.single or not (path := run.path(FILE)).exists():
        return []
    try:
        tensors = load(path.read_bytes())
        if tensors.keys() != {"pixels", "labels"}:
            raise ValueError("it has not pixels and labels")
        pixels, labels = tensors["pixels"], tensors["labels"]
        if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1] not in (1, 3):
            raise ValueError("they are no pictures")
        if not 0 < len(pixels) <= MOST or not 0 < min(pixels.shape[2:]) <= max(pixels.shape[2:]) <= LARGEST:
            raise ValueError("their number or their size is out of range")
        if labels.dtype != torch.int64 or labels.shape != pixels.shape[:1]:
            raise ValueError("their labels are no labels")
        if int(labels.min()) < 0 or int(labels.max()) >= len(run.classes):
            raise ValueError("a label is no class of the run")
    except (SafetensorError, OSError, ValueError) as problem:
        raise RunError(
            f"{path} cannot be read: {problem}.",
            "It holds pictures of the run's classes, for its page.",
            "Delete it: the page then has no examples.",
        ) from None
    return [
        Example(run.classes[int(label)], png(image_picture(one))) for one, label in zip(pixels, labels, strict=True)
    ]
