"""`cifar-fast` by its recipe, and the same in plain PyTorch, epoch by epoch in turns.

    python benchmarks/cifar.py DATA [--epochs 8] [--seeds 3] [--threads 2] [--without-plain] [--json]

DATA is CIFAR-10 as `striate train --data` takes it. Both begin with the same weights and learn with the same optimiser,
rates and augmentation. The plain loop is what a careful user writes: float images in memory, whole batches shifted and
mirrored at once, no DataLoader; it takes PyTorch's fastest layout and precision, found by a few steps. Minutes are
those of the epochs, with validation on Striate's side. The accuracy is of the test images, once as they are and once as
the mean of each image's scores and of its mirror image's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import asdict, dataclass, replace

import torch
import torch.nn.functional as F
from rivals import machine
from torch import Tensor

from striate import find
from striate.data import ImageSet, load, preprocessing_for
from striate.modules import Built, build
from striate.train import Epoch, Learner, Recipe, Split, recipe_for, train
from striate.train.machine import tiny_is_zero
from striate.train.optimisers import optimiser_for, rate_at
from striate.train.whitening import whiten

WAYS = {"eager": (torch.contiguous_format, False), "channels last": (torch.channels_last, False),
        "channels last, bfloat16": (torch.channels_last, True)}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A seed: the accuracy of the test images, as they are and with their mirror images, and the minutes of epochs."""

    contender: str
    seed: int
    accuracy: float
    with_flips: float
    minutes: float


def laid_out(module: Built, way: str) -> Built:
    """The module with its weights in the layout of a way."""
    return module.to(memory_format=WAYS[way][0])  # pyright: ignore[reportCallIssue] - the stubs lack it


class Plain:
    """A module trained by a plain loop, in one of PyTorch's `WAYS`."""

    def __init__(self, module: Built, images: ImageSet, pixels: Tensor, recipe: Recipe) -> None:
        self.module, self.recipe, self.pixels, self.labels = module, recipe, pixels, images.labels
        self.way = min(WAYS, key=self._seconds)
        self.module = laid_out(module, self.way)
        self.optimiser = optimiser_for(self.module, recipe)

    def _precision(self, way: str) -> AbstractContextManager[object]:
        return torch.autocast("cpu", torch.bfloat16) if WAYS[way][1] else nullcontext()

    def _seconds(self, way: str) -> float:
        """The fastest of three steps, but for the optimiser's part, of a copy of the module."""
        module = laid_out(deepcopy(self.module), way)
        found: list[float] = []
        for _ in range(4):
            begun = time.perf_counter()
            self._loss(module, torch.arange(self.recipe.batch), self.pixels[: self.recipe.batch], way).backward()
            found.append(time.perf_counter() - begun)
        return min(found[1:])

    def _loss(self, module: Built, chosen: Tensor, pixels: Tensor, way: str) -> Tensor:
        with self._precision(way):
            outputs = module.logits(pixels.contiguous(memory_format=WAYS[way][0]))
        return F.cross_entropy(outputs.float(), self.labels[chosen], label_smoothing=self.recipe.label_smoothing)

    def epochs(self) -> Iterator[None]:
        """Train, an epoch at a time."""
        recipe, shift, count = self.recipe, int(self.recipe.augmentation.shift), len(self.labels)
        padded = F.pad(self.pixels, [shift] * 4, value=recipe.low)
        generator = torch.Generator().manual_seed(recipe.seed)
        mirrored_first = torch.rand(count, generator=generator) < 0.5
        batches = count // recipe.batch
        for epoch in range(recipe.epochs):
            self.module.train()
            order = torch.randperm(count, generator=generator)
            for batch in range(batches):
                chosen = order[batch * recipe.batch : (batch + 1) * recipe.batch]
                for group in self.optimiser.param_groups:
                    share = rate_at(epoch * batches + batch, recipe.epochs * batches, recipe)
                    group["lr"] = share * group["share"]
                pixels = self._moved(padded[chosen], shift, generator)
                turned = mirrored_first[chosen] ^ (epoch % 2 == 1)
                pixels[turned] = pixels[turned].flip(3)
                loss = self._loss(self.module, chosen, pixels, self.way)
                self.optimiser.zero_grad()
                loss.backward()
                self.optimiser.step()
            yield

    def _moved(self, padded: Tensor, shift: int, generator: torch.Generator) -> Tensor:
        """Each image cut out of its padded one at a place of its own, all images of one place at once."""
        size = padded.shape[2] - 2 * shift
        places = torch.randint((2 * shift + 1) ** 2, (len(padded),), generator=generator)
        found = torch.empty(len(padded), padded.shape[1], size, size)
        for place in places.unique().tolist():
            here, (down, across) = places == place, divmod(place, 2 * shift + 1)
            found[here] = padded[here, :, down : down + size, across : across + size]
        return found


