"""The Gauss-Newton diagonal against explicit computations: exact where nothing is dropped, else the paper's sums."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, hessian, jacrev

from striate import RBF, Activation, Conv, Flatten, Linear, Network, Subsample
from striate.modules import build
from striate.reproduce.curvature import gauss_newton_diagonal, rates, second_derivative
from striate.train import Recipe
from striate.train.losses import loss_of

EQ8, EQ9 = Recipe(loss="rbf-mle"), Recipe(loss="rbf-map", rubbish=4.0)
CODES = ((1.0, 1.0, -1.0), (-1.0, 1.0, 1.0), (1.0, -1.0, 1.0), (-1.0, -1.0, -1.0))
HEAD = [Linear(3, name="out"), Activation("scaled_tanh", name="bent"), RBF(CODES, name="radial")]


def tiny(*layers, shape=(1, 2, 3)):
    """A network in float64 with weights of some size, two images, and their labels."""
    network = Network("tiny", shape, [*layers, *HEAD])
    generator = torch.Generator().manual_seed(5)
    model = build(network, initialisation="lecun", generator=generator).double()
    for each in model.parameters():
        each.data += 0.3 * torch.randn(each.shape, generator=generator)
    pixels = torch.randn(2, *shape, generator=generator).double()
    return model, pixels, torch.tensor([2, 1])


def explicit(model, pixels: Tensor, labels: Tensor, recipe: Recipe) -> dict[str, Tensor]:
    """The diagonal of Σ Jᵀ H J: J the features' derivatives to a parameter, H the loss's Hessian to the features."""
    weights = {name: each.detach() for name, each in model.named_parameters()}
    found = {name: torch.zeros_like(each) for name, each in weights.items()}
    chain = torch.nn.Sequential()
    for name, layer in list(model.named_children())[:-1]:
        chain.add_module(name, layer)
    for pixel, label in zip(pixels[:, None], labels[:, None], strict=True):
        values = chain(pixel)[0].detach()
        bowl = hessian(lambda x, label=label: loss_of(model.radial(x[None]), label, recipe))(values)
        slopes = jacrev(lambda given, pixel=pixel: functional_call(chain, given, (pixel,))[0])(weights)
        for name, slope in slopes.items():
            flat = slope.flatten(1)
            found[name] += torch.einsum("ap,ab,bp->p", flat, bowl, flat).view_as(found[name])
    return found


def alike(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    for name, each in theirs.items():
        assert torch.allclose(ours[name], each, rtol=1e-9, atol=1e-12), name


@pytest.mark.parametrize("recipe", [EQ8, EQ9], ids=["eq8", "eq9"])
def test_it_is_exact_for_one_layer(recipe: Recipe) -> None:
    """A weight of the last layer moves one feature, so no product of two units is there to be dropped."""
    model, pixels, labels = tiny(Flatten())
    alike(gauss_newton_diagonal(model, pixels, labels, recipe=recipe), explicit(model, pixels, labels, recipe))


def test_by_eq_8_it_is_exact_for_two_dense_layers() -> None:
    """By eq. 8 the loss's Hessian is 2 for each feature alone, and a weight before moves one unit."""
    model, pixels, labels = tiny(Flatten(), Linear(4, name="in"), Activation("tanh"))
    alike(gauss_newton_diagonal(model, pixels, labels, recipe=EQ8), explicit(model, pixels, labels, EQ8))


def test_with_more_layers_it_drops_what_joins_units() -> None:
    layers = [Flatten(), Linear(4), Activation("tanh"), Linear(3, name="in"), Activation("tanh")]
    model, pixels, labels = tiny(*layers)
    ours, exact = gauss_newton_diagonal(model, pixels, labels, recipe=EQ8), explicit(model, pixels, labels, EQ8)
    alike({"in.weight": ours["in.weight"]}, {"in.weight": exact["in.weight"]})
    assert not torch.allclose(ours["linear1.weight"], exact["linear1.weight"], rtol=0.05)


