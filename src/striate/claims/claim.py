"""A claim, and the questions that claims put to the account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

from striate.account import Account, Counts, Row, account
from striate.errors import ShapeError
from striate.networks import find
from striate.spec.layers import Conv, Layer
from striate.spec.network import Network, plan
from striate.spec.shapes import Shape, show


class Verdict(Enum):
    """What becomes of a claim."""

    RIGHT = "right"
    CAVEAT = "with a caveat"
    WRONG = "wrong"


@dataclass(frozen=True)
class Claim:
    """What a post says, the verdict, the value on record, how to compute it anew, and why the verdict."""

    post: str
    says: str
    verdict: Verdict
    value: str
    compute: Callable[[], str]
    why: str = ""


@cache
def counted(name: str) -> Account:
    """The account of a network of the catalogue."""
    return account(find(name))


def layer(name: str, path: str) -> Row:
    """One layer of a network of the catalogue."""
    return next(row for row in counted(name).rows if row.path == path)


def totals(name: str) -> Counts:
    """What a network of the catalogue costs in all."""
    return counted(name).totals


def alone(shape: Shape, *layers: Layer) -> Row:
    """The last of some layers that stand on an input of `shape`."""
    return account(Network("alone", shape, list(layers))).rows[-1]


def sizes(shape: Shape, *layers: Layer) -> str:
    """The sides of the maps that layers make, one after the other; "does not fit" where one does not."""
    found = [str(shape[1])]
    for number in range(len(layers)):
        try:
            found.append(str(plan(Network("sizes", shape, list(layers[: number + 1]))).output[1]))
        except ShapeError:
            return " → ".join([*found, "does not fit"])
    return " → ".join(found)


def out(row: Row) -> str:
    """The shape of a layer's output."""
    return show(row.step.output)


def split(counts: Counts) -> str:
    """Parameters, and how many of them are weights and biases.

    >>> split(Counts(weights=150, biases=6))
    '156 (150 weights, 6 biases)'
    """
    parts = f" ({_many(counts.weights, 'weight')}, {_many(counts.biases, 'bias')})" if counts.biases else ""
    return f"{counts.parameters:,}{parts}"


def _many(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count:,} {word}{'es' if word.endswith('s') else 's'}"


def convolutions(name: str) -> list[Row]:
    """The convolutions of a network of the catalogue that are in use."""
    return [row for row in counted(name).rows if isinstance(row.step.layer, Conv) and not row.in_head]


def filters(name: str) -> list[int]:
    """The number of filters of each convolution of a network."""
    return [row.step.output[0] for row in convolutions(name)]


def listed(values: Sequence[object]) -> str:
    """Values with commas."""
    return ", ".join(map(str, values))
