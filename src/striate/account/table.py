"""An account as text: a table as wide as the page, CSV, Markdown or JSON."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from striate.account.account import Account, Row
from striate.account.counts import CONVENTION, Counts
from striate.spec.json import dump
from striate.spec.shapes import show

Cell = Callable[[Row, Counts], str]


@dataclass(frozen=True)
class Column:
    """A column of the table: its heading, what stands in a row and in the total, and how soon it gives way."""

    heading: str
    cell: Cell
    total: Callable[[Counts], str]
    rank: int
    left: bool = False


def _number(name: str) -> tuple[Cell, Callable[[Counts], str]]:
    def total(counts: Counts) -> str:
        value: int = getattr(counts, name)
        return f"{value:,}" if value else ""

    return (lambda row, _: total(row.counts)), total


def _share(name: str) -> Cell:
    def cell(row: Row, totals: Counts) -> str:
        value, whole = getattr(row.counts, name), getattr(totals, name)
        if not value or row.in_head:
            return ""
        return f"{100 * value / whole:.1f} %"

    return cell


def _nothing(_: Counts) -> str:
    return ""


def _pair(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}×{pair[1]}"


COLUMNS = (
    Column("layer", lambda row, _: row.path, lambda _: "total", 0, left=True),
    Column("what it is", lambda row, _: row.words, _nothing, 0, left=True),
    Column("input", lambda row, _: show(row.step.inputs[0]), _nothing, 9),
    Column("output", lambda row, _: show(row.step.output), _nothing, 0),
    Column("weights", *_number("weights"), 7),
    Column("biases", *_number("biases"), 7),
    Column("fixed", *_number("fixed"), 8),
    Column("parameters", *_number("parameters"), 1),
    Column("share", _share("parameters"), _nothing, 6),
    Column("connections", *_number("connections"), 4),
    Column("MACs", *_number("macs"), 2),
    Column("share", _share("macs"), _nothing, 6),
    Column("activations", *_number("activations"), 5),
    Column("field", lambda row, _: _pair(row.receptive_field.size), _nothing, 3),
    Column("jump", lambda row, _: _pair(row.receptive_field.jump), _nothing, 10),
)
"""Every column of the text table; where the page is narrow those of the highest rank go first."""


def to_table(account: Account, *, width: int = 80) -> str:
    """The account as a text table of at most `width` characters, where its rows allow it."""
    columns = _columns_within(account, width)
    totals = account.totals
    grid = [[column.cell(row, totals) for column in columns] for row in account.rows]
    heading = [column.heading for column in columns]
    bottom = [column.total(totals) for column in columns]
    widths = [max(map(len, cells)) for cells in zip(heading, bottom, *grid, strict=True)]

    def line(cells: list[str]) -> str:
        parts = [
            cell.ljust(size) if column.left else cell.rjust(size)
            for cell, size, column in zip(cells, widths, columns, strict=True)
        ]
        return "  ".join(parts).rstrip()

    rule = "─" * len("  ".join("x" * size for size in widths))
    lines = [*title(account, width), "", line(heading), rule]
    for row, cells in zip(account.rows, grid, strict=True):
        lines.append(line(cells))
        if row.unseen is not None:
            lines.append(f"  └ {row.unseen}")
    lines += [rule, line(bottom), "", *_footer(account, columns, width)]
    return "\n".join(lines)


def to_csv(account: Account) -> str:
    """One line a layer, with a heading; pairs are written 5x5."""
    out = io.StringIO()
    rows = [_flat(row) for row in account.to_dicts()]
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def to_markdown(account: Account) -> str:
    """The whole table in Markdown, every column."""
    totals = account.totals

    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cells)} |"

    head, *source = title(account, 999)
    lines = [f"**{head}**", *source, "", line([column.heading for column in COLUMNS])]
    lines.append(line([":--" if column.left else "--:" for column in COLUMNS]))
    lines += [line([column.cell(row, totals) for column in COLUMNS]) for row in account.rows]
    lines.append(line([column.total(totals) for column in COLUMNS]))
    notes = [f"* {row.path}: {row.unseen}" for row in account.rows if row.unseen is not None]
    convention = [f"* {word}: {meaning}" for word, meaning in CONVENTION.items()]
    return "\n".join([*lines, "", *notes, *convention])


def to_json(account: Account) -> str:
    """The account as JSON."""
    return dump(account.to_dict())


def title(account: Account, width: int) -> list[str]:
    """The network and its input, and where it comes from, in lines of at most `width`."""
    source = account.network.source
    parts = [account.network.name, f"input {show(account.input)}"]
    parts += [f"batch of {account.batch}"] if account.batch > 1 else []
    parts += ["without biases"] if not account.biases else []
    origin = f"{source.paper}, {source.year}" if source else ""
    return [" · ".join(parts), *textwrap.wrap(origin, width)]


def _columns_within(account: Account, width: int) -> list[Column]:
    """The columns that fit, dropping the highest rank until they do."""
    totals = account.totals
    columns = list(COLUMNS)
    sizes = {
        id(column): max(
            len(column.heading),
            len(column.total(totals)),
            *(len(column.cell(row, totals)) for row in account.rows),
        )
        for column in columns
    }
    columns = [column for column in columns if column.rank == 0 or _says_something(column, account)]
    while sum(sizes[id(column)] + 2 for column in columns) - 2 > width:
        last = max(column.rank for column in columns)
        if last == 0:
            break
        columns = [column for column in columns if column.rank != last]
    return columns


def _says_something(column: Column, account: Account) -> bool:
    return any(column.cell(row, account.totals) for row in account.rows)


def _footer(account: Account, columns: list[Column], width: int) -> list[str]:
    totals, training = account.totals, account.training
    lines: list[str] = []
    counted = f"{totals.parameters:,} parameters, trained"
    counted += f" ({totals.weights:,} weights, {totals.biases:,} biases)" if totals.biases else ""
    counted += f"; {totals.fixed:,} fixed values" if totals.fixed else ""
    lines += _wrapped(counted, width)
    if training != totals:
        lines += _wrapped(f"{training.parameters:,} parameters in training, with the auxiliary heads", width)
    shown = {column.heading for column in columns}
    words = {"parameters": "parameters", "connections": "connections", "MACs": "macs", "activations": "activations"}
    for heading, key in words.items():
        if heading in shown:
            lines += _wrapped(f"{heading}: {CONVENTION[key]}", width)
    if "field" in shown:
        lines += _wrapped("field: receptive field, the side in pixels of what one unit sees of the input", width)
    hidden = [column.heading for column in COLUMNS if column not in columns and _says_something(column, account)]
    if hidden:
        words_hidden = ", ".join(dict.fromkeys(hidden))
        lines += _wrapped(f"not shown at this width: {words_hidden} (a wider page or --format csv has them)", width)
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 40), subsequent_indent="  ")


def _flat(row: Mapping[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            for inner, each in _flat(value).items():  # pyright: ignore[reportUnknownArgumentType]
                flat[f"{key}_{inner}"] = each
        elif isinstance(value, list):
            flat[key] = "x".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType]
        else:
            flat[key] = value
    return flat
