"""Attribution by the worker of the page as one file, under Node, held against the server and Captum."""

from __future__ import annotations

import pytest
import torch

from striate import Conv, Flatten, GlobalAveragePool, Linear, Network, find
from striate.accounting import account
from striate.description.layers import Activation, Pool, Residual, Softmax, Subsample
from striate.description.network import INPUT
from striate.web.attribution import METHODS, attribution
from tests.support.networks import ODD
from tests.support.node import NEEDS_NODE
from tests.support.pages import unsettled
from tests.support.pictures import picture
from tests.support.serving import fresh
from tests.support.small import small

pytestmark = NEEDS_NODE

MACS, POINTS = 1e9, 64
"""As in attribution.js: what an answer may take, and at how many points at most the gradient is taken."""
EVEN = Network(
    "even",
    (3, 14, 14),
    [
        Conv(6, kernel=3, padding=1),
        Activation("tanh"),
        Subsample(),
        Residual([Conv(6, kernel=3, padding="same"), Activation("sigmoid")], shortcut=[Pool("max", kernel=1)]),
        Pool("average", kernel=3, stride=2, padding=1, count_padding=False),
        Activation("scaled_tanh"),
        GlobalAveragePool(),
        Softmax(),
        Linear(4),
    ],
)  # fmt: skip
NETWORKS = [
    ODD, EVEN, find("lenet5"), find("simple-cnn"), find("resnet20-cifar"),
    *(small(find(name)) for name in ("alexnet", "googlenet", "resnet50")),
]  # fmt: skip
LARGE = {"simple-cnn", "resnet20-cifar", "alexnet", "googlenet", "resnet50"}


@pytest.mark.parametrize(
    "network",
    [pytest.param(each, marks=[pytest.mark.slow] if each.name in LARGE else []) for each in NETWORKS],
    ids=lambda network: network.name,
)
def test_the_integrated_gradients_of_every_kind_of_layer_are_captums(network, tmp_path, worker, captum) -> None:
    predictor = unsettled(network, tmp_path / "run")
    image = picture(network)
    page = worker(predictor)
    given = predictor.watch(image).outputs[INPUT][None].double()
    predictor.model.double()  # in single precision PyTorch's own gradients are off by as much, where they jump
    points = int(min(POINTS, max(16, MACS / account(network).totals.macs)))
    expected = (
        captum.IntegratedGradients(predictor.scores)
        .attribute(given, predictor.run.preprocessing.low, target=1, n_steps=points, method="riemann_middle")[0]
        .sum(0)
    )
    found = page.ask("attribution", image, method="integrated-gradients", **{"class": predictor.run.classes[1]})
    values = torch.tensor(found["values"], dtype=torch.float64)
    assert expected.norm() > 0
    assert (values - expected).norm() <= 1e-3 * expected.norm()


@pytest.mark.parametrize("method", METHODS)
def test_a_network_that_ends_in_a_softmax_is_asked_for_its_logits(method, tmp_path, worker) -> None:
    network = Network("closed", (3, 12, 10), [Flatten(), Linear(3, name="sum"), Softmax()])
    predictor = fresh(network, tmp_path / "run")
    image = picture(network)
    page = worker(predictor)
    expected = attribution(predictor, predictor.read(image)[0], 2, method=method)
    found = page.ask("attribution", image, method=method, **{"class": predictor.run.classes[2]})
    torch.testing.assert_close(torch.tensor(found["values"]), expected, rtol=1e-3, atol=1e-5)
    prediction = predictor.predict(image)
    assert page.ask("predict", image)["probabilities"] == pytest.approx(prediction.probabilities, abs=1e-5)
