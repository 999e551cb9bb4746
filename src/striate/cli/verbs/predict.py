"""striate predict: classifies pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from striate.cli.parameters import RUN


@click.command(
    "predict",
    epilog="\b\nExamples:\n  striate predict runs/lenet5 four.png\n  striate predict runs/lenet5 scans/*.jpg --json\n"
    "  striate predict runs/lenet5 photo.jpg --steps steps    also draw the steps that bring it to MNIST's form",
)
@click.argument("folder", metavar="RUN", type=RUN)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a list with every class's probability, and the kernels.")
@click.option(
    "--steps", type=click.Path(path_type=Path), help="Write a picture of the preparation steps to this folder."
)
def command(folder: Path, images: tuple[str, ...], as_json: bool, steps: Path | None) -> None:
    """Classify each IMAGE with RUN's best weights.

    RUN is the folder of a run; the name of a network stands for its run, lenet5 for runs/lenet5.

    Prints one line per image: the class, its probability, and the next most probable classes. A drawing or a photograph
    of a digit is first brought to MNIST's form (--steps shows how); other pictures are resized as the run's own were.
    """
    from striate.data import steps_strip
    from striate.description.labels import lines, one_line, path_part
    from striate.errors import DataError
    from striate.files import elsewhere, make_folder, write_whole
    from striate.look.pictures import png
    from striate.serve import Predictor
    from striate.train.run import open_run
    from striate.wording import percent

    predictor = Predictor(open_run(folder), images=len(images))
    width = max(len(one_line(image)) for image in images)
    found: list[dict[str, object]] = []
    unread = 0
    for image in images:
        try:
            result = predictor(image)
        except DataError as error:
            click.echo(f"Error: {lines(str(error))}", err=True)
            unread += 1
            continue
        if steps is not None and result.steps:
            with elsewhere("--steps"):
                make_folder(steps)
                file = steps / f"{path_part(Path(image).stem)}-steps.png"
                write_whole(file, png(steps_strip(result.steps)))
        found.append(
            {
                "image": one_line(image),
                "class": result.name,
                "probability": result.probability,
                "probabilities": result.probabilities,
                "kernels": predictor.choice.kernels,
            }
        )
        if not as_json:
            rest = sorted(result.probabilities.items(), key=lambda item: -item[1])[1:3]
            others = ", ".join(f"{name} {percent(value, 1, exact=False)}" for name, value in rest)
            sure = percent(result.probability, 1, exact=False)
            click.echo(f"{one_line(image):{width}}  {result.name}  {sure:>6}   ({others})")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    if unread:
        sys.exit(2)
