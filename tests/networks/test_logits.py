"""A network that ends in a softmax, built to give logits."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from striate import Activation, Flatten, Linear, Network, Softmax, find
from striate.modules import build

NETWORK = Network("closed", (1, 6, 6), [Flatten(), Linear(8), Activation("relu"), Linear(3), Softmax()])


def test_logits_stop_before_the_closing_softmax() -> None:
    closed, logits = (build(NETWORK, logits=each, generator=torch.Generator().manual_seed(1)) for each in (False, True))
    images = torch.randn(4, 1, 6, 6)
    torch.testing.assert_close(logits(images).softmax(1), closed(images))
    assert torch.equal(logits(images), closed.logits(images))
    assert [*logits.state_dict()] == [*closed.state_dict()]


def test_a_network_without_a_softmax_is_the_same_either_way() -> None:
    model = build("lenet5", logits=True, generator=torch.Generator().manual_seed(1))
    images = torch.randn(2, 1, 32, 32)
    assert torch.equal(model(images), build(find("lenet5"), generator=torch.Generator().manual_seed(1))(images))


def test_cross_entropy_of_pytorch_learns_from_logits() -> None:
    images, labels = torch.randn(30, 1, 6, 6, generator=torch.Generator().manual_seed(2)), torch.arange(30) % 3
    losses = []
    for logits in (False, True):
        model = build(NETWORK, logits=logits, generator=torch.Generator().manual_seed(1))
        optimiser = torch.optim.SGD(model.parameters(), 0.2)
        for _ in range(60):
            loss = F.cross_entropy(model(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        losses.append(F.cross_entropy(model.logits(images), labels).item())
    assert losses[1] < losses[0] / 3
