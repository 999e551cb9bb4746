"""Pages as files, and their workers under Node."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from striate import Network
from striate.export.page import alone
from striate.serve import Predictor
from tests.support.node import Worker, working
from tests.support.serving import fresh


@dataclass(frozen=True)
class File:
    """A page on the disk."""

    path: Path

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return self.path.as_uri()


def written(path: Path, *predictors: Predictor) -> File:
    """The page of some runs as a file."""
    path.write_text(alone(*predictors), encoding="utf-8")
    return File(path)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts the worker of the page of some runs, under Node."""
    with ExitStack() as stack:

        def start(*predictors: Predictor) -> Worker:
            return stack.enter_context(working(written(tmp_path / "page.html", *predictors).path))

        yield start


def numbers_of(text: str) -> torch.Tensor:
    """The values of an answer."""
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32)


def unsettled(network: Network, folder: Path) -> Predictor:
    """A predictor with fresh weights, whose batch norms have means and variances as if they had learned."""
    predictor = fresh(network, folder, seed=7)
    generator = torch.Generator().manual_seed(8)
    for module in predictor.model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return predictor
