"""striate account: what every layer of a network costs."""

from __future__ import annotations

import shutil

import click

from striate.account import account
from striate.account.table import to_csv, to_json, to_markdown, to_table
from striate.cli.parameters import INPUT, NETWORK
from striate.spec.network import Network


@click.command(
    "account",
    epilog="\b\nExamples:\n"
    "  striate account lenet5\n"
    "  striate account lenet5 --format csv > lenet5.csv\n"
    "  striate account simple-cnn --batch 128\n"
    "  striate account lenet5-keras-table --without-biases\n"
    "  striate account mine.json --input 3x64x64 --strict",
)
@click.argument("network", type=NETWORK)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    show_default=True,
    help="How to print it. The table is as wide as the terminal.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--batch", type=click.IntRange(min=1), default=1, help="Count for a batch of this many images.")
@click.option("--input", "shape", type=INPUT, help="Another input, such as 1x28x28: channels, height, width.")
@click.option("--without-biases", is_flag=True, help="Leave biases out, as sums on paper often do.")
@click.option("--strict", is_flag=True, help="Refuse layers whose windows leave rows or columns unseen.")
def command(
    network: Network,
    form: str,
    as_json: bool,
    batch: int,
    shape: tuple[int, ...] | None,
    without_biases: bool,
    strict: bool,
) -> None:
    """Show what every layer of NETWORK costs.

    NETWORK is a name of the catalogue or a JSON file. Each row has a layer's path, what it is, the shapes in and
    out, weights, biases, fixed values, connections, MACs, activations and the receptive field; the totals say what
    they count.
    """
    result = account(network, input=shape, batch=batch, biases=not without_biases, strict=strict)
    if as_json or form == "json":
        text = to_json(result)
    elif form == "csv":
        text = to_csv(result).rstrip("\n")
    elif form == "markdown":
        text = to_markdown(result)
    else:
        text = to_table(result, width=shutil.get_terminal_size().columns)
    click.echo(text)
