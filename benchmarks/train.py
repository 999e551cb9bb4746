"""An epoch of Striate's training against a plain PyTorch loop: same network, images, batch, optimiser and threads.

    python benchmarks/train.py [--rounds 5] [--threads 2] [--json]

The plain loop is what a careful user writes: the images in memory as float tensors, a shuffled index, no DataLoader.
Both train `lenet5-dense` with AdamW on the 60,000 MNIST images less 5,000. Epochs alternate, so that what else the
machine does falls on both. The ratio is the plain loop's median seconds over Striate's: above 1, Striate is faster.
Striate's epoch includes what the plain one leaves out: gathering from packed bytes, the learning rate's schedule, the
running loss and accuracy, and the pass over the validation images.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

from striate import find
from striate.data import load, preprocessing_for
from striate.modules import build
from striate.train import Epoch, Learner, Recipe, Split, train

BATCH = 128


def plain_network() -> nn.Sequential:
    """lenet5-dense as one writes it in PyTorch."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(),
        nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def plain_epoch(
    model: nn.Module, optimiser: torch.optim.Optimizer, pixels: torch.Tensor, labels: torch.Tensor
) -> float:
    """The seconds of one plain epoch."""
    begun = time.perf_counter()
    model.train()
    order = torch.randperm(len(labels))
    for start in range(0, len(labels) - BATCH + 1, BATCH):
        chosen = order[start : start + BATCH]
        loss = F.cross_entropy(model(pixels[chosen]), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each, alternating")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    network = find("lenet5-dense")
    recipe = Recipe(epochs=arguments.rounds + 1, batch=BATCH)
    images = load("mnist", "train")
    preprocessing = preprocessing_for(network.input, images, low=recipe.low, high=recipe.high)
    split = Split.of(images, preprocessing, hold_out_fraction=recipe.hold_out)
    pixels, labels = preprocessing.normalise(split.train.images[:]), split.train.labels

    plain = plain_network()
    optimiser = torch.optim.AdamW(plain.parameters(), 1e-3)
    ours = train(Learner(build(network), recipe), split, preprocessing)
    seconds: dict[str, list[float]] = {"striate": [], "plain": []}
    for round_ in range(arguments.rounds + 1):
        begun = time.perf_counter()
        next(event for event in ours if isinstance(event, Epoch))
        own = time.perf_counter() - begun
        other = plain_epoch(plain, optimiser, pixels, labels)
        if round_:  # the first warms up
            seconds["striate"].append(own)
            seconds["plain"].append(other)
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    result = {
        "seconds": seconds,
        "ratio": medians["plain"] / medians["striate"],
        "threads": arguments.threads,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"lenet5-dense, batch {BATCH}, {arguments.threads} threads, torch {torch.__version__}, {platform.platform()}")
    for name, each in seconds.items():
        print(f"  {name:8} {medians[name]:6.2f} s an epoch, median of {len(each)} ({min(each):.2f} to {max(each):.2f})")
    print(f"  ratio    {result['ratio']:6.2f}  (above 1: Striate is faster)")


if __name__ == "__main__":
    main()
