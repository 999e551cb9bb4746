"""striate import-weights: a run from weights of torchvision or timm."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli.parameters import NETWORK
from striate.description.network import Network


@click.command(
    "import-weights",
    epilog="\b\nExamples:\n"
    "  striate import-weights resnet50-torchvision resnet50-11ad3fa6.pth --from torchvision\n"
    "  striate import-weights mobilenet-v2 model.safetensors --from timm --out runs/mobile\n"
    "  striate import-weights vgg-d vgg16.pth --from torchvision --classes imagenet.txt",
)
@click.argument("network", type=NETWORK)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "library",
    type=click.Choice(["torchvision", "timm"]),
    required=True,
    help="The library whose model the weights are of.",
)
@click.option("--out", "-o", type=click.Path(path_type=Path), help="The run's folder. By default runs/NETWORK.")
@click.option(
    "--classes",
    type=click.Path(path_type=Path),
    help="A file of class names in the order of the outputs: one a line, or JSON.",
)
@click.option("--shorter", type=int, help="The pixels that an image's shorter side gets before the middle is cut out.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def command(
    network: Network,
    file: Path,
    library: str,
    out: Path | None,
    classes: Path | None,
    shorter: int | None,
    as_json: bool,
) -> None:
    """Make a run from FILE, weights of torchvision or timm for NETWORK.

    FILE is a state dict as the library publishes or saves it: safetensors, or a file of torch.save, of which no code is
    run. The run predicts, serves, looks and evaluates as a trained one does, with the library's preprocessing and as
    many classes as FILE has. NETWORK is the library's variant, such as resnet50-torchvision: where FILE is for another
    one, the error says which. Nothing is downloaded.
    """
    from striate.cli.print.progress import working
    from striate.cli.print.weights import brought_lines, brought_members
    from striate.export.weights.bring import bring
    from striate.train.run import free_folder

    with working("Importing"):
        made = bring(
            network, file, library=library, folder=out or free_folder(network.name), classes=classes, shorter=shorter
        )
    if as_json:
        click.echo(json.dumps(brought_members(made), indent=2))
        return
    for line in brought_lines(made):
        click.echo(line)
