"""LeNet-5 of 1998 as a careful user writes it in plain PyTorch: one script, images in memory, no data loader.

    python benchmarks/plain_lenet5.py FOLDER OUT [--until 0.99] [--seed 0]

The same network, images, split size, loss, optimiser, schedule and numbers of Striate's recipe `lenet5`; FOLDER holds
the four IDX files. It imports nothing of Striate. `process.py` runs it beside `striate train`.
"""

from __future__ import annotations

import argparse
import gzip
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPOCHS, BATCH, RATE, J = 8, 128, 1e-2, 10.0
TABLE = "012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345"


class Subsample(nn.Module):
    """The sum of 2×2 values times a coefficient, plus a bias, a map."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((maps, 1, 1), 0.25))
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        return F.avg_pool2d(maps, 2, divisor_override=1) * self.weight + self.bias


class LeNet5(nn.Module):
    """The network; C3's missing links are masked."""

    mask: Tensor
    centres: Tensor

    def __init__(self, centres: Tensor) -> None:
        super().__init__()
        self.c1, self.s2 = nn.Conv2d(1, 6, 5), Subsample(6)
        self.c3, self.s4 = nn.Conv2d(6, 16, 5), Subsample(16)
        self.c5, self.f6 = nn.Conv2d(16, 120, 5), nn.Linear(120, 84)
        mask = torch.zeros(16, 6, 1, 1)
        for row, sources in enumerate(TABLE.split()):
            mask[row, [int(each) for each in sources]] = 1
        self.register_buffer("mask", mask)
        self.register_buffer("centres", centres)
        for name, each in self.named_parameters():
            if each.ndim > 3 or name == "f6.weight":
                nn.init.normal_(each, std=each[0].numel() ** -0.5)
            elif name in ("c1.bias", "c3.bias", "c5.bias", "f6.bias"):
                nn.init.zeros_(each)

    def forward(self, images: Tensor) -> Tensor:
        def squash(values: Tensor) -> Tensor:
            return 1.7159 * torch.tanh(values * (2 / 3))

        maps = squash(self.s2(squash(self.c1(images))))
        maps = squash(F.conv2d(maps, self.c3.weight * self.mask, self.c3.bias))
        features = squash(self.f6(squash(self.c5(squash(self.s4(maps)))).flatten(1)))
        return (features[:, None] - self.centres).square().sum(2)


def read(file: Path) -> Tensor:
    """An IDX file, plain or gzipped, as a tensor of bytes."""
    raw = file.read_bytes()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    shape = np.frombuffer(raw, ">u4", raw[3], 4)
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape.astype(int)).copy())


def rate_at(done: float) -> float:
    """The one-cycle rate at a share of all steps."""
    if done < 0.15:
        return RATE * (1 - 0.96 * (1 + math.cos(math.pi * done / 0.15)) / 2)
    return RATE * (1 + math.cos(math.pi * (done - 0.15) / 0.85)) / 2


def main() -> None:
    """Train until the wanted validation accuracy, and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--until", type=float, default=0.99)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_flush_denormal(True)
    pixels = read(next(arguments.folder.glob("train-images*")))[:, None]
    labels = read(next(arguments.folder.glob("train-labels*"))).long()
    images = F.pad(pixels.float() / 255 * 1.275 - 0.1, (2, 2, 2, 2), value=-0.1)
    order = torch.randperm(len(images))
    held, kept = order[:5000], order[5000:]
    # Any ten far-apart codes of ±1 do for a measurement of time.
    model = LeNet5(torch.randint(0, 2, (10, 84)) * 2.0 - 1)
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01, fused=True)
    steps = len(kept) // BATCH
    for epoch in range(EPOCHS):
        shuffled = kept[torch.randperm(len(kept))]
        for step in range(steps):
            chosen = shuffled[step * BATCH : (step + 1) * BATCH]
            distances = model(images[chosen])
            right = distances.gather(1, labels[chosen, None]).mean()
            rubbish = distances.new_full((BATCH, 1), -J)
            loss = right + torch.logsumexp(torch.cat([rubbish, -distances], 1), 1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.param_groups[0]["lr"] = rate_at((epoch * steps + step) / (EPOCHS * steps - 1))
            optimiser.step()
        with torch.inference_mode():
            parts = [model(images[held[at : at + 500]]).argmin(1) for at in range(0, 5000, 500)]
        accuracy = (torch.cat(parts) == labels[held]).double().mean().item()
        print(f"epoch {epoch + 1}  validation {accuracy:.2%}", flush=True)
        if accuracy >= arguments.until:
            break
    torch.save(model.state_dict(), arguments.out)


if __name__ == "__main__":
    main()
