"""Trains a network on arrays, in one call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from striate.data import ImageSet, labels_of
from striate.data.arrays import Layout, Span, checked_span
from striate.description.network import Network, plan
from striate.description.shapes import show
from striate.errors import DataError, ShapeError, quote
from striate.fitted.defaults import for_few, network_for
from striate.fitted.fitted import Fitted
from striate.fitted.inputs import learned_pixels
from striate.fitted.kept import TemporaryRun
from striate.networks.given import network_of
from striate.train import Epoch, Recipe, session
from striate.train.diagnose import Finding
from striate.train.kernel_choice import with_kernels
from striate.train.machine import tiny_is_zero
from striate.train.recipe import recipe_from_dict
from striate.train.recipes import find_recipe, recipe_for
from striate.train.run import Run
from striate.train.session import Interrupted
from striate.train.whitening import with_whitening

_SETTLED: dict[tuple[Network, Recipe, int, int], tuple[str, int]] = {}
"""The kernels and threads that were measured in this process, so that a second call gives the same weights."""


def fit(  # noqa: PLR0913 - one call, as other libraries have it
    network: Network | str | None,
    images: object,
    labels: object,
    *,
    epochs: int | None = None,
    seed: int | None = None,
    recipe: Recipe | str | Mapping[str, Any] | None = None,
    layout: Layout | None = None,
    span: Span | None = None,
    device: str = "auto",
    on_epoch: Callable[[Epoch], object] | None = None,
) -> Fitted:
    """The network, trained on these images: see `striate.fit`."""
    span = None if span is None else checked_span(span)
    epochs, seed = (None if each is None else _whole(each) for each in (epochs, seed))
    known = labels_of(labels)
    pixels = learned_pixels(images, layout=layout, span=span)
    if len(known.numbers) != len(pixels):
        raise DataError(
            f"there are {len(pixels):,} images and {len(known.numbers):,} labels.", "Each image has one label."
        )
    if len(known.names) < 2:
        one = f"all of one class, {known.names[0]!r}" if known.names else "none"
        raise DataError(f"the labels are {one}.", "A network learns to tell two classes apart, or more.")
    given = ImageSet(pixels, known.numbers, known.names, "arrays", "train", "picture")
    shape = (pixels.shape[1], pixels.shape[2], pixels.shape[3])
    chosen = network_for(shape, len(known.names)) if network is None else network_of(network)
    _require_outputs(chosen, known.names)
    settings = for_few(_recipe(chosen, None), len(pixels)) if recipe is None else _recipe(chosen, recipe)
    settings = replace(
        settings,
        seed=settings.seed if seed is None else seed,
        epochs=settings.epochs if epochs is None else epochs,
    )
    chosen = with_whitening(chosen, settings.whiten)
    source = session.Images("", given=given, span=span, labels=known.kind)
    held = TemporaryRun()
    try:
        with _settings_kept(), tiny_is_zero():
            unsettled, split = session.unsettled(chosen, source, settings, folder=Path(held.name, "run"), device=device)
            run = _settled(unsettled)
            _train(session.start(run, split), on_epoch)
        return Fitted(run, values=known.values, validation=split.validation, held=held)
    except BaseException:
        held.cleanup()
        raise


def _whole(number: int) -> int:
    """A whole number of NumPy's, as its ranges give them, as one of Python's; all else as it is."""
    return int(number) if isinstance(number, np.integer) else number


def _train(events: Generator[session.Event], on_epoch: Callable[[Epoch], object] | None) -> None:
    with closing(events):  # what is raised here must not keep the training's signal handlers and its lock
        for event in events:
            if isinstance(event, Interrupted):
                raise KeyboardInterrupt
            if isinstance(event, Finding):
                warnings.warn(f"{event.what} {event.cause} {event.remedy}", stacklevel=4)
            if isinstance(event, Epoch) and on_epoch is not None:
                on_epoch(event)


def _recipe(network: Network, recipe: Recipe | str | Mapping[str, Any] | None) -> Recipe:
    match recipe:
        case None:
            return recipe_for(network)
        case str():
            return find_recipe(recipe)
        case Recipe():
            return recipe
        case Mapping():
            own, numbers = recipe_for(network).to_dict(), dict(recipe)
            if isinstance(changes := numbers.get("augmentation"), Mapping):
                kept = own["augmentation"]
                for one, other in (("flip", "alternating_flip"), ("alternating_flip", "flip")):
                    if changes.get(one) is True:
                        kept = kept | {other: False}  # images are mirrored in one of the two ways
                numbers["augmentation"] = kept | dict(changes)
            return recipe_from_dict(own | numbers)
        case _:
            raise DataError(
                f"recipe is {quote(recipe)}.",
                "It is a Recipe, the name of one, or numbers that differ from the network's own.",
                'Such as recipe={"rate": 0.01}.',
            )


def _settled(run: Run) -> Run:
    """The run on the kernels that are fastest here; measured once for a network, a recipe, a number of images
    and PyTorch's number of threads."""
    batch, most = min(run.recipe.batch, run.data.train_images), torch.get_num_threads()
    key = run.network, replace(run.recipe, seed=0, epochs=1), batch, most
    if run.device != "cpu":
        return with_kernels(run)
    if key not in _SETTLED:
        measured = with_kernels(run)
        _SETTLED[key] = measured.kernels, measured.threads
        return measured
    kernels, threads = _SETTLED[key]
    return replace(run, kernels=kernels, threads=threads, most_threads=most)


def _require_outputs(network: Network, names: tuple[str, ...]) -> None:
    output = plan(network).output
    if output != (len(names),):
        raise ShapeError(
            f"{network.name} has an output of {show(output)} for {len(names)} classes.",
            f"The labels are: {', '.join(names[:12])}{', ...' if names[12:] else ''}.",
            f"striate.with_classes(network, {len(names)}) is the same network with so many outputs.",
        )


@contextmanager
def _settings_kept() -> Iterator[None]:
    """Context of 32-bit floats, after which PyTorch's type, random numbers and threads are the caller's again."""
    threads, kind = torch.get_num_threads(), torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float32)
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(kind)
