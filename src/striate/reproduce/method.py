"""How LeNet-5 was trained in 1998: every number that the paper prints, and every decision that it leaves open.

LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 86(11), 1998:
sections II-B and III, appendices A and C.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from striate.data import Augmentation
from striate.errors import FormatError, SpecError
from striate.spec import checks
from striate.train.recipe import Recipe

ETAS = (5e-4,) * 2 + (2e-4,) * 3 + (1e-4,) * 3 + (5e-5,) * 4 + (1e-5,) * 8
"""η of each of the 20 passes (section III-B); further passes go on with the last."""
MU = 0.02
"""Keeps a rate finite where the curvature is 0 (appendix C)."""
CURVATURE_IMAGES = 500
"""Images on which the curvature is estimated before each pass (section III-B)."""


@dataclass(frozen=True)
class Decisions:
    """What the paper leaves open.

    `loss` is "eq8" or "eq9", and `j` is eq. 9's. `subsampling` takes the "sum" of a window, as section II-B says, or its
    "average", as section II-A does. `biases` begin at "zero", or are drawn as the weights are ("uniform"). `start` is
    where the curvature begins at F6: the "exact" second derivative of the loss, or "eq8", which has 2, for both losses.
    """

    loss: str = "eq9"
    j: float = 10.0
    subsampling: str = "sum"
    biases: str = "zero"
    start: str = "exact"

    def __post_init__(self) -> None:
        checks.one_of("loss", self.loss, ("eq8", "eq9"))
        checks.number("j", self.j, least=0)
        checks.one_of("subsampling", self.subsampling, ("sum", "average"))
        checks.one_of("biases", self.biases, ("zero", "uniform"))
        checks.one_of("start", self.start, ("exact", "eq8"))


@dataclass(frozen=True)
class Method:
    """One training: its `passes`, how many images it learns from (`images`), whether they are distorted, its `seed`.

    With `hold_out` images of the training set held out, they are what it is judged by instead of the test images.
    """

    passes: int = len(ETAS)
    images: int = 60_000
    distorted: bool = False
    seed: int = 0
    hold_out: int = 0
    decisions: Decisions = Decisions()

    def eta(self, number: int) -> float:
        """η of a pass; the first has number 1."""
        return ETAS[min(number, len(ETAS)) - 1]
