"""What training is said to take, against the tensors that exist at once in a step of training."""

import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from striate import Network, account, find
from striate.accounting.memory import memory
from striate.modules import build


class Living(TorchDispatchMode):
    """Counts the bytes of all storages that operators made and that still exist; `peak` is the most so far."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[int, int] = {}
        self.now = self.peak = 0

    def add(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self.sizes:
            self.sizes[storage._cdata] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._drop, storage._cdata)

    def _drop(self, address: int) -> None:
        self.now -= self.sizes.pop(address, 0)

    def __torch_dispatch__(self, operator, types, arguments=(), named=None):
        made = operator(*arguments, **(named or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self.add(tensor)
        return made


def held(network: Network, *, batch: int) -> int:
    """The most bytes alive at once in the second step of training with momentum, gradients dropped between steps."""
    model = build(network, device="meta").train()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, foreach=False)
    living = Living()
    for tensor in [*model.parameters(), *model.buffers()]:
        living.add(tensor)
    for _ in range(2):
        living.peak = living.now
        with living:
            images = torch.empty(batch, *network.input, device="meta")
            heads: dict[str, torch.Tensor] = {}
            outputs = model.logits(images, heads=heads)
            loss = outputs.sum() + sum(head.sum() for head in heads.values())
            del outputs
            heads.clear()
            loss.backward()
            del loss
            optimiser.step()
            optimiser.zero_grad()
            del images
    return living.peak


@pytest.mark.parametrize("batch", [2, 16])
@pytest.mark.parametrize(
    "name", ["lenet5", "simple-cnn", "resnet20-cifar", "alexnet", "vgg-d", "googlenet", "resnet50"]
)
def test_a_step_takes_no_more_than_is_said_and_not_much_less(name: str, batch: int) -> None:
    network = find(name)
    said = memory(account(network, batch=batch), optimiser="momentum").figures["training"]
    real = held(network, batch=batch)
    assert real <= said <= 1.35 * real
