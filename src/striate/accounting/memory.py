"""The memory of a network, each figure under its own name, for inference and for training."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod

from striate.accounting.kept import Piece, kept
from striate.accounting.liveness import gradient_peak, inference_peak
from striate.accounting.rows import Account, Row
from striate.description.json import Json
from striate.description.limits import DIGITS
from striate.description.network import plan
from striate.errors import SpecError, quote, unknown_name

DTYPES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of one value."""

OPTIMISERS = {"sgd": 0, "momentum": 1, "muon": 1, "adam": 2, "adamw": 2, "adadelta": 2}
"""The values that an optimiser keeps per parameter; those with two also keep a step count, 4 bytes per tensor."""

UNITS = {
    "B": 1,
    **{"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12},
    **{"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40},
}
"""Bytes of a unit of memory."""

MEANING = {
    "all outputs": "the input, and what convolutions, pooling, subsampling, linear and RBF layers make",
    "inference peak": "the most feature maps that live at once, each until its last reader has run",
    "kept for backward": "what autograd keeps from the forward pass, without parameters and the loss",
    "parameters": "every number that is trained",
    "fixed values": "RBF centres, batch norm's running mean and variance",
    "gradients": "one for each parameter",
    "optimiser state": "what the optimiser remembers of each parameter",
    "gradients in flight": "the most gradients of feature maps that live at once in the backward pass",
    "inference": "parameters, fixed values, inference peak",
    "training": "parameters, fixed values, gradients, optimiser state, kept for backward, gradients in flight",
}
"""The definition of each figure."""


@dataclass(frozen=True)
class LayerMemory:
    """One layer: its output, and the tensors that it keeps for the backward pass."""

    row: Row
    output: int
    pieces: tuple[Piece, ...]
    kept: int


@dataclass(frozen=True)
class Memory:
    """The memory of a network in bytes, for a batch of images whose values are of one `dtype`.

    `figures` has each name of `MEANING`. The workspace of single operations and the allocator's reserve are not
    included.
    """

    account: Account
    dtype: str
    optimiser: str
    layers: tuple[LayerMemory, ...]
    figures: dict[str, int]

    def to_dict(self) -> dict[str, Json]:
        """The memory as JSON, in bytes."""
        return {
            "network": self.account.network.name,
            "input": list(self.account.input),
            "batch": self.account.batch,
            "dtype": self.dtype,
            "optimiser": self.optimiser,
            "unit": "bytes",
            "layers": [
                {
                    "path": layer.row.path,
                    "output": layer.output,
                    "kept": layer.kept,
                    "keeps": [piece.word for piece in layer.pieces],
                    "head": layer.row.step.head,
                }
                for layer in self.layers
            ],
            "totals": {name.replace(" ", "_"): figure for name, figure in self.figures.items()},
            "meaning": {name.replace(" ", "_"): text for name, text in MEANING.items()},
        }


def memory(account: Account, *, dtype: str = "float32", optimiser: str = "adam") -> Memory:
    """The memory of the network of an account, for the account's batch.

    Raises UnknownNameError for an unknown dtype or optimiser.

    >>> from striate.accounting.rows import account
    >>> from striate.networks import find
    >>> memory(account(find("lenet5"))).figures["kept for backward"]
    87696
    """
    width = _known("dtype", dtype, DTYPES)
    copies = _known("optimiser", optimiser, OPTIMISERS)
    network, batch, training = account.network, account.batch, account.training
    planned = plan(network, account.input)
    pieces = kept(planned, closing_softmax=network.probabilities)
    layers = tuple(
        LayerMemory(row, prod(row.step.output) * batch * width, each, sum(piece.bytes(batch, width) for piece in each))
        for row, each in zip(account.rows, pieces, strict=True)
    )
    parameters = training.parameters * width
    tensors = sum(bool(row.counts.weights) + bool(row.counts.biases) for row in account.rows)
    figures = {
        "all outputs": account.totals.activations * width,
        "inference peak": inference_peak(planned) * batch * width,
        "kept for backward": sum(layer.kept for layer in layers),
        "parameters": parameters,
        "fixed values": training.fixed * width,
        "gradients": parameters,
        "optimiser state": copies * parameters + (4 * tensors if copies == 2 else 0),
        "gradients in flight": gradient_peak(planned) * batch * width,
    }
    used = account.totals
    figures["inference"] = (used.parameters + used.fixed) * width + figures["inference peak"]
    figures["training"] = sum(figures[name] for name in MEANING["training"].split(", "))
    return Memory(account, dtype, optimiser, layers, figures)


def largest_batch(account: Account, budget: int, *, dtype: str = "float32", optimiser: str = "adam") -> int | None:
    """The largest batch whose training takes no more than `budget` bytes; 0 where one image is too much.

    None where any batch fits: a network without parameters keeps nothing of an image.
    """

    def needed(batch: int) -> int:
        return memory(account.for_batch(batch), dtype=dtype, optimiser=optimiser).figures["training"]

    one, two = needed(1), needed(2)
    if two == one:
        return None if one <= budget else 0
    return max(0, (budget - one) // (two - one) + 1)


def parse_bytes(text: str) -> int:
    """The bytes of an amount such as 8GiB or 500MB. Raises SpecError for any other text.

    >>> parse_bytes("8GiB"), parse_bytes("1.5 GB"), parse_bytes("2048")
    (8589934592, 1500000000, 2048)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)", text.strip())
    units = {unit.lower(): size for unit, size in UNITS.items()}
    if not found or len(found[1]) > DIGITS or (found[2] or "B").lower() not in units:
        raise SpecError(
            f"{quote(text)} is not an amount of memory.",
            f"It must be a number and a unit: {', '.join(UNITS)}.",
            "1 GiB is 1024³ bytes, 1 GB is 1000³.",
        )
    return int(float(found[1]) * units[(found[2] or "B").lower()])


def _known(kind: str, name: str, values: dict[str, int]) -> int:
    if name not in values:
        raise unknown_name(kind, name, values)
    return values[name]
