"""striate export: a run as a file that other programs run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.parameters import RUN
from striate.description.labels import one_line
from striate.wording import counted

if TYPE_CHECKING:
    from striate.exchange.graph import Value
    from striate.export.onnx.write import Exported


@click.command(
    "export",
    epilog="\b\nExamples:\n"
    "  striate export runs/lenet5                 writes lenet5.onnx: pixels in, classes out\n"
    "  striate export runs/lenet5 --bare          from the normalised image to logits\n"
    "  striate export runs/lenet5 --all-layers    every layer's output, too\n"
    "  striate export runs/lenet5 --out digits.onnx --json\n"
    "  striate export runs/resnet18 --to torchvision -o resnet18.pth   a state dict that torchvision loads",
)
@click.argument("folder", metavar="RUN", type=RUN)
@click.option(
    "--to", "form", type=click.Choice(["onnx", "torchvision"]), default="onnx", show_default=True, help="What to write."
)
@click.option("--bare", is_flag=True, help="Leave preprocessing and probabilities out: normalised images to logits.")
@click.option("--all-layers", "every_layer", is_flag=True, help="Give every layer's output, too, under its path.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="The file. By default RUN's name, with .onnx or .safetensors."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written, and how it answered, as JSON.")
def command(folder: Path, form: str, bare: bool, every_layer: bool, out: Path | None, as_json: bool) -> None:
    """Write RUN's best weights as a file that other programs run.

    RUN is the folder of a run; the name of a network stands for its run, lenet5 for runs/lenet5.

    An ONNX file takes pixels as they are stored, images of uint8, N × height × width × channels at the size of RUN's
    data, and gives the probabilities of the classes, N × classes, and each image's label, N. Class names and
    preprocessing are in its metadata. It is written only if ONNX Runtime gives RUN's own answers on its test images,
    which does not count as a look at them: no label is read. Needs the extra `onnx`.

    With --to torchvision it is a state dict with torchvision's names, .safetensors or .pth, for those networks of the
    catalogue that torchvision has.
    """
    if form == "torchvision":
        from striate.cli.print.weights import write_torchvision

        if bare or every_layer:
            raise click.UsageError("--bare and --all-layers are of --to onnx.")
        write_torchvision(folder, out, as_json=as_json)
        return
    from striate.cli.print.progress import working
    from striate.description.labels import path_part
    from striate.export.onnx.write import export_onnx
    from striate.train.run import open_run

    file = out or Path(f"{path_part(folder.resolve().name)}.onnx")
    run = open_run(folder)
    with working("Exporting"):
        made = export_onnx(run, file, bare=bare, every_layer=every_layer)
    if as_json:
        click.echo(json.dumps(_members(made), indent=2))
        return
    inputs, outputs = (_shown(each) for each in (made.inputs, made.outputs))
    size = f"{made.bytes / 1e6:.1f} MB" if made.bytes >= 1e6 else f"{made.bytes / 1e3:.1f} kB"
    click.echo(f"{one_line(str(file))}   {run.network.name}, {size}, ONNX opset {made.opset}")
    click.echo(f"  in   {inputs}")
    click.echo(f"  out  {outputs}")
    click.echo(f"  {agreement_line(made)}")


def agreement_line(made: Exported) -> str:
    """How ONNX Runtime answered, beside the run itself."""
    from striate.export.onnx.agreement import MOST, MOST_ROUNDED

    found = made.agreement
    what = made.outputs[0].name
    share = "" if what == "probabilities" else f" ({found.share:.1e} of their range)"
    usual = found.allowed in (MOST, MOST_ROUNDED)
    share += "" if usual else f"; allowed were {found.allowed:.0e} of the scores' range, as float32 is unsure of them"
    return (
        f"ONNX Runtime on {counted(found.images, f'{made.split} image')}: {found.same:,} of the same class as striate "
        f"predict, {what} within {found.difference:.1e}{share}"
    )


def _shown(values: tuple[Value, ...]) -> str:
    """Inputs or outputs in a line; layers, of which there may be hundreds, are counted."""
    from striate.exchange.model import OURS
    from striate.exchange.proto import BATCH

    named = [
        f"{each.name} {each.dtype} {'×'.join((BATCH, *map(str, each.shape)))}" for each in values if each.name in OURS
    ]
    layers = len(values) - len(named)
    return ", ".join(named + ([f"and {counted(layers, 'layer')} by path"] if layers else []))


def _members(made: Exported) -> dict[str, object]:
    found = made.agreement
    return {
        "file": str(made.file),
        "bytes": made.bytes,
        "opset": made.opset,
        "inputs": _signature(made.inputs),
        "outputs": _signature(made.outputs),
        "agreement": {
            "split": made.split,
            "images": found.images,
            "same_class": found.same,
            "largest_difference": found.difference,
            "share_of_range": found.share,
            "allowed_share": found.allowed,
        },
    }


def _signature(values: tuple[Value, ...]) -> dict[str, dict[str, object]]:
    from striate.exchange.proto import BATCH

    return {each.name: {"type": each.dtype, "shape": [BATCH, *each.shape]} for each in values}
