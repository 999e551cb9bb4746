"""A predictor of an untrained network, so that it can be served like a trained one."""

from __future__ import annotations

from pathlib import Path

import torch

from striate.data import ImageSet, Preprocessing, preprocessing_for
from striate.description.network import Network, plan
from striate.description.shapes import show
from striate.errors import ShapeError
from striate.look.positions import board_size, move_names
from striate.look.predictor import Predictor
from striate.modules import build
from striate.train.recipes import recipe_for
from striate.train.run import DataRecord, Run

DIGIT = (28, 28)
"""The size of MNIST's digits, which is assumed for drawings on networks for grey images."""


def untrained(network: Network, *, seed: int = 0, images: int | None = 1, device: str = "cpu") -> Predictor:
    """A predictor of a network with random weights, drawn as for the start of its training.

    `images` is how many it will be asked about, and `device` where it runs, as `Predictor` has it. Its classes are the
    ten digits for grey images and ten outputs, the moves for positions of Go, else they are numbered. Raises ShapeError
    where the network takes no image and no position, or does not end in a score for each class.

    >>> from striate import find
    >>> found = untrained(find("lenet5"))
    >>> found.trained, found.run.classes[:3]
    (False, ('0', '1', '2'))
    """
    channels, output, board = network.input[0], plan(network).output, board_size(network)
    if channels not in (1, 3) and board is None:
        raise ShapeError(
            f"{network.name} takes {show(network.input)}, which is no image.",
            "A network that is served takes images of 1 channel (grey) or 3 (colour).",
        )
    if len(output) != 1:
        raise ShapeError(
            f"{network.name} ends in {show(output)}.",
            "A network that is served ends in a vector: a score for each class.",
            "End it in flatten, or global_average, and linear.",
        )
    digits = channels == 1
    recipe = recipe_for(network)
    size = DIGIT if digits else network.input[1:]
    names = (str(each) if digits and output == (10,) else f"class {each}" for each in range(output[0]))
    classes = move_names(board) if board else tuple(names)
    blank = torch.zeros(1, channels, *size, dtype=torch.uint8)
    shown = ImageSet(blank, torch.zeros(1).long(), classes, "none", "train", "digits" if digits else "picture")
    preprocessing = (
        Preprocessing((channels, board, board), "resize", low=recipe.low, high=recipe.high, form="board")
        if board
        else preprocessing_for(network.input, shown, low=recipe.low, high=recipe.high)
    )
    run = Run(
        folder=Path(network.name),
        network=network,
        recipe=recipe,
        data=DataRecord("", classes, None, False, (), 0, 0, "", ""),
        preprocessing=preprocessing,
        threads=1,
        device="cpu",
        environment={},
    )
    drawn = torch.Generator().manual_seed(seed)
    model = build(network, initialisation=recipe.initialisation, generator=drawn).eval()
    return Predictor(run, model=model, images=images, device=device)
