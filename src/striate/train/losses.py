"""Losses, and class scores from a network's outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from striate.description.layers import RBF, Softmax
from striate.description.network import Network, plan
from striate.errors import SpecError
from striate.train.recipe import Recipe

Outputs = Float[Tensor, "batch classes"]
Labels = Int64[Tensor, " batch"]
Scalar = Float[Tensor, ""]


def require_loss(network: Network, recipe: Recipe) -> None:
    """Raise SpecError where a loss of scores is given to RBF distances, or a loss of distances to scores: a network
    would learn to be wrong. Or where a softmax or RBF units come last and are not the network's own last layer, where
    every room looks for them."""
    planned = plan(network)
    closing = planned.steps[planned.last].layer
    if isinstance(closing, Softmax | RBF) and not isinstance(network.layers[-1], Softmax | RBF):
        raise SpecError(
            f"{network.name} ends in {'RBF units' if isinstance(closing, RBF) else 'a softmax'}, inside a block or "
            "before an auxiliary head.",
            "Scores of classes are read from the network's own last layer.",
            "Write it last.",
        )
    radial = isinstance(network.layers[-1], RBF)
    if radial != (recipe.loss == "cross-entropy"):
        return
    raise SpecError(
        f"the recipe's loss is {recipe.loss}, and {network.name} ends in {'RBF units' if radial else 'class scores'}.",
        "cross-entropy makes the output of the right class large, rbf-mle and rbf-map make it small, as a distance.",
        f"Give the recipe the loss {'rbf-map' if radial else 'cross-entropy'}, such as by --set loss="
        f"{'rbf-map --set rubbish=10' if radial else 'cross-entropy'}.",
    )


def loss_of(outputs: Outputs, labels: Labels, recipe: Recipe) -> Scalar:
    """The recipe's loss: the mean over a batch of logits, or of RBF distances."""
    match recipe.loss:
        case "cross-entropy":
            return F.cross_entropy(outputs, labels)
        case "rbf-mle":
            return rbf_mle(outputs, labels)
        case "rbf-map":
            return rbf_map(outputs, labels, rubbish=recipe.rubbish)
        case _:
            assert_never(recipe.loss)


@dataclass(frozen=True)
class Mixed:
    """The second labels of a mixup batch, and `part`, the weight λ of the first image and label."""

    labels: Labels
    part: float


def training_loss(
    outputs: Outputs,
    labels: Labels,
    recipe: Recipe,
    *,
    weights: Tensor | None,
    mixed: Mixed | None = None,
    shares: tuple[float, float] = (1.0, 1.0),
) -> Scalar:
    """The loss that a step minimises: `loss_of` with the recipe's label smoothing and the classes' `weights`.

    An image's loss, its label smoothed, counts by the weight of the image's class, and a batch's loss is the weighted
    mean. PyTorch weighs each class of a smoothed label instead: a rare class's share could outweigh the image's own.

    For a `mixed` batch it is λ times the loss of the first labels plus 1 − λ times that of the second. For a part of a
    batch, `shares` are its shares of the whole batch's mean, for the first and the second labels; the losses of all
    parts then sum to the batch's.
    """
    if not recipe.shapes_loss:
        return loss_of(outputs, labels, recipe) * shares[0]

    def loss(by: Labels) -> Scalar:
        each = F.cross_entropy(outputs, by, reduction="none", label_smoothing=recipe.label_smoothing)
        return each.mean() if weights is None else (each * weights[by]).sum() / weights[by].sum()

    if mixed is None:
        return loss(labels) * shares[0]
    return mixed.part * (loss(labels) * shares[0]) + (1 - mixed.part) * (loss(mixed.labels) * shares[1])


def class_shares(labels: Labels, recipe: Recipe, classes: int, *, weights: Tensor | None, whole: Labels) -> Outputs:
    """The weight of −log p of each class in the `training_loss` of a batch, for each image.

    `whole` has the labels of the whole batch to which the images belong; the weights of all its images make its mean.

    >>> class_shares(torch.tensor([1]), Recipe(label_smoothing=0.1), 2, weights=None, whole=torch.tensor([1, 0]))
    tensor([[0.0250, 0.4750]])
    """
    by_class = torch.ones(classes) if weights is None else weights
    right = F.one_hot(labels, classes) * (1 - recipe.label_smoothing)
    return (right + recipe.label_smoothing / classes) * (by_class[labels] / by_class[whole].sum())[:, None]


def share_of(labels: Labels, whole: Labels, weights: Tensor | None) -> float:
    """The share that some images have of a batch's mean loss: of its images, or of the weights of their classes.

    >>> share_of(torch.tensor([0]), torch.tensor([0, 1]), None)
    0.5
    >>> share_of(torch.tensor([0]), torch.tensor([0, 1]), torch.tensor([1.0, 3.0]))
    0.25
    """
    if len(labels) == len(whole):
        return 1.0
    if weights is None:
        return len(labels) / len(whole)
    weights = weights.double().cpu()
    return (weights[labels.cpu()].sum() / weights[whole.cpu()].sum()).item()


def class_weights(counts: list[int], recipe: Recipe) -> Float[Tensor, " classes"] | None:
    """The weight of each class in the loss, from its number of images; None where all weights are equal.

    >>> class_weights([30, 10], Recipe(class_weights="balanced"))
    tensor([0.6667, 2.0000])
    """
    match recipe.class_weights:
        case "none":
            return None
        case "balanced":
            return torch.tensor([sum(counts) / (len(counts) * max(1, count)) for count in counts])
        case _:
            assert_never(recipe.class_weights)


def rbf_mle(distances: Outputs, labels: Labels) -> Scalar:
    """LeNet-5's eq. 8: the mean distance to the centre of the right class, y_D."""
    return distances.gather(1, labels[:, None]).mean()


def rbf_map(distances: Outputs, labels: Labels, *, rubbish: float) -> Scalar:
    """LeNet-5's eq. 9: y_D + log(e^−j + Σ_i e^−y_i), which also pushes the wrong classes away.

    The sum runs over all classes, as the paper prints it. `rubbish` is j; the paper gives no number. Distances far
    above j get no gradient, so j must be as large as the distances between the centres to have an effect.
    """
    rejected = distances.new_full((len(distances), 1), -rubbish)
    penalty = torch.logsumexp(torch.cat([rejected, -distances], 1), 1)
    return rbf_mle(distances, labels) + penalty.mean()


def class_scores(network: Network, outputs: Outputs) -> Outputs:
    """Scores of classes, larger for more probable ones: logits as they are, RBF distances negated."""
    return -outputs if isinstance(network.layers[-1], RBF) else outputs
