"""A run and its images before a training begins, or is taken up again."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path

import torch

from striate.data import Augmentation, ImageSet, preprocessing_for, require_colours, require_square
from striate.description.labels import is_one_line
from striate.description.network import Network, plan
from striate.errors import DataError, RunError, ShapeError, SpecError, quote
from striate.train.distributed import here
from striate.train.images import Images, images_as
from striate.train.kernel_choice import with_kernels
from striate.train.loop import Split
from striate.train.machine import device_called, environment
from striate.train.recipe import Recipe
from striate.train.run import DataRecord, Run, require_free


def prepare(
    network: Network, images: Images, recipe: Recipe, *, folder: Path, device: str = "auto", threads: int | None = None
) -> tuple[Run, Split]:
    """A new run, not yet on the disk, on the kernels that are fastest here, and its packed images.

    Raises DataError or ShapeError where network and images do not fit, SpecError where recipe and images do not.
    """
    run, split = unsettled(network, images, recipe, folder=folder, device=device, threads=threads)
    return with_kernels(run, threads=threads), split


def unsettled(
    network: Network, images: Images, recipe: Recipe, *, folder: Path, device: str = "auto", threads: int | None = None
) -> tuple[Run, Split]:
    """A new run with `kernels` still "auto", and its packed images. Raises as `prepare`, but nothing is measured."""
    if here().leads:  # it may have made the folder before another process is here
        require_free(folder)
    train_images = images.load("train", wanted=network.input[1:])
    if images.given is None:
        _require_apart(folder, train_images)
    outputs = plan(network).output
    if outputs != (len(train_images.classes),):
        raise ShapeError(
            f"{network.name} has an output of {'×'.join(map(str, outputs))} for {len(train_images.classes)} classes.",
            f"The classes are: {', '.join(train_images.classes[:12])}.",
            "Pass --adapt, which fits the last layer to the classes; or change it in a copy of the network "
            f"(striate show {network.name} --as net > mine.net); or give other images to --data.",
        )
    if images.way:
        preprocessing = replace(images.way, form=train_images.form)
    else:
        preprocessing = preprocessing_for(network.input, train_images, low=recipe.low, high=recipe.high)
    _require_fitting(recipe.augmentation, train_images, preprocessing.shape)
    _require_balance(recipe, train_images)
    split = Split.of(train_images, preprocessing, hold_out_fraction=recipe.hold_out)
    record = DataRecord(
        source="" if images.given is not None else train_images.source,
        classes=train_images.classes,
        resize=images.resize,
        skip_unreadable=images.skip_unreadable,
        unreadable=train_images.unreadable,
        train_images=len(split.train),
        validation_images=len(split.validation),
        train_fingerprint=split.train.fingerprint(),
        validation_fingerprint=split.validation.fingerprint(),
        channels=train_images.images.shape[1],
        stream=images.stream,
        span=images.span,
        labels=images.labels,
    )
    run = Run(
        folder=folder,
        network=network,
        recipe=recipe,
        data=record,
        preprocessing=preprocessing,
        threads=threads or torch.get_num_threads(),
        device=device_called(device),
        environment=environment(),
    )
    return run, split


def _require_apart(folder: Path, images: ImageSet) -> None:
    """Raise DataError or RunError where a run could not name its images, or would be taken for a class of them."""
    if not is_one_line(images.source):
        raise DataError(
            f"the path {quote(images.source)} has letters that are no text.",
            "A run keeps the path of its images.",
            "Rename the folder.",
        )
    place = Path(images.source)
    if images.names and place in folder.resolve().parents and not (place / "train").is_dir():
        raise RunError(
            f"{folder} lies in the folder of its images.",
            "There it would be taken for a class.",
            "Give a folder elsewhere to --out.",
        )


def _require_fitting(augmentation: Augmentation, images: ImageSet, shape: tuple[int, int, int]) -> None:
    """Raise SpecError for an augmentation that would part images from their labels, DataError for one that images of
    the network's `shape` cannot have."""
    symmetries = augmentation.symmetries
    require_colours(augmentation, shape[0])
    if symmetries != "none":
        require_square(*shape[1:])
    if images.form == "board":
        other = replace(augmentation, symmetries="none" if symmetries == "boards" else symmetries)
        if not other.is_none:
            raise SpecError(
                f"the augmentation {other.words} is for pictures, and these are positions of Go.",
                "A position may be shown by the eight symmetries of the board, and the move turns along.",
                'Give the recipe no augmentation but symmetries = "boards".',
            )
    elif symmetries == "boards" and len(images.classes) != prod(images.images.shape[2:]):
        raise SpecError(
            "the augmentation symmetries boards is for labels that are points of a board.",
            f"These images have {len(images.classes):,} classes, and {prod(images.images.shape[2:]):,} points each.",
            'Give the recipe symmetries = "images" or "none".',
        )


def _require_balance(recipe: Recipe, images: ImageSet) -> None:
    """Raise SpecError for weights of classes that are drawn evenly already, or whose labels move."""
    if recipe.class_weights == "none":
        return
    if recipe.sampling == "balanced":
        raise SpecError(
            "class_weights and sampling are both balanced.",
            "Classes that are drawn equally often need no weights: both together favour the rare ones twice.",
            "Leave one of them out.",
        )
    if images.form == "board":
        raise SpecError(
            "class_weights is balanced, and these are positions of Go.",
            "Their classes are the points of the board, which no game plays equally often.",
            "Leave it out.",
        )


def reload(run: Run) -> Split:
    """The packed images of a run that is taken up again. RunError where they are not the same any more."""
    if run.reproduction is not None:
        raise RunError(
            f"{run.folder} was made by striate reproduce.",
            "striate train goes on with its own runs.",
            f"Go on with: striate reproduce --resume {run.folder}",
        )
    if run.single:
        raise RunError(
            f"{run.folder} is one file, and has no position to go on from.",
            "A training goes on in its own folder, from its last checkpoint.",
            f"Go on in that folder, or train the same network anew: striate train {run.folder}.",
        )
    if run.origin is not None:
        raise RunError(
            f"{run.folder} was not trained here: its weights come from {run.origin['file']}.",
            "A training goes on from its own last checkpoint.",
            "Train the same network anew: striate train RUN/network.json.",
        )
    if not run.data.source:
        raise RunError(
            f"{run.folder} was trained on arrays of a program, which it does not keep.",
            "A training goes on with the images that it began with.",
            "Call striate.fit again, with more epochs; or give its weights to a new run: striate train NETWORK --from "
            f"{run.folder}.",
        )
    images = images_as(run, run.data.source, way=run.preprocessing)
    split = Split.of(images.load("train"), run.preprocessing, hold_out_fraction=run.recipe.hold_out)
    seen = (split.train.fingerprint(), split.validation.fingerprint())
    if seen != (run.data.train_fingerprint, run.data.validation_fingerprint):
        raise RunError(
            f"the images of {run.data.source} are not those that this run began with.",
            f"It began with {run.data.train_images:,} + {run.data.validation_images:,} images.",
            "Bring them back as they were, or begin a new run.",
        )
    return split
