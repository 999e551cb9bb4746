"""The text of another tool's figures and the reasons for the differences."""

from __future__ import annotations

from striate.accounting.others import VERSIONS, Others, ToolFigure
from striate.accounting.show.grid import grid, wrapped
from striate.description.shapes import show


def others_table(others: Others, *, width: int = 80) -> str:
    """For each figure of the tool a sum: Striate's figure, the differences with reasons, the tool's figure."""
    account = others.account
    tool = f"as {others.tool} {VERSIONS[others.tool]} has it"
    lines = wrapped(f"{account.network.name} · input {show(account.input)} · {tool}", width)
    for figure in others.figures:
        lines += ["", *_sum(figure, others.tool, width)]
    return "\n".join(lines)


def _sum(figure: ToolFigure, tool: str, width: int) -> list[str]:
    rows: list[tuple[str, ...]] = [("", f"{figure.start:,}", f"{figure.ours}, as Striate counts them")]
    rows += [("+" if amount > 0 else "−", f"{abs(amount):,}", reason) for reason, amount in figure.reasons]
    if figure.reasons:
        rows.append(("=", f"{figure.total:,}", f"{figure.label}, as {tool} prints it"))
    else:
        rows[0] = ("=", rows[0][1], f"{figure.label}, as {tool} prints it and Striate counts it")
    indent = max(len(row[1]) for row in rows) + 5
    return [part for line in grid(rows, "<><") for part in wrapped(line, width, " " * indent)]
