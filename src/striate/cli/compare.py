"""striate compare: networks side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from striate.account import account
from striate.account.compare import compare, compare_table, to_dict
from striate.account.memory import DTYPES
from striate.cli.parameters import NETWORK
from striate.spec.json import dump
from striate.spec.labels import one_line
from striate.spec.network import Network


@click.command(
    "compare",
    epilog="\b\nExamples:\n"
    "  striate compare lenet5-keras-table fully-connected\n"
    "  striate compare alexnet vgg-d googlenet resnet152 --picture networks.svg",
)
@click.argument("networks", type=NETWORK, nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every layer.")
@click.option("--batch", type=click.IntRange(min=1), default=1, help="Count for a batch of this many images.")
@click.option("--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True, help="Of every value.")
@click.option("--picture", type=click.Path(path_type=Path), help="Draw the shares of the layers: an .svg or .png file.")
def command(networks: tuple[Network, ...], as_json: bool, batch: int, dtype: str, picture: Path | None) -> None:
    """Compare NETWORKS: parameters, MACs and memory, and the layers that they lie in.

    Cheap in parameters isn't cheap in compute: a convolution uses each weight at every place, a linear layer once.
    """
    if len(networks) < 2:
        raise click.UsageError("Give at least two networks.")
    if picture is not None:
        from striate.look.raster import require_suffix

        require_suffix(picture, option="--picture")
    found = compare([account(network, batch=batch) for network in networks], dtype=dtype)
    click.echo(dump(to_dict(found)) if as_json else compare_table(found, width=shutil.get_terminal_size().columns))
    if picture is not None:
        from striate.account.shares_svg import shares_svg
        from striate.look.raster import drawn_as
        from striate.train.files import elsewhere, write_whole

        with elsewhere("--picture"):
            write_whole(picture, drawn_as(picture.suffix, shares_svg(found)))
        click.echo(f"Picture: {one_line(str(picture))}", err=as_json)
