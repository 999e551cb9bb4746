"""Labels from a program, of any kind: text, whole numbers with gaps, truth values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.description.labels import is_one_line
from striate.errors import DataError, quote

Kind = Literal["text", "whole", "truth"]
LONGEST = 1000
"""The longest name of a class, in letters."""
KINDS: tuple[Kind, ...] = ("text", "whole", "truth")
_EXPECTED = "A label is text, a whole number, or True or False, one for each image."


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels in the form that a network learns: `numbers`, int64 (images,), are indices into `values`.

    `values` are the distinct labels, sorted; `names` are these as text, which a run keeps; `kind` is their type.
    """

    numbers: Tensor
    values: NDArray[Any]
    names: tuple[str, ...]
    kind: Kind


def labels_of(labels: object) -> Labels:
    """The labels of a list, an array or a tensor. Raises DataError where one is no label.

    >>> labels_of(["dog", "cat", "dog"]).names, labels_of([7, 3, 7]).numbers.tolist(), labels_of([True, False]).kind
    (('cat', 'dog'), [1, 0, 1], 'truth')
    """
    array = _of_tensor(labels) if isinstance(labels, Tensor) else _array(labels)
    if array.ndim != 1:
        raise DataError(f"labels are of shape {array.shape}.", _EXPECTED, "One-hot rows become labels by argmax(1).")
    kind, array = _kind_of(array)
    values, numbers = np.unique(array, return_inverse=True)
    names = tuple(str(each) for each in values.tolist())
    for name in names:
        if not name or len(name) > LONGEST or not is_one_line(name):
            raise DataError(
                f"a label is {quote(name)}.",
                f"A label is the name of a class: one line of text, from 1 to {LONGEST:,} letters.",
                "Leave these images out, or give their class another name.",
            )
    return Labels(torch.from_numpy(numbers.reshape(-1).astype(np.int64)), values, names, kind)


def values_of(names: tuple[str, ...], kind: Kind) -> NDArray[Any]:
    """The labels of a `kind` that a run keeps as class names.

    Raises ValueError or OverflowError for a name that is no label of that kind.

    >>> values_of(("3", "7"), "whole"), values_of(("False", "True"), "truth").dtype
    (array([3, 7]), dtype('bool'))
    """
    match kind:
        case "text":
            return np.array(names)
        case "whole":
            return np.array([int(name) for name in names], dtype=np.int64)
        case "truth":
            return np.array([("False", "True").index(name) == 1 for name in names])
        case _:
            assert_never(kind)


def _of_tensor(labels: Tensor) -> NDArray[Any]:
    """A tensor's values; fractions as float64, because NumPy has no bfloat16."""
    held = labels.detach().cpu()
    return (held.double() if held.is_floating_point() else held).numpy()


def _array(labels: object) -> NDArray[Any]:
    try:
        array = np.asarray(labels)
    except ValueError:  # lists of different lengths
        return np.asarray(labels, dtype=object)
    mixed = array.dtype.kind == "U" and not isinstance(labels, np.ndarray)  # NumPy makes text of [1, "a"]
    return np.asarray(labels, dtype=object) if mixed else array


def _kind_of(array: NDArray[Any]) -> tuple[Kind, NDArray[Any]]:
    """The kind of some labels, and the labels as an array that can be sorted; objects become plain values."""
    match array.dtype.kind:
        case "b":
            return "truth", array
        case "i" | "u":
            if array.dtype == np.uint64 and array.size and int(array.max()) >= 2**63:
                raise _beyond()
            return "whole", array
        case "U" | "T":
            return "text", array
        case "f":
            return "whole", _whole(array)
        case "O":
            return _of_objects(array)
        case _:
            raise DataError(f"labels are {array.dtype}.", _EXPECTED, "Convert them, such as labels.astype(int).")


def _whole(array: NDArray[Any]) -> NDArray[Any]:
    odd = ~np.isfinite(array) | (array != np.floor(array)) | (np.abs(array) >= 2**53)
    if odd.any():
        place = int(odd.argmax())
        raise DataError(f"label {place} is {array[place].item()!r}.", _EXPECTED, "Numbers to predict are no labels.")
    return array.astype(np.int64)


def _of_objects(array: NDArray[Any]) -> tuple[Kind, NDArray[Any]]:
    kinds: dict[str, int] = {}
    for place, each in enumerate(array.tolist()):
        if isinstance(each, (bool, np.bool_)):
            kinds.setdefault("truth", place)
        elif isinstance(each, (int, np.integer)):
            kinds.setdefault("whole", place)
        elif isinstance(each, str):
            kinds.setdefault("text", place)
        else:
            raise DataError(f"label {place} is {quote(each)}.", _EXPECTED)
    if len(kinds) > 1:
        first, second = (repr(array[place]) for place in list(kinds.values())[:2])
        raise DataError(
            f"labels are of several kinds: {first}, {second}.",
            "All are of one kind.",
            "Make all of them text by str().",
        )
    match next(iter(kinds), "text"):
        case "truth":
            return "truth", array.astype(bool)
        case "whole":
            return "whole", _integers(array)
        case _:
            return "text", array


def _beyond() -> DataError:
    return DataError("a label is beyond 64 bits.", "Whole numbers of labels fit into 64 bits, with a sign.")


def _integers(array: NDArray[Any]) -> NDArray[Any]:
    try:
        return array.astype(np.int64)
    except OverflowError:
        raise _beyond() from None
