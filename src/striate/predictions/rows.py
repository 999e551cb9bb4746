"""The rows of a file of predictions, and the formats that its suffix chooses: CSV, JSON Lines and Parquet."""

from __future__ import annotations

import csv
import importlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from striate.description.labels import one_line
from striate.errors import OutputError
from striate.extras import require_extra
from striate.predictions.answers import Answers
from striate.predictions.listing import Item

SUFFIXES = (".csv", ".parquet", ".jsonl")
OF_CLASS = "p_"
"""Before the name of a class, in the name of the column with its probability."""
GROUP_BYTES = 2**25
"""About the bytes of a row group of a Parquet file."""


class Writer(Protocol):
    """Writes rows into an open file."""

    def add(self, items: Sequence[Item], answers: Answers) -> None:
        """Write the rows of a part."""
        ...

    def close(self) -> None:
        """Write what is left; the file stays open."""
        ...


def require_format(file: Path) -> None:
    """Raise OutputError where the suffix of a file is of no format, RequirementError where its package is missing."""
    if file.suffix not in SUFFIXES:
        raise OutputError(
            f"{file} has no suffix of a format that predictions are written in.",
            f"Expected one of {', '.join(SUFFIXES)}.",
            "Give such a name to --out, such as predictions.csv.",
        )
    if file.suffix == ".parquet":
        require_extra("parquet", f"{file} needs", note="; .csv and .jsonl need no package")


def writer_for(suffix: str, file: BinaryIO, classes: Sequence[str], *, top: int) -> Writer:
    """The writer of the format of a suffix; `top` 0 stands for the probabilities of all classes."""
    match suffix:
        case ".csv":
            return CSVRows(file, classes, top=top)
        case ".jsonl":
            return JSONRows(file, classes)
        case ".parquet":
            return ParquetRows(file, classes, top=top)
        case _:
            raise OutputError(f"{suffix} is no format.", f"Expected one of {', '.join(SUFFIXES)}.")


def columns(classes: Sequence[str], *, top: int) -> list[str]:
    """The columns of a table of predictions.

    >>> columns(["cat", "dog"], top=0)
    ['image', 'class', 'probability', 'error', 'p_cat', 'p_dog']
    >>> columns(["cat", "dog", "cow"], top=2)
    ['image', 'class', 'probability', 'error', 'class_2', 'probability_2']
    """
    first = ["image", "class", "probability", "error"]
    if not top:
        return first + [OF_CLASS + name for name in classes]
    return first + [f"{name}_{rank}" for rank in range(2, top + 1) for name in ("class", "probability")]


def ranked(answers: Answers) -> np.ndarray:
    """The number of the most probable class of each image."""
    if answers.classes is not None:
        return answers.classes[:, 0].numpy()
    return answers.probabilities.numpy().argmax(1)


class CSVRows:
    """Comma-separated values in UTF-8, with a first line of the columns' names."""

    def __init__(self, file: BinaryIO, classes: Sequence[str], *, top: int) -> None:
        self.text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self.rows = csv.writer(self.text, lineterminator="\n")
        self.classes, self.width = classes, len(columns(classes, top=top))
        self.rows.writerow(columns(classes, top=top))

    def add(self, items: Sequence[Item], answers: Answers) -> None:
        first, values = ranked(answers).tolist(), answers.probabilities.tolist()
        others = None if answers.classes is None else answers.classes.tolist()
        for number, item in enumerate(items):
            name = one_line(item.name)
            if number in answers.errors:
                self.rows.writerow([name, "", "", answers.errors[number], *[""] * (self.width - 4)])
                continue
            chances = [f"{each:.7g}" for each in values[number]]
            if others is None:
                self.rows.writerow([name, self.classes[first[number]], chances[first[number]], "", *chances])
                continue
            row = [name, self.classes[first[number]], chances[0], ""]
            for label, chance in zip(others[number][1:], chances[1:], strict=True):
                row += [self.classes[label], chance]
            self.rows.writerow(row)

    def close(self) -> None:
        self.text.flush()
        self.text.detach()


class JSONRows:
    """A JSON object a line, with the members of `striate predict --json`; an image that is not read has `error`."""

    def __init__(self, file: BinaryIO, classes: Sequence[str]) -> None:
        self.file, self.classes = file, classes

    def add(self, items: Sequence[Item], answers: Answers) -> None:
        first, values = ranked(answers).tolist(), answers.probabilities.tolist()
        everything = list(range(len(self.classes)))
        others = None if answers.classes is None else answers.classes.tolist()
        for number, item in enumerate(items):
            row: dict[str, Any] = {"image": one_line(item.name)}
            if number in answers.errors:
                row |= {"error": answers.errors[number]}
            else:
                labels = everything if others is None else others[number]
                chances = [float(f"{each:.7g}") for each in values[number]]
                row |= {"class": self.classes[first[number]], "probability": max(chances)}
                row["probabilities"] = {
                    self.classes[label]: chance for label, chance in zip(labels, chances, strict=True)
                }
            self.file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        pass


class ParquetRows:
    """A Parquet file with the columns of the CSV; probabilities are float32, and null where an image is not read."""

    def __init__(self, file: BinaryIO, classes: Sequence[str], *, top: int) -> None:
        self.arrow: Any = importlib.import_module("pyarrow")
        text, number = self.arrow.string(), self.arrow.float32()
        kinds = {
            name: number if name.startswith(("probability", OF_CLASS)) else text for name in columns(classes, top=top)
        }
        self.schema = self.arrow.schema(list(kinds.items()))
        self.rows = importlib.import_module("pyarrow.parquet").ParquetWriter(file, self.schema)
        self.classes = np.array([*classes], dtype=object)
        self.held: list[Any] = []

    def add(self, items: Sequence[Item], answers: Answers) -> None:
        bad = np.zeros(len(items), dtype=bool)
        bad[list(answers.errors)] = True
        values, first = answers.probabilities.numpy(), ranked(answers)
        reasons = [answers.errors.get(number) for number in range(len(items))]
        parts: list[Any] = [[one_line(item.name) for item in items], self.classes[first]]
        if answers.classes is None:
            parts += [values[np.arange(len(items)), first], reasons, *values.T]
        else:
            parts += [values[:, 0], reasons]
            labels = answers.classes.numpy()
            for rank in range(1, values.shape[1]):
                parts += [self.classes[labels[:, rank]], values[:, rank]]
        masks = [None if place in (0, 3) else bad for place in range(len(parts))]
        arrays = [
            self.arrow.array(part, type=field.type, mask=mask)
            for part, field, mask in zip(parts, self.schema, masks, strict=True)
        ]
        self.held.append(self.arrow.Table.from_arrays(arrays, schema=self.schema))
        if sum(table.nbytes for table in self.held) > GROUP_BYTES:
            self._write()

    def close(self) -> None:
        self._write()
        self.rows.close()

    def _write(self) -> None:
        if self.held:
            self.rows.write_table(self.arrow.concat_tables(self.held).combine_chunks())
            self.held = []
