"""Networks side by side: their parameters, MACs and memory, and the layers' shares of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from striate.accounting.memory import Memory, memory
from striate.accounting.rows import Account
from striate.accounting.show.grid import fitted, wrapped
from striate.description.json import Json
from striate.description.shapes import show

MEASURES = ("parameters", "MACs", "memory")
"""The measures that are compared; memory is the bytes kept for the backward pass of one batch."""


@dataclass(frozen=True)
class Share:
    """The amount of a measure that a layer has."""

    path: str
    amount: int


@dataclass(frozen=True)
class Compared:
    """One network: its totals by measure, and the shares of its layers, in the order in which they run."""

    account: Account
    totals: dict[str, int]
    shares: dict[str, tuple[Share, ...]]

    def largest(self, measure: str) -> Share:
        """The outermost block, or the layer outside of all blocks, with the largest share of a measure."""
        blocks: dict[str, int] = {}
        for share in self.shares[measure]:
            block = share.path.split(".")[0]
            blocks[block] = blocks.get(block, 0) + share.amount
        path = max(blocks, key=lambda block: blocks[block])
        return Share(path, blocks[path])


def compare(accounts: Sequence[Account], *, dtype: str = "float32") -> list[Compared]:
    """The comparison of the networks of several accounts.

    >>> from striate.accounting.rows import account
    >>> from striate.networks import find
    >>> first, second = compare([account(find("lenet5-keras-table")), account(find("fully-connected"))])
    >>> second.totals["parameters"] / first.totals["parameters"] > 3 > second.totals["MACs"] / first.totals["MACs"]
    True
    """
    return [_compared(memory(each, dtype=dtype)) for each in accounts]


def to_dict(compared: Sequence[Compared]) -> dict[str, Json]:
    """The comparison as JSON; memory in bytes."""
    return {
        "measures": list(MEASURES),
        "networks": [
            {
                "network": each.account.network.name,
                "input": list(each.account.input),
                "batch": each.account.batch,
                **dict(each.totals),
                "layers": [
                    {"path": row.path, **{name: each.shares[name][number].amount for name in MEASURES}}
                    for number, row in enumerate(each.account.rows)
                ],
            }
            for each in compared
        ],
    }


def compare_table(compared: Sequence[Compared], *, width: int = 80) -> str:
    """Text: the totals with their ratios to the first network's, the largest block or layer, and a summary."""
    first = compared[0]
    rows: list[tuple[str, ...]] = [("network", "input", "parameters", "", "MACs", "", "memory", ""), ()]
    for each in compared:
        cells = (_cell(each, first, name) for name in MEASURES)
        rows.append((each.account.network.name, show(each.account.input), *(part for cell in cells for part in cell)))
    lines = fitted(rows, "<<>>>>>>", width, drop=[1, 7, 5, 3, 6])
    most: list[tuple[str, ...]] = [("largest share of", *MEASURES), ()]
    most += [(each.account.network.name, *(_largest(each, name) for name in MEASURES)) for each in compared]
    lines += ["", *fitted(most, "<<<<", width), ""]
    for each in compared[1:]:
        lines += wrapped(_sentence(first, each), width)
    batch = first.account.batch
    images = "one image" if batch == 1 else f"a batch of {batch:,}"
    note = f"memory: bytes kept for the backward pass of {images}; ×: the ratio to {first.account.network.name}"
    note += (
        "; auxiliary heads left out" if any(each.account.training != each.account.totals for each in compared) else ""
    )
    return "\n".join([*lines, *wrapped(note, width)])


def _compared(found: Memory) -> Compared:
    account = found.account
    in_use = [0 if row.in_head else 1 for row in account.rows]
    amounts = {
        "parameters": [row.counts.parameters * used for row, used in zip(account.rows, in_use, strict=True)],
        "MACs": [row.counts.macs * used for row, used in zip(account.rows, in_use, strict=True)],
        "memory": [layer.kept * used for layer, used in zip(found.layers, in_use, strict=True)],
    }
    paths = [row.path for row in account.rows]
    shares = {
        name: tuple(Share(path, amount) for path, amount in zip(paths, each, strict=True))
        for name, each in amounts.items()
    }
    return Compared(account, {name: sum(each) for name, each in amounts.items()}, shares)


def _cell(each: Compared, first: Compared, name: str) -> tuple[str, str]:
    amount, base = each.totals[name], first.totals[name]
    return f"{amount:,}", "" if each is first or not base else f"×{ratio(amount / base)}"


def _largest(each: Compared, name: str) -> str:
    share, total = each.largest(name), each.totals[name]
    return f"{share.path} {100 * share.amount / total:.1f} %" if total else "none"


def _sentence(first: Compared, other: Compared) -> str:
    parts: list[str] = []
    for name in ("parameters", "MACs"):
        one, two = first.totals[name], other.totals[name]
        if one and two and one != two:
            times = ratio(max(one, two) / min(one, two))
            much = f"{abs(two - one):,}" if times == "1" else f"{times} times"
            parts.append(f"{much} {'more' if two > one else 'fewer'} {name}")
    return f"{other.account.network.name} has {' and '.join(parts)} than {first.account.network.name}." if parts else ""


def ratio(value: float) -> str:
    """A ratio to three digits.

    >>> ratio(15.122), ratio(0.0661), ratio(1234.5)
    ('15.1', '0.0661', '1,234')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
