"""Begins or resumes a training, as the options of `striate train` ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.description.network import Network

if TYPE_CHECKING:
    from striate.data import Preprocessing
    from striate.train.recipe import Recipe
    from striate.train.run import Run
    from striate.train.session import Event


@dataclass(frozen=True)
class Pictures:
    """The images of a new training, as the options of the same names have them."""

    data: str | None
    resize: tuple[int, int] | None
    fit: str | None
    skip_unreadable: bool
    stream: bool


@dataclass(frozen=True)
class NewTraining:
    """A new training, as the options have it. With `adapt`, the last layer gets an output for each class; the weights
    of `source` are taken over where they fit."""

    network: Network
    adapt: bool
    recipe: Recipe
    pictures: Pictures
    source: Path | None
    folder: Path
    device: str
    threads: int | None
    kernels: str


def recipe_of(network: Network, name: str | None, settings: tuple[str, ...], given: Mapping[str, object]) -> Recipe:
    """The recipe of a name, or the network's own, with the values of --set and then those of options."""
    from striate.train.recipe_file import with_settings
    from striate.train.recipes import find_recipe, recipe_for

    recipe = with_settings(find_recipe(name) if name else recipe_for(network), settings)
    return replace(recipe, **{key: value for key, value in given.items() if value is not None})


def begin(new: NewTraining, *, quiet: bool) -> tuple[Run, Iterator[Event]]:
    """The run of a new training, and its events."""
    from striate.cli.print.progress import working
    from striate.cli.print.training import plan_lines
    from striate.errors import DataError
    from striate.networks import data_for
    from striate.networks.adapt import adapted
    from striate.train import session
    from striate.train.kernel_choice import with_kernels
    from striate.train.run import open_run
    from striate.train.transfer import take_over

    network, pictures, threads = new.network, new.pictures, new.threads
    features = open_run(new.source) if new.source is not None else None
    data = pictures.data or data_for(network)
    way = _way(network, new.recipe, pictures.fit, pictures.resize)
    resize = None if way else pictures.resize
    images = session.Images(data, resize, pictures.skip_unreadable, way, pictures.stream)
    try:
        with working(f"Reading the images of {data}", quiet=quiet):
            if new.adapt:
                network = adapted(network, images.load("train", wanted=network.input[1:]).classes)
            run, split = session.prepare(
                network, images, new.recipe, folder=new.folder, device=new.device, threads=threads
            )
    except DataError as error:
        raise error.at(data) from None
    weights = None
    if features is not None:
        run, weights = take_over(run, features, threads=threads)
    if new.kernels != "auto":
        run = with_kernels(run, kernels=new.kernels, threads=threads)
    events = session.start(run, split, weights)  # makes the folder: an error comes before anything is printed
    if not quiet:
        for line in plan_lines(run):
            click.echo(line)
    return run, events


def resume(folder: Path, *, device: str, quiet: bool) -> tuple[Run, Iterator[Event]]:
    """The run in a folder, and the events of the rest of its training.

    `device` is what --device says; a run that was begun on another is refused, for it goes on where it was begun.
    """
    from striate.cli.print.progress import working
    from striate.train import session
    from striate.train.run import open_run

    run = open_run(folder)
    if device not in ("auto", run.device, run.device.partition(":")[0]):
        raise click.UsageError(f"{folder} was begun on {run.device}, and goes on there; leave out --device {device}.")
    with working(f"Reading the images of {run.data.source}", quiet=quiet):
        split = session.reload(run)
    return run, session.resume(run, split)


def _way(network: Network, recipe: Recipe, fit: str | None, resize: tuple[int, int] | None) -> Preprocessing | None:
    """The preprocessing that --fit asks for; None where images are padded or resized, as their size suggests."""
    from striate.data import Preprocessing

    if fit is None:
        return None
    shorter = None
    if fit == "crop":
        height, width = resize or (max(network.input[1:]),) * 2
        if height != width:
            raise click.UsageError(
                f"--fit crop takes one number from --resize, the shorter side, not {height}x{width}."
            )
        shorter = height
    elif resize is not None:
        raise click.UsageError("--fit letterbox brings images to the network's input; leave --resize out.")
    shape = (network.input[0], network.input[1], network.input[2])
    return Preprocessing(shape, fit, low=recipe.low, high=recipe.high, form="picture", shorter=shorter)
