"""striate read: reads lines of digits in pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from striate.cli.parameters import RUN


@click.command(
    "read",
    epilog="\b\nExamples:\n"
    "  striate train lenet5-reader                     first, once: a network with a blank class\n"
    "  striate read runs/lenet5-reader number.png\n"
    "  striate read runs/lenet5-reader scans/*.jpg --json\n"
    "  striate read runs/lenet5-reader number.png --picture seen.svg    also draws a box around each digit",
)
@click.argument("folder", metavar="RUN", type=RUN)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    help="Draw a box around each character, and every column's scores: an .svg or .png file for one IMAGE, or a "
    "folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list with every character, its box and its confidence.")
def command(folder: Path, images: tuple[str, ...], picture: Path | None, as_json: bool) -> None:
    """Read the lines of digits on each IMAGE with RUN's best weights.

    Prints each line with the probability that all of it is right. Lines may be dark on light or light on dark, of any
    size and a little slanted. RUN must have a class for blank space, as a run of lenet5-reader has. The name of a
    network stands for its run, lenet5-reader for runs/lenet5-reader.
    """
    from striate.data import open_picture
    from striate.description.labels import lines as safe_lines
    from striate.description.labels import one_line
    from striate.errors import DataError
    from striate.look.reading import draw_reading, picture_files, write_reading
    from striate.read import reader_of
    from striate.wording import cells, padded, percent

    reader = reader_of(folder)
    files = picture_files(picture, images) if picture else {}
    width = max(cells(one_line(image)) for image in images)
    found: list[dict[str, object]] = []
    unread = 0
    for image in images:
        try:
            opened = open_picture(image)
            lines = reader.read(opened)
        except DataError as error:
            click.echo(f"Error: {safe_lines(str(error.at(image)))}", err=True)
            unread += 1
            continue
        found.append({"image": one_line(image), "lines": [line.to_dict() for line in lines]})
        if not as_json:
            texts = [line.text for line in lines]
            longest = max(map(len, texts), default=0)
            rows = [f"{line.text:{longest}}  {percent(line.confidence, 1, exact=False):>6}" for line in lines] or [
                "no digits found"
            ]
            for number, row in enumerate(rows):
                click.echo(f"{padded('' if number else one_line(image), width)}  {row}")
        if image in files:
            write_reading(draw_reading(opened, lines, reader.run.classes), files[image])
    if as_json:
        click.echo(json.dumps(found, indent=2))
    if unread:
        sys.exit(2)
