"""How LeNet-5 was trained in 1998: every number that the paper prints, and every decision that it leaves open.

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
from striate.train.recipe import Recipe

ETAS = (5e-4,) * 2 + (2e-4,) * 3 + (1e-4,) * 3 + (5e-5,) * 4 + (1e-5,) * 8
"""η of each of the 20 passes (section III-B); further passes go on with the last."""
MU = 0.02
"""Keeps a rate finite where the curvature is 0 (appendix C)."""
CURVATURE_IMAGES = 500
"""Images on which the curvature is estimated before each pass (appendix C)."""
ALL = 60_000
"""The images of MNIST's training set."""
LOSSES = {"eq8": "rbf-mle", "eq9": "rbf-map"}
"""The paper's two losses, by the names that recipes have for them."""


@dataclass(frozen=True)
class Decisions:
    """What the paper leaves open.

    `loss` is "eq8" or "eq9", and `j` is eq. 9's. `scale` is what E is multiplied by: with y_i as eq. 7 has it, the sum
    over 84 units, the published η and μ diverge. `subsampling` takes the "sum" of a window, as section II-B says, or
    its "average", as section II-A does. `biases` begin at "zero", or are drawn as weights are ("uniform"). `start` is
    where the curvature begins at F6: the "exact" second derivative of the loss, or eq. 8's for both losses ("eq8").

    The others say how far an image is distorted, each a greatest value on either side: `shift` in pixels on each axis,
    `size` and `squeeze` as fractions, `shear` in degrees.
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
        """The same, some of them decided otherwise: values as a person types them, by name.

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
    """One training: its `passes`, from how many `images` it learns, how they are `distorted`, and its `seed`.

    `distorted` is "no", "fresh" (nine presentations of ten, each distorted anew), or "pool" (the paper's: 60,000 images
    and 540,000 distorted ones, made once). With `hold_out` images of the training set held out, they are what it is
    judged by instead of the test images.
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
                f"{self.images:,} images to learn from, and {self.hold_out:,} held out.",
                f"The training set has {ALL:,} together.",
                f"Learn from at most {ALL - self.hold_out:,}.",
            )

    def eta(self, number: int) -> float:
        """η of a pass; the first has number 1.

        >>> [Method().eta(number) for number in (1, 3, 6, 9, 13, 20, 21)]
        [0.0005, 0.0002, 0.0001, 5e-05, 1e-05, 1e-05, 1e-05]
        """
        return ETAS[min(number, len(ETAS)) - 1]

    @property
    def recipe(self) -> Recipe:
        """The recipe that a run folder keeps: one rate stands for one a parameter."""
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
        """What `to_dict` gave. Raises SpecError on an unknown or a missing member, and on a wrong value."""
        exactly(members, {each.name for each in fields(cls)}, where="")
        decisions = members["decisions"]
        exactly(decisions, {each.name for each in fields(Decisions)}, where="decisions")
        return cls(**{**members, "decisions": Decisions(**decisions)})
