"""striate import-weights: a run from weights of torchvision or timm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.parameters import NETWORK
from striate.description.labels import one_line
from striate.description.network import Network
from striate.wording import counted

if TYPE_CHECKING:
    from striate.data import Preprocessing
    from striate.export.weights.bring import Brought

NAMED = 3
"""The most classes that are named."""


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
@click.option("--out", "-o", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/NETWORK]")
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
    from striate.export.weights.bring import Given, bring
    from striate.train.run import free_folder

    with working("Importing"):
        made = bring(
            network, file, library=library, folder=out or free_folder(network.name), given=Given(classes, shorter)
        )
    if as_json:
        click.echo(json.dumps(_members(made), indent=2))
        return
    for line in told(made):
        click.echo(line)


def told(made: Brought) -> list[str]:
    """What was made, in lines."""
    from striate.accounting import account

    run = made.run
    folder = one_line(str(run.folder))
    origin = run.origin or {}
    parameters = account(run.network).totals.parameters
    names = ", ".join(map(one_line, run.classes[:NAMED]))
    more = ", ..." if len(run.classes) > NAMED else ""
    numbered = run.classes[0] == "class 0"
    left_out = [f"  not used  {counted(len(made.left_out), 'tensor')} of heads that only training needs"]
    return [
        f"{folder}   {run.network.name}, {parameters:,} parameters, {counted(len(run.classes), 'class')}",
        f"  weights   {origin['file']}: {origin['library']}'s {made.model}, {counted(made.tensors, 'tensor')} by name",
        *(left_out if made.left_out else []),
        f"  input     {prepared(run.preprocessing)}; {made.way_from}",
        f"  classes   {names}{more}{'; the file names none: --classes FILE' if numbered else ''}",
        f"Next: striate predict {folder} PICTURE, or striate serve {folder} --open",
    ]


def prepared(way: Preprocessing) -> str:
    """A preprocessing in words."""
    _, height, width = way.shape
    fit = {
        "crop": f"shorter side to {way.shorter} pixels ({way.interpolation}), the middle {height} × {width}",
        "resize": f"resized to {height} × {width}",
        "pad": f"padded to {height} × {width}",
    }[way.fit]
    low, high = (each if isinstance(each, tuple) else (each,) for each in (way.low, way.high))
    ends = ", ".join(f"{least:.3g} to {most:.3g}" for least, most in zip(low, high, strict=True))
    return f"{fit}, {'each ' if len(low) == 1 else ''}channel{'s' if len(low) > 1 else ''} from {ends}"


def _members(made: Brought) -> dict[str, object]:
    run = made.run
    return {
        "run": str(run.folder),
        "network": run.network.name,
        "origin": run.origin,
        "tensors": made.tensors,
        "not_used": list(made.left_out),
        "classes": list(run.classes),
        "preprocessing": run.preprocessing.to_dict(),
        "preprocessing_from": made.way_from,
    }
