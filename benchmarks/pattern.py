"""A pass that learns from one image at a time: Striate's kernels against the plain PyTorch step.

    python benchmarks/pattern.py [--rounds 7] [--images 400] [--json]

Both train LeNet-5 of 1998 by eq. 9 with a rate for every parameter: forward, backward and a change of all 60,000
parameters after every image, on one thread. Rounds alternate, so that what else the machine does falls on both; the
clock is the process's processor time. PyTorch is measured with and without oneDNN, and in the channels-last layout; its
update is one fused call for all parameters. The fastest of the three counts in each round, and the line is the median
of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from striate import find
from striate.data import load, preprocessing_for
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Goal
from striate.kernels.pattern import Pattern
from striate.modules import Built, build
from striate.train.losses import rbf_map
from striate.train.metrics import pictures_of

RATE, RUBBISH, ALL = 1e-4, 10.0, 60_000


def plain_pass(model: Built, pixels: Tensor, labels: Tensor, steps: list[Tensor]) -> None:
    """One image after another, as one writes it in PyTorch; losses and right answers are counted as ours are."""
    parameters: list[Tensor] = list(model.parameters())
    loss_sum, right = 0.0, 0
    for pixel, label in zip(pixels.split(1), labels.split(1), strict=True):
        distances = model(pixel)
        loss = rbf_map(distances, label, rubbish=RUBBISH)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            torch._foreach_addcmul_(parameters, list(gradients), steps)  # pyright: ignore[reportPrivateImportUsage]
        loss_sum += loss.item()
        right += int(distances.argmin(1) == label)


def seconds(act: Callable[[], None]) -> float:
    """Processor seconds of a call."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=400, help="of a round, for PyTorch; ours gets ten times as many")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)

    network = find("lenet5")
    images = load("mnist", "train")
    preprocessing = preprocessing_for(network.input, images, low=-0.1, high=1.175)
    packed = preprocessing.pack(images.images[: 10 * arguments.images])
    pixels, labels = preprocessing.normalise(packed[: arguments.images]), images.labels[: arguments.images]

    def model() -> Built:
        generator = torch.Generator().manual_seed(0)
        return build(network, initialisation="lecun-1998", generator=generator)

    ours_model, contenders = model(), {name: model() for name in ("oneDNN", "without oneDNN", "channels last")}
    contenders["channels last"].to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    rates = {name: torch.full_like(each, RATE) for name, each in ours_model.named_parameters()}
    steps = [torch.full_like(each, -RATE) for each in ours_model.parameters()]
    ours, goal = Pattern(network, tensors_of(ours_model)), Goal(images.labels, "rbf-map", RUBBISH)

    def plain(name: str) -> None:
        given = pixels.to(memory_format=torch.channels_last) if name == "channels last" else pixels
        with torch.backends.mkldnn.flags(enabled=name != "without oneDNN"):
            plain_pass(contenders[name], given, labels, steps)

    def striate() -> None:
        ours.learn(pictures_of(packed, preprocessing), goal, rates=rates)

    rounds: list[dict[str, float]] = []
    for number in range(arguments.rounds + 1):
        found = {name: seconds(lambda name=name: plain(name)) / len(labels) for name in contenders}
        found["striate"] = seconds(striate) / len(packed)
        if number:  # the first warms up
            rounds.append(found)
    medians = {name: 1e6 * statistics.median(each[name] for each in rounds) for name in rounds[0]}
    ratios = [min(each[name] for name in contenders) / each["striate"] for each in rounds]
    result = {
        "microseconds an image": medians,
        "ratio": statistics.median(ratios),
        "instruction set": ours.binary.instruction_set,
        "torch": torch.__version__,
        "system": platform.platform(),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"LeNet-5 of 1998, one image at a time, one thread, {ours.binary.instruction_set}, torch {torch.__version__}")
    for name, each in medians.items():
        print(f"  {name:15} {each:7.1f} µs an image, {each * ALL / 1e6:6.1f} s for 60,000")
    print(
        f"  ratio {result['ratio']:.1f} (of {min(ratios):.1f} to {max(ratios):.1f}; the fastest PyTorch over Striate)"
    )


if __name__ == "__main__":
    main()
