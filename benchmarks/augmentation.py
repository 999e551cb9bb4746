"""What distortions cost: planar moves and elastic fields of a batch, as a share of the training step of that batch.

    python benchmarks/augmentation.py [--threads 2] [--rounds 5] [--batches 100] [--json]

The median over rounds in which steps and distortions take turns; lenet5 (1998), batches of 128, Striate's kernels. The
distortions include drawing their random numbers. Beside them, the same distortions by PyTorch's `grid_sample`. Last,
trainings by the recipes of three networks: what `striate train --profile` calls gathering and augmentation, over the
step that follows.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

import torch
from rivals import alternate, clock_for

from striate import find
from striate.data import Augmentation, ImageSet, augment, draw_warp, preprocessing_for
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Engine, Goal, Pictures
from striate.kernels.optimiser import Rule
from striate.modules import build
from striate.train import Learner, Recipe, Split, find_recipe, train
from striate.train.machine import environment

BATCH = 128
TARGET = 25.0
"""Per cent of a step, at most."""


@dataclass(frozen=True)
class Training:
    """A network, a recipe for it, and how many steps tell."""

    network: str
    recipe: Recipe
    steps: int

    @property
    def words(self) -> str:
        """What is changed."""
        mixup = f", mixup {self.recipe.mixup:g}" if self.recipe.mixup else ""
        return f"{self.recipe.augmentation.words}{mixup}"


COLOUR = find_recipe("resnet-cifar")
EVERYTHING = Augmentation(
    rotation=10, crop=0.5, brightness=0.2, contrast=0.2, saturation=0.2, hue=10, lighting=0.1, cutout=8, flip=True
)
TRAININGS = (
    Training("lenet5", find_recipe("lenet5-best"), 200),
    Training("convnetjs-cifar10", find_recipe("convnetjs-cifar10"), 200),
    Training("resnet20-cifar", COLOUR, 8),
    Training("resnet8-tiny", replace(COLOUR, augmentation=Augmentation(shift=4, alternating_flip=True)), 12),
    Training("resnet8-tiny", replace(COLOUR, augmentation=Augmentation(crop=0.5, flip=True)), 12),
    Training("resnet8-tiny", replace(COLOUR, augmentation=EVERYTHING, mixup=0.2), 12),
)


class Work:
    """A network on the engine, packed images, and the recipe's distortions."""

    def __init__(self, augmentation: Augmentation, *, threads: int, batches: int) -> None:
        network = find("lenet5")
        self.model = build(network, initialisation="lecun")
        self.engine = Engine(network, tensors_of(self.model))
        self.rule = Rule(torch.optim.AdamW(self.model.parameters(), 1e-3))
        self.size = (network.input[1], network.input[2])
        self.images = torch.randint(0, 256, (BATCH * batches, *network.input), dtype=torch.uint8)
        self.labels = torch.randint(0, 10, (len(self.images),))
        self.augmentation, self.threads = augmentation, threads
        self.generator = torch.Generator()

    def pictures(self) -> list[Pictures]:
        """The batches, in a random order."""
        return [Pictures(self.images, chosen, -0.1, 0.005) for chosen in torch.randperm(len(self.images)).split(BATCH)]

    def steps(self) -> None:
        """Forward, backward and update of every batch, without distortions."""
        goal = Goal(self.labels, "rbf-map", 10.0)
        for pictures in self.pictures():
            self.engine.step(pictures, goal, rule=self.rule, threads=self.threads)

    def distort(self) -> None:
        """Every batch distorted, by the kernels."""
        for pictures in self.pictures():
            warp = draw_warp(BATCH, self.size, self.augmentation, generator=self.generator)
            self.engine.warped(pictures, warp, threads=self.threads)

    def distort_with_pytorch(self) -> None:
        """Every batch distorted, by PyTorch."""
        for pictures in self.pictures():
            assert pictures.chosen is not None  # noqa: S101 - they are chosen above
            pixels = self.images[pictures.chosen].float().mul_(0.005).sub_(0.1)
            augment(pixels, self.augmentation, generator=self.generator, fill=-0.1)


def in_training(training: Training) -> float:
    """Per cent of a step that preparing its images takes, the median of the steps; the training loop books both."""
    network, recipe = find(training.network), training.recipe
    count = recipe.batch * (training.steps + 1) * 10 // 9
    pixels = torch.randint(0, 256, (count, *network.input), dtype=torch.uint8)
    classes = tuple(map(str, range(10)))
    images = ImageSet(pixels, torch.randint(0, 10, (count,)), classes, "random", "train", "picture")
    preprocessing = preprocessing_for(network.input, images, low=recipe.low, high=recipe.high)
    learner = Learner(build(network, initialisation=recipe.initialisation), recipe)
    events = train(learner, Split.of(images, preprocessing, hold_out_fraction=recipe.hold_out), preprocessing)
    next(events)
    learner.profile()
    spent = [learner.profile() for _ in islice(events, training.steps - 1)]
    return 100 * statistics.median(each["gathering and augmentation"] / each["steps"] for each in spent)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=100, help="of a round")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    augmentation = find_recipe("lenet5-best").augmentation
    work = Work(augmentation, threads=arguments.threads, batches=arguments.batches)
    contenders: dict[str, Callable[[], object]] = {
        "steps": work.steps,
        "distort": work.distort,
        "pytorch": work.distort_with_pytorch,
    }
    clock, clock_name = clock_for(arguments.threads)
    found = alternate(contenders, rounds=arguments.rounds, clock=clock)
    ours, theirs = (100 * found.ratio(name, "steps") for name in ("distort", "pytorch"))
    trainings = [(each, in_training(each)) for each in TRAININGS]
    if arguments.json:
        shares = [{"network": each.network, "recipe": each.words, "share": share} for each, share in trainings]
        result = {"machine": environment(), "threads": arguments.threads, "share": ours, "pytorch": theirs}
        print(json.dumps(result | {"trainings": shares}))
        return
    where = environment()
    print(f"{where['processor']}, {where['cores']} cores, {arguments.threads} threads; torch {where['torch']}")
    print(f"medians of {arguments.rounds} alternating rounds, {clock_name}; {augmentation.words}\n")
    print("| what | measured | target | |\n|---|---:|---:|---|")
    met = "met" if ours <= TARGET else "**missed**"
    print(f"| distortions of a batch, over its training step | {ours:.1f} % | ≤ {TARGET:g} % | {met} |")
    print(f"| the same distortions by PyTorch | {theirs:.1f} % | | |")
    for each, share in trainings:
        what = f"{each.network}, batches of {each.recipe.batch}, while training: {each.words}"
        met = "met" if share <= TARGET else "**missed**"
        print(f"| {what} | {share:.1f} % | ≤ {TARGET:g} % | {met} |")


if __name__ == "__main__":
    main()
