"""Compares the account with the built module, layer by layer.

`account` and `build` read the same description and do not import each other, so their agreement is evidence that both
are right. Four figures of each layer are compared with the account:

* the shape of its output, from a forward pass on the meta device;
* the numbers of parameters and of fixed values in the module;
* the MACs, as PyTorch's own FlopCounterMode counts the operators that ran (1 MAC = 2 FLOPs). For kinds of layers that
  it does not know, the uses of the module's own weights are counted, and the row says so;
* the bytes that autograd keeps for the backward pass in a forward pass of training, for two images: each storage once,
  at the first layer that saves it, without parameters and buffers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.hooks import RemovableHandle

from striate.accounting import Row, account
from striate.accounting.memory import memory
from striate.description.layers import RBF, Conv, PositionBias, Scale, Subsample
from striate.description.network import Network, plan
from striate.description.properties import properties
from striate.description.shapes import Shape, show
from striate.errors import AuditError
from striate.modules import Built, build

FLOP_COUNTER = "FlopCounterMode"
WEIGHT_USES = "uses of its weights"
IMAGES = 2
"""The batch for which kept bytes are compared; batch norm cannot train on one value per map."""


@dataclass(frozen=True)
class Check:
    """One layer: each figure as (account, module). Shapes leave the batch out."""

    path: str
    output: tuple[Shape, Shape]
    parameters: tuple[int, int]
    fixed: tuple[int, int]
    macs: tuple[int, int]
    kept: tuple[int, int]
    counted_by: str

    @property
    def agrees(self) -> bool:
        """Whether every figure is the same on both sides."""
        return all(said == seen for said, seen in self._pairs().values())

    def __str__(self) -> str:
        wrong = [
            f"{word} {_text(said)} in the account, {_text(seen)} in the module"
            for word, (said, seen) in self._pairs().items()
            if said != seen
        ]
        return f"{self.path}: {'; '.join(wrong) or 'agrees'}"

    def _pairs(self) -> dict[str, tuple[Shape, Shape] | tuple[int, int]]:
        counts = {"parameters": self.parameters, "fixed": self.fixed, "MACs": self.macs, "kept bytes": self.kept}
        return {"output": self.output, **counts}


def audit(network: Network) -> list[Check]:
    """A check for each layer of `network`, without allocating memory for weights or maps.

    >>> from striate.networks import find
    >>> all(check.agrees for check in audit(find("lenet5")))
    True
    """
    model = build(network, device="meta")
    kept = _saved(model.train())
    outputs, flops = _run(model.eval())
    layers = memory(account(network, batch=IMAGES)).layers
    return [
        _check(row, model, outputs, flops, (layer.kept, kept.get(row.path, 0)))
        for row, layer in zip(account(network).rows, layers, strict=True)
    ]


def require_agreement(checks: list[Check]) -> None:
    """Raise AuditError where the account and the module differ."""
    wrong = [check for check in checks if not check.agrees]
    if wrong:
        raise AuditError(
            f"the account and the built module differ in {len(wrong)} of {len(checks)} layers.",
            "\n".join(str(check) for check in wrong),
            "This is a fault of Striate, not of the network: please report it.",
        )


def _run(model: Built) -> tuple[dict[str, Shape], dict[str, int]]:
    """The output shape and the FLOPs of each submodule, by path, in one forward pass of one image."""
    outputs: dict[str, Shape] = {}
    flops: dict[str, int] = {}
    counter = FlopCounterMode(display=False)

    def before(path: str) -> None:
        flops[path] = -counter.get_total_flops()

    def after(path: str, output: Tensor) -> None:
        outputs[path] = tuple(output.shape[1:])
        flops[path] += counter.get_total_flops()

    hooks: list[RemovableHandle] = []
    for path, module in model.named_modules():
        hooks.append(module.register_forward_pre_hook(lambda _, __, path=path: before(path)))
        hooks.append(module.register_forward_hook(lambda _, __, output, path=path: after(path, output)))
    with counter, torch.no_grad():
        logits = model.logits(torch.empty(1, *model.network.input, device="meta"), heads={})
        if model.network.probabilities:
            list(model.children())[-1](logits)
    for hook in hooks:
        hook.remove()
    return outputs, flops


def _saved(model: Built) -> dict[str, int]:
    """The bytes that autograd saves in a forward pass of training, by the path of the first layer that saves them.

    What an auxiliary head and a layer outside of heads save counts for that layer.
    """
    own = {each.untyped_storage()._cdata for each in [*model.parameters(), *model.buffers()]}
    inside = tuple(f"{head}." for head in plan(model.network).heads)
    storages: dict[int, torch.UntypedStorage] = {}  # kept alive, so that no address is used twice
    owners: dict[int, str] = {}
    running: list[str] = []

    def pack(tensor: Tensor) -> Tensor:
        storage, path = tensor.untyped_storage(), running[-1]
        address = storage._cdata
        if address not in own:
            storages[address] = storage
            owner = owners.setdefault(address, path)
            if owner.startswith(inside) and not path.startswith(inside):
                owners[address] = path
        return tensor

    hooks: list[RemovableHandle] = []
    for path, module in model.named_modules():
        hooks.append(module.register_forward_pre_hook(lambda _, __, path=path: running.append(path)))
        hooks.append(module.register_forward_hook(lambda *_: running.__delitem__(-1)))
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        model.logits(torch.empty(IMAGES, *model.network.input, device="meta"), heads={})
    for hook in hooks:
        hook.remove()
    found: dict[str, int] = {}
    for address, path in owners.items():
        found[path] = found.get(path, 0) + storages[address].nbytes()
    return found


def _check(row: Row, model: Built, outputs: dict[str, Shape], flops: dict[str, int], kept: tuple[int, int]) -> Check:
    module = model.get_submodule(row.path)
    layer, counts = row.step.layer, row.counts
    own = not properties(layer).joins
    parameters = sum(each.numel() for each in module.parameters(recurse=False)) if own else 0
    persistent = [] if not own else [name for name, each in module.named_buffers(recurse=False) if each.ndim]
    fixed = sum(cast(Tensor, getattr(module, name)).numel() for name in persistent if name != "index")
    known_by_uses = isinstance(layer, (Subsample, RBF, PositionBias, Scale)) or (
        isinstance(layer, Conv) and layer.table
    )
    if known_by_uses:
        macs, counted_by = _weight_uses(module, outputs[row.path]), WEIGHT_USES
    else:
        macs, counted_by = _own_flops(row.path, model, flops) // 2, FLOP_COUNTER
    return Check(
        row.path,
        (row.step.output, outputs[row.path]),
        (counts.parameters, parameters),
        (counts.fixed, fixed),
        (counts.macs, macs),
        kept,
        counted_by,
    )


def _own_flops(path: str, model: Built, flops: dict[str, int]) -> int:
    """The FLOPs of a module without those of the layers inside it."""
    inner = [name for name, _ in model.get_submodule(path).named_modules() if f"{path}.{name}" in flops]
    layers = [name for name in inner if not any(name.startswith(f"{other}.") for other in inner)]
    return flops[path] - sum(flops[f"{path}.{name}"] for name in layers)


def _weight_uses(module: nn.Module, output: Shape) -> int:
    """Each value that multiplies (weights, RBF centres) is used once at each position of the output."""
    values = getattr(module, "centres", getattr(module, "weight", None))
    return 0 if values is None else values.numel() * math.prod(output[1:])


def _text(figure: Shape | int) -> str:
    return f"{figure:,}" if isinstance(figure, int) else show(figure)
