"""MNIST, which is part of the package: LeCun & Cortes' 60,000 and 10,000 digits, 28 × 28."""

from __future__ import annotations

from importlib.resources import files

from striate.data.idx import PREFIX, check_counts, read_images, read_labels
from striate.data.store import ImageSet

CLASSES = tuple("0123456789")


def mnist(split: str) -> ImageSet:
    """The "train" or the "test" images; only the files of that split are opened.

    >>> mnist("test")
    ImageSet(10000 images of 1 × 28 × 28, 10 classes, 'test' of 'mnist')
    """
    folder = files("striate.data") / "mnist"
    images = read_images(folder / f"{PREFIX[split]}-images-idx3-ubyte.gz")
    labels_file = folder / f"{PREFIX[split]}-labels-idx1-ubyte.gz"
    labels = read_labels(labels_file)
    check_counts(images, labels, where=str(labels_file))
    return ImageSet(images, labels, CLASSES, "mnist", split, "digits")
