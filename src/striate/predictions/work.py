"""A job done part by part, in this process or by a cluster, and its parts brought into one file."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from striate.data.workers import in_order
from striate.description.labels import one_line
from striate.errors import RunError
from striate.files import write_whole
from striate.predictions.answers import encoded, read_answers
from striate.predictions.job import WRITTEN, Job, JobRequest, kept_in, opened, remove, taken
from striate.predictions.listing import Pending
from striate.predictions.rows import ranked, require_format, writer_for

NAMED = 5
"""The most unreadable images that a summary names."""

AnswerParts = Callable[[Job, list[int]], Generator[tuple[int, bytes]]]
"""Answers the images of parts: gives each part's number with its answers, encoded, in any order."""
Tell = Callable[[int, int], None]
"""Takes the number of images that are done, and that of all."""


@dataclass(frozen=True)
class Summary:
    """A finished job: the images by class, the unreadable ones (the first few by name, with the reason), and the
    manner.

    `before` is the number of images that an earlier start of the job had done; `seconds` are those of this one.
    """

    file: Path
    images: int
    classes: dict[str, int]
    unreadable: int
    named: list[tuple[str, str]]
    before: int
    seconds: float
    kernels: str
    threads: int


@dataclass
class _Counts:
    classes: Counter[int] = field(default_factory=Counter[int])
    unreadable: int = 0
    named: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def predict_all(
    request: JobRequest, *, by: AnswerParts | None = None, tell: Tell = lambda done, images: None
) -> Summary:
    """Classify all images of a job into its file, which appears as a whole once all are done.

    Parts that are done are kept beside the file, so that a job that ended in any way is continued by the same call:
    each image is in the file exactly once. `by` answers; by default this process does. Raises what `opened` raises, and
    OutputError or RequirementError for the file's format.
    """
    require_format(request.file)
    begun = time.perf_counter()
    with opened(request) as job:
        pending = job.pending()
        images, left = job.listed.count, sum(map(job.listed.size, pending))
        before = images - left
        tell(images - left, images)
        if pending:
            with closing((by or answered_here)(job, pending)) as answered:
                for part, answers in answered:
                    with kept_in(job.folder):
                        write_whole(job.part(part), answers)
                    left -= job.listed.size(part)
                    tell(images - left, images)
        counts = _finish(job)
        remove(job)
    names = request.run.classes
    return Summary(
        request.file,
        images,
        {name: counts.classes[number] for number, name in enumerate(names)},
        counts.unreadable,
        counts.named,
        before,
        time.perf_counter() - begun,
        job.manner.kernels,
        job.manner.threads,
    )


def answered_here(job: Job, parts: list[int]) -> Generator[tuple[int, bytes]]:
    """The answers to the images of parts, by this process: threads decode ahead across the parts' borders."""
    answerer = job.answerer()
    portions = -(-answerer.batch // 16) + 1
    with closing(in_order(answerer.pixels, Pending(job.listed, parts), portions=portions)) as images:
        for part in parts:
            yield part, encoded(answerer.answers(islice(images, job.listed.size(part))))


def _finish(job: Job) -> _Counts:
    """Write the file from all parts, in the list's order. Raises RunError where a part is damaged, and drops it."""
    counts, file = _Counts(), job.request.file
    classes, top = job.request.run.classes, job.manner.top
    with _whole(file, job.folder) as stream:
        rows = writer_for(file.suffix, stream, classes, top=top)
        for part in range(job.listed.parts):
            items = job.listed.part(part)
            try:
                answers = read_answers(job.part(part), images=len(items), classes=len(classes), top=top)
            except RunError as error:
                job.part(part).unlink(missing_ok=True)
                remedy = "It is removed: give the same command again, and its images are answered anew."
                raise RunError(error.what, error.expected, remedy) from None
            rows.add(items, answers)
            read = np.ones(len(items), dtype=bool)
            read[list(answers.errors)] = False
            counts.classes.update(ranked(answers)[read].tolist())
            counts.unreadable += len(answers.errors)
            for number, reason in islice(sorted(answers.errors.items()), NAMED - len(counts.named)):
                counts.named.append((one_line(items[number].name), reason))
        rows.close()
    return counts


@contextmanager
def _whole(file: Path, folder: Path) -> Iterator[BinaryIO]:
    """Context with a stream to a file that appears when all is written; until then it lies in the job's folder."""
    partial = folder / f"whole{file.suffix}"
    with kept_in(folder):
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if os.path.lexists(file) and not (folder / WRITTEN).exists():
            raise taken(file)
        write_whole(folder / WRITTEN, "")
        partial.replace(file)
