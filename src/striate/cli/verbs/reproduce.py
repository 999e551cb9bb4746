"""striate reproduce: trains a network by its paper's method, and prints the paper's figures beside ours."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from striate.cli.parameters import SPOKEN, KernelsType
from striate.description.labels import lines

if TYPE_CHECKING:
    from striate.reproduce.session import Event

WHICH = ("lenet5-1998",)


class Decision(click.ParamType):
    """NAME=VALUE."""

    name = "name=value"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, text = value.partition("=")
        if not equals:
            self.fail(f"{value!r} is not of the form NAME=VALUE, such as loss=eq8.", param, ctx)
        return name.strip(), text.strip()


@click.command(
    "reproduce",
    epilog="\b\nExamples:\n"
    "  striate reproduce lenet5-1998                       20 passes over 60,000 images, one at a time\n"
    "  striate reproduce lenet5-1998 --distorted           with distorted images, as for the paper's 0.8 %\n"
    "  striate reproduce lenet5-1998 --set-size 15000      a point of the paper's figure 6\n"
    "  striate reproduce lenet5-1998 --decide loss=eq8 --hold-out 10000\n"
    "  striate reproduce lenet5-1998 --json > 1998.json\n"
    "  striate reproduce --resume runs/lenet5-1998         resume after Ctrl-C, a crash or a power cut",
)
@click.argument("which", type=click.Choice(WHICH), required=False)
@click.option(
    "--passes", type=click.IntRange(1, 10**6), default=20, show_default=True, help="Passes over the training images."
)
@click.option("--set-size", type=click.IntRange(500, 60_000), help="The number of training images. By default all.")
@click.option("--distorted", is_flag=True, help="Distort nine of ten images, anew each time they are shown.")
@click.option("--pool", is_flag=True, help="With --distorted: make 540,000 distorted images once, as the paper did.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="The seed of weights, order and distortions.",
)
@click.option(
    "--decide",
    "decisions",
    type=Decision(),
    multiple=True,
    help="Change a decision that the paper leaves open: loss, j, scale, subsampling, biases, start; for distortions "
    "shift, size, squeeze, shear.",
)
@click.option(
    "--hold-out", type=click.IntRange(0, 30_000), default=0, help="Evaluate on this many held-out training images."
)
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder. By default runs/lenet5-1998.")
@click.option("--resume", "resumed", type=click.Path(path_type=Path), help="Resume the run in this folder.")
@click.option(
    "--kernels",
    type=KernelsType(["auto", "engine", "torch"]),
    default="auto",
    show_default=True,
    help="The kernels that compute: Striate's, or plain PyTorch's, which are more than ten times slower.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON; errors are fractions.")
@SPOKEN
@click.option("--quiet", is_flag=True, help="Print nothing but the run's folder.")
@click.pass_context
def command(
    context: click.Context,
    which: str | None,
    passes: int,
    set_size: int | None,
    distorted: bool,
    pool: bool,
    seed: int,
    decisions: tuple[tuple[str, str], ...],
    hold_out: int,
    out: Path | None,
    resumed: Path | None,
    kernels: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a network as its paper did: LeNet-5 in 1998, by the stochastic diagonal Levenberg-Marquardt method.

    Before each pass the curvature of every parameter is estimated on 500 images, which gives each parameter its own
    learning rate; then the weights change after every single image. The result is a run as striate train makes them.
    Each pass is saved: Ctrl-C ends the training after the pass, and --resume continues a run that was killed, to the
    same weights, bit for bit.
    """
    if (which is None) == (resumed is None):
        raise click.UsageError("Give the name of a reproduction, such as lenet5-1998, or --resume RUN.")
    if resumed is not None:
        _refuse_beside_resume(context)
    if pool and not distorted:
        raise click.UsageError("--pool needs --distorted: it says how images are distorted.")

    from striate.cli.print.progress import working
    from striate.reproduce import session
    from striate.reproduce.method import ALL, Decisions, Method
    from striate.train.machine import tiny_is_zero
    from striate.train.run import free_folder, open_run

    context.with_resource(tiny_is_zero())
    silent = quiet or as_json
    if resumed is not None:
        run = open_run(resumed)
        with working("Reading the images", quiet=silent):
            sets = session.reload(run)
        events = session.resume(run, sets)
    else:
        method = Method(
            passes=passes,
            images=set_size or ALL - hold_out,
            distorted=("pool" if pool else "fresh") if distorted else "no",
            seed=seed,
            hold_out=hold_out,
            decisions=Decisions().with_texts(dict(decisions)),
        )
        with working("Reading the images", quiet=silent):
            run, sets = session.prepare(method, folder=out or free_folder(str(which)), kernels=kernels)
        events = session.start(run, sets)
    _show(run.folder, events, as_json=as_json, quiet=quiet)


def _refuse_beside_resume(context: click.Context) -> None:
    """Raise UsageError for options that say how a new run is trained."""
    names = {"decisions": "decide"}
    fresh = ("passes", "set_size", "distorted", "pool", "seed", "decisions", "hold_out", "out", "kernels")
    given = [each for each in fresh if context.get_parameter_source(each) is not ParameterSource.DEFAULT]
    if given:
        extra = ", ".join(f"--{names.get(each, each).replace('_', '-')}" for each in given)
        raise click.UsageError(f"--resume takes everything from the run; leave out {extra}.")


def _show(folder: Path, events: Iterator[Event], *, as_json: bool, quiet: bool) -> None:
    from striate.cli.print.passes import PassBar
    from striate.cli.print.progress import working
    from striate.cli.print.rejection import reached_line
    from striate.files import make_folder, write_whole
    from striate.look.report import write_report
    from striate.reproduce import session, table
    from striate.reproduce.figure import curves
    from striate.train.evaluation import evaluate
    from striate.train.rejection import rejection_of
    from striate.train.run import open_run

    run, silent = open_run(folder), quiet or as_json
    method = session.method_of(run)
    if not silent:
        click.echo(f"{table.heading(run)}\n\n{table.columns(method)}")
        for done in session.history_of(run):
            click.echo(table.line(done, method))
    with PassBar(silent=silent) as bar:
        for event in events:
            match event:
                case session.PassProgress():
                    bar.move(event)
                case session.Pass():
                    bar.print(table.line(event, method))
                case session.Finding():
                    click.echo(lines(f"\n{event}\n"), err=True)
                case session.Stopped():
                    go_on = f"Resume with:\n  striate reproduce --resume {folder}"
                    stopped = f"\nStopped after {event.passes} of {method.passes} passes, saved. {go_on}"
                    click.echo(lines(stopped), err=True)
                    sys.exit(130)
    with working("Writing the report", quiet=silent):
        outputs, images = evaluate(run, split="validation" if method.hold_out else "test")
        write_report(open_run(folder), outputs, images)
        make_folder(run.path("pictures"))
        write_whole(run.path("pictures/passes.svg"), curves(session.history_of(run), method))
    if as_json:
        click.echo(json.dumps(table.members(run)))
    elif quiet:
        click.echo(os.fsencode(folder))
    else:
        click.echo(f"\n{table.closing(run)}\n{reached_line(rejection_of(outputs))}")
        done = f"run: {folder}\ncurves: {run.path('pictures/passes.svg')}\nNext: striate evaluate {folder}"
        click.echo(lines(done))
