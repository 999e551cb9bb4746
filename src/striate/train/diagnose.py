"""Diagnosis of a training that does not learn: findings, each with a cause and a remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from striate.description.layers import Activation
from striate.description.network import plan
from striate.errors import LearningError
from striate.modules import Built, evaluating
from striate.train.checkpoint import Saved
from striate.train.metrics import UNEVEN
from striate.train.recipe import Recipe
from striate.wording import counted

NAMED = 5
"""The most classes that one finding names."""
DEAD_SHARE = 0.5
"""A layer is worth a warning when more than this share of its maps or units is dead."""
STUCK = 0.01
"""A mean loss counts as stuck if it is nearer to ln(classes) than this fraction of it."""
STAYED = 3
"""A loss is reported as stuck after this many consecutive epochs at no less than half of the highest rate."""
FEW_STEPS = 100
"""With fewer steps than this, the finding names their small number as the cause."""
EXPLODING = 100.0
"""A gradient this many times the first step's counts as exploding."""


@dataclass(frozen=True)
class Finding:
    """A problem (`what`), its `cause` and its `remedy`, in words; `kind` is an identifier for programs."""

    kind: str
    what: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}\n{self.cause}\n{self.remedy}"


def fallen_back(saved: Saved) -> Finding:
    """The finding that a training goes on from the checkpoint before the last one."""
    return Finding(
        "fallen-back",
        saved.why,
        f"The training goes on from {saved.path.name}, which was saved before it and is whole.",
        "It takes the steps since then again, to the same weights. What could not be read is last.safetensors.unread.",
    )


def require_finite(loss: float, *, step: int, rate: float, of: str = "loss") -> None:
    """Raise LearningError where the loss is not finite; for a loss `of` validation, `step` is the epoch."""
    if not math.isfinite(loss):
        at = f"at step {step}" if of == "loss" else f"after epoch {step}"
        raise LearningError(
            f"the {of} is {loss} {at}.",
            f"The weights have run away: the learning rate, {rate:.3g} there, is too high for this network and these "
            "inputs.",
            "Try a tenth of it: --rate, or a recipe of your own.",
        )


def stuck(epochs: Sequence[Mapping[str, Any]], *, classes: int, recipe: Recipe, batches: int) -> Finding | None:
    """The finding for a cross-entropy that stays at ln(classes): the network gives all classes the same probability.

    `epochs` has "loss", "accuracy" and "rate" of each epoch so far, each of `batches` steps. The finding is reported
    once: when the loss was stuck for `STAYED` epochs after the rate first reached half of its highest value, or at the
    end of a shorter training that was stuck throughout.
    """
    if recipe.loss != "cross-entropy" or not epochs:
        return None
    chance = math.log(classes)
    at_chance = [abs(each["loss"] - chance) <= STUCK * chance and each["accuracy"] <= 1.5 / classes for each in epochs]
    begun = next((at for at, each in enumerate(epochs) if each["rate"] >= recipe.rate / 2), len(epochs))
    stayed = next((back for back, each in enumerate(reversed(at_chance[begun:])) if not each), len(epochs) - begun)
    never_left = all(at_chance) and len(epochs) == recipe.epochs and stayed < STAYED
    if stayed != STAYED and not never_left:
        return None
    steps = batches * len(epochs)
    what = f"The loss stays at ln({classes}) = {chance:.3f}: the network gives every class the same probability."
    if steps < FEW_STEPS:
        return Finding(
            "stuck",
            what,
            f"It has taken {counted(steps, 'step')} only, one for each batch of {recipe.batch:,} images.",
            "Try smaller batches, such as --batch 16, or more epochs.",
        )
    return Finding(
        "stuck",
        what,
        "The weights began so small, or the rate is so high, that nothing of the image reaches the output.",
        f"Try another initialisation than {recipe.initialisation}, a tenth of the rate {recipe.rate:g}, or batch norm.",
    )


def missed_classes(missed: Sequence[int], learned: Sequence[int], classes: Sequence[str]) -> Finding | None:
    """The finding for the classes `missed`, given by number, of which the best weights get no validation image right.

    `learned` has the number of training images of each class.
    """
    if not missed:
        return None
    named = ", ".join(f"{classes[each]} ({counted(learned[each], 'training image')})" for each in missed[:NAMED])
    more = f" and {len(missed) - NAMED:,} more" if len(missed) > NAMED else ""
    one = len(missed) == 1
    what = f"No validation image of the {'class' if one else 'classes'} {named}{more} is recognised: recall 0%."
    if max(learned[each] for each in missed) * UNEVEN < max(learned):
        return Finding(
            "missed",
            what,
            f"The largest class has {max(learned):,}: a network loses little by never answering a rare class.",
            f"Add images of {'it' if one else 'them'}, or take fewer of the others.",
        )
    return Finding(
        "missed",
        what,
        f"The network has not learned to tell {'it' if one else 'them'} from the others.",
        "Train for more epochs, or look at the images: are their labels right, and do they differ from the others?",
    )


def dead_units(model: Built, images: Tensor) -> list[Finding]:
    """Findings for layers most of whose maps or units give one value for all images: a ReLU at 0, a saturated tanh.

    `images` is a normalised batch. The model is not changed.
    """
    findings: list[Finding] = []
    steps = [step for step in plan(model.network).steps if isinstance(step.layer, Activation) and not step.head]
    for path, values in _outputs(model, images, [step.path for step in steps]).items():
        flat = values.transpose(0, 1).flatten(1)
        dead = (flat.amax(1) - flat.amin(1)) < 1e-6
        share = dead.double().mean().item()
        if share > DEAD_SHARE and len(flat) > 1:
            findings.append(
                Finding(
                    "dead",
                    f"{int(dead.sum())} of {len(flat)} units of {path} give the same value for every image.",
                    "A unit whose input is always below 0 (ReLU), or far out (tanh, sigmoid), gets no gradient.",
                    "Try a lower rate, a longer warm-up, or batch norm before the activation.",
                )
            )
    return findings


class GradientWatch:
    """Compares the norm of the gradients with that of the `first` step, and reports once when they explode."""

    def __init__(self, first: float | None = None, *, reported: bool = False) -> None:
        self.first, self.reported = first, reported

    def look(self, model: Built) -> Finding | None:
        """Check the model's current gradients."""
        squares = [each.grad.square().sum() for each in model.parameters() if each.grad is not None]
        if not squares:
            return None
        norm = float(torch.stack(squares).sum().sqrt())
        if self.first is None:
            self.first = norm
        if self.reported or norm <= EXPLODING * max(self.first, 1e-3):
            return None
        self.reported = True
        return Finding(
            "exploding",
            f"The gradient's norm is {norm:.3g}, {norm / max(self.first, 1e-12):,.0f} times that of the first step.",
            "Each layer multiplies the gradient, and here it grows from layer to layer, or the rate is too high.",
            "Try a lower rate, a longer warm-up, the initialisation he for ReLU, or batch norm.",
        )


@torch.inference_mode()
def _outputs(model: Built, images: Tensor, paths: list[str]) -> dict[str, Tensor]:
    """The outputs of some layers, captured by hooks that are removed afterwards."""
    found: dict[str, Tensor] = {}

    def keep(path: str, output: Any) -> None:
        found[path] = output

    hooks = [
        model.get_submodule(path).register_forward_hook(lambda _, __, output, path=path: keep(path, output))
        for path in paths
    ]
    try:
        with evaluating(model):
            model.logits(images)
    finally:
        for hook in hooks:
            hook.remove()
    return found
