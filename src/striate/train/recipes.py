"""The recipes by name, and the default recipe of a network."""

from __future__ import annotations

import json
from pathlib import Path

from striate.data import Augmentation
from striate.description.layers import RBF, Activation
from striate.description.network import Network, plan
from striate.errors import FormatError, SpecError, unknown_name
from striate.networks import CATALOGUE
from striate.train.papers import PAPERS
from striate.train.recipe import Recipe, recipe_from_dict

MOST_BYTES = 2**20
"""The largest size of a recipe's file."""

_READ = Augmentation(rotation=3, scale=0.05, squeeze=0.05, shear=6, elastic=0.5)

RECIPES: dict[str, Recipe] = {
    # LeNet-5 with its RBF outputs, trained with eq. 9. Chosen on the validation images: see docs/lenet5.md.
    "lenet5": Recipe(loss="rbf-map", rubbish=10.0, rate=1e-2, initialisation="lecun"),
    # The best recipe for the same network; docs/lenet5.md explains the choice of each number.
    "lenet5-best": Recipe(
        epochs=200,
        loss="rbf-map",
        rubbish=10.0,
        rate=1e-2,
        initialisation="lecun",
        average=0.999,
        augmentation=Augmentation(rotation=9, scale=0.05, squeeze=0.1, shear=8, shift=0.3, elastic=0.7),
        hold_out=1 / 20,
    ),
    # LeNet-1, which trains well at a high rate. Chosen on the validation images: docs/reproductions/figure-9.md.
    "lenet1": Recipe(epochs=20, rate=2e-2, initialisation="lecun"),
    # Readers of lines, on windows of lines. Chosen on lines of held-out training digits: docs/read.md.
    "lenet5-reader": Recipe(epochs=10, average=0.999, augmentation=_READ),
    "lenet5-reader-1998": Recipe(
        epochs=16, loss="rbf-map", rubbish=10.0, rate=1e-2, initialisation="lecun", average=0.999, augmentation=_READ
    ),
    # Networks of ReLUs, and of tanh or sigmoid units, with logits.
    "relu": Recipe(rate=4e-3, initialisation="he"),
    "tanh": Recipe(rate=4e-3, initialisation="lecun"),
    **PAPERS,
}


def recipe_for(network: Network) -> Recipe:
    """The default recipe of a network: LeNet-5's for RBF outputs, the catalogue's, or one by its activations."""
    layers = [step.layer for step in plan(network).steps]
    entry = CATALOGUE.get(network.name)
    radial = isinstance(layers[-1], RBF)
    if entry is not None and entry.recipe and radial != (RECIPES[entry.recipe].loss == "cross-entropy"):
        return RECIPES[entry.recipe]
    if radial:
        return RECIPES["lenet5"]
    functions = {layer.function for layer in layers if isinstance(layer, Activation)}
    saturating = functions and functions <= {"tanh", "scaled_tanh", "sigmoid"}
    return RECIPES["tanh"] if saturating else RECIPES["relu"]


def find_recipe(name: str) -> Recipe:
    """The recipe called `name`, or the recipe in the JSON file `name`."""
    if name in RECIPES:
        return RECIPES[name]
    if not (name.endswith(".json") or "/" in name):
        raise unknown_name("recipe", name, RECIPES)
    try:
        return recipe_from_dict(_members(name))
    except SpecError as error:
        raise error.at(name) from None


def _members(file: str) -> object:
    """The content of a recipe's JSON file."""
    try:
        with Path(file).open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise FormatError(f"is longer than {MOST_BYTES // 2**20} MiB.", "A recipe is a small JSON file.")
        return json.loads(content.decode("utf-8"), object_pairs_hook=_once)
    except OSError as problem:
        what = f"cannot be read: {problem.strerror}."
        raise FormatError(what, "A recipe is a name or a JSON file.") from None
    except SpecError:
        raise
    except RecursionError:
        raise FormatError("is nested too deeply.", "A recipe is a JSON object of numbers and words.") from None
    except ValueError as problem:  # also numbers of thousands of digits, and names with a NUL
        raise FormatError(f"not JSON: {problem}.", "A recipe is a JSON object.") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The members of a JSON object, none of which may occur twice."""
    members: dict[str, object] = {}
    for key, value in pairs:
        if key in members:
            raise FormatError(f"{key!r:.60} stands twice.", "Each member stands once.", "Leave one out.")
        members[key] = value
    return members
