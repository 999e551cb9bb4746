"""striate draw: the figure of a network, for a slide, a paper or a page."""

from __future__ import annotations

from pathlib import Path

import click

from striate.cli.parameters import NETWORK
from striate.description.labels import one_line, path_part
from striate.description.network import Network
from striate.emit.draw.choose import STYLES, Style, figure_of
from striate.emit.draw.formats import FORMATS, require_format
from striate.emit.draw.marks import SMALL
from striate.files import elsewhere, write_whole

STANDARD = "-"


@click.command(
    "draw",
    epilog="\b\nExamples:\n"
    "  striate draw lenet5                          writes lenet5.svg\n"
    "  striate draw resnet50 -o resnet50.tex        a LaTeX file of its own, which pdflatex compiles\n"
    "  striate draw googlenet --depth 1             its inception modules as boxes, not opened\n"
    "  striate draw resnet50 --style volumes\n"
    "  striate draw squeezenet-1.0 -o - --as mmd    Mermaid, to standard output\n"
    '  striate draw "1x28x28: conv 8 5x5, relu, max 2, linear 10" -o small.svg',
)
@click.argument("network", type=NETWORK)
@click.option(
    "--out",
    "-o",
    type=click.Path(allow_dash=True),
    help="The file: .svg, .tex (LaTeX with TikZ) or .mmd (Mermaid); - is standard output. By default the network's "
    "name, with .svg.",
)
@click.option(
    "--as",
    "form",
    type=click.Choice([suffix[1:] for suffix in FORMATS]),
    help="The format, where --out has no suffix or is -.",
)
@click.option(
    "--style",
    type=click.Choice(STYLES),
    help="Feature maps as volumes, or boxes with lanes and joins. By default volumes where layers follow each other, "
    "else blocks.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    help="Open blocks only so far that paths have this many names. By default as far as a slide of 1920x1080 shows "
    "legibly.",
)
def command(network: Network, out: str | None, form: str | None, style: Style | None, depth: int | None) -> None:
    """Draw NETWORK.

    Shapes are written under volumes, or on the edges where they change; identical blocks in a row are drawn once, with
    their count. An SVG suits light and dark pages and has a tooltip for each layer. NETWORK is a name of the catalogue,
    a line of notation, a file or the folder of a run.
    """
    wanted = f".{form}" if form else ""
    if out is None:
        out = f"{path_part(network.name)}{wanted or '.svg'}"
    suffix = (wanted or ".svg") if out == STANDARD else Path(out).suffix.lower() or wanted
    require_format(one_line(out), suffix)
    if wanted and wanted != suffix:
        raise click.UsageError(f"--out ends in {suffix} and --as is {form}: leave one of them out.")
    figure = figure_of(network, style=style, depth=depth)
    text = FORMATS[suffix](figure)
    if out == STANDARD:
        click.echo(text, nl=False)
    else:
        with elsewhere("--out"):
            write_whole(Path(out), text)
        click.echo(f"figure: {one_line(out)}")
    if figure.scale < 1 and suffix != ".mmd":
        pixels = f"{SMALL * figure.scale:.1f}"
        smaller = {"volumes": "--style blocks needs less room", "blocks": "--depth opens fewer blocks"}[figure.style]
        advice = "" if figure.style == "blocks" and depth == 1 else f"; {smaller}"
        click.echo(f"The smallest text is {pixels} pixels high on a slide of 1920x1080{advice}.", err=True)
