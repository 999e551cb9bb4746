"""striate compare: networks side by side."""

from __future__ import annotations

from pathlib import Path

import click

from striate.accounting import account
from striate.accounting.compare import compare, compare_table, to_dict
from striate.accounting.memory import DTYPES
from striate.cli import terminal
from striate.cli.parameters import NETWORK
from striate.description.json import dump
from striate.description.labels import one_line
from striate.description.network import Network


@click.command(
    "compare",
    epilog="\b\nExamples:\n"
    "  striate compare lenet5-keras-table fully-connected\n"
    "  striate compare alexnet vgg-d googlenet resnet152 --picture networks.svg",
)
@click.argument("networks", type=NETWORK, nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every layer.")
@click.option("--batch", type=click.IntRange(min=1), default=1, help="Count for a batch of this many images.")
@click.option(
    "--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True, help="The type of every value."
)
@click.option("--picture", type=click.Path(path_type=Path), help="Draw the shares of the layers: an .svg or .png file.")
def command(networks: tuple[Network, ...], as_json: bool, batch: int, dtype: str, picture: Path | None) -> None:
    """Compare NETWORKS: their parameters, MACs and memory, and the layer with the largest share of each.

    Each is a name of the catalogue, a line of notation, a file or the folder of a run.

    A network with few parameters may still need many MACs: a convolution uses each weight at every position, a linear
    layer uses it once.
    """
    if len(networks) < 2:
        raise click.UsageError("Give at least two networks.")
    if picture is not None:
        from striate.raster import require_suffix

        require_suffix(picture, option="--picture")
    found = compare([account(network, batch=batch) for network in networks], dtype=dtype)
    if as_json:
        terminal.echo_json(dump(to_dict(found)))
    else:
        click.echo(compare_table(found, width=terminal.width()))
    if picture is not None:
        from striate.accounting.show.shares import shares_svg
        from striate.files import elsewhere, write_whole
        from striate.raster import drawn_as

        with elsewhere("--picture"):
            write_whole(picture, drawn_as(picture.suffix, shares_svg(found)))
        click.echo(f"Picture: {one_line(str(picture))}", err=as_json)
