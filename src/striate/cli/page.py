"""striate page: the page of a run as one file, without a server."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "page",
    epilog="\b\nExamples:\n"
    "  striate page runs/lenet5                   writes lenet5.html: open it, send it, put it on a stick\n"
    "  striate page runs/lenet5 -o digits.html\n"
    "  striate serve runs/alexnet                 for a network of more than 100 million MACs",
)
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", "-o", type=click.Path(path_type=Path), help="The file. By default RUN's name, with .html.")
def command(folder: Path, out: Path | None) -> None:
    """Write RUN's network as one HTML file to draw on, which computes in the browser.

    The page of striate serve, without a server: every layer live, class scores, and how each unit came by its value.
    The weights are in the file; it fetches nothing, works from a disk, and gives PyTorch's numbers. For networks of up
    to 100 million MACs an image.
    """
    from striate.serve.alone import write_page
    from striate.serve.predictor import Predictor
    from striate.train.run import open_run

    run = open_run(folder)
    file = out or Path(f"{folder.resolve().name}.html")
    size = write_page(Predictor(run), file)
    click.echo(f"{file}   {run.network.name}, {size / 1e6:.1f} MB. It needs nothing else: open it in a browser.")
