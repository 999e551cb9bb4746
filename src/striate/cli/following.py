"""A training on the terminal, from its first step to its report."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from striate.description.labels import lines

if TYPE_CHECKING:
    from striate.train.run import Run
    from striate.train.session import Event


def follow(run: Run, events: Iterator[Event], *, quiet: bool) -> None:
    """Show a training while it runs, and in the end where its run is; exits with 130 where it was stopped."""
    from striate.cli.print.progress import Lines, LiveBar, working
    from striate.cli.processes import resuming
    from striate.look.report import write_report
    from striate.train.evaluation import evaluate
    from striate.train.session import Interrupted

    display = LiveBar(run) if sys.stderr.isatty() and not quiet else Lines(run, quiet=quiet)
    last = None
    with display:
        for event in events:
            display.show(event)
            last = event
    if run.follows:
        sys.exit(130 if isinstance(last, Interrupted) else 0)
    if isinstance(last, Interrupted):
        click.echo(lines(f"\nStopped and saved. Resume with:\n  {resuming(run.folder)}"), err=True)
        sys.exit(130)
    if run.plays_go:
        _end_of_boards(run, quiet=quiet)
        return
    with working("Writing the report", quiet=quiet):
        write_report(run, *evaluate(run, split="validation"))
    if quiet:
        click.echo(os.fsencode(run.folder))
    else:
        done = f"run: {run.folder}\nreport: {run.path('report.html')}\nNext: {_next(run)}"
        click.echo(lines(done))


def _next(run: Run) -> str:
    return f"striate evaluate {shlex.quote(str(run.folder))}"


def _end_of_boards(run: Run, *, quiet: bool) -> None:
    """Print where the run is, and write its learning curves; a run for Go has no report."""
    from striate.look.report import write_curves

    if quiet:
        click.echo(os.fsencode(run.folder))
        return
    write_curves(run)
    click.echo(lines(f"run: {run.folder}\ncurves: {run.path('pictures/error.svg')}"))
    click.echo(lines(f"Next: {_next(run)}"))
