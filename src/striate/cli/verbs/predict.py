"""striate predict: classifies pictures, one line each, or many of them into a file."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.parameters import DEVICE, RUN, KernelsType
from striate.description.labels import lines, one_line, path_part
from striate.errors import DataError, OutputError
from striate.execution.names import KERNELS

if TYPE_CHECKING:
    from striate.look.predictor import Prediction
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
    "  striate predict runs/lenet5 photo.jpg --steps steps    also draw the steps that bring it to MNIST's form\n"
    "  striate predict runs/lenet5 scans --out predictions.csv         all images of a folder, as a table\n"
    "  striate predict runs/photos shards --out found.parquet --top 3  those of tar files, and three classes of each\n"
    "  striate predict runs/photos shards --out found.parquet --ray head:6379   on a cluster of Ray's",
)
@click.argument("folder", metavar="RUN", type=RUN)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a list with every class's probability, and the kernels.")
@click.option(
    "--steps", type=click.Path(path_type=Path), help="Write a picture of the preparation steps to this folder."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a row per image to a new .csv, .parquet or .jsonl file. An IMAGE may then be a folder or a tar file.",
)
@click.option(
    "--top",
    type=click.IntRange(1, 10**9),
    metavar="K",
    help="With --out: the K most probable classes of each image, not the probabilities of all.",
)
@click.option(
    "--kernels",
    type=KernelsType(["auto", *KERNELS]),
    help="With --out: the kernels, as for striate evaluate. By default the fastest.",
)
@DEVICE
@click.option(
    "--ray",
    is_flag=False,
    flag_value="local",
    metavar="[ADDRESS]",
    help="With --out: answer on a cluster of Ray's, at HOST:PORT, or auto for the one that runs here. Without ADDRESS "
    "one is begun on this machine.",
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
    out: Path | None,
    top: int | None,
    kernels: str | None,
    device: str,
    ray: str | None,
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

    With --out the answers go to a file, one row per image, of any number of images. What is done is kept beside it in
    FILE.parts: a job that was stopped or killed is continued by the same command. A picture that cannot be read has a
    row with the reason.
    """
    from striate.train.machine import device_called
    from striate.train.run import open_run

    given = {"--top": top, "--kernels": kernels, "--ray": ray}
    if out is None and (extra := [name for name, value in given.items() if value is not None]):
        raise click.UsageError(f"{extra[0]} is for --out FILE.")
    asked = Asked(move, game or 1, symmetries=symmetries)
    if out is not None and steps is not None:
        raise click.UsageError("--steps is not for --out FILE.")
    if out is not None and asked != Asked(None, 1, symmetries=False):
        raise click.UsageError("--move, --game and --symmetries are not for --out FILE.")
    device = device_called(device)
    run = open_run(folder)
    if out is None:
        for image in images:
            if Path(image).is_dir():
                raise DataError(
                    f"{image} is a folder.",
                    "Without --out an IMAGE is a file.",
                    "For all images in it: --out predictions.csv, .jsonl or .parquet.",
                )
        _print_each(run, images, asked, device=device, as_json=as_json, steps=steps)
    else:
        if run.plays_go:
            raise click.UsageError("--out FILE is for pictures; this run answers positions of Go. See --json.")
        _write_all(run, images, out, _FileOptions(top or 0, kernels or "auto", device, ray), as_json=as_json)


@dataclass(frozen=True)
class _FileOptions:
    """How the images of a file are answered, as the options have it."""

    top: int
    kernels: str
    device: str
    ray: str | None


def _write_all(run: Run, images: tuple[str, ...], out: Path, options: _FileOptions, *, as_json: bool) -> None:
    from striate.cli.print.predictions import counting, summary_lines, summary_members
    from striate.predictions.answers import Manner
    from striate.predictions.cluster import by_cluster
    from striate.predictions.job import FOLDER, JobRequest
    from striate.predictions.work import predict_all

    if options.top > len(run.classes):
        raise click.UsageError(f"--top {options.top:,} is more than the run's {len(run.classes):,} classes.")
    by = None if options.ray is None else by_cluster(options.ray)
    request = JobRequest(run, images, out, Manner(options.kernels, device=options.device, top=options.top))
    try:
        with counting() as tell:
            found = predict_all(request, by=by, tell=tell)
    except KeyboardInterrupt:
        if out.with_name(out.name + FOLDER).exists():
            click.echo("\nStopped; what is done is kept. The same command continues.", err=True)
        raise
    if as_json:
        click.echo(json.dumps(summary_members(found, top=options.top)))
    else:
        for line in summary_lines(found):
            click.echo(line)
    if found.unreadable == found.images:
        click.echo("Error: none of the images can be read.", err=True)
        sys.exit(2)


def _print_each(
    run: Run, images: tuple[str, ...], asked: Asked, *, device: str, as_json: bool, steps: Path | None
) -> None:
    from striate.serve import Predictor
    from striate.wording import cells, padded, percent

    if run.plays_go:
        if steps is not None:
            raise click.UsageError("--steps is for pictures; this run answers positions of Go.")
        _moves(run, images, asked, device=device, as_json=as_json)
        return
    if asked != Asked(None, 1, symmetries=False):
        raise click.UsageError("--move, --game and --symmetries are for runs that learned from records of Go games.")
    if steps is not None and len(set(map(_steps_name, images))) < len(images):
        raise OutputError(
            f"{steps} would have one file for several images.",
            "Each image has a picture of its own, named by the image's file.",
            "Rename images that have one name, or classify them apart.",
        )
    predictor = Predictor(run, images=len(images), device=device)
    width = max(cells(one_line(image)) for image in images)
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
            _write_steps(steps, image, result)
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
            click.echo(f"{padded(one_line(image), width)}  {result.name}  {sure:>6}   ({others})")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    if unread:
        sys.exit(2)


def _write_steps(folder: Path, image: str, result: Prediction) -> None:
    from striate.data import steps_strip
    from striate.files import elsewhere, make_folder, write_whole
    from striate.look.pictures import png

    with elsewhere("--steps"):
        make_folder(folder)
        file = folder / _steps_name(image)
        write_whole(file, png(steps_strip(result.steps)))


def _steps_name(image: str) -> str:
    """The name of the file with an image's steps."""
    return f"{path_part(Path(image).stem)}-steps.png"


def _moves(run: Run, records: tuple[str, ...], asked: Asked, *, device: str, as_json: bool) -> None:
    from striate.cli.print.moves import answer_of
    from striate.go.records import game_in
    from striate.go.sgf import at_move
    from striate.look.positions import game_for
    from striate.look.predictor import Predictor
    from striate.play.policy import Policy

    policy = Policy(Predictor(run, images=len(records), device=device), symmetries=asked.symmetries)
    found: list[dict[str, object]] = []
    for record in records:
        text = game_in(Path(record), asked.game)
        try:
            game = game_for(text, policy.size)
            number = asked.move or len(game.positions)
            position = at_move(game, number)
        except DataError as error:
            raise error.at(record) from None
        played = game.moves[number - 1] if number <= len(game.moves) else None
        shares = policy.moves(position).probabilities.tolist()
        answer = answer_of(one_line(record), number, position, played, shares)
        if played is None and game.broken:
            answer = replace(answer, broken=one_line(game.broken))
        if as_json:
            found.append(answer.members())
            continue
        for line in answer.lines():
            click.echo(line)
    if as_json:
        click.echo(json.dumps(found, indent=2))
