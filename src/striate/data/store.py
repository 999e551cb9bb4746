"""The packed store: a whole data set as one block of bytes; its held-out part, and the order of each epoch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from jaxtyping import Int64
from torch import Tensor

from striate.data.boards import Boards
from striate.data.stream import Stream
from striate.data.view import Pixels, View, parts_of, view_of
from striate.errors import DataError
from striate.wording import counted

ImageForm = Literal["digits", "line", "picture", "board"]
FORMS: tuple[ImageForm, ...] = get_args(ImageForm)
HOLD_OUT_SEED = 1998
"""The seed of every held-out part, so that two runs on one data set have the same validation images."""
FINGERPRINT_IMAGES = 4096
"""The images that a fingerprint reads at once."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one size with their labels.

    `images` is uint8, (images, channels, height, width), 0 to 255; `labels` is int64, (images,), each an index into
    `classes`. `source` is "mnist" or the absolute path of a folder; `split` is "train", "validation" or "test".
    `form` is "digits" (MNIST's: light on dark, a 20 × 20 box, centred by mass), "line" (windows of 32 × 32 on a line of
    such digits), "board" (the planes of Go positions; a label is a point) or "picture". `names` holds the
    file of each image, relative to the source, and is empty for IDX files and boards;
    `unreadable` holds (file, reason) for each unreadable file that was skipped on request. `fitted` says that
    a network's preprocessing packed the images when they were read. `mapped` says that the images are in files (one
    that is mapped into memory, or those of a stream); subsets of them are views, not copies.

    >>> pixels = torch.zeros(3, 1, 28, 28, dtype=torch.uint8)
    >>> ImageSet(pixels, torch.tensor([0, 1, 1]), ("cat", "dog"), "mnist", "train", "picture")
    ImageSet(3 images of 1 × 28 × 28, 2 classes, 'train' of 'mnist')
    """

    images: Pixels
    labels: Tensor
    classes: tuple[str, ...]
    source: str
    split: str
    form: ImageForm
    names: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    held: Tensor | None = None
    fitted: bool = False
    mapped: bool = False

    def __post_init__(self) -> None:
        count = len(self.labels)
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise DataError(
                f"the images are {self.images.dtype}, {tuple(self.images.shape)}.",
                "An ImageSet takes torch.uint8, (images, channels, height, width).",
            )
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            raise DataError(
                f"the labels are {self.labels.dtype}, {tuple(self.labels.shape)}.",
                f"An ImageSet of {len(self.images)} images takes torch.int64, ({len(self.images)},).",
            )
        if self.names and len(self.names) != count:
            raise DataError(f"{count} images have {len(self.names)} names.", "Names are given for all images, or none.")
        if count and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.classes):
            raise DataError(
                f"the labels run from {int(self.labels.min())} to {int(self.labels.max())}.",
                f"With {len(self.classes)} classes they run from 0 to {len(self.classes) - 1}.",
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        size = " × ".join(str(side) for side in self.images.shape[1:])
        classes = counted(len(self.classes), "class")
        return f"ImageSet({len(self)} images of {size}, {classes}, {self.split!r} of {self.source!r})"

    def subset(self, indices: Int64[Tensor, " chosen"], *, split: str | None = None) -> ImageSet:
        """The images with these indices, in this order; with another `split` if one is given."""
        return replace(
            self,
            images=view_of(self.images, indices) if self.mapped else self.images[indices],
            labels=self.labels[indices],
            names=tuple(self.names[index] for index in indices.tolist()) if self.names else (),
            split=self.split if split is None else split,
            held=None if self.held is None else self.held[indices],
        )

    @property
    def labels_of_store(self) -> Int64[Tensor, " stored"]:
        """The labels by an image's number in the store behind a view; −1 for images that are not in the view."""
        if not isinstance(self.images, View):
            return self.labels
        labels = torch.full((len(self.images.store),), -1)
        labels[self.images.rows] = self.labels
        return labels

    def relabelled(self, classes: tuple[str, ...]) -> ImageSet:
        """The same images with labels that index `classes`, matched by name.

        Raises DataError for a class that is not among them.
        """
        if classes == self.classes:
            return self
        strange = [name for name in self.classes if name not in classes]
        if strange:
            raise DataError(
                f"the images have classes that the network did not learn: {', '.join(strange)}.",
                f"It learned {', '.join(classes)}.",
                "Rename or remove these folders, or give the images that it was trained for.",
            )
        places = torch.tensor([classes.index(name) for name in self.classes])
        return replace(self, labels=places[self.labels], classes=classes)

    def fingerprint(self) -> str:
        """The sha256, in hex, of shape, pixels, labels and class names: equal exactly for equal images.

        Of a stream, files, their sizes and times stand for the pixels; of boards, their moves.
        """
        digest = hashlib.sha256(repr((tuple(self.images.shape), self.classes)).encode())
        if isinstance(self.images, Stream):
            digest.update(self.images.files.key.encode())
            digest.update(self.images.rows.numpy().astype("<i8").data)
        elif isinstance(self.images, Boards):
            digest.update(self.images.key())
        else:
            for part in parts_of(self.images, FINGERPRINT_IMAGES):
                digest.update(part.contiguous().numpy().data)
        digest.update(self.labels.contiguous().numpy().astype("<i8").data)
        return digest.hexdigest()


