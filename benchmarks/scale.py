"""What the networks of three papers would take to train on ImageNet, from the account, beside the papers' own days.

    python benchmarks/scale.py [--measure] [--batch 4] [--rate 100] [--json]

A training step takes three times the MACs of a forward pass: forward, gradients of the maps, gradients of the weights.
So a training takes 3 · MACs per image · images · epochs, at 2 floating-point operations (FLOP) each. MACs are those of
the account; images and epochs are the paper's. From the days that a paper prints and the peak that the maker of its
GPUs states follows the share of that peak which its program reached. `--rate` is a sustained rate that you state, in
TFLOP/s. `--measure` takes steps of `--batch` images on this machine's CPU, by PyTorch's kernels: one to warm up, then
the fastest of two. No part of this was run on a GPU, and no network was trained on ImageNet.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F

from striate import account, find
from striate.modules import build
from striate.train.recipes import recipe_for

DAY = 86_400.0


@dataclass(frozen=True)
class Paper:
    """What a paper says of a training; `days` from and to, and the peak of its GPUs together in TFLOP/s."""

    network: str
    images: int
    days: tuple[float, float] | None
    machine: str
    peak: float | None


PAPERS = (
    # Section 5: 90 cycles through 1.2 million images, five to six days on two GTX 580, of 1.581 TFLOP/s each.
    Paper("alexnet", 1_200_000, (5, 6), "2 GTX 580", 2 * 1.581),
    # Section 3.3: two to three weeks on four Titan Black, of 5.121 TFLOP/s each; 370,000 steps of 256 images.
    Paper("vgg-d", 1_300_000, (14, 21), "4 Titan Black", 4 * 5.121),
    # Section 3.4: 600,000 steps of 256 images. The paper names neither the GPUs nor the days.
    Paper("resnet152", 1_280_000, None, "not stated", None),
)


@dataclass(frozen=True)
class Row:
    """One network: its work in FLOP, and what follows from it."""

    network: str
    macs: int
    images: int
    epochs: int
    flop: float
    machine: str
    paper_days: tuple[float, float] | None
    share_of_peak: tuple[float, float] | None
    days_at_rate: float
    images_per_second: float | None
    days_here: float | None


def row_of(paper: Paper, *, rate: float, measured: float | None) -> Row:
    """The row of a paper; `rate` in TFLOP/s, `measured` in images per second of training here."""
    network = find(paper.network)
    macs, epochs = account(network).totals.macs, recipe_for(network).epochs
    flop = 2.0 * 3 * macs * paper.images * epochs
    share = None
    if paper.days and paper.peak:
        slow, fast = (flop / (days * DAY) / (paper.peak * 1e12) for days in reversed(paper.days))
        share = slow, fast
    here = None if measured is None else paper.images * epochs / measured / DAY
    at_rate = flop / (rate * 1e12) / DAY
    return Row(
        paper.network, macs, paper.images, epochs, flop, paper.machine, paper.days, share, at_rate, measured, here
    )


def images_per_second(name: str, batch: int) -> float:
    """Images that this machine's CPU trains on in a second, by PyTorch's kernels, without the optimiser's update."""
    network = find(name)
    model = build(network).train()
    images = torch.rand(batch, *network.input)
    labels = torch.arange(batch)
    taken: list[float] = []
    for _ in range(3):
        begun = time.perf_counter()
        F.cross_entropy(model.logits(images), labels).backward()
        taken.append(time.perf_counter() - begun)
    return batch / min(taken[1:])


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="measure steps on this machine's CPU")
    parser.add_argument("--batch", type=int, default=4, help="images of a measured step")
    parser.add_argument("--rate", type=float, default=100.0, help="a sustained rate, in TFLOP/s")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = [
        row_of(
            paper,
            rate=arguments.rate,
            measured=images_per_second(paper.network, arguments.batch) if arguments.measure else None,
        )
        for paper in PAPERS
    ]
    machine = {
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    if arguments.json:
        print(json.dumps({"machine": machine, "rate": arguments.rate, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    at_rate = f"at {arguments.rate:g} TFLOP/s"
    print(
        f"{'network':10} {'MACs/image':>14} {'epochs':>6} {'FLOP':>8}  {'paper':26} {'of its peak':>11} {at_rate:>16}"
    )
    for row in rows:
        days = f"{row.paper_days[0]:g}-{row.paper_days[1]:g} days, " if row.paper_days else ""
        share = "-".join(f"{each:.0%}" for each in row.share_of_peak) if row.share_of_peak else ""
        print(
            f"{row.network:10} {row.macs:14,} {row.epochs:6} {row.flop:8.1e}  {days + row.machine:26} {share:>11} "
            f"{row.days_at_rate:11.2f} days"
        )
    if arguments.measure:
        print(f"\nThis machine's CPU, {machine['threads']} threads, torch {machine['torch']}:")
        for row in rows:
            print(f"{row.network:10} {row.images_per_second:8.2f} images/s {row.days_here:12,.0f} days")


if __name__ == "__main__":
    main()
