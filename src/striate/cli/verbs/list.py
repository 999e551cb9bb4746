"""striate list: the networks of the catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

import click

from striate.accounting import account
from striate.accounting.show.grid import fitted_rows, wrapped
from striate.cli import terminal
from striate.cli.print.facts import facts
from striate.description.network import Network
from striate.description.shapes import show
from striate.errors import UnknownNameError, unknown_name
from striate.networks import ALIASES, CATALOGUE, Entry, other_names

NOTE = (
    "Parameters are in use, without auxiliary heads; MACs are for one image. Published is what the paper prints for "
    "one network: an error (of all, top-1 or top-5) or an accuracy. striate show NETWORK has every figure."
)
HEADING = ("network", "input", "parameters", "MACs", "published", "on")


@click.command(
    "list",
    epilog="\b\nExamples:\n"
    "  striate list              every network, under its paper\n"
    "  striate list resnet       networks with resnet in their name or paper\n"
    "  striate list --json | jq '.[] | select(.parameters < 1e6) | .name'",
)
@click.argument("word", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON, with every published figure.")
def command(word: str | None, as_json: bool) -> None:
    """List the networks of the catalogue.

    With WORD, list only networks with this word in their name or paper. Parameters and MACs are computed; the error or
    accuracy is the figure that the paper prints.
    """
    chosen = {name: entry for name, entry in CATALOGUE.items() if word is None or _says(name, entry, word)}
    if word is not None and not chosen:
        error = unknown_name("network", word, [*CATALOGUE, *ALIASES])
        what = f"no network has {word!r} in its name or paper."
        raise UnknownNameError(what, f"There are {len(CATALOGUE)}: striate list shows all.", error.remedy)
    if as_json:
        terminal.echo_json(json.dumps([facts(entry.make()) for entry in chosen.values()], indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_table(list(chosen.values()), terminal.width())))


def _says(name: str, entry: Entry, word: str) -> bool:
    paper = f"{entry.paper.cited} {entry.paper.year}" if entry.paper else ""
    names = " ".join([name, *other_names(name)])
    return word.lower() in f"{names} {paper}".lower()


def _table(entries: list[Entry], width: int) -> Iterator[str]:
    """Networks under their papers; a wide table also shows what the published figure was measured on."""
    rows = [(entry.make(), entry) for entry in entries]
    cells = [HEADING, (), *(_cells(network, entry) for network, entry in rows)]
    heading, rule, *lines = fitted_rows(cells, "<>>>><", width, drop=[5, 1, 4, 3])
    yield from heading + rule
    told = zip(rows, lines, strict=True)
    for title, group in groupby(told, key=lambda each: _title(each[0][0])):
        yield from wrapped(title, width, " " * 6)
        for _, line in group:
            yield from line
    yield ""
    yield from wrapped(NOTE, width, "")


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
