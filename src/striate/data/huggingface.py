"""Lists data sets that Hugging Face's `datasets` saved in a folder; the extra `huggingface`.

The folder is what `save_to_disk` wrote: Arrow files, which are memory-mapped, and JSON. Nothing is fetched.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from striate.data.listing import Listing, in_test, natural, require_learned
from striate.description.labels import is_one_line, one_line
from striate.errors import DataError, MissingSplitError
from striate.extras import require_extra

FILES = ("dataset_dict.json", "state.json")
"""One of these is in a folder of several splits, and in that of one."""
TEST = ("test", "validation")
"""The splits that hold test images, the first that is there."""
LABELS = ("label", "labels", "class", "fine_label", "target")
"""The names of a column of labels, where no column is of the kind ClassLabel."""

_FORMAT = "A saved data set has a column of images and one of labels, whole numbers or words."


def is_saved_dataset(folder: Path) -> bool:
    """Whether a folder is what `save_to_disk` of Hugging Face's `datasets` wrote."""
    return any((folder / name).is_file() for name in FILES)


def list_rows(folder: Path, split: str) -> Listing:
    """The images of a split, "train" or "test", of a saved data set; that of one split is divided by the rows' numbers.

    Raises RequirementError without the package `datasets`, DataError for columns that are missing or unclear,
    MissingSplitError.
    """
    parts = _parts(folder)
    splits = {"train": "train", "test": next((each for each in TEST if each in parts), "test")}
    name = splits[split]
    if "" not in parts and name not in parts:
        raise MissingSplitError(
            f"no {split} split.",
            f"Its splits are: {', '.join(map(one_line, parts))}.",
            "Save it with the splits train and test.",
            where=str(folder),
        )
    whole = parts["" if "" in parts else name]
    image, label = _columns(folder, whole.features)
    classes = _classes(folder, parts, whole, label)
    numbers = _numbers(classes, whole, label)
    if any(type(each) is not int or not 0 <= each < len(classes) for each in numbers):
        raise DataError(f"a label that is none of its {len(classes)} classes.", _FORMAT, where=str(folder))
    files = [f"{name if '' not in parts else 'row'} {number:,}" for number in range(len(whole))]
    if "" in parts:
        rows = {side: [at for at, file in enumerate(files) if in_test(file) == (side == "test")] for side in splits}
        labels = {side: [numbers[at] for at in rows[side]] for side in splits}
        chosen = rows[split]
    else:
        there = {side: parts[each] for side, each in splits.items() if each in parts and label in parts[each].features}
        labels = {side: _numbers(classes, part, label) for side, part in there.items()}
        chosen = list(range(len(whole)))
    require_learned(classes, labels, where=folder)
    images = whole.select_columns([image]).cast_column(image, _datasets().Image(decode=False))

    def read(number: int) -> bytes:
        content = (images[chosen[number]][image] or {}).get("bytes")
        if not content:
            raise DataError("it has no bytes in the data set")
        return content

    return Listing(
        classes,
        tuple(files[number] for number in chosen),
        tuple(numbers[number] for number in chosen),
        read=read,
        held=tuple(each.relative_to(folder).as_posix() for each in sorted(folder.rglob("*.arrow"))),
    )


def _parts(folder: Path) -> dict[str, Any]:
    """The splits by name; that of a data set of one split has the name ""."""
    require_extra("huggingface", f"{folder} is a data set of Hugging Face's, which needs")
    datasets = _datasets()
    try:
        found: Any = datasets.load_from_disk(str(folder))
    except Exception as problem:  # pyarrow's and its own errors have no common kind
        reason = one_line(str(problem).split("\n", 1)[0])[:200].rstrip(".")
        raise DataError(f"cannot be read: {reason}.", _FORMAT, "Save it anew.", where=str(folder)) from None
    parts = dict(found) if isinstance(found, datasets.DatasetDict) else {"": found}
    return {name: each.with_format(None) for name, each in parts.items()}  # a saved one may bring a format along


def _datasets() -> Any:
    return import_module("datasets")


def _columns(folder: Path, features: Any) -> tuple[str, str]:
    """The names of the columns of images and of labels."""
    datasets = _datasets()
    images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    labels = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    labels = labels or [name for name in LABELS if name in features][:1]
    if len(images) != 1 or len(labels) != 1:
        raise DataError(
            f"{len(images)} columns of images and {len(labels)} of labels.",
            f"{_FORMAT} Its columns are: {', '.join(f'{one_line(str(name))}' for name in features)}.",
            "Keep one of each: dataset.select_columns([...]).",
            where=str(folder),
        )
    return images[0], labels[0]


def _classes(folder: Path, parts: dict[str, Any], whole: Any, label: str) -> tuple[str, ...]:
    """The names of the classes."""
    kind = whole.features[label]
    if isinstance(kind, _datasets().ClassLabel):
        names = tuple(map(str, kind.names))
    else:
        found = {each for part in parts.values() if label in part.features for each in part[label]}
        values = {str(each) for each in found if each not in (None, -1)}  # those of images without a label
        names = tuple(sorted(values, key=natural))
    if len(names) < 2 or len(set(names)) != len(names) or not all(map(is_one_line, names)):
        raise DataError("fewer than two classes, or odd names of them.", _FORMAT, where=str(folder))
    return names


def _numbers(classes: tuple[str, ...], part: Any, label: str) -> list[int]:
    """The class of each row of a split, by its name; −1 for none."""
    by_name = {name: number for number, name in enumerate(classes)}
    kind = part.features[label]
    if isinstance(kind, _datasets().ClassLabel):
        numbers = [by_name.get(str(name), -1) for name in kind.names]
        return [numbers[each] if each is not None and 0 <= each < len(numbers) else -1 for each in part[label]]
    return [by_name.get(str(each), -1) for each in part[label]]
