"""The float file and the int8 file side by side: what they answer, and how long they take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from striate.data import ImageSet
from striate.exchange.graph import Array
from striate.exchange.model import INPUT, LABEL, OUTPUT
from striate.train.losses import class_scores
from striate.train.run import Run

BATCH = 64
AT_ONCE = (1, BATCH)
"""The sizes of the batches that are timed."""
SECONDS, LEAST_TURNS, MOST_TURNS = 1.0, 3, 200
"""How long the turns of one size take together, and how many there are of each file at least and at most."""

Clock = Callable[[], float]


@dataclass(frozen=True)
class Latency:
    """The median times for a batch, in milliseconds, of the float file and of the int8 file, which took turns."""

    images: int
    whole: float
    rounded: float


def inputs(run: Run, images: Tensor, *, bare: bool) -> Array:
    """Stored images, uint8 of (images, channels, height, width), as a file takes them."""
    given = run.preprocessing.normalise(run.preprocessing.pack(images)) if bare else images.permute(0, 2, 3, 1)
    return np.ascontiguousarray(given.numpy())


def labels_of(session: Any, run: Run, images: ImageSet, *, bare: bool) -> Tensor:
    """The class that a file gives each image."""
    found: list[Tensor] = []
    for start in range(0, len(images), BATCH):
        given = inputs(run, images.images[start : start + BATCH], bare=bare)
        (answer,) = session.run([OUTPUT if bare else LABEL], {INPUT: given})
        made = torch.from_numpy(answer)
        found.append(class_scores(run.network, made).argmax(1) if bare else made)
    return torch.cat(found)


def latencies(whole: Any, rounded: Any, given: Array, *, clock: Clock = time.perf_counter) -> tuple[Latency, ...]:
    """The times of two sessions for one image and for a batch of `BATCH`, made of the images that are `given`."""
    batches = [np.resize(given, (size, *given.shape[1:])) for size in AT_ONCE]
    return tuple(latency(whole, rounded, batch, clock=clock) for batch in batches)


def latency(whole: Any, rounded: Any, batch: Array, *, clock: Clock = time.perf_counter) -> Latency:
    """The times of two sessions for one batch."""
    times: tuple[list[float], list[float]] = ([], [])
    for session in (whole, rounded):
        session.run(None, {INPUT: batch})
    begun = clock()
    while len(times[0]) < LEAST_TURNS or (clock() - begun < SECONDS and len(times[0]) < MOST_TURNS):
        for session, taken in zip((whole, rounded), times, strict=True):
            start = clock()
            session.run(None, {INPUT: batch})
            taken.append(1e3 * (clock() - start))
    return Latency(len(batch), median(times[0]), median(times[1]))
