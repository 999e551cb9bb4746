"""The recipes by name, and the default recipe of a network."""

from __future__ import annotations

from striate.data import Augmentation
from striate.description.layers import RBF, Activation
from striate.description.network import Network, plan
from striate.errors import unknown_name
from striate.networks import CATALOGUE
from striate.train.papers import PAPERS
from striate.train.recipe import Recipe
from striate.train.recipe_file import SUFFIXES, read_recipe

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
    # CIFAR-10 on a CPU: after K. Jordan, 94% on CIFAR-10 in 3.29 seconds on a single GPU, 2024, and the author's
    # airbench with Muon. Not tuned here yet.
    "cifar-fast": Recipe(
        epochs=8,
        batch=500,
        optimiser="muon",
        filter_rate=0.08,
        rate=0.2,
        warm_up=0.0,
        momentum=0.7,
        weight_decay=5e-4,
        label_smoothing=0.2,
        low=-2.0,
        high=2.0,
        whiten="whitening",
        augmentation=Augmentation(shift=2, alternating_flip=True),
    ),
    # Ours, for positions of Go: docs/go.md. 23 parts of 1,000 steps, three million positions in all.
    "go-policy": Recipe(
        epochs=23,
        epoch_steps=1000,
        batch=128,
        optimiser="muon",
        rate=0.02,
        filter_rate=0.01,
        momentum=0.9,
        warm_up=0.05,
        weight_decay=5e-4,
        low=0.0,
        high=1.0,
        augmentation=Augmentation(symmetries="boards"),
    ),
    # Networks of ReLUs, and of tanh or sigmoid units, with logits.
    "relu": Recipe(rate=4e-3, initialisation="he"),
    "tanh": Recipe(rate=4e-3, initialisation="lecun"),
    **PAPERS,
}
"""The recipes that have names, by name."""


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
    """The recipe called `name`, or the recipe in the TOML or JSON file `name`."""
    if name in RECIPES:
        return RECIPES[name]
    if not (name.endswith(SUFFIXES) or "/" in name):
        raise unknown_name("recipe", name, RECIPES)
    return read_recipe(name)
