"""The Gauss-Newton diagonal of LeNet-5's appendix C, in its plainest form, and the learning rates computed from it.

The input of a unit's activation f is a_i = Σ_j u_ij x_j. For one image the paper has

    ∂²E/∂u_ij² = ∂²E/∂a_i² · x_j²
    ∂²E/∂x_j²  = Σ_i u_ij² ∂²E/∂a_i²            (cross terms between units of a layer are dropped)
    ∂²E/∂a_i²  = f′(a_i)² ∂²E/∂x_i²             (f″ is dropped)

and for a parameter w that several connections share, the sum of ∂²E/∂u² over all of them. A layer is linear in its
parameters and in its inputs, so its ordinary backward pass with both squared computes that sum.
"""

from __future__ import annotations

from typing import assert_never

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.func import functional_call

from striate.modules import Built
from striate.modules.rbf import RadialBasis
from striate.train.recipe import Recipe

Pixels = Float[Tensor, "images channels height width"]
Labels = Int64[Tensor, " images"]


def gauss_newton_diagonal(model: Built, pixels: Pixels, labels: Labels, *, recipe: Recipe) -> dict[str, Tensor]:
    """The diagonal by name of the parameter, summed over the images and over the connections that share a parameter."""
    inputs, values = [], pixels
    layers = list(model.named_children())
    with torch.no_grad():
        for _, layer in layers:
            inputs.append(values)
            values = layer(values)
    *before, (_, radial) = layers
    assert isinstance(radial, RadialBasis)  # noqa: S101 - the learner has looked
    second = second_derivative(inputs[-1], radial.centres, labels, recipe=recipe)
    found: dict[str, Tensor] = {}
    for (path, layer), given in reversed(list(zip(before, inputs[:-1], strict=True))):
        second, own = _back(layer, given, second)
        found |= {f"{path}.{name}": each for name, each in own.items()}
    return {name: found[name] for name, _ in model.named_parameters()}


def second_derivative(
    features: Float[Tensor, "images features"],
    centres: Float[Tensor, "classes features"],
    labels: Labels,
    *,
    recipe: Recipe,
) -> Float[Tensor, "images features"]:
    """∂²E/∂x² for each input x of the RBF units: exact, and never negative.

    By eq. 8, E = y_D, it is 2. By eq. 9, with p_i = e^−y_i / (e^−j + Σ_k e^−y_k) and d_i = x − w_i, it is
    2 (1 − Σ p_i) + 4 (Σ p_i d_i² − (Σ p_i d_i)²).
    """
    match recipe.loss:
        case "rbf-mle":
            return torch.full_like(features, 2.0)
        case "rbf-map":
            return _by_eq_9(features, centres, recipe.rubbish)
        case "cross-entropy":
            raise ValueError("the second derivative is that of RBF units' losses")
        case _:
            assert_never(recipe.loss)


def _by_eq_9(features: Tensor, centres: Tensor, rubbish: float) -> Tensor:
    apart = features[:, None, :] - centres
    distances = apart.square().sum(2)
    rejected = distances.new_full((len(distances), 1), -rubbish)
    shares = torch.cat([rejected, -distances], 1).softmax(1)[:, 1:, None]
    spread = (shares * apart.square()).sum(1) - (shares * apart).sum(1).square()
    return 2 * (1 - shares.sum(1)) + 4 * spread.clamp_min(0)


def _back(layer: nn.Module, given: Tensor, second: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Backward through one layer: the second derivatives by its inputs, and the sums for its parameters."""
    own = dict(layer.named_parameters())
    with torch.enable_grad():
        if own:
            squares = {name: each.detach().square().requires_grad_() for name, each in own.items()}
            inputs = given.square().requires_grad_()
            outputs = functional_call(layer, squares, (inputs,))
            inputs_back, *sums = torch.autograd.grad(outputs, [inputs, *squares.values()], second)
            return inputs_back, dict(zip(own, sums, strict=True))
        inputs = given.clone().requires_grad_()
        (slope,) = torch.autograd.grad(layer(inputs).sum(), inputs)  # f′, or ones where a layer only reorders values
    return slope.square() * second.view_as(slope), {}


def rates(diagonal: dict[str, Tensor], *, eta: float, mu: float) -> dict[str, Tensor]:
    """η / (μ + h) for each parameter, from the mean over images of its diagonal.

    >>> rates({"w": torch.tensor([0.0, 0.08])}, eta=0.001, mu=0.02)
    {'w': tensor([0.0500, 0.0100])}
    """
    return {name: eta / (mu + each) for name, each in diagonal.items()}
