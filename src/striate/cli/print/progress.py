"""The progress of a training: a live bar on a terminal, one line per epoch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from striate.data import telling
from striate.description.labels import one_line
from striate.train.diagnose import Finding
from striate.train.loop import Batch, Epoch
from striate.train.run import Run
from striate.train.session import Event, Finished, Interrupted
from striate.wording import percent


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Show a spinner on a terminal during a long operation, such as reading images; elsewhere nothing.

    Where images are decoded it also shows the share that is done.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    named = escape(one_line(what))
    status = Console(stderr=True).status(f"{named} ...")
    with status, telling(lambda part, share: status.update(f"{named}: {part.lower()} ... {share:.0%}")):
        yield


@contextmanager
def stages() -> Iterator[Callable[[str, float], None]]:
    """Show on a terminal which stage of a long operation it is in, and its share that is done; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _, __: None
        return
    with Console(stderr=True).status("...") as status:
        yield lambda what, share: status.update(f"{escape(one_line(what))} ... {f'{share:.0%}' if share else ''}")


class Lines:
    """Prints one line per epoch, for files and pipes; if quiet, only warnings."""

    def __init__(self, run: Run, *, quiet: bool) -> None:
        self.run = run
        self.quiet = quiet

    def show(self, event: Event) -> None:
        """Print the line of an event."""
        match event:
            case Epoch() if not self.quiet:
                click.echo(epoch_line(event, self.run.recipe.epochs))
            case Finding():
                click.echo(f"Warning: {event}", err=True)
            case Finished() if not self.quiet:
                click.echo(finished_line(event))
            case _:
                pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass


class LiveBar:
    """A bar with rate, loss, accuracy and the time left; epochs stay as lines above it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = None
        self.loss = self.accuracy = 0.0

    def show(self, event: Event) -> None:
        """Move the bar, or print a line above it."""
        match event:
            case Batch():
                self._move(event)
            case Epoch():
                self.progress.console.print(epoch_line(event, self.run.recipe.epochs), highlight=False, markup=False)
            case Finding():
                self.progress.console.print(f"[yellow]Warning:[/] {escape(str(event))}", highlight=False)
            case Finished():
                self.progress.console.print(finished_line(event), highlight=False, markup=False)
            case Interrupted():
                pass

    def _move(self, batch: Batch) -> None:
        epochs = self.run.recipe.epochs
        done = batch.epoch * batch.batches + batch.batch
        if self.task is None:
            self.task = self.progress.add_task(
                "", total=epochs * batch.batches, completed=done, epoch=1, epochs=epochs, figures=""
            )
            self.loss, self.accuracy = batch.loss, batch.accuracy
        self.loss += 0.05 * (batch.loss - self.loss)
        self.accuracy += 0.05 * (batch.accuracy - self.accuracy)
        speed = self.progress.tasks[0].speed
        images = min(self.run.recipe.batch, self.run.data.train_images)
        rate = f"{speed * images:,.0f} images/s" if speed else ""
        figures = f"{rate}  loss {self.loss:.3f}  accuracy {percent(self.accuracy, 1)}"
        self.progress.update(self.task, completed=done, epoch=batch.epoch + 1, figures=figures)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.progress.stop()


def epoch_line(epoch: Epoch, epochs: int) -> str:
    """An epoch in one line; for uneven classes with the balanced accuracy, which chooses the best epoch."""
    balanced = "" if epoch.balanced_accuracy is None else f"balanced {percent(epoch.balanced_accuracy):>7}  "
    return (
        f"epoch {epoch.epoch:>{len(str(epochs))}}/{epochs}  loss {epoch.loss:8.4f}  "
        f"validation {percent(epoch.accuracy):>7}  {balanced}{epoch.seconds:5.1f} s  "
        f"{epoch.images_per_second:7,.0f} images/s"
    )


def finished_line(event: Finished) -> str:
    """The end of a training in one line."""
    found = percent(event.accuracy)
    if event.balanced_accuracy is not None:
        found = f"balanced accuracy {percent(event.balanced_accuracy)}, accuracy {found}"
    return f"Finished: {event.why}. Best on the validation images: {found}, epoch {event.epoch}."
