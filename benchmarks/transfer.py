"""Transfer: two classes learned from 50 pictures each, with features from eight others, and from nothing.

    python benchmarks/transfer.py DATA [--network resnet8-tiny] [--epochs 10] [--seeds 3] [--held ship truck] [--json]

DATA is a folder of images, train/CLASS/* and test/CLASS/*, such as CIFAR-10. A network learns all classes but two. Then
each way learns the two from `--pictures` of each, once per seed, and is judged by all their test images: from nothing
for as many steps; with all layers taken over; with all of them frozen but the last. Which pictures are taken, and what
is held out of them, is the same for all ways of a seed.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from rivals import machine

from striate import find
from striate.data import Augmentation
from striate.networks.adapt import adapted
from striate.train import Epoch, Recipe, Run, evaluation, open_run, session
from striate.train.machine import tiny_is_zero
from striate.train.transfer import TAKEN, take_over

COLOUR = Recipe(augmentation=Augmentation(shift=4, flip=True), hold_out=0.1)
WAYS: dict[str, Recipe | None] = {
    "from nothing": None,
    "all layers learn": Recipe(transfer_rate=0.1),
    "taken layers frozen": Recipe(freeze=(TAKEN,)),
}
"""By name what a way sets in the recipe; None takes nothing over."""


@dataclass(frozen=True)
class Row:
    """A way of learning the two classes: the accuracy on their test images, a number a seed, and a training's time."""

    way: str
    accuracy: list[float]
    seconds: float


def learn(run: Run, split: session.Split, weights: dict[str, torch.Tensor] | None) -> float:
    """Train to the end; the seconds of all epochs."""
    with tiny_is_zero():
        return sum(event.seconds for event in session.start(run, split, weights) if isinstance(event, Epoch))


def few(data: Path, folder: Path, classes: list[str], *, pictures: int, seed: int) -> Path:
    """A folder with so many training pictures of some classes, drawn by a seed, and all their test pictures."""
    for name in classes:
        files = sorted((data / "train" / name).iterdir())
        for file in random.Random(f"{name} {seed}").sample(files, pictures):
            (folder / "train" / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / "train" / name)
        shutil.copytree(data / "test" / name, folder / "test" / name)
    return folder


def main() -> None:
    """Learn the features, then the two classes in each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--network", default="resnet8-tiny")
    parser.add_argument("--epochs", type=int, default=10, help="of the features' training")
    parser.add_argument("--few-epochs", type=int, default=60, help="of each way")
    parser.add_argument("--pictures", type=int, default=50, help="of each of the two classes")
    parser.add_argument("--held", nargs=2, default=["ship", "truck"], metavar="CLASS", help="the two classes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        rows, others = measured(arguments, Path(place))
    if arguments.json:
        print(json.dumps({"others": others, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    print(f"{machine(torch.get_num_threads())}\n{arguments.network}, {others:.2%} right on the other classes\n")
    print("| way | right on the two classes | seeds | s |\n|---|--:|---|--:|")
    for row in rows:
        each = ", ".join(f"{value:.1%}" for value in row.accuracy)
        print(f"| {row.way} | {statistics.mean(row.accuracy):.1%} | {each} | {row.seconds:.0f} |")


def measured(arguments: argparse.Namespace, place: Path) -> tuple[list[Row], float]:
    """A row a way, and the accuracy of the features' own network on the test images of its classes."""
    data, network = arguments.data, find(arguments.network)
    names = sorted(each.name for each in (data / "train").iterdir() if each.name not in arguments.held)
    for split in ("train", "test"):
        for name in names:
            shutil.copytree(data / split / name, place / "others" / split / name)
    recipe = replace(COLOUR, epochs=arguments.epochs)
    images = session.Images(str(place / "others"))
    run, split = session.prepare(adapted(network, tuple(names)), images, recipe, folder=place / "features")
    learn(run, split, None)
    features = open_run(run.folder)
    two = adapted(network, tuple(sorted(arguments.held)))
    folders = [
        few(data, place / f"few-{seed}", arguments.held, pictures=arguments.pictures, seed=seed)
        for seed in range(arguments.seeds)
    ]
    rows = []
    for number, (way, change) in enumerate(WAYS.items()):
        accuracy, seconds = [], 0.0
        for seed, folder in enumerate(folders):
            recipe = replace(COLOUR, epochs=arguments.few_epochs, batch=32, seed=seed)
            if change is not None:
                recipe = replace(recipe, freeze=change.freeze, transfer_rate=change.transfer_rate)
            images = session.Images(str(folder))
            run, split = session.prepare(two, images, recipe, folder=place / f"way-{number}-{seed}")
            run, weights = (run, None) if change is None else take_over(run, features)
            seconds = learn(run, split, weights)
            accuracy.append(evaluation.evaluate(open_run(run.folder))[0].accuracy)
        rows.append(Row(way, accuracy, seconds))
    return rows, evaluation.evaluate(features)[0].accuracy


if __name__ == "__main__":
    main()
