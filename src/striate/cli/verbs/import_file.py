"""striate import: a run from an ONNX file of anybody's."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli.parameters import INPUT, Numbers
from striate.description.shapes import Shape


@click.command(
    "import",
    epilog="\b\nExamples:\n"
    "  striate import model.onnx                          makes runs/model: account, look, serve, export it\n"
    "  striate import model.onnx --classes names.txt --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225\n"
    "  striate import model.onnx --fold --out runs/folded\n"
    "  striate account model.onnx                         without a run",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", "-o", type=click.Path(path_type=Path), help="The run's folder. By default runs/NAME.")
@click.option("--name", help="The network's name. By default the graph's, or the file's.")
@click.option("--input", "shape", type=INPUT, help="Channels, height and width, where the file leaves them open.")
@click.option("--output", default="", help="The value that the network ends in, where the file has several.")
@click.option("--classes", type=click.Path(path_type=Path), help="Class names in the outputs' order: one a line.")
@click.option("--mean", type=Numbers(), help="Mean to subtract from pixels of 0 to 1: one number, or one per channel.")
@click.option("--std", type=Numbers(), help="Deviation to divide by after that: one number, or one per channel.")
@click.option("--range", "span", type=(float, float), help="What pixels of 0 and of 255 become, such as -1 1.")
@click.option("--fold", is_flag=True, help="Fold batch normalisations into the layers before them.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def command(
    file: Path,
    out: Path | None,
    name: str | None,
    shape: Shape | None,
    output: str,
    classes: Path | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    span: tuple[float, float] | None,
    fold: bool,
    as_json: bool,
) -> None:
    """Make a run from FILE, an ONNX file that any framework wrote.

    The network becomes a description, its weights a run that predicts, serves, looks and exports as a trained one does.
    Transposed layouts, decomposed activations and folded paddings are recognised. Nodes that no layer can express are
    refused; one error lists all of them. Where ONNX Runtime is installed, the outputs on images of noise must be its
    own. Class names and the range of pixels are the file's where it has them. Needs the extra `onnx`.
    """
    from striate.cli.print.imported import imported_lines, imported_members
    from striate.cli.print.progress import working
    from striate.export.onnx.bring import ImportOptions, import_onnx
    from striate.export.weights.named import read_names

    if span is not None and (mean or std):
        raise click.UsageError("--range and --mean or --std say the same: give one of them.")
    given = ImportOptions(
        classes=read_names(classes) if classes else (),
        mean=mean or (),
        std=std or (),
        span=span,
        input=shape,
        output=output,
        fold=fold,
        name=name or "",
    )
    with working("Importing"):
        made = import_onnx(file, out, given=given)
    if as_json:
        click.echo(json.dumps(imported_members(made), indent=2))
        return
    for line in imported_lines(made):
        click.echo(line)
