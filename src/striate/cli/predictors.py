"""The predictors of the runs and the untrained networks that `serve` and `page` get as arguments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from striate.description.network import Network
from striate.look.predictor import Predictor
from striate.look.untrained import untrained
from striate.train.run import open_run


def predictors_of(given: Sequence[Path | Network], *, images: int | None = 1, device: str = "cpu") -> list[Predictor]:
    """A predictor for each run, by its folder, and for each network, with random weights. No name may occur twice.

    `images` is the number of images that each will answer; None stands for a server's, without end.
    """
    for at, each in enumerate(given):
        if each in given[:at]:
            raise click.UsageError(f"{each.name if isinstance(each, Network) else each} is named twice.")
    return [
        untrained(each, images=images, device=device)
        if isinstance(each, Network)
        else Predictor(open_run(each), images=images, device=device)
        for each in given
    ]


def names_of(predictors: Sequence[Predictor]) -> str:
    """The names of the networks, each once; untrained networks are marked."""
    names = [each.run.network.name + ("" if each.trained else " (untrained: random weights)") for each in predictors]
    return ", ".join(dict.fromkeys(names))
