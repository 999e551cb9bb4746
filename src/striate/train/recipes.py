"""Which recipes there are, and which one suits a network."""

from __future__ import annotations

import json
from pathlib import Path

from striate.data import Augmentation
from striate.errors import FormatError, SpecError, unknown_name
from striate.networks import CATALOGUE
from striate.spec.layers import RBF, Activation
from striate.spec.network import Network, plan
from striate.train.papers import PAPERS
from striate.train.recipe import Recipe, recipe_from_dict

_READ = Augmentation(rotation=3, scale=0.05, squeeze=0.05, shear=6, elastic=0.5)

RECIPES: dict[str, Recipe] = {
    # LeNet-5 with its RBF outputs, by eq. 9. Chosen on the validation images: see docs/lenet5.md.
    "lenet5": Recipe(loss="rbf-map", rubbish=10.0, rate=1e-2, initialisation="lecun"),
    # The same network with what is known today; each number's choice is in docs/lenet5.md.
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
    # LeNet-1, whose few parameters bear a high rate. Chosen on the validation images: docs/reproductions/figure-9.md.
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
    """The recipe that suits a network: LeNet-5's for RBF outputs, its own, or else one by its activations."""
    layers = [step.layer for step in plan(network).steps]
    entry = CATALOGUE.get(network.name)
    radial = isinstance(layers[-1], RBF)
    if entry is not None and entry.recipe and radial != (RECIPES[entry.recipe].loss == "cross-entropy"):
        return RECIPES[entry.recipe]
    if radial:
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
        what = f"cannot be read: {problem.strerror}."
        raise FormatError(what, "A recipe is a name or a JSON file.", where=name) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise FormatError(f"not JSON: {problem}.", "A recipe is a JSON object.", where=name) from None
    except SpecError as error:
        raise error.at(name) from None
