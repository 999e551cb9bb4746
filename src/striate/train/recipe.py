"""A recipe: every number of a training, as a value that is printed and kept with the run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from striate.build import INITIALISATIONS
from striate.data import Augmentation
from striate.errors import FormatError, SpecError, unknown_name
from striate.spec.layers import RBF, Activation
from striate.spec.network import Network, plan

OPTIMISERS = ("adamw", "sgd")
SCHEDULES = ("one-cycle", "constant")
LOSSES = ("cross-entropy", "rbf-mle", "rbf-map")


@dataclass(frozen=True)
class Recipe:
    """Every number of a training.

    `rate` is the highest learning rate; "one-cycle" climbs to it over the first `warm_up` of all steps and falls to
    nothing along a cosine. `low` and `high` are what a pixel of 0 and of 255 become. `hold_out` is the fraction of
    the training images kept for validation. `until` ends the training once that share of the validation images is
    right. `rubbish` is j of LeNet-5's eq. 9.
    """

    epochs: int = 8
    batch: int = 128
    optimiser: str = "adamw"
    rate: float = 4e-3
    schedule: str = "one-cycle"
    warm_up: float = 0.15
    momentum: float = 0.9
    weight_decay: float = 0.01
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
        _one_of("optimiser", self.optimiser, OPTIMISERS)
        _one_of("schedule", self.schedule, SCHEDULES)
        _one_of("loss", self.loss, LOSSES)
        _one_of("initialisation", self.initialisation, INITIALISATIONS)
        for name, least in (("epochs", 1), ("batch", 1), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise SpecError(f"{name} is {value!r}.", f"It must be a whole number of at least {least}.")
        for name in ("rate", "warm_up", "momentum", "weight_decay", "rubbish", "low", "high", "hold_out"):
            value = getattr(self, name)
            if type(value) not in (int, float) or value != value or abs(value) == float("inf"):
                raise SpecError(f"{name} is {value!r}.", "It must be a finite number.")
        _within("rate", self.rate, above=0)
        _within("warm_up", self.warm_up, below=1)
        _within("momentum", self.momentum, below=1)
        _within("hold_out", self.hold_out, above=0, below=1)
        if self.until is not None:
            _within("until", self.until, above=0, below=1.0000001)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON members."""
        return asdict(self) | {"augmentation": self.augmentation.to_dict()}


RECIPES: dict[str, Recipe] = {
    # Eq. 8 on the RBF outputs; chosen on the validation images, see docs/lenet5.md.
    "lenet5": Recipe(loss="rbf-mle", rate=1e-2, initialisation="lecun"),
    "relu": Recipe(rate=4e-3, initialisation="he"),
    "tanh": Recipe(rate=4e-3, initialisation="lecun"),
}
"""The recipes by name."""


def recipe_for(network: Network) -> Recipe:
    """The recipe that suits a network: LeNet-5's for RBF outputs, else by its activations."""
    layers = [step.layer for step in plan(network).steps]
    if isinstance(layers[-1], RBF):
        return RECIPES["lenet5"]
    functions = {layer.function for layer in layers if isinstance(layer, Activation)}
    return RECIPES["relu"] if "relu" in functions or not functions else RECIPES["tanh"]


def find_recipe(name: str) -> Recipe:
    """The recipe that is called `name`, or the one that the JSON file `name` holds."""
    if name in RECIPES:
        return RECIPES[name]
    if not (name.endswith(".json") or "/" in name):
        raise unknown_name("recipe", name, RECIPES)
    try:
        return recipe_from_dict(json.loads(Path(name).read_text(encoding="utf-8")))
    except OSError as problem:
        raise FormatError(f"cannot be read: {problem.strerror}.", "A recipe is a name or a JSON file.", where=name) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise FormatError(f"not JSON: {problem}.", "A recipe is a JSON object.", where=name) from None
    except SpecError as error:
        raise error.at(name) from None


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
    return replace(Recipe(), **members)


def _one_of(name: str, value: object, known: Any) -> None:
    if value not in known:
        raise SpecError(f"{name} is {value!r}.", f"It must be one of {', '.join(known)}.")


def _within(name: str, value: float, *, above: float | None = None, below: float | None = None) -> None:
    low = value <= above if above is not None else value < 0
    if low or (below is not None and value >= below):
        limits = f"more than {above:g}" if above is not None else "at least 0"
        limits += f" and less than {below:g}" if below is not None else ""
        raise SpecError(f"{name} is {value!r}.", f"It must be {limits}.")
