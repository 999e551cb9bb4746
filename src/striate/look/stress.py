"""Stress: the error of a run when its images are shifted, turned, scaled, squeezed, or have pixels inverted.

Images are distorted on the network's own canvas: after they were padded or resized to it, and before their pixels are
normalised. Ink that leaves the canvas is lost; `in_view` has the share that remains. The LeNet-5 paper (1998, section
III-E) claims, without figures, that such a network tolerates a scale of about a factor of 2, a vertical shift of half a
character's height, a rotation of 30 degrees, and pixels inverted with a probability of 0.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import UInt8
from torch import Tensor

from striate.data import Affine, ImageSet, move
from striate.data.resize import chunks
from striate.execution.inference import answering, choose_for_inference
from striate.modules import placed
from striate.train.metrics import batch_for, run_over
from striate.train.run import Run

MOST = 2000
"""The most images that are distorted, the same ones every time."""
Pixels = UInt8[Tensor, "images channels height width"]


@dataclass(frozen=True, eq=False)
class Sweep:
    """One kind of distortion at ascending `levels`, of which the first changes nothing, in one or more directions.

    `directions` has functions from a level to a distortion; None inverts pixels with the level, in per cent, as
    probability. `claim` is the level up to which the paper claims that digits are recognised; `claimed` names the
    directions, where it is not all.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    claim: float | None
    directions: dict[str, Callable[[float], Affine] | None]
    claimed: str = ""


SWEEPS = (
    Sweep(
        "shift",
        " px",
        (0, 2, 4, 6, 8, 10, 12, 14),
        10,  # half the height of MNIST's digits, which fill a box of 20×20
        {
            "right": lambda level: Affine(right=level),
            "left": lambda level: Affine(right=-level),
            "down": lambda level: Affine(down=level),
            "up": lambda level: Affine(down=-level),
        },
        "down and up",
    ),
    Sweep(
        "rotation",
        "°",
        (0, 10, 20, 30, 40, 50, 60),
        30,
        {
            "clockwise": lambda level: Affine(rotation=level),
            "counter": lambda level: Affine(rotation=-level),
        },
    ),
    Sweep(
        "scale",
        " ×",
        (1, 1.2, 1.4, 1.6, 1.8, 2),
        2,
        {"larger": lambda level: Affine(scale=level), "smaller": lambda level: Affine(scale=1 / level)},
    ),
    Sweep(
        "squeeze",
        " ×",
        (1, 1.2, 1.4, 1.6, 1.8, 2),
        None,  # the paper names no amount
        {"taller": lambda level: Affine(squeeze=level - 1), "wider": lambda level: Affine(squeeze=1 / level - 1)},
    ),
    Sweep("noise", " %", (0, 5, 10, 15, 20, 25, 30, 35, 40), 10, {"inverted": None}),
)


@dataclass(frozen=True, eq=False)
class SweepResult:
    """The results of one sweep for a run, by direction and level.

    `errors` are fractions of the images; `in_view` is the share of the ink that is still on the canvas; `shown` is one
    image after distortion, with the class that the network answers.
    """

    sweep: Sweep
    errors: dict[str, tuple[float, ...]]
    in_view: dict[str, tuple[float, ...]]
    shown: dict[str, tuple[tuple[Tensor, str], ...]]


@dataclass(frozen=True, eq=False)
class Stress:
    """All sweeps on the same `images`, on a canvas of (height, width); `truth` is the class of the image shown.

    The paper's claims apply only where `digits` is true.
    """

    images: int
    canvas: tuple[int, int]
    digits: bool
    truth: str
    sweeps: tuple[SweepResult, ...]


def stress(run: Run, images: ImageSet, *, seed: int = 0, device: str = "cpu", kernels: str = "auto") -> Stress:
    """The results of a run's best weights in every sweep; the same `images` and `seed` give the same results.

    `images` are as they were loaded. Where there are more than MOST, that many are drawn at random.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:MOST]
    chosen = images.subset(order)
    chosen = replace(run.preprocessing.packed(chosen), names=())
    stored = chosen.images[:]
    blank = int(stored[:, :, ::2, ::2].flatten().median())
    model, size = placed(run.model(), device), min(len(chosen), batch_for(run.network))
    runs = answering(model, choose_for_inference(model, batch=size, images=len(chosen), kernels=kernels))

    def answers(pixels: Tensor) -> Tensor:
        shown = replace(chosen, images=pixels, mapped=False)
        return run_over(runs, shown, run.preprocessing, recipe=run.recipe).predicted

    plain = answers(stored)
    ink = (stored.to(torch.int16) - blank).abs().flatten(1).sum(1).double()
    unlike_most = (ink - ink.mean()).abs() + (plain != chosen.labels) * ink.max()
    example = int(unlike_most.argmin())
    found: list[SweepResult] = []
    for sweep in SWEEPS:
        errors: dict[str, tuple[float, ...]] = {}
        in_view: dict[str, tuple[float, ...]] = {}
        shown: dict[str, tuple[tuple[Tensor, str], ...]] = {}
        for direction, make in sweep.directions.items():
            rows: list[tuple[float, float, tuple[Tensor, str]]] = []
            for level in sweep.levels:
                pixels = distorted(stored, make(level) if make else level / 100, blank=blank, seed=seed)
                said = plain if level == sweep.levels[0] else answers(pixels)
                seen = ink_in_view(stored, pixels, make(level), blank=blank) if make else 1.0
                picture = (pixels[example], run.classes[int(said[example])])
                rows.append(((said != chosen.labels).double().mean().item(), seen, picture))
            errors[direction], in_view[direction], shown[direction] = zip(*rows, strict=True)
        found.append(SweepResult(sweep, errors, in_view, shown))
    truth = run.classes[int(chosen.labels[example])]
    height, width = run.preprocessing.shape[1:]
    return Stress(len(chosen), (height, width), images.form == "digits", truth, tuple(found))


def distorted(images: Pixels, change: Affine | float, *, blank: int, seed: int = 0) -> Pixels:
    """The images moved, with `blank` outside of them; or, for a number, with pixels inverted at that probability.

    A larger probability inverts all pixels that a smaller one does, and more.

    >>> pixel = torch.tensor([[[[10, 0, 0]]]], dtype=torch.uint8)
    >>> distorted(pixel, Affine(right=1.0), blank=0), distorted(pixel, 1.0, blank=0)
    (tensor([[[[ 0, 10,  0]]]], dtype=torch.uint8), tensor([[[[245, 255, 255]]]], dtype=torch.uint8))
    """
    generator = torch.Generator().manual_seed(seed)
    out = torch.empty_like(images)
    for part in chunks(len(images), bytes_each=8 * images[:1].numel()):
        if isinstance(change, Affine):
            made = move(images[part].float(), change, fill=float(blank))
            out[part] = made.round_().clamp_(0, 255).to(torch.uint8)
        else:
            drawn = torch.rand(len(images[part]), 1, *images.shape[2:], generator=generator)
            out[part] = torch.where(drawn < change, 255 - images[part], images[part])
    return out


def ink_in_view(before: Pixels, after: Pixels, change: Affine, *, blank: int) -> float:
    """The share of the ink, the difference from `blank`, that is still on the canvas, corrected for scale."""
    ink = [(images.to(torch.int16) - blank).abs().sum().item() for images in (before, after)]
    return min(1.0, ink[1] / (ink[0] * float(change.scale) ** 2)) if ink[0] else 1.0
