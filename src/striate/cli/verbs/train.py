"""striate train: from a network and images to a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.parameters import NETWORK, RUN, SIZE, KernelsType
from striate.description.labels import lines, one_line
from striate.description.network import Network
from striate.execution.names import KERNELS, MOST_THREADS
from striate.wording import counted

if TYPE_CHECKING:
    from striate.train.recipe import Recipe
    from striate.train.run import Run
    from striate.train.session import Event


@click.command(
    "train",
    epilog="\b\nExamples:\n"
    "  striate train lenet5                              on the digits that come with Striate\n"
    "  striate train lenet5-dense --until 0.99           stop at 99 % of the validation images\n"
    "  striate train lenet5 --recipe lenet5-best         the same 60,000 parameters, with what is known today\n"
    "  striate train simple-cnn --data photos --resize 28x28 --adapt\n"
    "  striate train --resume runs/lenet5                go on after Ctrl-C, a crash or a power cut",
)
@click.argument("network", type=NETWORK, required=False)
@click.option(
    "--data",
    help="mnist, mnist-lines, a folder of IDX files, or a folder of images: split/class/*.png or class/*.png. "
    "By default the network's own: mnist, or mnist-lines for lenet5-reader.",
)
@click.option("--recipe", "recipe_name", help="A recipe's name or JSON file. By default the network's own.")
@click.option("--epochs", type=click.IntRange(1, 10**9), help="Passes over the training images.")
@click.option(
    "--until",
    type=click.FloatRange(0, 1, min_open=True),
    help="Stop at this validation accuracy, e.g. 0.99; where classes are uneven, at this balanced accuracy.",
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="The highest learning rate.")
@click.option("--batch", type=click.IntRange(1, 10**9), help="Images a step.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of weights, order and augmentation.")
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder. By default runs/NETWORK.")
@click.option("--resume", "resumed", type=RUN, help="Go on with the run in this folder.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, mps.")
@click.option("--threads", type=click.IntRange(1, MOST_THREADS), help="CPU threads. By default as many as are fastest.")
@click.option(
    "--kernels",
    type=KernelsType(["auto", *KERNELS]),
    default="auto",
    show_default=True,
    help="What trains: Striate's engine, its operators layer by layer, or PyTorch; auto measures which is fastest.",
)
@click.option("--resize", type=SIZE, help="Bring images of a folder to one size, such as 28x28 or 28, first.")
@click.option("--adapt", is_flag=True, help="Fit the network's last layer to the number of classes.")
@click.option("--skip-unreadable", is_flag=True, help="Leave out images that cannot be read, and list them.")
@click.option("--profile", is_flag=True, help="Print where an epoch's time went.")
@click.option("--quiet", is_flag=True, help="Print nothing but the run's folder.")
def command(
    network: Network | None,
    data: str | None,
    recipe_name: str | None,
    epochs: int | None,
    until: float | None,
    rate: float | None,
    batch: int | None,
    seed: int | None,
    out: Path | None,
    resumed: Path | None,
    device: str,
    threads: int | None,
    kernels: str,
    resize: tuple[int, int] | None,
    adapt: bool,
    skip_unreadable: bool,
    profile: bool,
    quiet: bool,
) -> None:
    """Train NETWORK and keep everything in a run's folder.

    Of the folder of a run, NETWORK is its network, which begins anew in a folder of its own; to go on, --resume it.
    Training never sees the test images: a part of the training images is held out to choose the best epoch by.
    Ctrl-C saves and says how to go on; a run that was killed goes on from its last checkpoint with --resume, to the
    same weights, bit for bit.
    """
    given = {"epochs": epochs, "until": until, "rate": rate, "batch": batch, "seed": seed}
    if resumed is not None:
        _refuse_beside_resume(network, out, recipe_name, given | {"adapt": adapt or None})
    elif network is None:
        raise click.UsageError("Give a NETWORK to train, such as lenet5, or --resume RUN.")

    from striate.cli.print.progress import working
    from striate.errors import DataError
    from striate.networks import data_for
    from striate.networks.adapt import adapted
    from striate.train import session
    from striate.train.machine import tiny_is_zero
    from striate.train.recipes import find_recipe, recipe_for
    from striate.train.run import free_folder, open_run

    # A processor takes a hundred times as long for numbers below 1.2e-38, which a training's last epochs are full of.
    click.get_current_context().with_resource(tiny_is_zero())
    if resumed is not None:
        run = open_run(resumed)
        with working(f"Reading the images of {run.data.source}", quiet=quiet):
            split = session.reload(run)
        events = session.resume(run, split)
    elif network is not None:
        recipe = find_recipe(recipe_name) if recipe_name else recipe_for(network)
        recipe = replace(recipe, **{key: value for key, value in given.items() if value is not None})
        data = data or data_for(network)
        images = session.Images(data, resize, skip_unreadable)
        folder = out or free_folder(network.name)
        try:
            with working(f"Reading the images of {data}", quiet=quiet):
                if adapt:
                    network = adapted(network, images.load("train", wanted=network.input[1:]).classes)
                run, split = session.prepare(network, images, recipe, folder=folder, device=device, threads=threads)
        except DataError as error:
            raise error.at(data) from None
        if kernels != "auto":
            run = session.settle(run, kernels=kernels, threads=threads)
        events = session.start(run, split)
        if not quiet:
            _print_plan(run, recipe)
    else:
        return
    _show(run, events, quiet=quiet)
    if profile:
        _print_profile(run)


def _refuse_beside_resume(
    network: Network | None, out: Path | None, recipe: str | None, given: Mapping[str, int | float | None]
) -> None:
    options = {"recipe": recipe, "out": out, **given}
    extra = [f"--{key}" for key, value in options.items() if value is not None]
    if network is not None:
        extra.insert(0, "NETWORK")
    if extra:
        raise click.UsageError(f"--resume takes everything from the run; leave out {', '.join(extra)}.")


def _print_plan(run: Run, recipe: Recipe) -> None:
    from striate.accounting import account

    totals = account(run.network).totals
    data = run.data
    click.echo(f"{run.network.name}: {counted(totals.parameters, 'parameter')}, {counted(totals.macs, 'MAC')} an image")
    click.echo(
        f"{one_line(data.source)}: {counted(data.train_images, 'image')} to learn from, "
        f"{data.validation_images:,} to choose by, {counted(len(data.classes), 'class')}"
    )
    if data.unreadable:
        count = len(data.unreadable)
        these = "it is" if count == 1 else "they are"
        click.echo(f"Left out {counted(count, 'image')} that cannot be read; {these} listed in run.json.")
    click.echo(
        f"recipe: {counted(recipe.epochs, 'epoch')}, batches of {recipe.batch}, {recipe.optimiser} at {recipe.rate:g} "
        f"({recipe.schedule}), loss {recipe.loss}, seed {recipe.seed}; {counted(run.threads, 'thread')} on "
        f"{run.device}, {KERNELS[run.kernels]}"
    )
    if not recipe.augmentation.is_none:
        click.echo(f"images change each time: {recipe.augmentation.words}")
    if recipe.average:
        click.echo(
            "what is judged and kept: the mean of the weights over the last "
            + counted(round(1 / (1 - recipe.average)), "step")
        )


def _print_profile(run: Run) -> None:
    last = run.events("profile")[-1:]
    for event in last:
        seconds: dict[str, float] = event["seconds"]
        width = max(map(len, seconds), default=0)
        click.echo(f"Where the {event['epoch']}. epoch's time went (of the first thread, inside a step):")
        for what, spent in sorted(seconds.items(), key=lambda each: -each[1]):
            if spent >= 0.0005:
                click.echo(f"  {what:{width}} {spent:7.3f} s  {'▇' * round(40 * spent / max(seconds.values()))}")


def _show(run: Run, events: Iterator[Event], *, quiet: bool) -> None:
    from striate.cli.print.progress import Lines, LiveBar, working
    from striate.look.report import write_report
    from striate.train.evaluation import evaluate
    from striate.train.session import Interrupted

    display = LiveBar(run) if sys.stderr.isatty() and not quiet else Lines(run, quiet=quiet)
    last = None
    with display:
        for event in events:
            display.show(event)
            last = event
    if isinstance(last, Interrupted):
        click.echo(lines(f"\nStopped and saved. Go on with:\n  striate train --resume {run.folder}"), err=True)
        sys.exit(130)
    with working("Writing the report", quiet=quiet):
        write_report(run, *evaluate(run, split="validation"))
    if quiet:
        click.echo(os.fsencode(run.folder))
    else:
        done = f"run: {run.folder}\nreport: {run.path('report.html')}\nNext: striate evaluate {run.folder}"
        click.echo(lines(done))
