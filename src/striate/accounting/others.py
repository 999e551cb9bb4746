"""The figures that other counters print for a network, and the reasons why they differ from Striate's.

Each tool has a rule that gives, for one layer, the differences from Striate's figure, each with its reason. The rules
hold for one image, for the modules that `striate.modules` makes, in evaluation mode, and for the versions of
`VERSIONS`. The tests compare them with the tools themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from striate.accounting.rows import Account, Row
from striate.accounting.rows import account as account_of
from striate.accounting.tool_rules import MACS, PARAMETERS, Reasons
from striate.description.json import Json
from striate.errors import unknown_name

VERSIONS = {
    "torchinfo": "1.8.0",
    "fvcore": "0.1.5",
    "ptflops": "0.7.5",
    "thop": "0.1.1",
    "keras": "3.15.1",
    "flopcounter": "PyTorch 2.13",
}
"""The version of each tool that its rule describes."""


@dataclass(frozen=True)
class ToolFigure:
    """The figure that a tool prints under a `label`, as a sum: Striate's figure, and a difference for each reason."""

    label: str
    ours: str
    start: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """The figure that the tool prints."""
        return self.start + sum(amount for _, amount in self.reasons)


@dataclass(frozen=True)
class Others:
    """All figures that one tool prints for a network."""

    account: Account
    tool: str
    figures: tuple[ToolFigure, ...]

    def to_dict(self) -> dict[str, Json]:
        """The figures as JSON."""
        return {
            "network": self.account.network.name,
            "input": list(self.account.input),
            "tool": self.tool,
            "version": VERSIONS[self.tool],
            "figures": [
                {
                    "label": figure.label,
                    "figure": figure.total,
                    "striate": figure.start,
                    "reasons": [{"reason": reason, "amount": amount} for reason, amount in figure.reasons],
                }
                for figure in self.figures
            ],
        }


def as_counted_by(tool: str, account: Account) -> Others:
    """The figures that `tool` prints for the network of an account of one image.

    Raises UnknownNameError for an unknown tool, and SpecError where the tool has no such layers.

    >>> from striate.accounting.rows import account
    >>> from striate.networks import find
    >>> [figure.total for figure in as_counted_by("torchinfo", account(find("lenet5-dense"))).figures]
    [61706, 423038]
    """
    if tool not in VERSIONS:
        raise unknown_name("tool", tool, VERSIONS)
    one = account_of(account.network, input=account.input)  # of one image, with biases, as the tools count
    figures: list[ToolFigure] = []
    if tool in PARAMETERS:
        label, rule = PARAMETERS[tool]
        figures.append(_figure(label, "parameters", one.totals.parameters, one, rule, heads=tool != "thop"))
    if tool in MACS:
        label, rule = MACS[tool]
        found = _figure(label, "MACs", one.totals.macs, one, rule, heads=False)
        if tool == "flopcounter":
            twice = ("the same again: 1 MAC is 2 FLOPs", found.total)
            found = ToolFigure(found.label, found.ours, found.start, (*found.reasons, twice))
        figures.append(found)
    return Others(one, tool, tuple(figures))


def _figure(
    label: str, ours: str, start: int, account: Account, rule: Callable[[Row], Reasons], *, heads: bool
) -> ToolFigure:
    changes: dict[str, int] = {}
    if heads and account.training != account.totals:
        changes["auxiliary heads"] = account.training.parameters - start
    for row in account.rows:
        if heads or not row.in_head:
            for reason, amount in rule(row):
                changes[reason] = changes.get(reason, 0) + amount
    return ToolFigure(label, ours, start, tuple((reason, amount) for reason, amount in changes.items() if amount))
