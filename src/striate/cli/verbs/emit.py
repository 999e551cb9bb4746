"""striate emit: the source of a network in another framework's language."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from striate.cli.parameters import NETWORK
from striate.emit.source import TONGUES, source
from striate.files import elsewhere, write_whole
from striate.networks import entry_of


@click.command(
    "emit",
    epilog="\b\nExamples:\n"
    "  striate emit lenet5 --to pytorch                 an nn.Module that runs without Striate\n"
    "  striate emit resnet50 --to keras -o resnet50.py\n"
    "  striate emit vgg-d --to caffe -o vgg.prototxt\n"
    "  striate emit '1x28x28: conv 8 5x5, relu, flatten, linear 10' --to pytorch",
)
@click.argument("given", metavar="NETWORK", shell_complete=NETWORK.shell_complete)
@click.option("--to", "tongue", required=True, type=click.Choice([*TONGUES]), help="The framework, or a form of ours.")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="The file. By default it is printed.")
def command(given: str, tongue: str, out: Path | None) -> None:
    """Write NETWORK as source text of another framework.

    PyTorch and Keras sources run without Striate and take its weights; what a framework cannot express is written out
    in full, or refused with the name of the layer.
    """
    network = NETWORK.convert(given, None, None)
    name = network.name if entry_of(network) else given
    made_by = "" if name.startswith("-") else f"striate emit {shlex.quote(name)} --to {tongue}"
    text = source(network, tongue, made_by=made_by)
    if out is None:
        click.echo(text, nl=False)
    else:
        with elsewhere("--out"):
            write_whole(out, text)
