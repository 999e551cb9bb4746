"""striate page: the page of a run as one file, without a server."""

from __future__ import annotations

from pathlib import Path

import click

from striate.cli.parameters import LANGUAGE, RUN_OR_NETWORK
from striate.description.network import Network


@click.command(
    "page",
    epilog="\b\nExamples:\n"
    "  striate page runs/lenet5                   writes lenet5.html: open it, send it, put it on a USB stick\n"
    "  striate page runs/lenet5 -o digits.html\n"
    "  striate page runs/lenet5 runs/lenet5-dense   draw once, and see the answer of each\n"
    "  striate page runs/lenet5 --lang ko         in Korean, whatever the browser's language\n"
    "  striate page runs/shapes --no-examples     without validation images, if they are private\n"
    "  striate serve runs/alexnet                 for a network of more than 100 million MACs",
)
@click.argument("folders", metavar="RUN...", nargs=-1, required=True, type=RUN_OR_NETWORK)
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="The file. By default the first RUN's name, with .html."
)
@click.option("--lang", type=LANGUAGE, help="The page's language. By default the browser's, or English.")
@click.option(
    "--examples/--no-examples",
    default=True,
    help="Include the validation images that RUN kept, to try. By default included if there are any.",
)
def command(folders: tuple[Path | Network, ...], out: Path | None, lang: str | None, examples: bool) -> None:
    """Write RUN's network as one HTML file to draw on, which computes in the browser.

    It is the page of striate serve, without a server: the maps of every layer, class scores, how each unit's value is
    computed, attributions of a class to pixels, and a sandbox. With several RUNs one drawing goes to all of them. The
    weights are in the file; it fetches nothing, works from a disk, and gives PyTorch's numbers. All networks together
    may have up to 100 million MACs per image.

    RUN is the folder of a run. A network (a name of the catalogue, a line of notation or a file) stands for its run,
    lenet5 for runs/lenet5; where there is no run, the weights are random, and the page says so.
    """
    from striate.cli.predictors import names_of, predictors_of
    from striate.description.labels import one_line, path_part
    from striate.export.page import write_page

    predictors = predictors_of(folders)
    file = out or Path(f"{path_part(predictors[0].run.name)}.html")
    size = write_page(*predictors, file=file, language=lang or "", examples=examples)
    names = names_of(predictors)
    click.echo(f"{one_line(str(file))}   {names}, {size / 1e6:.1f} MB. It needs no other file: open it in a browser.")
