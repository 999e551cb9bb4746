"""Weights that begin as identities."""

from __future__ import annotations

import pytest
import torch

from striate import find
from striate.modules import build


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("kernel", ["3x3", "1x5"])
def test_convolutions_after_the_first_layer_begin_as_identities(kernel: str) -> None:
    text = f"3x8x8: conv 4 3x3 same, conv 6 {kernel} same, conv 2 {kernel} same, conv 8 {kernel} same groups 2"
    built = build(find(text), initialisation="identity", generator=generator())
    plain = build(find(text), initialisation="he", generator=generator())
    first, wider, narrower, grouped = (each for each in built.modules() if isinstance(each, torch.nn.Conv2d))
    begun, drawn, _, _ = (each for each in plain.modules() if isinstance(each, torch.nn.Conv2d))
    assert torch.equal(first.weight, begun.weight)
    assert torch.equal(wider.weight[4:], drawn.weight[4:])
    images = torch.rand(2, 6, 8, 8)
    assert torch.equal(wider(images[:, :4])[:, :4], images[:, :4])
    assert torch.equal(narrower(images), images[:, :2])
    assert torch.equal(grouped(images[:, :2])[:, [0, 4]], images[:, :2])
    assert all(each.bias is not None and not each.bias.any() for each in (wider, narrower, grouped))
