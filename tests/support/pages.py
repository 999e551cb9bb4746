"""Pages as files, and their workers asked as the pages ask them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from striate import Network
from striate.export.page import alone
from striate.serve import Predictor
from tests.support.browsing import Page
from tests.support.serving import fresh

ASK = """async ([name, text, query]) => {
  const data = (id) => document.getElementById(id).textContent;
  if (!window.asked) {
    window.asked = new Worker(URL.createObjectURL(new Blob([data("striate-worker")], { type: "text/javascript" })));
    window.asked.postMessage({ numbers: JSON.parse(data("striate-numbers")), weights: data("striate-weights") });
  }
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const answer = new Promise((then) => { window.asked.onmessage = ({ data }) => then(data.found ?? data.error); });
  window.asked.postMessage({ id: 0, ask: name, bytes, query });
  const coded = (value) => {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return bytes.toBase64?.() ?? btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(""));
  };
  const plain = (value) => (value instanceof Float32Array ? coded(value) : value);
  return Object.fromEntries(Object.entries(await answer).map(([key, value]) => [key, plain(value)]));
}"""
"""Ask the file's own worker, as its page does."""


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


def ask(page: Page, name: str, image: bytes = b"", **query: object):
    """What the worker of a file answers."""
    return page.evaluate(ASK, [name, base64.b64encode(image).decode(), query])


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
