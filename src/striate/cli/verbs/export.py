"""striate export: a run as a file that other programs run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli import terminal
from striate.cli.parameters import RUN, Finite

if TYPE_CHECKING:
    from striate.export.int8.write import Int8Options
    from striate.train.run import Run


@click.command(
    "export",
    epilog="\b\nExamples:\n"
    "  striate export runs/lenet5                 writes lenet5.onnx: pixels in, classes out\n"
    "  striate export runs/lenet5 --bare          from the normalised image to logits\n"
    "  striate export runs/lenet5 --all-layers    every layer's output, too\n"
    "  striate export runs/lenet5 --int8          writes lenet5-int8.onnx, and what is lost, layer by layer\n"
    "  striate export runs/lenet5 --int8 --most-loss 0.1 --keep-float C1\n"
    "  striate export runs/lenet5 --to pt2             a program of torch.export, for PyTorch without Striate\n"
    "  striate export runs/lenet5 --to safetensors     one file in place of the run's folder\n"
    "  striate export runs/resnet18 --to torchvision   a state dict that torchvision loads\n"
    "  striate export runs/lenet5 --out digits.onnx --json",
)
@click.argument("folder", metavar="RUN", type=RUN)
@click.option(
    "--to",
    "form",
    type=click.Choice(["onnx", "pt2", "safetensors", "torchvision"]),
    default="onnx",
    show_default=True,
    help="What to write: for ONNX Runtime, torch.export, Striate itself, or torchvision.",
)
@click.option("--bare", is_flag=True, help="Leave preprocessing and probabilities out: normalised images to logits.")
@click.option("--all-layers", "every_layer", is_flag=True, help="Give every layer's output, too, under its path.")
@click.option("--int8", is_flag=True, help="Weights and activations as 8-bit integers, calibrated on training images.")
@click.option(
    "--most-loss",
    metavar="POINTS",
    type=Finite(min=0, max=100),
    default=1.0,
    show_default=True,
    help="With --int8: refuse a file that loses more points of accuracy.",
)
@click.option("--keep-float", metavar="PATH", multiple=True, help="With --int8: leave this layer or block in float32.")
@click.option("--force", is_flag=True, help="With --int8: write the file whatever it loses.")
@click.option("--data", help="Other images than the run's own, as for striate train.")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="The file. By default RUN's name with .onnx, .pt2 or .safetensors.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written, and how it answered, as JSON.")
@click.pass_context
def command(
    context: click.Context,
    folder: Path,
    form: str,
    bare: bool,
    every_layer: bool,
    int8: bool,
    most_loss: float,
    keep_float: tuple[str, ...],
    force: bool,
    data: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Write RUN's best weights as a file that other programs run.

    RUN is the folder of a run; the name of a network stands for its run, lenet5 for runs/lenet5.

    An ONNX file takes pixels as they are stored, images of uint8, N × height × width × channels at the size of RUN's
    data, and gives the probabilities of the classes, N × classes, and each image's label, N. Class names and
    preprocessing are in its metadata. It is written only if ONNX Runtime gives RUN's own answers on its test images,
    which does not count as a look at them: no label is read. Needs the extra `onnx`.

    A pt2 file has the same inputs and outputs, and is written only if PyTorch, without Striate, gives RUN's own
    answers. Read it with torch.export.load. A safetensors file has RUN's weights, network, classes and preprocessing;
    commands take it in place of RUN.

    With --to torchvision it is a state dict with torchvision's names, .safetensors or .pth, for those networks of the
    catalogue that torchvision has.

    With --int8, training images calibrate and RUN's validation images judge. Where it held none out, its test images
    do: that is a look at them, and RUN records it.
    """
    for option in ("most_loss", "keep_float", "force"):
        given = context.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT
        if given and not int8:
            raise click.UsageError(f"--{option.replace('_', '-')} is for --int8.")
    if form != "onnx" and (int8 or every_layer):
        raise click.UsageError(f"{'--int8' if int8 else '--all-layers'} is for --to onnx.")
    if form in ("safetensors", "torchvision") and (bare or data):
        raise click.UsageError(f"{'--bare' if bare else '--data'} is not for --to {form}.")
    if int8 and every_layer:
        raise click.UsageError("--int8 has no --all-layers: in integers, layers are computed together.")

    if form == "torchvision":
        from striate.cli.print.weights import write_torchvision

        write_torchvision(folder, out, as_json=as_json)
        return
    from striate.description.labels import path_part
    from striate.export.place import require_other
    from striate.train.run import open_run

    run = open_run(folder)
    file = out or Path(f"{path_part(run.name)}{'-int8' if int8 else ''}.{form}")
    if form != "safetensors":  # which is the same run again
        require_other(file, run.folder)
    if form == "safetensors":
        _single(run, file, as_json=as_json)
    elif form == "pt2":
        _pt2(run, file, bare=bare, data=data, as_json=as_json)
    elif int8:
        from striate.export.int8.write import Int8Options

        _int8(run, file, Int8Options(most_loss, keep_float, force), bare=bare, data=data, as_json=as_json)
    else:
        _onnx(run, file, bare=bare, every_layer=every_layer, data=data, as_json=as_json)


def _onnx(run: Run, file: Path, *, bare: bool, every_layer: bool, data: str | None, as_json: bool) -> None:
    from striate.cli.print.export import exported_lines, exported_members
    from striate.cli.print.progress import working
    from striate.export.onnx.write import export_onnx

    with working("Exporting"):
        made = export_onnx(run, file, bare=bare, every_layer=every_layer, source=data)
    lines = exported_lines(made, run.network.name)
    click.echo(json.dumps(exported_members(made), indent=2) if as_json else "\n".join(lines))


def _int8(run: Run, file: Path, options: Int8Options, *, bare: bool, data: str | None, as_json: bool) -> None:
    from striate.cli.print.export import int8_lines, int8_members
    from striate.cli.print.progress import working
    from striate.export.int8.write import export_int8

    with working("Exporting"):
        made = export_int8(run, file, options, bare=bare, source=data)
    if as_json:
        click.echo(json.dumps(int8_members(made), indent=2))
        return
    click.echo("\n".join(int8_lines(made, run.network.name, terminal.width())))
    if made.measured.looked:
        why = "as --data names the run's own images" if data else "as this run has no others"
        kept = "its one file counts no looks at them" if run.single else "it records one more look at them"
        click.echo(f"\nThe test images judged, {why}: {kept}.")


def _pt2(run: Run, file: Path, *, bare: bool, data: str | None, as_json: bool) -> None:
    from striate.cli.print.export import program_lines, program_members
    from striate.cli.print.progress import working
    from striate.export.pt2.write import export_pt2

    with working("Exporting"):
        made = export_pt2(run, file, bare=bare, source=data)
    lines = program_lines(made, run.network.name)
    click.echo(json.dumps(program_members(made), indent=2) if as_json else "\n".join(lines))


def _single(run: Run, file: Path, *, as_json: bool) -> None:
    from dataclasses import asdict

    from striate.cli.print.export import single_lines
    from striate.export.single import export_single

    made = export_single(run, file)
    if as_json:
        click.echo(json.dumps(asdict(made) | {"file": str(made.file)}, indent=2))
    else:
        click.echo("\n".join(single_lines(made, run)))
