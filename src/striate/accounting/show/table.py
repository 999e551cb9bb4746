"""An account as text: a table as wide as the page, CSV, Markdown or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from striate.accounting.counts import CONVENTION, Counts
from striate.accounting.show.fold import TableLine, lines
from striate.accounting.show.grid import fitted_rows, wrapped
from striate.description.json import dump
from striate.description.shapes import show
from striate.wording import counted

if TYPE_CHECKING:
    from striate.accounting.rows import Account

LONG = 60
"""A longer table has a note on `--depth`, which makes it shorter."""

Cell = Callable[[TableLine, Counts], str]


@dataclass(frozen=True)
class Column:
    """A column of the table: its heading, its cells in rows and in the total, and its rank.

    On a narrow page the columns of the highest rank are left out first.
    """

    heading: str
    cell: Cell
    total: Callable[[Counts], str]
    rank: int
    left: bool = False


def _number(name: str) -> tuple[Cell, Callable[[Counts], str]]:
    def total(counts: Counts) -> str:
        value: int = getattr(counts, name)
        return f"{value:,}" if value else ""

    return (lambda line, _: total(line.counts)), total


def _share(name: str) -> Cell:
    def cell(line: TableLine, totals: Counts) -> str:
        value, whole = getattr(line.counts, name), getattr(totals, name)
        if not value or line.in_head:
            return ""
        return f"{100 * value / whole:.1f} %"

    return cell


def _nothing(_: Counts) -> str:
    return ""


def _pair(pair: tuple[float, float]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}×{pair[1]}"


COLUMNS = (
    Column("layer", lambda line, _: line.path, lambda _: "total", 0, left=True),
    Column("what it is", lambda line, _: line.words, _nothing, 3, left=True),
    Column("input", lambda line, _: show(line.input), _nothing, 10),
    Column("output", lambda line, _: show(line.output), _nothing, 0),
    Column("weights", *_number("weights"), 8),
    Column("biases", *_number("biases"), 8),
    Column("fixed", *_number("fixed"), 9),
    Column("parameters", *_number("parameters"), 1),
    Column("share", _share("parameters"), _nothing, 7),
    Column("connections", *_number("connections"), 5),
    Column("MACs", *_number("macs"), 2),
    Column("share", _share("macs"), _nothing, 7),
    Column("activations", *_number("activations"), 6),
    Column("field", lambda line, _: _pair(line.receptive_field.size), _nothing, 4),
    Column("jump", lambda line, _: _pair(line.receptive_field.jump), _nothing, 11),
)
"""Every column of the text table."""


def to_table(account: Account, *, width: int = 80, depth: int | None = None, fold: bool = True) -> str:
    """The account as a text table of at most `width` characters, where its rows allow it.

    `depth` adds up layers by the first `depth` names of their paths; `fold` shows identical consecutive blocks once.
    """
    shown = lines(account.rows, depth=depth, fold=fold)
    totals = account.totals
    columns = _columns_within(shown, totals, width)
    cells = [
        [column.heading for column in columns],
        [],
        *([column.cell(line, totals) for column in columns] for line in shown),
        [],
        [column.total(totals) for column in columns],
    ]
    rows = fitted_rows(cells, "".join("<" if column.left else ">" for column in columns), width)
    text = [*title(account, width), "", *rows[0], *rows[1]]
    for line, row in zip(shown, rows[2:-2], strict=True):
        text += row
        if line.unseen is not None:
            text += wrapped(str(line.unseen), width, "    ", first="  └ ")
    return "\n".join([*text, *rows[-2], *rows[-1], "", *footer(account, columns, shown, width)])


def to_csv(account: Account) -> str:
    """One line per layer, with a heading; pairs are written 5x5."""
    out = io.StringIO()
    rows = [_flat(row) for row in account.to_dicts()]
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def to_markdown(account: Account) -> str:
    """The table in Markdown, with every column."""
    totals = account.totals

    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cells)} |"

    head, *source = title(account, 999)
    text = [f"**{head}**", *source, "", line([column.heading for column in COLUMNS])]
    text.append(line([":--" if column.left else "--:" for column in COLUMNS]))
    text += [line([column.cell(row, totals) for column in COLUMNS]) for row in lines(account.rows, fold=False)]
    text.append(line([column.total(totals) for column in COLUMNS]))
    notes = [f"* {row.path}: {row.unseen}" for row in account.rows if row.unseen is not None]
    convention = [f"* {word}: {meaning}" for word, meaning in CONVENTION.items()]
    return "\n".join([*text, "", *notes, *convention])


def to_json(account: Account) -> str:
    """The account as JSON."""
    return dump(account.to_dict())


def title(account: Account, width: int) -> list[str]:
    """The network, its input and its source, in lines of at most `width`."""
    source = account.network.source
    parts = [account.network.name, f"input {show(account.input)}"]
    parts += [f"batch of {account.batch}"] if account.batch > 1 else []
    parts += ["without biases"] if not account.biases else []
    origin = f"{source.paper}, {source.year}" if source else ""
    return [*wrapped(" · ".join(parts), width), *wrapped(origin, width, "")]


def _columns_within(shown: list[TableLine], totals: Counts, width: int) -> list[Column]:
    """The columns that fit into `width`; those of the highest rank are left out first."""
    columns = [column for column in COLUMNS if column.rank == 0 or _says_something(column, shown, totals)]
    sizes = {
        id(column): max(
            len(column.heading), len(column.total(totals)), *(len(column.cell(line, totals)) for line in shown)
        )
        for column in columns
    }
    while sum(sizes[id(column)] + 2 for column in columns) - 2 > width:
        last = max(column.rank for column in columns)
        if last == 0:
            break
        columns = [column for column in columns if column.rank != last]
    return columns


def _says_something(column: Column, shown: list[TableLine], totals: Counts) -> bool:
    return any(column.cell(line, totals) for line in shown)


def footer(account: Account, columns: list[Column], all_lines: list[TableLine], width: int) -> list[str]:
    """The definitions of the totals, and the columns that are not shown, in lines of at most `width`."""
    totals, training = account.totals, account.training
    text: list[str] = []
    parameters = f"{counted(totals.parameters, 'parameter')}, trained"
    if totals.biases:
        parameters += f" ({counted(totals.weights, 'weight')}, {counted(totals.biases, 'bias')})"
    parameters += f"; {counted(totals.fixed, 'fixed value')}" if totals.fixed else ""
    text += wrapped(parameters, width)
    if training != totals:
        text += wrapped(f"{counted(training.parameters, 'parameter')} in training, with the auxiliary heads", width)
    shown = {column.heading for column in columns}
    words = {"parameters": "parameters", "connections": "connections", "MACs": "macs", "activations": "activations"}
    for heading, key in words.items():
        if heading in shown:
            text += wrapped(f"{heading}: {CONVENTION[key]}", width)
    if "field" in shown:
        text += wrapped("field: receptive field, the side in pixels of what one unit sees of the input", width)
    if any(line.repeats for line in all_lines):
        text += wrapped(
            "identical blocks are shown once: --all has every layer, --depth 2 --all a line for each block", width
        )
    elif len(all_lines) > LONG and any("." in line.path for line in all_lines):
        text += wrapped("shorter: --depth 1 has a line for each of the outermost blocks", width)
    hidden = [
        column.heading for column in COLUMNS if column not in columns and _says_something(column, all_lines, totals)
    ]
    if hidden:
        words_hidden = ", ".join(dict.fromkeys(hidden))
        text += wrapped(f"not shown at this width: {words_hidden} (a wider page or --format markdown has them)", width)
    return text


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
