"""The progress of a pass of `striate reproduce`: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from striate.reproduce.learner import PassProgress


class PassBar:
    """A bar below the table's lines; with `silent` neither is shown."""

    def __init__(self, *, silent: bool) -> None:
        self.silent = silent
        self.progress = Progress(
            TextColumn("pass {task.fields[number]}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} images"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=silent or not sys.stderr.isatty(),
        )
        self.task = self.progress.add_task("", total=1, number=1)

    def move(self, part: PassProgress) -> None:
        """Move the bar."""
        self.progress.update(self.task, completed=part.done, total=part.images, number=part.number)

    def print(self, line: str) -> None:
        """Print a line of the table."""
        if self.silent:
            return
        if self.progress.disable:
            click.echo(line)
        else:
            self.progress.console.print(line, highlight=False, markup=False)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.progress.stop()
