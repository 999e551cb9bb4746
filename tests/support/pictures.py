"""Pictures to send, and places to look at."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from PIL import Image

from striate import Network

DIGITS = Path(__file__).parents[2] / "examples/digits"


def png(image: Image.Image) -> bytes:
    """A picture as the bytes of a PNG."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def picture(network: Network) -> bytes:
    _, height, width = network.input
    noise = torch.randint(0, 256, (height, width, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return png(Image.fromarray(noise.numpy()))


def places(shape: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """The first, the middle and the last unit."""
    sizes = (*shape, 1, 1)[:3]
    return [(0, 0, 0), tuple(size // 2 for size in sizes), tuple(size - 1 for size in sizes)]  # pyright: ignore
