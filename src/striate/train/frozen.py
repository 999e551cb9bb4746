"""Frozen layers: their parameters get no gradient, and their batch normalisations keep their statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage] - PyTorch has no public name for it

from striate.errors import SpecError, quote
from striate.modules import Built
from striate.train.recipe import Recipe
from striate.train.whitening import whitening

NAMED = 8
"""The most layers that an error names."""


def stand_still(model: Built, recipe: Recipe) -> None:
    """Turn off the gradients of the layers that the recipe freezes, and of its whitening layer.

    Raises SpecError where the network does not have them, and where nothing is left to learn.
    """
    freeze(model, recipe.freeze)
    if recipe.whiten:
        whitening(model, recipe.whiten)


def freeze(model: nn.Module, paths: Sequence[str]) -> None:
    """Turn off the gradients of the layers and blocks at some paths.

    Raises SpecError where a path names nothing that has parameters, and where nothing is left to learn.

    >>> from striate.modules import build
    >>> model = build("lenet5-dense")
    >>> freeze(model, ["C1", "C3"])
    >>> [name for name, each in model.named_parameters() if each.requires_grad][0]
    'C5.weight'
    """
    for path, module in _named(model, paths):
        if not _learns(module):
            raise SpecError(f"freeze names {path}, which has no parameters.", "Only layers that learn can be frozen.")
        module.requires_grad_(requires_grad=False)
    if paths and not any(each.requires_grad for each in model.parameters()):
        raise SpecError(
            f"freeze names all layers: {_some(paths)}.",
            "Nothing is left to learn.",
            "Leave out the layers that shall learn, such as the last one.",
        )


def hold_still(model: nn.Module, paths: Sequence[str]) -> None:
    """Put the frozen batch normalisations of a model in evaluation mode: they use their running statistics."""
    for _, module in _named(model, paths):
        for each in module.modules():
            if isinstance(each, _BatchNorm):
                each.eval()


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:NAMED]) + (f" and {len(paths) - NAMED} more" if len(paths) > NAMED else "")


def _learns(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def _named(model: nn.Module, paths: Sequence[str]) -> Iterator[tuple[str, nn.Module]]:
    known = {path: module for path, module in model.named_modules() if path}
    for path in paths:
        if path not in known:
            with_weights = [name for name, each in known.items() if "." not in name and _learns(each)]
            near = get_close_matches(path, known, n=1)
            raise SpecError(
                f"freeze names {quote(path)}, which the network does not have.",
                f"Its layers and blocks are, outermost first: {_some(with_weights)}.",
                f"Did you mean {near[0]}?" if near else "Take paths as `striate account` prints them.",
            )
        yield path, known[path]
