"""The training method of LeNet-5 in 1998: all numbers that the paper prints, and all decisions that it leaves open.

LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 86(11), 1998:
sections II-B and III, appendices A and C.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from striate.data.preprocess import exactly
from striate.description import checks
from striate.errors import FormatError, SpecError
from striate.kernels.engine import Loss
from striate.train.recipe import Recipe

ETAS = (5e-4,) * 2 + (2e-4,) * 3 + (1e-4,) * 3 + (5e-5,) * 4 + (1e-5,) * 8
"""η of each of the 20 passes (section III-B); further passes use the last value."""
MU = 0.02
"""Keeps a rate finite where the curvature is 0 (appendix C)."""
CURVATURE_IMAGES = 500
"""Images on which the curvature is estimated before each pass (appendix C)."""
ALL = 60_000
"""The images of MNIST's training set."""
LOSSES: dict[str, Loss] = {"eq8": "rbf-mle", "eq9": "rbf-map"}
"""The paper's two losses, by the names that recipes have for them."""


@dataclass(frozen=True)
class Decisions:
    """The decisions that the paper leaves open.

    `loss` is "eq8" or "eq9", and `j` is that of eq. 9. E is multiplied by `scale`: with y_i as in eq. 7, the sum over
    84 units, the published η and μ diverge. `subsampling` takes the "sum" of a window, as in section II-B, or its
    "average", as in section II-A. `biases` begin at "zero", or are drawn like weights ("uniform"). `start` is the
    curvature at F6: the "exact" second derivative of the loss, or that of eq. 8 for both losses ("eq8").

    The others are the amplitudes of distortions, the greatest value in either direction: `shift` in pixels on each
    axis, `size` and `squeeze` as fractions, `shear` in degrees.
    """

    loss: str = "eq9"
    j: float = 5.0
    scale: float = 0.04
    subsampling: str = "sum"
    biases: str = "zero"
    start: str = "exact"
    shift: float = 1.0
    size: float = 0.2
    squeeze: float = 0.1
    shear: float = 15.0

    def __post_init__(self) -> None:
        checks.one_of("loss", self.loss, tuple(LOSSES))
        checks.number("j", self.j, least=0)
        if checks.number("scale", self.scale, least=0) == 0:
            raise SpecError("scale is 0.", "It must be more than 0.")
        checks.one_of("subsampling", self.subsampling, ("sum", "average"))
        checks.one_of("biases", self.biases, ("zero", "uniform"))
        checks.one_of("start", self.start, ("exact", "eq8"))
        checks.number("shift", self.shift, least=0)
        checks.number("size", self.size, least=0, below=1)
        checks.number("squeeze", self.squeeze, least=0, below=1)
        checks.number("shear", self.shear, least=0, below=90)

    def with_texts(self, texts: Mapping[str, str]) -> Decisions:
        """The decisions with some changed: values by name, as text from the command line.

        >>> Decisions().with_texts({"loss": "eq8"}).loss
        'eq8'
        """
        known = {each.name: type(getattr(self, each.name)) for each in fields(self)}
        values: dict[str, Any] = {}
        for name, text in texts.items():
            if name not in known:
                raise FormatError(f"no decision is called {name!r}.", f"The decisions are: {', '.join(known)}.")
            try:
                values[name] = known[name](text)
            except ValueError:
                raise FormatError(f"{name} is {text!r}.", "It must be a number.") from None
        return replace(self, **values)


@dataclass(frozen=True)
class Method:
    """One training: its `passes`, its number of training `images`, how they are `distorted`, and its `seed`.

    `distorted` is "no", "fresh" (nine of ten images, distorted anew each time), or "pool" (the paper's: 60,000 images
    and 540,000 distorted ones, made once). With `hold_out` above 0, that many images of the training set are held out,
    and the network is evaluated on them instead of on the test images.
    """

    passes: int = len(ETAS)
    images: int = ALL
    distorted: str = "no"
    seed: int = 0
    hold_out: int = 0
    decisions: Decisions = field(default_factory=Decisions)

    def __post_init__(self) -> None:
        checks.whole("passes", self.passes)
        checks.whole("images", self.images, least=CURVATURE_IMAGES)
        checks.whole("seed", self.seed, least=0)
        checks.whole("hold_out", self.hold_out, least=0)
        checks.one_of("distorted", self.distorted, ("no", "fresh", "pool"))
        if self.images + self.hold_out > ALL:
            raise SpecError(
                f"{self.images:,} images for training, and {self.hold_out:,} held out.",
                f"The training set has {ALL:,} together.",
                f"Train on at most {ALL - self.hold_out:,}.",
            )

    def eta(self, number: int) -> float:
        """η of a pass; the first has number 1.

        >>> [Method().eta(number) for number in (1, 3, 6, 9, 13, 20, 21)]
        [0.0005, 0.0002, 0.0001, 5e-05, 1e-05, 1e-05, 1e-05]
        """
        return ETAS[min(number, len(ETAS)) - 1]

    @property
    def recipe(self) -> Recipe:
        """The recipe for the run's folder; its one rate stands for the rates of all parameters."""
        return Recipe(
            epochs=self.passes,
            batch=1,
            optimiser="sgd",
            rate=ETAS[0],
            schedule="constant",
            warm_up=0.0,
            momentum=0.0,
            weight_decay=0.0,
            loss=LOSSES[self.decisions.loss],
            rubbish=self.decisions.j,
            initialisation="lecun-1998",
            hold_out=self.hold_out / ALL,
            seed=self.seed,
        )

    def to_dict(self) -> dict[str, Any]:
        """The method as plain JSON members."""
        return asdict(self)

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Method:
        """The method from the members of `to_dict`. Raises SpecError for unknown, missing or wrong members."""
        exactly(members, {each.name for each in fields(cls)}, where="")
        decisions = members["decisions"]
        exactly(decisions, {each.name for each in fields(Decisions)}, where="decisions")
        return cls(**{**members, "decisions": Decisions(**decisions)})
