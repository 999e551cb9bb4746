"""What the networks of three papers would take to train on ImageNet, from the account, beside the papers' own days.

    python benchmarks/scale.py                  the table of docs/scale.md, in Markdown
    python benchmarks/scale.py --measure        and steps on this machine's CPU, one thread: some minutes, 6 GB
    python benchmarks/scale.py --rate 400       at another sustained rate, in TFLOP/s; --json for programs

A training step takes three times the MACs of a forward pass: forward, gradients of the maps, gradients of the weights.
So a training takes 3 · MACs per image · images · epochs, at 2 floating-point operations (FLOP) each. MACs are those of
the account; images and epochs are the paper's. From the days that a paper prints and the peak that the maker of its
GPUs states follows the share of that peak which its program reached. `--rate` is a sustained rate that you state.

`--measure` takes steps of `--batch` images by PyTorch's kernels on one thread: one to warm up, then the fastest of two.
It prints processor seconds per image, which other programs on the machine disturb less than those of the clock (--json
has both), and core-years: those seconds times the images of the whole training. The optimiser's update is left out.
No part of this was run on a GPU, and no network was trained on ImageNet.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F

from striate import account, find
from striate.modules import build
from striate.train.machine import environment
from striate.train.recipes import recipe_for

DAY, YEAR = 86_400.0, 365.25 * 86_400.0


@dataclass(frozen=True)
class Paper:
    """What a paper says of a training; `days` from and to, and the peak of its GPUs together in TFLOP/s."""

    network: str
    images: int
    days: tuple[float, float] | None
    words: str
    peak: float | None


PAPERS = (
    # Section 5: 90 cycles through 1.2 million images, five to six days on two GTX 580, of 1.581 TFLOP/s each.
    Paper("alexnet", 1_200_000, (5, 6), "5 to 6 days on two GTX 580", 2 * 1.581),
    # Section 3.3: two to three weeks on four Titan Black, of 5.121 TFLOP/s each; 370,000 steps of 256 images.
    Paper("vgg-d", 1_300_000, (14, 21), "2 to 3 weeks on four Titan Black", 4 * 5.121),
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
    paper: str
    share_of_peak: tuple[float, float] | None
    days_at_rate: float


@dataclass(frozen=True)
class Measured:
    """A training on this machine's CPU, one thread: seconds of the clock and of the processor for an image."""

    network: str
    seconds: float
    processor_seconds: float
    core_years: float


def row_of(paper: Paper, *, rate: float) -> Row:
    """The row of a paper; `rate` in TFLOP/s."""
    network = find(paper.network)
    macs, epochs = account(network).totals.macs, recipe_for(network).epochs
    flop = 2.0 * 3 * macs * paper.images * epochs
    share = None
    if paper.days and paper.peak:
        slow, fast = (flop / (days * DAY) / (paper.peak * 1e12) for days in reversed(paper.days))
        share = slow, fast
    days = flop / (rate * 1e12) / DAY
    return Row(paper.network, macs, paper.images, epochs, flop, paper.words, share, days)


def measured(row: Row, batch: int) -> Measured:
    """The fastest of two steps after one to warm up, by the processor's time."""
    network = find(row.network)
    model = build(network).train()
    images = torch.rand(batch, *network.input)
    labels = torch.arange(batch)
    taken: list[tuple[float, float]] = []
    for _ in range(3):
        begun, worked = time.perf_counter(), time.process_time()
        F.cross_entropy(model.logits(images), labels).backward()
        taken.append((time.process_time() - worked, time.perf_counter() - begun))
    worked, waited = min(taken[1:])
    return Measured(row.network, waited / batch, worked / batch, worked / batch * row.images * row.epochs / YEAR)


def markdown(rows: list[Row], *, rate: float) -> str:
    """The table of docs/scale.md."""
    lines = [
        "| network | MACs per image | images · epochs | operations | the paper's time | of the peak of its GPUs "
        f"| at a sustained {rate:g} TFLOP/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        share = "{:.0f} to {:.0f} %".format(*(100 * each for each in row.share_of_peak)) if row.share_of_peak else ""
        epochs = f"{row.images / 1e6:g} million · {row.epochs}"
        lines.append(
            f"| {row.network} | {row.macs:,} | {epochs} | {_scientific(row.flop)} | {row.paper} | {share} "
            f"| {row.days_at_rate:.2f} days |"
        )
    return "\n".join(lines)


def measured_markdown(found: list[Measured], *, batch: int) -> str:
    """The table of what was measured, with the machine under it."""
    machine = environment()
    lines = ["| network | processor seconds per image | core-years |", "|---|---|---|"]
    lines += [f"| {each.network} | {each.processor_seconds:.2f} | {each.core_years:.1f} |" for each in found]
    lines.append(f"\n{machine['processor']}, 1 thread, steps of {batch}, torch {machine['torch']}")
    return "\n".join(lines)


def _scientific(value: float) -> str:
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa} · 10{str(int(exponent)).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="measure steps on this machine's CPU")
    parser.add_argument("--batch", type=int, default=4, help="images of a measured step")
    parser.add_argument("--rate", type=float, default=100.0, help="a sustained rate, in TFLOP/s")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.batch < 1 or not arguments.rate > 0:
        parser.error("--batch must be at least 1, and --rate above 0")
    rows = [row_of(paper, rate=arguments.rate) for paper in PAPERS]
    torch.set_num_threads(1)
    found = [measured(row, arguments.batch) for row in rows] if arguments.measure else []
    if arguments.json:
        document = {"machine": environment(), "rate": arguments.rate, "rows": [asdict(row) for row in rows]}
        print(json.dumps(document | {"measured": [asdict(each) for each in found]}, indent=2))
        return
    print(markdown(rows, rate=arguments.rate))
    if found:
        print("\n" + measured_markdown(found, batch=arguments.batch))


if __name__ == "__main__":
    main()
