"""Lines about a job of predictions: how far it is, and what it found."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

from striate.description.labels import one_line
from striate.execution.choice import Choice
from striate.predictions.rows import columns
from striate.predictions.work import Summary, Tell
from striate.wording import cells, counted, padded, percent

EVERY = 60.0
"""Seconds between two lines of progress where standard error is no terminal."""
SHOWN = 12
"""The most classes whose images are counted in lines of their own."""


@contextmanager
def counting() -> Iterator[Tell]:
    """Show on standard error how many images are done: in one line on a terminal, elsewhere a line a minute."""
    begun = time.monotonic()
    first: list[int] = []

    def words(done: int, images: int) -> str:
        first.append(done)
        rate = (done - first[0]) / max(time.monotonic() - begun, 1e-9)
        speed = f", {rate:,.0f} images/s" if done > first[0] else ""
        return f"{done:,} of {counted(images, 'image')}, {percent(done / max(1, images), 0)}{speed}"

    if sys.stderr.isatty():
        with Console(stderr=True).status("Listing the images ...") as status:
            yield lambda done, images: status.update(f"Classifying: {words(done, images)} ...")
        return
    told = begun

    def tell(done: int, images: int) -> None:
        nonlocal told
        text, now = words(done, images), time.monotonic()
        if now - told >= EVERY:
            told = now
            click.echo(text, err=True)

    yield tell


def summary_lines(found: Summary) -> Iterator[str]:
    """The summary of a job, in lines."""
    file, read = one_line(str(found.file)), found.images - found.unreadable
    before = f", {found.before:,} of them before this start" if found.before else ""
    yield f"{file}: {counted(found.images, 'image')}{before}"
    ranked = [each for each in sorted(found.classes.items(), key=lambda item: -item[1]) if each[1]]
    width = max((cells(name) for name, _ in ranked[:SHOWN]), default=0)
    for name, images in ranked[:SHOWN]:
        yield f"  {padded(name, width)}  {images:>{len(f'{found.images:,}')},}  {percent(images / max(1, read), 1):>6}"
    if len(ranked) > SHOWN:
        yield f"  {len(ranked) - SHOWN:,} more classes: {sum(images for _, images in ranked[SHOWN:]):,}"
    if found.unreadable:
        yield f"  not readable: {found.unreadable:,}; their rows have the reason in `error`"
        for name, reason in found.named:
            yield f"    {name}: {reason}"
        if found.unreadable > len(found.named):
            yield f"    and {found.unreadable - len(found.named):,} more"
    rate = (found.images - found.before) / max(found.seconds, 1e-9)
    words = Choice(found.kernels, found.threads).words
    yield f"  answered by {words} in {found.seconds:,.1f} s, {rate:,.0f} images/s with reading and writing"


def summary_members(found: Summary, *, top: int) -> dict[str, Any]:
    """The summary of a job, as JSON."""
    return {
        "file": one_line(str(found.file)),
        "images": found.images,
        "classes": found.classes,
        "unreadable": found.unreadable,
        "unreadable_named": [{"image": name, "error": reason} for name, reason in found.named],
        "images_before": found.before,
        "columns": columns([*found.classes], top=top) if found.file.suffix != ".jsonl" else None,
        "kernels": found.kernels,
        "threads": found.threads,
        "seconds": found.seconds,
    }