def judged(module: Built, pixels: Tensor, labels: Tensor) -> tuple[float, float]:
    """The accuracy on the images as they are, and by the mean of their scores and their mirror images'."""
    module.eval()
    with torch.inference_mode():
        one, other = (torch.cat([module.logits(part) for part in each.split(500)]) for each in (pixels, pixels.flip(3)))
    both = one.softmax(1) + other.softmax(1)
    plain, with_flips = ((each.argmax(1) == labels).float().mean().item() for each in (one, both))
    return plain, with_flips


def rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """The rows of each seed: Striate's, and that of the plain loop."""
    network = find("cifar-fast")
    images, test = load(arguments.data, "train"), load(arguments.data, "test")
    for seed in range(arguments.seeds):
        recipe = replace(recipe_for(network), epochs=arguments.epochs, seed=seed)
        preprocessing = preprocessing_for(network.input, images, low=recipe.low, high=recipe.high)
        split = Split.of(images, preprocessing, hold_out_fraction=recipe.hold_out)
        model = build(network, initialisation=recipe.initialisation, generator=torch.Generator().manual_seed(seed))
        whiten(model, recipe.whiten, split.train, preprocessing)
        contenders: dict[str, tuple[Built, Iterator[object]]] = {}
        if arguments.plain:
            pixels = preprocessing.normalise(split.train.images[:])
            plain = Plain(deepcopy(model), split.train, pixels, recipe)
            contenders[f"plain PyTorch, {plain.way}"] = plain.module, plain.epochs()
        learner = Learner(model, recipe)
        ours = (event for event in train(learner, split, preprocessing) if isinstance(event, Epoch))
        contenders[f"striate, {learner.runs.kernels}"] = model, ours
        seconds = dict.fromkeys(contenders, 0.0)
        for _ in range(recipe.epochs):
            for name, (_, epochs) in contenders.items():
                begun = time.perf_counter()
                next(epochs)
                seconds[name] += time.perf_counter() - begun
        shown = preprocessing.normalise(preprocessing.packed(test).images[:])
        for name, (module, _) in contenders.items():
            yield Row(name, seed, *judged(module, shown, test.labels), seconds[name] / 60)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--without-plain", dest="plain", action="store_false")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found: list[Row] = []
    if not arguments.json:
        print(machine(arguments.threads))
        print("| contender | seed | accuracy | with mirror images | minutes |\n|---|--:|--:|--:|--:|", flush=True)
    with tiny_is_zero():
        for row in rows(arguments):
            found.append(row)
            if not arguments.json:
                print(
                    f"| {row.contender} | {row.seed} | {row.accuracy:.2%} | {row.with_flips:.2%} | {row.minutes:.1f} |",
                    flush=True,
                )
    if arguments.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
        return
    names = dict.fromkeys(each.contender for each in found)
    for name in names:
        own = [each for each in found if each.contender == name]
        accuracy, with_flips, minutes = (
            statistics.mean(getattr(each, member) for each in own) for member in ("accuracy", "with_flips", "minutes")
        )
        print(f"| {name} | mean | {accuracy:.2%} | {with_flips:.2%} | {minutes:.1f} |")


if __name__ == "__main__":
    main()
