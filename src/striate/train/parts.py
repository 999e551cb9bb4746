"""How a batch is cut into parts: one for each process, and each of these into as many as the recipe accumulates."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from striate.data import Part
from striate.description.layers import BatchNorm, Dropout
from striate.description.network import Network, plan
from striate.description.shapes import show
from striate.errors import SpecError
from striate.execution.names import KERNELS
from striate.kernels.binary import GROUP
from striate.train.distributed import World
from striate.train.recipe import Recipe
from striate.wording import counted


def parts_of(total: int, world: World, accumulate: int) -> list[list[Part]]:
    """The parts of a batch of `total` images, a list for each process.

    Raises SpecError where there are fewer images than parts.

    >>> [[len(part) for part in own] for own in parts_of(128, World(0, 2), 2)]
    [[32, 32], [32, 32]]
    >>> [[len(part) for part in own] for own in parts_of(100, World(0, 2), 1)]
    [[48], [52]]
    """
    count = world.size * accumulate
    if total < count:
        why = f"{counted(world.size, 'process')}, accumulate {accumulate}"
        raise SpecError(
            f"a batch of {counted(total, 'image')} cannot be cut into {count} parts: {why}.",
            "Each part has an image or more.",
            "Take larger batches (--batch), fewer processes, or --set accumulate=1.",
        )
    shares = _cut(0, total, world.size, least=accumulate)
    return [[Part(*each, total) for each in _cut(*share, accumulate)] for share in shares]


def rows_of(total: int, processes: int) -> list[int]:
    """How many of `total` images each process takes, differing by one at most; the last ones may have none.

    >>> rows_of(10, 4), rows_of(1, 2)
    ([3, 3, 2, 2], [1, 0])
    """
    return [total // processes + (rank < total % processes) for rank in range(processes)]


def unfit_for_parts(network: Network, recipe: Recipe, world: World, *, batch: int) -> dict[str, str]:
    """The kernels that cannot take a step in the parts of this training, with the reason."""
    if world.size * recipe.accumulate == 1:
        return {}
    kinds = {type(step.layer) for step in plan(network).steps}
    found: dict[str, str] = {}
    if world.size > 1 and BatchNorm in kinds:
        found["engine"] = "the statistics of batch normalisation are not exchanged between processes on them"
    if BatchNorm in kinds or Dropout in kinds:
        found["compiled"] = "it does not know batch normalisation and dropout of a part of a batch"
    starts = [part.first for own in parts_of(batch, world, recipe.accumulate) for part in own]
    if Dropout in kinds and any(first % GROUP for first in starts):
        reason = f"dropout needs parts of a multiple of {GROUP} images on them"
        found |= {name: reason for name in ("engine", "operators") if name not in found}
    return found


def require_statistics(network: Network, recipe: Recipe, world: World, *, batch: int) -> None:
    """Raise SpecError where a batch normalisation would get one value per channel in a step, which has no variance."""
    parts = parts_of(batch, world, recipe.accumulate)
    together = min(sum(len(own[number]) for own in parts) for number in range(recipe.accumulate))
    for step in plan(network).steps:
        is_frozen = any(f"{step.path}.".startswith(f"{path}.") for path in recipe.freeze)
        if isinstance(step.layer, BatchNorm) and not is_frozen and together * prod(step.output[1:]) == 1:
            raise SpecError(
                f"{step.path} would normalise one value per channel: one image of {show(step.output)}.",
                "In training a batch normalisation needs at least two values per channel.",
                "Take larger batches: --batch 2 or more for each part of a batch.",
            )


def unfit_error(network: Network, kernels: str, reason: str) -> SpecError:
    """The error for kernels that cannot take steps in parts."""
    return SpecError(
        f"{KERNELS[kernels]} ({kernels}) cannot train {network.name} in parts: {reason}.",
        "Several processes, and accumulate, cut each batch into parts.",
        "Leave --kernels at auto in a new run; a run that began on these kernels goes on in one process.",
    )


def _cut(first: int, end: int, count: int, *, least: int = 1) -> list[tuple[int, int]]:
    """The images `first` to `end` − 1 in `count` parts of `least` images or more.

    They are cut between lane groups where that leaves the parts about equal.
    """
    total = end - first
    groups = -(-total // GROUP)
    edges = [min(total, GROUP * (groups * number // count)) for number in range(count + 1)]
    fits = total % (GROUP * count) == 0 or total >= 2 * GROUP * count
    if first % GROUP or not fits or min(stop - begin for begin, stop in pairwise(edges)) < least:
        edges = [total * number // count for number in range(count + 1)]
    return [(first + begin, first + stop) for begin, stop in pairwise(edges)]
