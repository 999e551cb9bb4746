"""3x3 convolutions of networks of small colour images: the rate of each pass, beside the peak of multiply-adds.

    python benchmarks/convolutions.py [--rounds 7]
    STRIATE_KERNELS=avx2 python benchmarks/convolutions.py

One thread, processor time, 64 images, the median of the rounds; packing the weights is inside. Operations are those of
plain loops, so transforms that need fewer can reach more than 100 % of the peak.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from peak import fastest
from rivals import kernels_used, machine
from torch import Tensor

from striate.description.layers import Conv
from striate.kernels.operators import run_layer, to_blocks

IMAGES = 64
SHAPES = (
    (16, 16, 32),
    (32, 32, 16),
    (64, 64, 8),
    (64, 64, 16),
    (64, 128, 14),
    (128, 128, 14),
    (128, 256, 7),
    (256, 256, 7),
)
"""Channels, filters, and rows and columns: of resnet20-cifar, the MLPerf Tiny ResNet and simple-cnn."""


def seconds(channels: int, filters: int, size: int) -> list[float]:
    """Of one forward pass, one input gradient, one weight gradient."""
    layer = Conv(filters, kernel=3, padding=1)
    maps = to_blocks(torch.randn(IMAGES, channels, size, size))
    weight, bias = torch.randn(filters, channels, 3, 3), torch.randn(filters)
    found: list[float] = []
    for wanted in (None, maps, weight):
        for each in (maps, weight):
            each.requires_grad_(each is wanted)
        begun = time.process_time()
        out: Tensor = run_layer(maps, layer, weight, bias, images=IMAGES)
        if wanted is not None:
            gradient = torch.ones_like(out)
            begun = time.process_time()
            out.backward(gradient)
        found.append(time.process_time() - begun)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    peak = fastest(kernels_used(), threads=1)
    print(f"{machine(1)}; peak {peak * 1e-9:.0f} GFLOP/s\n")
    print("| 3x3 convolution | forward | input gradient | weight gradient |\n|---|--:|--:|--:|")
    for channels, filters, size in SHAPES:
        passes = zip(*(seconds(channels, filters, size) for _ in range(rounds + 1)), strict=True)
        rates = [2.0 * 9 * IMAGES * channels * filters * size**2 / statistics.median(each[1:]) for each in passes]
        cells = " | ".join(f"{rate * 1e-9:.0f} GFLOP/s, {100 * rate / peak:.0f} %" for rate in rates)
        print(f"| {channels} to {filters} on {size}x{size} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
