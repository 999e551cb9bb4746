"""The questions that claims put to the account and the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import cast

from striate.accounting import Account, Counts, Row, account
from striate.description.checks import Pair
from striate.description.layers import Conv, Layer, Linear
from striate.description.network import Network, plan
from striate.description.shapes import Shape, show
from striate.errors import ShapeError
from striate.networks import CATALOGUE, find
from striate.networks.entry import Published, Trained


@cache
def counted(name: str) -> Account:
    """The account of a network of the catalogue."""
    return account(find(name))


def layer(name: str, path: str) -> Row:
    """One layer of a network of the catalogue."""
    return next(row for row in counted(name).rows if row.path == path)


def totals(name: str) -> Counts:
    """The total costs of a network of the catalogue."""
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


def number_of(name: str, *kinds: type) -> int:
    """How many layers of some kinds a network of the catalogue has in use."""
    return sum(isinstance(row.step.layer, kinds) for row in counted(name).rows if not row.in_head)


def depth(name: str) -> int:
    """The layers of weights on the way from the input to the output; shortcuts are left out."""
    rows = (row for row in counted(name).rows if not row.in_head and ".shortcut." not in row.path)
    return sum(isinstance(row.step.layer, (Conv, Linear)) for row in rows)


def sides_of(name: str) -> str:
    """The sides of the maps that a network's convolutions make, each once in a row."""
    return " → ".join(str(side) for side, _ in groupby(row.step.output[1] for row in convolutions(name)))


def kernels(name: str) -> str:
    """How many convolutions of a network of the catalogue have which kernel."""
    found = Counter(cast(Pair, row.step.layer.kernel) for row in convolutions(name) if isinstance(row.step.layer, Conv))
    return ", ".join(f"{times} of {show(kernel)}" for kernel, times in sorted(found.items()))


def printed(name: str, measure: str, data: str = "") -> Published:
    """A figure that a network's paper prints, `data` the beginning of what it was measured on."""
    found = (each for each in CATALOGUE[name].published if each.measure == measure and each.data.startswith(data))
    return next(found)


def quoted(figure: Published) -> str:
    """A printed figure and where it stands."""
    return f"{figure.text} on {figure.data} ({figure.place} of the paper)"


def points(before: Published, after: Published) -> str:
    """How many points one printed error lies below another."""
    return f"{before.text} − {after.text} = {before.number - after.number:.3g}"


def depth_and_error(name: str, measure: str = "top-5 error") -> str:
    """The layers of weights of a network and the first error that its paper prints."""
    return f"{name} {depth(name)} layers {printed(name, measure).text}"


NOT_THE_FIRST = (
    "LeCun's group trained a convolutional network by backpropagation in 1989; Fukushima's Neocognitron is of 1980."
)
"""Why LeNet-5 is not the first of its kind."""


def year(name: str) -> str:
    """A network and when its paper appeared."""
    paper = CATALOGUE[name].paper
    if paper is None:
        raise LookupError(f"{name} has no paper")
    return f"{name} {paper.year}"


def trained(name: str) -> Trained:
    """How the paper of a network trained it."""
    found = CATALOGUE[name].trained
    if found is None:
        raise LookupError(f"the catalogue has no training of {name}")
    return found
