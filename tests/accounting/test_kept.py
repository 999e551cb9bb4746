"""What is kept for the backward pass, against what autograd says it saves."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd.graph import saved_tensors_hooks

from striate import (
    NETWORKS,
    RBF,
    Activation,
    Conv,
    Dropout,
    Flatten,
    Linear,
    LocalResponseNorm,
    Network,
    Pool,
    Residual,
    Softmax,
    Subsample,
    account,
    find,
)
from striate.accounting.memory import DTYPES, memory
from striate.description.layers import Layer
from striate.modules import build
from tests.support.strategies import networks


def saved(network: Network, *, batch: int, dtype: str = "float32", device: str = "meta") -> int:
    """The bytes that autograd saves in a forward pass of training, each storage once, the module's own left out."""
    model = build(network, device=device).to(getattr(torch, dtype)).train()
    own = {tensor.untyped_storage()._cdata for tensor in [*model.parameters(), *model.buffers()]}
    storages = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            storages[storage._cdata] = storage
        return tensor

    images = torch.empty(batch, *network.input, dtype=getattr(torch, dtype), device=device)
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = model.logits(images, heads={})
    assert outputs.shape[0] == batch
    return sum(storage.nbytes() for storage in storages.values())


def said(network: Network, *, batch: int, dtype: str = "float32") -> int:
    return memory(account(network, batch=batch), dtype=dtype).figures["kept for backward"]


@given(network=networks(), batch=st.integers(2, 4), dtype=st.sampled_from(sorted(DTYPES)))
@settings(max_examples=150, deadline=None)
def test_random_networks_to_the_byte(network: Network, batch: int, dtype: str) -> None:
    if any(isinstance(layer, LocalResponseNorm) for layer in network.layers):
        dtype = "float64"  # on a CPU PyTorch has no local response norm for 2-byte values
    assert said(network, batch=batch, dtype=dtype) == saved(network, batch=batch, dtype=dtype, device="cpu")


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_of_the_catalogue_to_the_byte(name: str) -> None:
    network = find(name)
    assert said(network, batch=2) == saved(network, batch=2)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([Conv(4, kernel=3)], {"conv1": ["input"]}),
        ([Conv(4, kernel=2, padding="same")], {"conv1": ["padded input"]}),
        ([Conv(2, kernel=3, table=((0,), (0, 1)))], {"conv1": ["input", "dense weight"]}),
        ([Pool("max", kernel=2)], {"pool1": []}),
        ([Conv(2, kernel=1), Pool("max", kernel=2)], {"pool1": ["input", "indices"]}),
        ([Conv(2, kernel=1), Activation("relu"), Pool("max", kernel=2)], {"relu1": ["output"], "pool1": ["indices"]}),
        ([Conv(2, kernel=1), Pool("average", kernel=2)], {"pool1": ["input"]}),
        ([Conv(2, kernel=1), Pool("average", kernel=2, padding=(0, 1, 0, 1))],
         {"pool1": ["padded input", "window sizes"]}),
        ([Subsample()], {"subsample1": ["sums"]}),
        ([Conv(2, kernel=1), Subsample()], {"subsample1": ["input", "sums"]}),
        ([Conv(2, kernel=1), LocalResponseNorm()], {"local_response_norm1": ["input", "squares", "sums", "powers"]}),
        ([Conv(2, kernel=1), Activation("scaled_tanh")], {"tanh1": ["tanh"]}),
        ([Conv(2, kernel=1), Dropout(0.5)], {"dropout1": ["mask"]}),
        ([Conv(2, kernel=1), Dropout(0)], {"dropout1": []}),
        ([Conv(2, kernel=1), Residual([Conv(2, kernel=1)])], {"residual1.conv1": ["input"], "residual1": []}),
        ([Flatten(), Linear(2), RBF(((1.0, 2.0),))], {"linear1": ["input"], "rbf1": ["differences"]}),
        ([Flatten(), Linear(2), Softmax()], {"softmax1": []}),
        ([Flatten(), Linear(2), Softmax(), Linear(2)], {"softmax1": ["output"], "linear2": []}),
    ],
)  # fmt: skip
def test_each_kind_of_layer_says_what_it_keeps(layers: list[Layer], words: dict[str, list[str]]) -> None:
    network = Network("n", (2, 8, 8), layers)
    found = {layer.row.path: [piece.word for piece in layer.pieces] for layer in memory(account(network)).layers}
    assert {path: found[path] for path in words} == words
    assert said(network, batch=3) == saved(network, batch=3, device="cpu")
