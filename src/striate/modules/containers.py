"""Modules that hold modules: sequences, sums, products, concatenations and auxiliary heads."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

Heads = dict[str, Tensor] | None
"""The dictionary that auxiliary heads put their outputs into, by path; None where heads are not run."""


class Chain(nn.Module):
    """A sequence of layers: a Block."""

    def forward(self, values: Tensor, heads: Heads = None) -> Tensor:
        return run(self.children(), values, heads)


class Sum(nn.Module):
    """The layers of a Residual, and its `shortcut` where it has one, its last child, added."""

    projects = False

    def forward(self, values: Tensor, heads: Heads = None) -> Tensor:
        body = list(self.children())
        shortcut = body.pop() if self.projects else None
        main = run(body, values, heads)
        side = run(shortcut.children(), values, heads) if shortcut is not None else values
        return main + side


class Product(nn.Module):
    """A Gate: its input times the output of its layers."""

    def forward(self, values: Tensor, heads: Heads = None) -> Tensor:
        gate = run(self.children(), values, heads)
        return values * (gate[:, :, None, None] if gate.ndim < values.ndim else gate)


class Concatenation(nn.Module):
    """Branches: the concatenation of their outputs."""

    def forward(self, values: Tensor, heads: Heads = None) -> Tensor:
        return torch.cat([run(child.children(), values, heads) for child in self.children()], 1)


class Head(nn.Module):
    """An Auxiliary: returns its input unchanged, and puts the output of its layers into `heads`."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, values: Tensor, heads: Heads = None) -> Tensor:
        if heads is not None:
            heads[self.path] = run(self.children(), values, heads)
        return values


def run(children: Iterable[nn.Module], values: Tensor, heads: Heads) -> Tensor:
    for child in children:
        nested = isinstance(child, (Chain, Sum, Product, Concatenation, Head))
        values = child(values, heads) if nested else child(values)
    return values
