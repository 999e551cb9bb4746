"""striate gtp: a network plays Go, by the Go Text Protocol."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from striate.cli.parameters import RUN_OR_NETWORK, Finite
from striate.description.network import Network


@click.command(
    "gtp",
    epilog="\b\nExamples:\n"
    "  striate gtp runs/go-policy-48                      a command for a program that shows a board\n"
    "  striate gtp runs/go-policy-48 --symmetries         stronger, and eight times as slow\n"
    "  striate gtp runs/go-policy-48 --temperature 0.5 --seed 7   moves are drawn, so that games differ\n"
    "  printf 'genmove black\\nshowboard\\n' | striate gtp runs/go-policy-48\n"
    "  gogui-twogtp -black 'gnugo --mode gtp' -white 'striate gtp runs/go-policy-48' -auto -games 10",
)
@click.argument("given", metavar="RUN", type=RUN_OR_NETWORK)
@click.option(
    "--rules",
    "named",
    type=click.Choice(["chinese", "japanese", "tromp-taylor"]),
    default="chinese",
    show_default=True,
    help="chinese: area, positional superko, White has a point for each stone of a handicap; japanese: territory, "
    "simple ko; tromp-taylor: area, positional superko, suicide is legal.",
)
@click.option("--komi", type=Finite(-625, 625), help="Komi at the start. By default 7.5, or 6.5 with --rules japanese.")
@click.option("--symmetries", is_flag=True, help="Play by the mean of the answers to the board's eight symmetries.")
@click.option(
    "--temperature",
    type=Finite(0, 100),
    default=0.0,
    show_default=True,
    help="0 plays the most probable move; above, moves are drawn by their probabilities to the power 1/temperature.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="The seed for drawing moves."
)
@click.option(
    "--resign",
    type=Finite(0, 1000),
    metavar="POINTS",
    help="Resign when more than POINTS behind on the board as it stands, from move 145 of 19×19 on. By default never.",
)
def command(
    given: Path | Network,
    named: Literal["chinese", "japanese", "tromp-taylor"],
    komi: float | None,
    symmetries: bool,
    temperature: float,
    seed: int,
    resign: float | None,
) -> None:
    """Play Go with RUN's best weights: read commands of the Go Text Protocol, version 2, and answer them.

    RUN is the folder of a run of a network that plays Go; the name of a network stands for its run. A network without a
    run plays with random weights. Ends with the command quit, the end of input, or Ctrl-C.

    It plays legal moves that fill none of its eyes, and passes when it has no other. After the opponent's pass it
    passes, too, where it leads by the board as it stands, or where no move would gain anything. No stone is judged to
    be dead: final_score counts the stones that are on the board.
    """
    from random import Random

    from striate.look.positions import require_board
    from striate.look.predictor import Predictor
    from striate.look.untrained import untrained
    from striate.play.choose import Style
    from striate.play.commands import Commands
    from striate.play.policy import Policy
    from striate.play.protocol import answer, lines
    from striate.play.rules import RULES
    from striate.play.session import Session
    from striate.train.run import open_run

    require_board(given if isinstance(given, Network) else open_run(given).network)
    if isinstance(given, Network):
        click.echo(f"{given.name} is untrained: it plays with random weights.", err=True)
        predictor = untrained(given, images=None)
    else:
        predictor = Predictor(open_run(given), images=None)
    rules = RULES[named]
    session = Session(
        Policy(predictor, symmetries=symmetries),
        rules,
        Style(temperature, resign),
        Random(seed),
        rules.komi if komi is None else komi,
    )
    commands = Commands(session)
    for line in lines(sys.stdin.buffer):
        if text := answer(line, commands):
            sys.stdout.write(text)
            sys.stdout.flush()
        if commands.closed:
            break
