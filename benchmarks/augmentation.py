"""What distortions cost: planar moves and elastic fields of a batch, as a share of the training step of that batch.

    python benchmarks/augmentation.py [--threads 2] [--rounds 5] [--batches 100] [--json]

The median over rounds in which steps and distortions take turns; lenet5 (1998), batches of 128, Striate's kernels. The
distortions include drawing their random numbers. Beside them, the same distortions by PyTorch's `grid_sample`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

import torch
from rivals import alternate, clock_for

from striate import find
from striate.build import build
from striate.data import Augmentation, augment, draw_warp
from striate.kernels.engine import Engine, Goal, Pictures
from striate.kernels.optimiser import Rule
from striate.train import find_recipe
from striate.train.machine import environment

BATCH = 128
TARGET = 25.0
"""Per cent of a step, at most."""


class Work:
    """A network on the engine, packed images, and the recipe's distortions."""

    def __init__(self, augmentation: Augmentation, *, threads: int, batches: int) -> None:
        network = find("lenet5")
        self.model = build(network, initialisation="lecun", kernels="torch")
        self.engine = Engine(network, self.model)
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
    if arguments.json:
        print(json.dumps({"machine": environment(), "threads": arguments.threads, "share": ours, "pytorch": theirs}))
        return
    where = environment()
    print(f"{where['processor']}, {where['cores']} cores, {arguments.threads} threads; torch {where['torch']}")
    print(f"medians of {arguments.rounds} alternating rounds, {clock_name}; {augmentation.words}\n")
    print("| what | measured | target | |\n|---|---:|---:|---|")
    met = "met" if ours <= TARGET else "**missed**"
    print(f"| distortions of a batch, over its training step | {ours:.1f} % | ≤ {TARGET:g} % | {met} |")
    print(f"| the same distortions by PyTorch | {theirs:.1f} % | | |")


if __name__ == "__main__":
    main()