def test_shared_parameters_add_up_over_their_connections() -> None:
    """Every connection of a small LeNet by loops: u, its x, and where a unit's curvature comes from."""
    table = ((0, 1), (1,))
    model, pixels, labels = tiny(
        Conv(2, kernel=2, name="C"),
        Activation("scaled_tanh", name="f"),
        Subsample(kernel=2, name="S"),
        Activation("tanh", name="g"),
        Conv(2, kernel=2, table=table, name="T"),
        Flatten(),
        shape=(1, 5, 7),
    )
    ours = gauss_newton_diagonal(model, pixels, labels, recipe=EQ8)
    theirs = {name: torch.zeros_like(each) for name, each in ours.items()}
    for pixel in pixels:
        by_loops(model, pixel, table, theirs)
    alike(ours, theirs)


def by_loops(model, pixel: Tensor, table, sums: dict[str, Tensor]) -> None:
    """Adds an image's terms of appendix C, connection by connection; the loss is eq. 8."""
    with torch.no_grad():
        after_c = model.f(model.C(pixel[None]))[0]
        after_s = model.g(model.S(after_c[None]))[0]
        after_t = model.T(after_s[None])[0]
        after_out = model.bent(model.out(after_t.flatten()[None]))[0]

    def scaled(y: Tensor) -> Tensor:
        return (2 / 3) * (1.7159 - y * y / 1.7159)

    def plain(y: Tensor) -> Tensor:
        return 1 - y * y

    flat, curved_t = after_t.flatten(), torch.zeros_like(after_t.flatten())
    for unit in range(3):
        curve = 2.0 * scaled(after_out[unit]) ** 2
        sums["out.bias"][unit] += curve
        for place in range(len(flat)):
            weight = model.out.weight[unit, place].detach()
            sums["out.weight"][unit, place] += curve * flat[place] ** 2
            curved_t[place] += curve * weight**2
    curved_t, curved_s = curved_t.view_as(after_t), torch.zeros_like(after_s)
    for row, column in ((y, x) for y in range(after_t.shape[1]) for x in range(after_t.shape[2])):
        link = 0
        for unit, seen in enumerate(table):
            curve = curved_t[unit, row, column]  # no activation after T
            sums["T.bias"][unit] += curve
            for channel in seen:
                for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
                    sums["T.weight"][link, y, x] += curve * after_s[channel, row + y, column + x] ** 2
                    curved_s[channel, row + y, column + x] += curve * model.T.weight[link, y, x].detach() ** 2
                link += 1
    curved_c = torch.zeros_like(after_c)
    for channel in range(2):
        for row, column in ((y, x) for y in range(after_s.shape[1]) for x in range(after_s.shape[2])):
            curve = curved_s[channel, row, column] * plain(after_s[channel, row, column]) ** 2
            sums["S.bias"][channel] += curve
            for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
                sums["S.weight"][channel] += curve * after_c[channel, 2 * row + y, 2 * column + x] ** 2
                curved_c[channel, 2 * row + y, 2 * column + x] += curve * model.S.weight[channel].detach() ** 2
    for channel in range(2):
        for row, column in ((y, x) for y in range(after_c.shape[1]) for x in range(after_c.shape[2])):
            curve = curved_c[channel, row, column] * scaled(after_c[channel, row, column]) ** 2
            sums["C.bias"][channel] += curve
            for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
                sums["C.weight"][channel, 0, y, x] += curve * pixel[0, row + y, column + x] ** 2


@pytest.mark.parametrize("recipe", [EQ8, EQ9, Recipe(loss="rbf-map", rubbish=60.0)], ids=["eq8", "eq9", "large j"])
def test_the_start_is_the_losses_second_derivative_and_never_negative(recipe: Recipe) -> None:
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(6, 3, generator=generator).double()
    labels = torch.tensor([0, 1, 2, 3, 0, 1])
    centres = torch.tensor(CODES).double()
    ours = second_derivative(features, centres, labels, recipe=recipe)
    for one, label, found in zip(features, labels[:, None], ours, strict=True):
        bowl = hessian(lambda x, label=label: loss_of((x - centres).square().sum(1)[None], label, recipe))(one)
        assert torch.allclose(found, bowl.diagonal(), rtol=1e-9, atol=1e-12)
    assert (ours >= 0).all()


def test_rates_lie_below_their_ceiling() -> None:
    found = rates({"w": torch.tensor([0.0, 7.123, math.inf])}, eta=5e-4, mu=0.02)["w"]
    assert found[0] == pytest.approx(0.025)
    assert found[1] == pytest.approx(7e-5, rel=1e-3)
    assert found[2] == 0
