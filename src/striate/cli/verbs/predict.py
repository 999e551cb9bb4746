"""striate predict: classifies pictures."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.parameters import RUN

if TYPE_CHECKING:
    from striate.train.run import Run


@dataclass(frozen=True)
class Asked:
    """A position of a record: the one before `move` (None: the last) of the game with this number."""

    move: int | None
    game: int
    symmetries: bool


@click.command(
    "predict",
    epilog="\b\nExamples:\n  striate predict runs/lenet5 four.png\n  striate predict runs/lenet5 scans/*.jpg --json\n"
    "  striate predict runs/go-policy-48 game.sgf --move 57   the likeliest moves in a position of Go\n"
    "  striate predict runs/lenet5 photo.jpg --steps steps    also draw the steps that bring it to MNIST's form",
)
@click.argument("folder", metavar="RUN", type=RUN)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a list with every class's probability, and the kernels.")
@click.option(
    "--steps", type=click.Path(path_type=Path), help="Write a picture of the preparation steps to this folder."
)
@click.option(
    "--move",
    "move",
    type=click.IntRange(1),
    help="Of a record of Go: the position before this move. By default the last.",
)
@click.option("--game", type=click.IntRange(1), help="Of a record of Go: the game of the file, from 1.")
@click.option("--symmetries", is_flag=True, help="Of a record of Go: the mean over the eight symmetries of the board.")
def command(
    folder: Path,
    images: tuple[str, ...],
    as_json: bool,
    steps: Path | None,
    move: int | None,
    game: int | None,
    symmetries: bool,
) -> None:
    """Classify each IMAGE with RUN's best weights.

    RUN is the folder of a run; the name of a network stands for its run, lenet5 for runs/lenet5.

    A run that learned Go takes records of games, in SGF, instead of images: it prints the board before --move, the five
    likeliest legal moves, and the move that was played.

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

    run = open_run(folder)
    if run.preprocessing.form == "board":
        if steps is not None:
            raise click.UsageError("--steps is for pictures; this run answers positions of Go.")
        _moves(run, images, Asked(move, game or 1, symmetries), as_json=as_json)
        return
    if move or game or symmetries:
        raise click.UsageError("--move, --game and --symmetries are for runs that learned from records of Go games.")
    predictor = Predictor(run, images=len(images))
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


def _moves(run: Run, records: tuple[str, ...], asked: Asked, *, as_json: bool) -> None:
    from striate.cli.print.moves import answer_of
    from striate.description.labels import one_line
    from striate.errors import DataError
    from striate.execution.inference import answering, choose_for_inference
    from striate.go.games import positions_of, unpacked
    from striate.go.records import read_game
    from striate.train.boards import move_probabilities

    model = run.model()
    runs = answering(model, choose_for_inference(model, batch=1, images=len(records)))
    found: list[dict[str, object]] = []
    for record in records:
        moves = read_game(Path(record), asked.game, run.network.input[1])
        positions = positions_of(run.network.input[1], moves)
        number = asked.move or len(positions)
        if number > len(positions):
            raise DataError(
                f"has no move {number}.",
                f"Its game has {len(positions) - 1} legal moves; --move is at most {len(positions)}, after the last.",
                where=record,
            )
        position = positions[number - 1]
        played = [unpacked(code)[0] for code in moves if not unpacked(code)[2]]
        shares = move_probabilities(run, runs, [position], symmetries=asked.symmetries)[0].tolist()
        move = played[number - 1] if number <= len(played) else None
        answer = answer_of(one_line(record), number, position, move, shares)
        if as_json:
            found.append(answer.members())
            continue
        for line in answer.lines():
            click.echo(line)
    if as_json:
        click.echo(json.dumps(found, indent=2))
