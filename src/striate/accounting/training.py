"""The cost of training in MACs: forward, backward, a step, an epoch.

The backward pass of a layer with weights takes twice the MACs of its forward pass: once for the gradient of its weights
and once for the gradient of its input. The first layer needs no gradient of its input, the images; fixed RBF centres
need no gradient of their own. Auxiliary heads are trained, so they count.
"""

from __future__ import annotations

from dataclasses import dataclass

from striate.accounting.kept import gradients_needed
from striate.accounting.rows import Account, Row
from striate.description import checks
from striate.description.json import Json
from striate.description.limits import COUNT
from striate.description.network import INPUT, plan
from striate.description.properties import properties


@dataclass(frozen=True)
class LayerCost:
    """The MACs of one layer for the account's batch: forward, and backward for its weights and for its input."""

    row: Row
    forward: int
    weights: int
    input: int


@dataclass(frozen=True)
class TrainingCost:
    """The MACs of training; 1 MAC = 2 FLOPs. `images` make an epoch."""

    account: Account
    layers: tuple[LayerCost, ...]
    images: int

    @property
    def forward(self) -> int:
        """MACs of the forward pass of one step."""
        return sum(layer.forward for layer in self.layers)

    @property
    def backward(self) -> int:
        """MACs of the backward pass of one step."""
        return sum(layer.weights + layer.input for layer in self.layers)

    @property
    def step(self) -> int:
        """MACs of one step: forward and backward for one batch."""
        return self.forward + self.backward

    @property
    def epoch(self) -> int:
        """MACs of an epoch: every image once, forward and backward."""
        return self.step // self.account.batch * self.images

    def to_dict(self) -> dict[str, Json]:
        """The cost as JSON, in MACs."""
        return {
            "network": self.account.network.name,
            "input": list(self.account.input),
            "batch": self.account.batch,
            "images": self.images,
            "unit": "MACs",
            "layers": [
                {
                    "path": layer.row.path,
                    "forward": layer.forward,
                    "backward_weights": layer.weights,
                    "backward_input": layer.input,
                    "head": layer.row.step.head,
                }
                for layer in self.layers
            ],
            "totals": {"forward": self.forward, "backward": self.backward, "step": self.step, "epoch": self.epoch},
        }


def training_cost(account: Account, *, images: int = 60_000) -> TrainingCost:
    """The cost of training the network of an account: a step of its batch, and an epoch of `images`.

    >>> from striate.accounting.rows import account
    >>> from striate.networks import find
    >>> cost = training_cost(account(find("lenet5-dense")))
    >>> cost.forward, cost.backward
    (416520, 715440)
    """
    checks.whole("the images of an epoch", images, most=COUNT)
    planned = plan(account.network, account.input)
    needed = gradients_needed(planned)
    layers: list[LayerCost] = []
    for row, gradient in zip(account.rows, needed, strict=True):
        source, macs = row.step.sources[0], row.counts.macs
        weights = macs if gradient and properties(row.step.layer).trained else 0
        layers.append(LayerCost(row, macs, weights, macs if source != INPUT and needed[source] else 0))
    return TrainingCost(account, tuple(layers), images)
