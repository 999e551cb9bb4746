"""A recipe: every number of a training, as a value that is printed and kept with the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from striate.build import INITIALISATIONS
from striate.data import Augmentation
from striate.errors import FormatError, SpecError
from striate.spec import checks

MOST = {"epochs": 10**9, "batch": 10**9, "patience": 10**9, "seed": 2**63 - 1}
"""What a training counts to, and what PyTorch takes as a seed."""
OPTIMISERS = ("adamw", "sgd", "adadelta")
SCHEDULES = ("one-cycle", "constant", "steps", "plateau")
LOSSES = ("cross-entropy", "rbf-mle", "rbf-map")


@dataclass(frozen=True)
class Recipe:
    """Every number of a training.

    `rate` is the highest learning rate; "one-cycle" climbs to it over the first `warm_up` of all steps and falls to
    nothing along a cosine. "steps" multiplies it by `drop` at each of the fractions `drops` of all steps, "plateau"
    after `patience` epochs in which the validation accuracy was not better than before; both begin with a tenth of it
    for the first `warm_up`. `low` and `high` are what a pixel of 0 and of 255 become. `hold_out` is the fraction of the
    training images kept for validation; only a reproduction of a paper, which learns from all, has 0. `until` ends the
    training once that share of the validation images is right. `momentum` is AdamW's β1 and Adadelta's ρ too.
    `rubbish` is j of LeNet-5's eq. 9. `average` is the decay of the weights' averages: what is validated and kept is
    then the mean over about the last 1/(1 − average) steps (B. Polyak, A. Juditsky, Acceleration of stochastic
    approximation by averaging, 1992); 0: the last weights themselves.
    """

    epochs: int = 8
    batch: int = 128
    optimiser: str = "adamw"
    rate: float = 4e-3
    schedule: str = "one-cycle"
    warm_up: float = 0.15
    drop: float = 0.1
    drops: tuple[float, ...] = ()
    patience: int = 5
    momentum: float = 0.9
    weight_decay: float = 0.01
    average: float = 0.0
    loss: str = "cross-entropy"
    rubbish: float = 0.0
    initialisation: str = "he"
    low: float = -0.1
    high: float = 1.175
    augmentation: Augmentation = field(default_factory=Augmentation)
    hold_out: float = 1 / 12
    until: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        checks.one_of("optimiser", self.optimiser, OPTIMISERS)
        checks.one_of("schedule", self.schedule, SCHEDULES)
        checks.one_of("loss", self.loss, LOSSES)
        checks.one_of("initialisation", self.initialisation, tuple(INITIALISATIONS))
        checks.whole("epochs", self.epochs)
        checks.whole("batch", self.batch)
        checks.whole("seed", self.seed, least=0)
        checks.whole("patience", self.patience)
        for name, most in MOST.items():
            if getattr(self, name) > most:
                raise SpecError(f"{name} is {getattr(self, name)}.", f"It must be at most {most:,}.")
        checks.number("drop", self.drop, least=0, below=1)
        object.__setattr__(self, "drops", _fractions(self.drops))
        checks.number("warm_up", self.warm_up, least=0, below=1)
        checks.number("momentum", self.momentum, least=0, below=1)
        checks.number("weight_decay", self.weight_decay, least=0)
        checks.number("average", self.average, least=0, below=1)
        checks.number("rubbish", self.rubbish, least=0)
        checks.number("low", self.low, least=-1e6)
        checks.number("high", self.high, least=-1e6)
        checks.number("hold_out", self.hold_out, least=0)
        for name, value in (("rate", self.rate), ("until", self.until)):
            if value is not None and checks.number(name, value, least=0) == 0:
                raise SpecError(f"{name} is {value!r}.", "It must be more than 0.")
        if self.hold_out >= 1 or (self.until is not None and self.until > 1):
            raise SpecError(
                f"hold_out is {self.hold_out!r} and until {self.until!r}.",
                "Both are fractions of the images: hold_out is below 1, until at most 1.",
            )

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON members."""
        return asdict(self) | {"augmentation": self.augmentation.to_dict()}


def _fractions(drops: object) -> tuple[float, ...]:
    """The moments at which the rate drops, checked."""
    found = tuple(drops) if isinstance(drops, (tuple, list)) else (drops,)
    fractions = tuple(checks.number("drops", each, least=0, below=1) for each in found)
    if list(fractions) != sorted(fractions):
        raise SpecError(f"drops is {drops!r}.", "Its fractions of all steps must ascend, such as (0.5, 0.75).")
    return fractions


def recipe_from_dict(members: object) -> Recipe:
    """The recipe of plain JSON members; what is missing has its default, what is not known is refused."""
    if not isinstance(members, dict):
        raise FormatError("a recipe is not a JSON object.", 'It looks like {"epochs": 8, "rate": 0.004}.')
    known = {each.name for each in fields(Recipe)}
    for key in members:
        if key not in known:
            raise FormatError(f"{key} is an unknown key.", f"A recipe has: {', '.join(sorted(known))}.")
    members = dict(members)
    if "augmentation" in members:
        members["augmentation"] = Augmentation.from_dict(members["augmentation"])
    try:
        return replace(Recipe(), **members)
    except OverflowError:
        raise FormatError("a number is too large to compute with.", "Numbers of a recipe are below 1e308.") from None
