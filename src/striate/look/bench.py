"""The filter bench: applies one kernel to one picture, and gives the sum behind a value of its map."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from striate.errors import SpecError

Kernel = Float[Tensor, "rows columns"]
Grey = Float[Tensor, "height width"]


@dataclass(frozen=True, eq=False)
class Filtered:
    """The sum behind one value: the `patch` at (row, column), the `kernel`, and the `value`, the sum of products."""

    place: tuple[int, int]
    patch: Kernel
    kernel: Kernel
    value: float


def _line(side: int) -> Tensor:
    middle = torch.zeros(side, side)
    middle[:, side // 2] = 1.0
    return middle


SOBEL = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
KERNELS: dict[str, Tensor] = {
    # Géron 2019, figure 14-5: 7×7, ones in the middle column or row, zeros elsewhere
    "vertical line": _line(7),
    "horizontal line": _line(7).T,
    "vertical edge (Sobel)": SOBEL,
    "horizontal edge (Sobel)": SOBEL.T,
    "blur": torch.full((3, 3), 1 / 9),
    "Laplacian": torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]),
}
"""Kernels by name; the figure also shows a layer's own."""


def apply_kernel(picture: Grey, kernel: Kernel) -> Grey:
    """The map of a kernel on a picture: a convolution with stride 1 and no padding.

    >>> apply_kernel(torch.eye(3), torch.ones(2, 2))
    tensor([[2., 1.],
            [1., 2.]])
    """
    return F.conv2d(picture[None, None], kernel[None, None])[0, 0]


def strongest(picture: Grey, kernel: Kernel) -> Filtered:
    """The sum at the position where the map differs most from its median."""
    made = apply_kernel(picture, kernel)
    row, column = divmod(int((made - made.median()).abs().argmax()), made.shape[1])
    rows, columns = kernel.shape
    patch = picture[row : row + rows, column : column + columns]
    return Filtered((row, column), patch, kernel, (patch * kernel).sum().item())


def parse_kernel(text: str) -> Kernel:
    """The kernel in a text: numbers, with rows separated by semicolons. Raises SpecError.

    >>> parse_kernel("0 1 0; 1 -4 1; 0 1 0").shape
    torch.Size([3, 3])
    """
    rows = [re.split(r"[,\s]+", line.strip(" ,")) for line in text.strip("; \n").split(";")]
    try:
        values = [[float(word) for word in row] for row in rows]
    except ValueError:
        values = [[float("nan")]]
    kernel = torch.tensor(values) if len({len(row) for row in values}) == 1 else torch.tensor([[float("nan")]])
    if not kernel.isfinite().all():
        raise SpecError(
            f"the kernel is {text!r}.",
            "It is rows of equally many numbers, separated by semicolons.",
            "Try '-1 0 1; -2 0 2; -1 0 1'.",
        )
    return kernel
