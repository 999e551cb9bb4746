"""striate show: a network's outline, its source, and its paper's figures beside the computed ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from striate.accounting import account
from striate.accounting.show.grid import wrapped
from striate.cli import terminal
from striate.cli.parameters import NETWORK
from striate.cli.print.facts import COUNTED, facts
from striate.cli.print.outline import outline_lines
from striate.description.header import ONNX, names_run
from striate.description.json import to_json
from striate.description.layers import RBF, Layer, Linear, Softmax
from striate.description.network import Network, plan
from striate.description.notation.writing import to_text
from striate.description.shapes import show
from striate.networks import Entry, entry_of, other_names

if TYPE_CHECKING:
    from striate.train.recipe import Recipe

LABEL = 12


class _Named(click.ParamType):
    """A network, and what was typed for it, which may be the folder of a run."""

    name = "network"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Network]:
        return value, NETWORK.convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return NETWORK.shell_complete(ctx, param, incomplete)


@click.command(
    "show",
    epilog="\b\nExamples:\n"
    "  striate show googlenet\n"
    "  striate show lenet5 --as net > mine.net     a copy that you can change; then: striate account mine.net\n"
    "  striate show resnet50 --as json > mine.json\n"
    "  striate show runs/lenet5 --as recipe > mine.toml\n"
    "  striate train lenet5 --recipe mine.toml",
)
@click.argument("named", metavar="NETWORK", type=_Named())
@click.option(
    "--as",
    "form",
    type=click.Choice(["net", "line", "json", "recipe"]),
    help="Print the description itself: in the notation, in the notation on one line, or as JSON; or the recipe of its "
    "training as TOML: the run's where NETWORK is a run, else the network's own.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the same facts as JSON.")
def command(named: tuple[str, Network], form: str | None, as_json: bool) -> None:
    """Show NETWORK: its source and its outline.

    Prints its paper and each departure from it, the published figures beside the computed ones, and an outline. striate
    account NETWORK prints every layer with its costs.
    """
    typed, network = named
    if form == "recipe":
        from striate.train.recipe_file import recipe_text

        click.echo(recipe_text(_recipe(typed, network)), nl=False)
    elif form == "json":
        terminal.echo_json(to_json(network))
    elif form is not None:
        click.echo(to_text(network, one_line=form == "line").rstrip("\n"))
    elif as_json:
        terminal.echo_json(json.dumps(facts(network), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_card(network, terminal.width())))


def _recipe(typed: str, network: Network) -> Recipe:
    """The recipe of a run, or the one by which a network would be trained."""
    from striate.train.recipes import recipe_for
    from striate.train.run import open_run

    return open_run(Path(typed)).recipe if names_run(typed) and not typed.endswith(ONNX) else recipe_for(network)


def _card(network: Network, width: int) -> Iterator[str]:
    entry, source, result = entry_of(network) or Entry(lambda: network, ""), network.source, account(network)
    yield from wrapped(" = ".join([network.name, *(other_names(network.name) if entry.about else ())]), width)
    yield from wrapped(entry.about, width, "")
    yield ""
    if source is not None:
        place = f", {source.place}" if source.place else ""
        yield from _labelled("paper", f"{source.paper}, {source.year}{place}", width)
        for number, departure in enumerate(source.departures):
            yield from _labelled("" if number else "departures", departure, width)
    yield from _labelled("input", show(result.input), width)
    yield from _labelled("output", f"{show(plan(network).output)} {_output(network.layers[-1])}", width)
    training = result.training.parameters
    heads = f"; {training:,} in training, with auxiliary heads" if training != result.totals.parameters else ""
    yield from _labelled("parameters", f"{result.totals.parameters:,}{heads}", width)
    yield from _labelled("MACs", f"{result.totals.macs:,} per image", width)
    if entry.recipe:
        yield from _labelled("recipe", f"{entry.recipe} (striate train {network.name} uses it)", width)
    if entry.published:
        yield from ["", *_published(network, entry, width)]
    yield from ["", *outline_lines(network, width)]


def _published(network: Network, entry: Entry, width: int) -> Iterator[str]:
    """The figures that the paper prints, each with the computed value where the account has one."""
    totals = account(network).totals
    rows = [("published", "", "computed", "", "")]
    for figure in entry.published:
        computed = getattr(totals, COUNTED[figure.measure]) if figure.measure in COUNTED else None
        mark = "" if computed is None else "✓" if figure.agrees(computed) else "≠"
        where = f"{figure.data}, {figure.place}" if figure.data else figure.place
        rows.append((figure.measure, figure.text, "" if computed is None else f"{computed:,}", mark, where))
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for measure, value, computed, mark, where in rows:
        head = f"{measure:{sizes[0]}}  {value:>{sizes[1]}}  {computed:>{sizes[2]}} {mark:{sizes[3]}}  "
        yield from wrapped(where, width, " " * len(head), head)
    if any(row[3] == "≠" for row in rows):
        yield from wrapped("≠: differs in the digits that the paper prints.", width)


def _output(last: Layer) -> str:
    match last:
        case Softmax():
            return "probabilities"
        case Linear():
            return "logits"
        case RBF():
            return "distances"
        case _:
            return "values"


def _labelled(label: str, text: str, width: int) -> list[str]:
    return wrapped(text, width, " " * LABEL, label.ljust(LABEL))