def hold_out(images: ImageSet, *, fraction: float = 1 / 12) -> tuple[ImageSet, ImageSet]:
    """(train, validation): a `fraction` of every class held out, always the same images, or the source's own choice.

    At least one image is held out. Raises DataError where some class would keep no training image.

    >>> pixels, labels = torch.zeros(24, 1, 2, 2, dtype=torch.uint8), torch.arange(24) % 2
    >>> hold_out(ImageSet(pixels, labels, ("a", "b"), "mnist", "train", "picture"))
    (ImageSet(22 images of 1 × 2 × 2, 2 classes, 'train' of 'mnist'), ImageSet(2 images of 1 × 2 × 2, 2 classes, \
'validation' of 'mnist'))
    """
    if not 0 < fraction < 1:
        raise DataError(f"the fraction to hold out is {fraction!r}.", "It must be above 0 and below 1, such as 1/12.")
    if images.held is not None:
        return _parted(images, images.held)
    if isinstance(images.images, Boards):
        return _parted(images, images.images.held_out(fraction, seed=HOLD_OUT_SEED))
    counts = torch.bincount(images.labels, minlength=len(images.classes)).tolist()
    generator = torch.Generator().manual_seed(HOLD_OUT_SEED)
    held = torch.zeros(len(images), dtype=torch.bool)
    for label, quota in enumerate(_quotas(counts, max(1, round(fraction * len(images))), images.classes)):
        members = (images.labels == label).nonzero().flatten()
        held[members[torch.randperm(len(members), generator=generator)[:quota]]] = True
    return _parted(images, held)


def epoch_order(count: int, *, seed: int, epoch: int) -> Int64[Tensor, " count"]:
    """The order of an epoch: a permutation of 0 to count − 1 that depends only on these three numbers.

    >>> sorted(epoch_order(5, seed=0, epoch=3).tolist())
    [0, 1, 2, 3, 4]
    """
    return torch.randperm(count, generator=_generator("epoch order", seed, epoch))


def order_of(images: ImageSet, *, seed: int, epoch: int) -> Int64[Tensor, " count"]:
    """The order of an epoch: that of `epoch_order`; for a stream, one in which files are read nearly in a row."""
    if isinstance(images.images, Stream):
        return images.images.order(seed=seed, epoch=epoch)
    return epoch_order(len(images), seed=seed, epoch=epoch)


def balanced_order(labels: Int64[Tensor, " count"], *, seed: int, epoch: int) -> Int64[Tensor, " count"]:
    """The order of an epoch with equally many images of every class, up to one; it depends on its arguments alone.

    Images of small classes are repeated, all of a class equally often up to one; of large classes each epoch has
    others.

    >>> labels = torch.tensor([0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
    >>> labels[balanced_order(labels, seed=0, epoch=3)].sum()
    tensor(5)
    """
    generator = _generator("balanced order", seed, epoch)
    classes = labels.unique()
    quota, left = divmod(len(labels), len(classes))
    drawn = []
    for number, label in enumerate(classes[torch.randperm(len(classes), generator=generator)]):
        members, wanted = (labels == label).nonzero().flatten(), quota + (number < left)
        rounds = [torch.randperm(len(members), generator=generator) for _ in range(-(-wanted // len(members)))]
        drawn.append(members[torch.cat(rounds)[:wanted]])
    found = torch.cat(drawn)
    return found[torch.randperm(len(found), generator=generator)]


def _generator(purpose: str, seed: int, epoch: int) -> torch.Generator:
    digest = hashlib.sha256(f"{purpose}, seed {seed}, epoch {epoch}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))


def _parted(images: ImageSet, held: Tensor) -> tuple[ImageSet, ImageSet]:
    train = images.subset((~held).nonzero().flatten())
    return train, images.subset(held.nonzero().flatten(), split="validation")


def _quotas(counts: list[int], total: int, classes: tuple[str, ...]) -> list[int]:
    """The number of images of each class to hold out: in proportion, by largest remainder, always leaving one."""
    everything = max(1, sum(counts))
    if total > sum(max(0, count - 1) for count in counts):
        fewest = min((count, name) for count, name in zip(counts, classes, strict=True) if count or not sum(counts))
        raise DataError(
            f"holding out {total} of {sum(counts)} images would leave class {fewest[1]!r} without a training image.",
            "Every class keeps at least one training image.",
            f"Add images (the smallest class has {fewest[0]}), or hold out a smaller fraction.",
        )
    quotas = [min(count * total // everything, max(0, count - 1)) for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda label: -(counts[label] * total % everything))
    while sum(quotas) < total:
        for label in by_remainder:
            if sum(quotas) < total and quotas[label] + 1 < counts[label]:
                quotas[label] += 1
    return quotas
