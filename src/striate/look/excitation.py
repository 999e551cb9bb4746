"""The patches of the data with a unit's highest activations, and an image optimised to excite the unit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from striate.accounting.rows import account
from striate.accounting.unit import view
from striate.description.network import Network, Step
from striate.look.capture import capture, output_at
from striate.look.subject import Subject, scores
from striate.modules import Built, evaluating

BATCH = 32
PATCHES = 9
BUDGET = 20e9
"""The MACs for making the images of one layer."""


@dataclass(frozen=True, eq=False)
class Peaks:
    """For each image and each map of a layer, the highest activation and its position, counted row by row."""

    values: Float[Tensor, "images maps"]
    places: Int64[Tensor, "images maps"]


@torch.no_grad()
def peaks(subject: Subject, paths: list[str]) -> dict[str, Peaks]:
    """The highest activations of some layers over the subject's data."""
    found: dict[str, list[tuple[Tensor, Tensor]]] = {path: [] for path in paths}
    for start in range(0, len(subject.data), BATCH):
        with capture(subject.model) as outputs:
            subject.model.logits(subject.preprocessing.normalise(subject.data.images[start : start + BATCH]))
        for path in paths:
            values, places = outputs[path].flatten(2).max(2)
            found[path].append((values, places))
    return {
        path: Peaks(torch.cat([values for values, _ in each]), torch.cat([places for _, places in each]))
        for path, each in found.items()
    }


def outstanding(found: Peaks, count: int) -> list[int]:
    """The maps whose nine highest activations exceed their others most, in the order of their numbers."""
    top = found.values.topk(min(PATCHES, len(found.values)), 0).values.mean(0)
    spread = found.values.std(0, correction=0)
    contrast = torch.where(spread > 1e-9, (top - found.values.mean(0)) / spread.clamp_min(1e-9), -torch.inf)
    return sorted(contrast.topk(min(count, len(contrast))).indices.tolist())


def patches(subject: Subject, step: Step, found: Peaks, number: int) -> list[UInt8[Tensor, "channels height width"]]:
    """The patches with the highest activations of map `number`, at most nine, each of another image, highest first.

    A field that reaches over the edge is filled with the blank; a field as large as the image gives the whole image.
    """
    best = found.values[:, number].topk(min(PATCHES, len(found.values))).indices.tolist()
    return [field_of(subject, step, int(found.places[image, number]), subject.data.images[image]) for image in best]


def field_of(subject: Subject, step: Step, place: int, image: Tensor) -> Tensor:
    """The pixels of an image, (channels, height, width), in the field of the unit at `place`, counted row by row."""
    row, column = divmod(place, step.output[2])
    seen = view(subject.network, f"{step.path}:{row},{column}").unclipped
    height, width = image.shape[1:]
    if seen.size[0] >= height or seen.size[1] >= width:
        return image
    (top, bottom), (left, right) = seen.rows, seen.columns
    framed = F.pad(image, (seen.size[1],) * 2 + (seen.size[0],) * 2, value=subject.blank)
    return framed[:, top + seen.size[0] : bottom + 1 + seen.size[0], left + seen.size[1] : right + 1 + seen.size[1]]


def middle_fields(subject: Subject, step: Step, units: list[int]) -> list[Tensor]:
    """An image optimised to excite the middle unit of each map, cut to the field that this unit sees."""
    middle = step.output[1] // 2 * step.output[2] + step.output[2] // 2
    images = imagined(subject, step, units, steps=steps_for(subject.network, step.path, len(units)))
    return [field_of(subject, step, middle, image) for image in images]


def imagined(
    subject: Subject, step: Step | None, units: list[int], *, steps: int, seed: int = 0
) -> UInt8[Tensor, "units channels height width"]:
    """An image for each unit, optimised to excite it: the middle unit of a map, or without a `step` a class's score.

    The image starts as a blank with faint noise. Each step follows the normalised gradient; the image is also shifted
    by a pixel, blurred now and then, and pulled back a little to the blank (after Erhan and others 2009, and Yosinski
    and others 2015). It works for any number of channels and any size of image.
    """
    low, high = map(torch.as_tensor, subject.preprocessing.ends())  # of pixels 0 and 255: either may be the larger
    least, most = torch.minimum(low, high), torch.maximum(low, high)
    dice, empty = torch.Generator().manual_seed(seed), subject.empty
    shape = (len(units), *subject.network.input)
    images = empty + 0.05 * (most - least) * torch.randn(shape, generator=dice)
    rate = 3.0 * (most - least) / steps
    for number in range(steps):
        moves = torch.randint(-1, 2, (2,), generator=dice).tolist()
        moved = images.roll(moves, (2, 3))
        gradient = _ascent(subject.model, step, units, moved).roll([-move for move in moves], (2, 3))
        size = gradient.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(1e-12)
        images = images + rate * gradient / size
        if number % 3 == 0 and number < steps - 3:
            images = 0.5 * images + 0.5 * _blurred(images)
        images = (empty + 0.995 * (images - empty)).clamp(least, most)
    return (255 * (images - low) / (high - low)).round().clamp(0, 255).to(torch.uint8)


def steps_for(network: Network, path: str | None, units: int) -> int:
    """The number of steps that the budget allows for the images of a layer: 12 to 80."""
    macs = 0
    for row in account(network).rows:
        macs += row.counts.macs
        if row.path == path:
            break
    return int(min(80, max(12, BUDGET / (3 * units * max(1, macs)))))


def _ascent(model: Built, step: Step | None, units: list[int], images: Tensor) -> Tensor:
    with torch.enable_grad():
        images = images.detach().requires_grad_()
        if step is None:
            with evaluating(model):
                excited = scores(model, images)
        else:
            output = output_at(model, step.path, images)
            excited = output[:, :, output.shape[2] // 2, output.shape[3] // 2]
        each = excited[range(len(units)), units]
        (gradient,) = torch.autograd.grad(each.sum(), images)
    return gradient


def _blurred(images: Tensor) -> Tensor:
    line = torch.tensor([0.25, 0.5, 0.25])
    channels = images.shape[1]
    kernel = (line[:, None] * line).expand(channels, 1, 3, 3)
    return F.conv2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), kernel, groups=channels)
