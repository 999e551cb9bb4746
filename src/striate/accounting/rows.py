"""The account of a network: a row for each layer, and the totals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import add
from typing import Any

from striate.accounting.counts import CONVENTION, Counts, count
from striate.accounting.fit import Unseen, require_exact, unseen
from striate.accounting.receptive import ReceptiveField, receptive_fields
from striate.accounting.words import hyperparameters, words
from striate.description import checks
from striate.description.json import Json
from striate.description.layers import kind
from striate.description.limits import COUNT
from striate.description.network import Network, Step, plan
from striate.description.shapes import Shape
from striate.frames import frame_of
from striate.picture import Picture


@dataclass(frozen=True)
class Row:
    """One layer: its step in the plan, its description, its counts, and the receptive field of its units."""

    step: Step
    words: str
    counts: Counts
    receptive_field: ReceptiveField
    unseen: Unseen | None

    @property
    def path(self) -> str:
        """The path of the layer in the network, such as stage3.block2.conv1."""
        return self.step.path

    @property
    def in_head(self) -> bool:
        """Whether it belongs to an auxiliary head, which is used in training only."""
        return bool(self.step.head)


@dataclass(frozen=True)
class Account:
    """The account of a network: the costs of every layer; printing it gives the table.

    Counts are for a batch of `batch` images. Totals leave auxiliary heads out; `training` adds them.
    Example: `account("lenet5").totals.parameters` is 60000.
    """

    network: Network
    input: Shape
    rows: tuple[Row, ...]
    batch: int = 1
    biases: bool = True

    @property
    def totals(self) -> Counts:
        """The sums over all layers in use, and the input's values among the activations."""
        return self._sum(row for row in self.rows if not row.in_head)

    @property
    def training(self) -> Counts:
        """The totals with the auxiliary heads included."""
        return self._sum(self.rows)

    def for_batch(self, batch: int) -> Account:
        """The account of the same network for another batch."""
        return account(self.network, input=self.input, batch=batch, biases=self.biases)

    def _sum(self, rows: Iterable[Row]) -> Counts:
        return reduce(add, (row.counts for row in rows), Counts(activations=prod(self.input) * self.batch))

    def to_dict(self) -> dict[str, Json]:
        """The account as JSON; sizes are [channels, height, width], pairs [height, width]."""
        return {
            "network": self.network.name,
            "input": list(self.input),
            "batch": self.batch,
            "biases": self.biases,
            "rows": [_row_to_dict(row) for row in self.rows],
            "totals": _counts_to_dict(self.totals, total=True),
            "training_totals": _counts_to_dict(self.training, total=True),
            "convention": dict(CONVENTION),
        }

    def to_dicts(self) -> list[dict[str, Json]]:
        """One dictionary per row, for a data frame."""
        return [_row_to_dict(row) for row in self.rows]

    def frame(self, library: str | None = None) -> Any:
        """A DataFrame with a row for each layer, of "pandas" or "polars", or of the first that is installed.

        Raises RequirementError where there is none.
        """
        return frame_of(self.to_dicts(), library)

    def plot(self) -> Picture:
        """A picture of the layers' shares of parameters, MACs and memory, which a notebook shows."""
        from striate.accounting.compare import compare
        from striate.accounting.show.shares import shares_svg

        return Picture(shares_svg(compare([self])))

    def __str__(self) -> str:
        from striate.accounting.show.table import to_table

        return to_table(self)

    def _repr_html_(self) -> str:
        """The table as HTML, for notebooks."""
        from striate.accounting.show.html import to_html

        return to_html(self)


def account(
    network: Network, *, input: Shape | None = None, batch: int = 1, biases: bool = True, strict: bool = False
) -> Account:
    """The account of `network`: what every layer costs, on its own input or another of (channels, height, width).

    Raises ShapeError, naming the layer, where layers do not fit; with `strict` also where windows leave rows or
    columns unseen.

    >>> from striate.networks import find
    >>> account(find("lenet5")).totals.parameters
    60000
    """
    checks.whole("the batch", batch, most=COUNT)
    planned = plan(network, input)
    if strict:
        require_exact(planned.steps)
    fields = receptive_fields(planned)
    rows = tuple(
        Row(step, words(step), count(step, biases=biases).per_batch(batch), field, unseen(step))
        for step, field in zip(planned.steps, fields, strict=True)
    )
    return Account(network, planned.input, rows, batch, biases)


def _row_to_dict(row: Row) -> dict[str, Json]:
    field, left = row.receptive_field, row.unseen or Unseen(0, 0, 0, 0)
    own = hyperparameters(row.step)
    return {
        "path": row.path,
        "kind": kind(row.step.layer),
        "words": row.words,
        "filters": own.filters,
        "kernel": list(own.kernel) if own.kernel else None,
        "stride": list(own.stride) if own.stride else None,
        "padding": list(own.padding) if own.padding else None,
        "dilation": list(own.dilation) if own.dilation else None,
        "input": list(row.step.inputs[0]),
        "output": list(row.step.output),
        **_counts_to_dict(row.counts),
        "receptive_field": {"size": list(field.size), "jump": list(field.jump), "start": list(field.start)},
        "unseen": {
            "rows": left.rows,
            "columns": left.columns,
            "padding_rows": left.padding_rows,
            "padding_columns": left.padding_columns,
        },
        "head": row.step.head,
    }


def _counts_to_dict(counts: Counts, *, total: bool = False) -> dict[str, Json]:
    parameters: dict[str, Json] = {"parameters": counts.parameters} if total else {}
    return {
        **parameters,
        "weights": counts.weights,
        "biases": counts.biases,
        "fixed": counts.fixed,
        "connections": counts.connections,
        "macs": counts.macs,
        "activations": counts.activations,
    }
