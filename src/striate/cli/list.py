"""striate list: the networks of the catalogue."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator
from itertools import groupby

import click

from striate.account import account
from striate.cli.facts import facts
from striate.errors import UnknownNameError, unknown_name
from striate.networks import ALIASES, CATALOGUE, Entry, other_names
from striate.spec.network import Network
from striate.spec.shapes import show

NOTE = (
    "Parameters are in use, without auxiliary heads; MACs are for one image. Published is what the paper prints for "
    "one network: an error (of all, top-1 or top-5) or an accuracy. striate show NETWORK has every figure."
)
HEADING = ("network", "input", "parameters", "MACs", "published", "on")


@click.command(
    "list",
    epilog="\b\nExamples:\n"
    "  striate list              every network, under its paper\n"
    "  striate list resnet       those with resnet in their name or paper\n"
    "  striate list --json | jq '.[] | select(.parameters < 1e6) | .name'",
)
@click.argument("word", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON, with every published figure.")
def command(word: str | None, as_json: bool) -> None:
    """List the networks of the catalogue.

    With WORD, those that have it in their name or paper. Parameters and MACs are computed; the error or accuracy is
    what the paper prints.
    """
    chosen = {name: entry for name, entry in CATALOGUE.items() if word is None or _says(name, entry, word)}
    if word is not None and not chosen:
        error = unknown_name("network", word, [*CATALOGUE, *ALIASES])
        what = f"no network has {word!r} in its name or paper."
        raise UnknownNameError(what, f"There are {len(CATALOGUE)}: striate list shows all.", error.remedy)
    if as_json:
        click.echo(json.dumps([facts(entry.make()) for entry in chosen.values()], indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_table(list(chosen.values()), shutil.get_terminal_size().columns)))


def _says(name: str, entry: Entry, word: str) -> bool:
    paper = f"{entry.paper.cited} {entry.paper.year}" if entry.paper else ""
    names = " ".join([name, *other_names(name)])
    return word.lower() in f"{names} {paper}".lower()


def _table(entries: list[Entry], width: int) -> Iterator[str]:
    """Networks under their papers; what the figure was measured on is shown where the page is wide enough."""
    rows = [(entry.make(), entry) for entry in entries]
    cells = {network.name: _cells(network, entry) for network, entry in rows}
    sizes = [max(map(len, column)) for column in zip(HEADING, *cells.values(), strict=True)]
    if sum(sizes) + 2 * (len(sizes) - 1) > width:
        sizes = sizes[:-1]
    yield _line(HEADING, sizes)
    yield "─" * (sum(sizes) + 2 * (len(sizes) - 1))
    for title, group in groupby(rows, key=lambda row: _title(row[0])):
        yield from textwrap.wrap(title, width, subsequent_indent=" " * 6)
        for network, _ in group:
            yield _line(cells[network.name], sizes)
    yield ""
    yield from textwrap.wrap(NOTE, width)


def _cells(network: Network, entry: Entry) -> tuple[str, ...]:
    totals, quality = account(network).totals, entry.quality
    return (
        "  " + " = ".join([network.name, *other_names(network.name)]),
        show(network.input),
        f"{totals.parameters:,}",
        f"{totals.macs:,}",
        f"{quality.text} {quality.measure.removesuffix(' error')}" if quality else "",
        quality.data if quality else "",
    )


def _title(network: Network) -> str:
    source = network.source
    return f"{source.year}  {source.paper}" if source else "      (no paper)"


def _line(cells: tuple[str, ...], sizes: list[int]) -> str:
    left = (0, 5)
    parts = [
        cell.ljust(size) if place in left else cell.rjust(size)
        for place, (cell, size) in enumerate(zip(cells, sizes, strict=False))
    ]
    return "  ".join(parts).rstrip()
