"""striate look: figures of a network's filters, and of its maps and attributions for an image."""

from __future__ import annotations

import os
from pathlib import Path

import click

from striate.cli.parameters import DEVICE, SPOKEN
from striate.description.labels import one_line

ONLY = ("filters", "learning", "maps", "bench", "fields", "attribution", "wants", "invariance", "sharing")


class Words(click.ParamType):
    """Words separated by commas."""

    name = "section,..."

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        return value if isinstance(value, tuple) else tuple(word.strip() for word in value.split(",") if word.strip())


@click.command(
    "look",
    epilog="\b\nExamples:\n"
    "  striate look runs/lenet5                            all figures, with one of the run's own images\n"
    "  striate look runs/lenet5 four.png                   all figures, with a picture of yours\n"
    "  striate look alexnet photo.jpg --only bench,maps    with untrained weights\n"
    "  striate look runs/lenet5 --only maps --layer C3     all maps of one layer\n"
    "  striate look runs/lenet5 --only fields --unit S4:2,2\n"
    "  striate look runs/lenet5 four.png --png             also PNG files, for slides\n"
    "  striate look runs/lenet5 four.png --lang ko         in Korean\n"
    "  striate look runs/lenet5 --slides slides            one figure a page, for a projector\n"
    "  striate look runs/lenet5 four.png --only attribution --class 9\n"
    "  striate look runs/lenet5 four.png --only bench --kernel '0 1 0; 1 -4 1; 0 1 0'",
)
@click.argument("target", metavar="RUN|NETWORK")
@click.argument("images", metavar="[IMAGE...]", nargs=-1)
@click.option("--only", type=Words(), default=(), help=f"Only these figures: some of {', '.join(ONLY)}.")
@click.option("--layer", metavar="PATH", help="One layer, with all its maps; also the layer for Grad-CAM.")
@click.option("--unit", metavar="PATH:ROW,COL", help="The unit whose receptive field is shown.")
@click.option("--class", "label", metavar="NAME", help="The class to attribute. By default the most probable one.")
@click.option("--kernel", metavar="NUMBERS", help="A kernel for the bench: rows of numbers, separated by semicolons.")
@click.option("--data", help="Other images to use than the run's own, as for striate train.")
@click.option("--out", type=click.Path(path_type=Path), help="The folder. By default RUN/look or look/NETWORK.")
@DEVICE
@click.option(
    "--slides",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Write the figures as slides, too: pages of 16:9 as SVG and PNG, and index.html to page through.",
)
@click.option("--png", is_flag=True, help="Write each figure as a PNG, too.")
@SPOKEN
@click.option("--quiet", is_flag=True, help="Print nothing but the page's path.")
def command(
    target: str,
    images: tuple[str, ...],
    only: tuple[str, ...],
    layer: str | None,
    unit: str | None,
    label: str | None,
    kernel: str | None,
    data: str | None,
    out: Path | None,
    device: str,
    slides: Path | None,
    png: bool,
    quiet: bool,
) -> None:
    """Draw figures of RUN's network, or of NETWORK with untrained weights.

    Writes look.html, one page that needs no other file, and each figure as an SVG. The model is never changed. Without
    IMAGE, one of the run's validation images is used.
    """
    for option, value, key in (("unit", unit, "fields"), ("class", label, "attribution"), ("kernel", kernel, "bench")):
        if value is not None and only and key not in only:
            raise click.UsageError(f"--{option} is for the section {key}, which --only leaves out.")

    from striate.cli.print.progress import working
    from striate.look import page
    from striate.look.bench import parse_kernel
    from striate.look.png import require_hangul
    from striate.look.subject import subject
    from striate.raster import require_raster
    from striate.train.machine import device_called

    if png or slides:
        require_raster()
        require_hangul()
    found = subject(target, data=data, device=device_called(device))
    wish = page.Wish(only, layer, unit, label, images, parse_kernel(kernel) if kernel is not None else None)
    page.check(found, wish)
    shown = page.shown(found, images)
    names = [key for key in page.SECTIONS if key in (only or page.SECTIONS)]
    sections: list[page.Section] = []
    for place, name in enumerate(names, 1):
        with working(f"{name}, {place} of {len(names)}", quiet=quiet):
            made = page.section(found, wish, name, shown)
        if made is None:
            continue
        sections.append(made)
        if not quiet:
            count = len(made.figures)
            click.echo(f"{name:12} {count:2} figure{'s' if count > 1 else ' '} {made.seconds:6.1f} s")
    if not sections:
        which = f" of {layer}" if layer else ""
        raise click.UsageError(f"There is no figure{which} in {', '.join(names)}: name another layer or section.")
    own = Path("runs", found.network.name)
    if not (quiet or found.trained) and own.name == found.network.name and (own / "run.json").is_file():
        click.echo(f"The weights are random. For the weights of its run: striate look {own}", err=True)
    folder = out or page.default_folder(target, found.network)
    written = page.write_look(found, sections, folder=folder, png=png)
    click.echo(os.fsencode(written) if quiet else f"page: {one_line(str(written))}")
    if slides:
        from striate.look.slides import write_slides

        figures = [figure for section in sections for figure in section.figures]
        with working("slides", quiet=quiet):
            index = write_slides(figures, folder=slides)
        click.echo(os.fsencode(index) if quiet else f"slides: {one_line(str(index))}")
