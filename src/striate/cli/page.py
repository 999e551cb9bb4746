"""striate page: the page of a run as one file, without a server."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "page",
    epilog="\b\nExamples:\n"
    "  striate page runs/lenet5                   writes lenet5.html: open it, send it, put it on a stick\n"
    "  striate page runs/lenet5 -o digits.html\n"
    "  striate page runs/lenet5 runs/lenet5-dense   draw once, and see what each says\n"
    "  striate serve runs/alexnet                 for a network of more than 100 million MACs",
)
@click.argument("folders", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="The file. By default the first RUN's name, with .html."
)
def command(folders: tuple[Path, ...], out: Path | None) -> None:
    """Write RUN's network as one HTML file to draw on, which computes in the browser.

    The page of striate serve, without a server: every layer live, class scores, how each unit came by its value, which
    pixels speak for a class, and a sandbox. With several RUNs one drawing goes to all of them. The weights are in the
    file; it fetches nothing, works from a disk, and gives PyTorch's numbers. For networks of up to 100 million MACs an
    image in all.
    """
    from striate.serve.alone import write_page
    from striate.serve.predictor import Predictor
    from striate.spec.labels import one_line, path_part
    from striate.train.run import open_run

    if twice := next((folder for at, folder in enumerate(folders) if folder in folders[:at]), None):
        raise click.UsageError(f"{twice} is named twice.")
    runs = [open_run(folder) for folder in folders]
    file = out or Path(f"{path_part(folders[0].resolve().name)}.html")
    size = write_page(*map(Predictor, runs), file=file)
    names = ", ".join(dict.fromkeys(run.network.name for run in runs))
    click.echo(f"{one_line(str(file))}   {names}, {size / 1e6:.1f} MB. It needs nothing else: open it in a browser.")
