"""The page of a network of the catalogue: figure, source, account, the figures of its paper, recipe, results."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from striate.accounting import Account, account
from striate.accounting.show.table import to_table
from striate.cli.print.facts import COUNTED
from striate.description.network import plan
from striate.description.shapes import show
from striate.emit.draw.choose import figure_of
from striate.emit.draw.svg import to_svg
from striate.networks import CATALOGUE, Entry, other_names
from striate.train.recipe_file import recipe_text
from striate.train.recipes import RECIPES

WIDTH = 80
"""Characters of the account's table."""
REACHED: dict[str, list[dict[str, str]]] = tomllib.loads(
    (Path(__file__).parent / "reached.toml").read_text(encoding="utf-8")
)
"""What training reached with this repository, by network; each beside the page that says how it was measured."""


def figure(name: str) -> str:
    """The SVG of a network."""
    return to_svg(figure_of(CATALOGUE[name].make()))


def page(name: str) -> str:
    """The page, as Markdown; the figure is `NAME.svg` beside it."""
    entry = CATALOGUE[name]
    return "\n".join(_parts(name, entry, account(entry.make()))) + "\n"


def _parts(name: str, entry: Entry, counted: Account) -> Iterator[str]:
    network = counted.network
    source, totals = network.source, counted.totals
    yield f"# {name}\n\n{entry.about}\n"
    if others := other_names(name):
        yield f"Also called {', '.join(others)}.\n"
    yield f"![The figure of {name}: its layers and the sizes between them]({name}.svg)\n"
    heads = counted.training.parameters
    more = f" ({heads:,} in training, with its auxiliary heads)" if heads != totals.parameters else ""
    sizes = f"Input {show(counted.input)}, output {show(plan(network).output)}"
    yield f"{sizes}; **{totals.parameters:,} parameters**{more}, {totals.macs:,} MACs per image.\n"
    yield f"```\nstriate show {name}\nstriate account {name}\nstriate draw {name}\nstriate train {name}\n```\n"
    if source is not None:
        place = f", {source.place}" if source.place else ""
        yield f"## Paper\n\n{source.paper}, {source.year}{place}.\n"
    if entry.paper is not None:
        yield f"```bibtex\n{entry.paper.bibtex()}\n```\n"
    yield "## Departures\n"
    yield from [f"* {each}" for each in source.departures] if source and source.departures else ["None is known."]
    if entry.published:
        yield from ["", "## What the paper prints", "", *_published(entry, counted)]
    yield f"\n## Account\n\n```\n{to_table(counted, width=WIDTH)}\n```\n"
    yield "## Recipe\n"
    if entry.recipe:
        yield f"`striate train {name}` follows the paper by the recipe `{entry.recipe}`:\n"
        yield f"```toml\n{recipe_text(RECIPES[entry.recipe]).strip()}\n```"
    else:
        yield "The catalogue has no recipe of its paper; `striate train` takes its default, or `--recipe`."
    yield "\n## Reached here\n"
    yield from _reached(name)


def _reached(name: str) -> Iterator[str]:
    if name not in REACHED:
        yield "Nothing was measured: no training of this network is reported on these pages."
        return
    yield "| result | of what | command | machine |"
    yield "|--:|---|---|---|"
    for each in REACHED[name]:
        yield f"| [{each['value']}](../{each['page']}) | {each['what']} | `{each['command']}` | {each['machine']} |"


def _published(entry: Entry, counted: Account) -> Iterator[str]:
    yield "| figure | paper | computed | place |"
    yield "|---|--:|--:|---|"
    for figure in entry.published:
        computed = ""
        if figure.measure in COUNTED:
            value = getattr(counted.totals, COUNTED[figure.measure])
            computed = f"{value:,} {'✓' if figure.agrees(value) else '≠'}"
        where = f"{figure.data}, {figure.place}" if figure.data else figure.place
        yield f"| {figure.measure} | {figure.text} | {computed} | {where} |"
