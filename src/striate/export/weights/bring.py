"""A run from a file of weights of torchvision or timm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import floor
from pathlib import Path
from typing import Any, cast

from striate.data import Preprocessing
from striate.description.labels import one_line
from striate.description.network import Network
from striate.errors import FormatError, WeightsError
from striate.export.weights.matching import matched
from striate.export.weights.named import classes_of
from striate.export.weights.reading import WeightsFile, read_weights, small_json
from striate.export.weights.tables import PUBLISHED, table
from striate.export.weights.theirs import LibraryPreprocessing, Theirs
from striate.networks import entry_of
from striate.train.imported import ClassifierSettings, create_imported
from striate.train.run import Run, require_free

NEUTRAL = {"num_classes", "in_chans", "drop_rate", "drop_path_rate"}
"""The arguments in a config.json of timm that change no layer but the last one, or that the weights show."""
PREPROCESSING = "preprocessing"
"""The text of safetensors that has the preprocessing, where Striate wrote the file."""


@dataclass(frozen=True)
class Brought:
    """A run that was made: the library's `model`, the names left out, and where its preprocessing is from."""

    run: Run
    model: str
    tensors: int
    left_out: tuple[str, ...]
    way_from: str


def bring(
    network: Network,
    file: Path,
    *,
    library: str,
    folder: Path,
    classes: Path | None = None,
    shorter: int | None = None,
) -> Brought:
    """Make a run in `folder` from weights of `library` for a network of the catalogue.

    The network gets as many classes as the file has; their names are in a file `classes`, where one is given. Its
    preprocessing is the library's: of the model, or what a config.json beside a file of timm says; `shorter` is the
    number of pixels that the shorter side gets instead. Raises WeightsError where the file cannot be read, or is for
    another network, and what `create_imported` raises.
    """
    require_free(folder)
    if entry_of(network) is None:
        raise WeightsError(
            f"{network.name} is not a network of the catalogue.",
            "The tables of names are for those.",
            "Name one: striate list.",
        )
    theirs = table(network.name, library)
    read = read_weights(file)
    config = _config(theirs, file)
    way, source = _way(theirs, read, config)
    own = _own_preprocessing(read)
    side = own.shape[1] if own else way.side
    try:
        found = matched(theirs, read.tensors, side=side)
    except WeightsError as error:
        raise error.at(one_line(str(file))) from None
    preprocessing = own or way.preprocessing()
    if own:
        source = "what the file says"
    if shorter is not None:
        preprocessing, source = replace(preprocessing, fit="crop", shorter=shorter), f"{source}, and --shorter"
    if preprocessing.shape != found.network.input:
        raise WeightsError(
            f"is for images of {preprocessing.shape}, and {network.name} takes {found.network.input}.",
            "Both must be of one size.",
            where=str(file),
        )
    names = classes_of(read, found.classes, given=classes, config=config)
    origin = {"file": one_line(str(file)), "library": library, "model": theirs.model, "sha256": read.digest()}
    run = create_imported(
        folder, found.network, found.tensors, answers=ClassifierSettings(preprocessing, names), origin=origin
    )
    return Brought(run, theirs.model, len(found.tensors), found.left_out, source)


def _own_preprocessing(file: WeightsFile) -> Preprocessing | None:
    """The preprocessing that Striate wrote into a file."""
    text = file.others.get(PREPROCESSING)
    if not isinstance(text, str) or file.others.get("written_by") != "striate":
        return None
    try:
        return Preprocessing.from_dict(json.loads(text))
    except (FormatError, ValueError, RecursionError) as problem:
        raise WeightsError(f"its preprocessing cannot be read: {problem}", where=str(file.path)) from None


def _way(theirs: Theirs, file: WeightsFile, config: Mapping[str, Any]) -> tuple[LibraryPreprocessing, str]:
    """The library's preprocessing of the file, and where it is from, in words."""
    if config:
        return _of_config(config, file.path), "config.json beside the file"
    if theirs.package == "torchvision":
        digits = file.digest()[:8]
        for known, (model, name, shorter) in PUBLISHED.items():
            if model == theirs.model and (known == digits or f"-{known}" in file.path.name):
                return replace(theirs.way, shorter=shorter), f"that of torchvision's {name}"
    return theirs.way, f"{theirs.package}'s for {theirs.model}"


def _config(theirs: Theirs, file: Path) -> dict[str, Any]:
    """timm's config.json beside a file; empty where there is none. Raises WeightsError for another model's."""
    beside = file.with_name("config.json")
    if theirs.package != "timm" or not beside.is_file():
        return {}
    found = small_json(beside, "timm's config.json")
    if not isinstance(found, dict) or "architecture" not in found:
        return {}
    members = cast("dict[str, Any]", found)
    if members["architecture"] != theirs.model:
        name = one_line(str(members["architecture"]))[:80]
        raise WeightsError(
            f"is of {name}, not of {theirs.model}, which {theirs.network} takes.",
            "With the same names and shapes, padding and batch norm may be others.",
            f"Give the file of {theirs.model}.",
            where=str(beside),
        )
    given = members.get("model_args")
    if isinstance(given, dict) and (others := sorted(set(cast("dict[str, Any]", given)) - NEUTRAL)):
        raise WeightsError(
            f"is of {theirs.model} made with {one_line(', '.join(others))[:80]}.",
            "With the same names and shapes, its layers may be others.",
            f"Give the file of {theirs.model} as timm makes it without arguments.",
            where=str(beside),
        )
    return members


def _of_config(config: Mapping[str, Any], path: Path) -> LibraryPreprocessing:
    """The preprocessing that timm's `create_transform` makes for evaluation from a config.json."""
    own = config.get("pretrained_cfg", config)
    try:
        channels, height, width = own["input_size"]
        share, how, mode = own["crop_pct"], own["interpolation"], own.get("crop_mode", "center")
        mean, std = ([float(each) for each in own[name]] for name in ("mean", "std"))
        if (channels, len(mean), len(std)) != (3, 3, 3) or height != width or not 0 < share <= 1 or 0 in std:
            raise ValueError("it is not for square images of three channels")
        if mode != "center" or how not in ("bilinear", "bicubic"):
            raise ValueError(f"Striate knows no crop {mode!r} with {how!r} interpolation")
        return LibraryPreprocessing(floor(height / share), how, tuple(mean), tuple(std), side=int(height))
    except (KeyError, TypeError, ValueError, OverflowError) as problem:
        raise WeightsError(
            f"its preprocessing cannot be taken: {one_line(str(problem))}.",
            "It has input_size, crop_pct, interpolation, mean and std.",
            "Move it away to take timm's default for the model.",
            where=str(path.with_name("config.json")),
        ) from None
