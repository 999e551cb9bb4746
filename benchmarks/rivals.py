"""What Striate's kernels are measured against: PyTorch as a careful user writes it, and ONNX Runtime."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from striate.description.network import Network
from striate.exchange import INPUT, onnx_model
from striate.exchange.session import session_of
from striate.modules import weights_of
from striate.train import Recipe
from striate.train.losses import loss_of

REST = 0.1
"""Seconds between contenders: ONNX Runtime's threads look for work for 25 ms and more after their last."""


Clock = Callable[[], float]


@dataclass(frozen=True)
class Measured:
    """Seconds of each contender in each round: by the clock, or of processor time."""

    seconds: dict[str, list[float]]

    def median(self, name: str) -> float:
        """The median of a contender's rounds."""
        return statistics.median(self.seconds[name])

    def ratio(self, slower: str, faster: str) -> float:
        """The median of the rounds' ratios: what else the machine did in a round fell on both."""
        pairs = zip(self.seconds[slower], self.seconds[faster], strict=True)
        return statistics.median(a / b for a, b in pairs)


def alternate(contenders: dict[str, Callable[[], object]], *, rounds: int, clock: Clock) -> Measured:
    """Run the contenders in turn, after one round to warm up, each when the others' threads have gone to sleep."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            time.sleep(REST)
            begun = clock()
            run()
            if number:
                seconds[name].append(clock() - begun)
    return Measured(seconds)


class PlainTraining:
    """Training steps as one writes them in PyTorch, the images in memory as floats."""

    def __init__(
        self, model: nn.Module, recipe: Recipe, images: Tensor, labels: Tensor, *, channels_last: bool
    ) -> None:
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.model = model.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
        self.images, self.labels, self.recipe = images.to(memory_format=layout), labels, recipe
        self.optimiser = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)

    def epoch(self) -> None:
        """One pass over the images, in a random order."""
        order, batch = torch.randperm(len(self.images)), self.recipe.batch
        for start in range(0, len(self.images) - batch + 1, batch):
            chosen = order[start : start + batch]
            logits: Callable[[Tensor], Tensor] = self.model.logits  # pyright: ignore[reportAssignmentType]
            loss = loss_of(logits(self.images[chosen]), self.labels[chosen], self.recipe)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()


def product(size: int = 1024) -> tuple[Callable[[], object], float]:
    """A product of two matrices, and its floating-point operations: what this machine can do at most."""
    a, b = torch.rand(size, size), torch.rand(size, size)
    out = torch.empty(size, size)
    return lambda: torch.mm(a, b, out=out), 2.0 * size**3


def onnx_session(network: Network, model: nn.Module, *, threads: int) -> Callable[[Tensor], Any]:
    """A network with the weights of `model` in ONNX Runtime: normalised images to logits, as an array."""
    session = session_of(onnx_model(network, weights_of(model)).SerializeToString(), threads=threads)
    return lambda images: session.run(None, {INPUT: images.numpy()})[0]


def kernels_used() -> str:
    """The instruction set of the kernels that run, or "none"."""
    from striate.kernels.binary import Library, library

    found = library()
    return found.instruction_set if isinstance(found, Library) else "none"


def machine(threads: int) -> str:
    """The machine, the versions and the load, in one line."""
    from importlib.metadata import PackageNotFoundError, version

    from striate.train.machine import environment

    try:
        runtime = version("onnxruntime")
    except PackageNotFoundError:
        runtime = "none"
    return (
        f"{environment()['processor']}, {os.cpu_count()} cores, {threads} threads; kernels {kernels_used()}; "
        f"Python {platform.python_version()}, torch {torch.__version__}, onnxruntime {runtime}; "
        f"{platform.platform()}; load {os.getloadavg()[0]:.1f}"
    )


def clock_for(threads: int) -> tuple[Clock, str]:
    """With one thread, processor time, which other programs on the machine hardly touch; else the clock."""
    if threads == 1:
        return time.process_time, "processor time"
    return time.perf_counter, "clock"
