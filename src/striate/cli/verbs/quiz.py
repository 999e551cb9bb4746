"""striate quiz: exercises in the terminal, with checked answers."""

from __future__ import annotations

import io
import json
import secrets
import sys
from itertools import islice

import click

from striate.cli import terminal
from striate.cli.parameters import Whole
from striate.cli.print.exercise import Score, hint, question, solution
from striate.exercises import LARGEST_SEED, SHOWN, TOPICS, Exercise, Topic, exercises, read_answer

SHEET = 10
"""The number of exercises of --json, unless --count is given."""
TRIES = 2


@click.command(
    "quiz",
    epilog="\b\nExamples:\n"
    "  striate quiz                                exercises without end; Ctrl-D ends with the score\n"
    "  striate quiz --topic size --count 5         five on the sizes of outputs\n"
    "  striate quiz --seed 7                       the same for everyone; on the page: #lecture/exercises/7/1\n"
    "  striate quiz --seed 7 --count 20 --json     the same with their answers, for a teacher's sheet",
)
@click.option("--seed", type=Whole(0, LARGEST_SEED), help="The exercises' seed. By default random; it is printed.")
@click.option("--count", type=Whole(1, 100_000), help=f"How many. By default no end, and {SHEET} with --json.")
@click.option("--topic", "topics", type=click.Choice(TOPICS), multiple=True, help="Only this topic; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the exercises with answers and the way to them, as JSON.")
def command(seed: int | None, count: int | None, topics: tuple[Topic, ...], as_json: bool) -> None:
    """Ask for output sizes, parameters, MACs and receptive fields of random layers and small networks.

    The account knows every answer. After a wrong answer the formula is shown with the numbers put in, and there is a
    second try. An answer of ? shows it at once, and an empty one the answer.
    """
    seed = secrets.randbelow(10_000) if seed is None else seed
    wanted = tuple(dict.fromkeys(topics)) or TOPICS
    if as_json:
        found = [each.to_dict() for each in islice(exercises(seed, wanted), count or SHEET)]
        sheet = {"seed": seed, "topics": list(wanted), "exercises": found}
        terminal.echo_json(json.dumps(sheet, indent=2, ensure_ascii=False))
        return
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    click.echo(f"Seed {seed}. ? gives a hint, an empty answer goes on, Ctrl-D ends.\n")
    score, code = Score(), 0
    try:
        for each in islice(exercises(seed, wanted), count):
            tries, right = _ask(each)
            score = score.after(tries=tries, right=right)
    except EOFError:
        click.echo()
    except (KeyboardInterrupt, click.Abort):
        click.echo()
        code = 130
    click.echo(str(score))
    if code:
        sys.exit(code)


def _ask(exercise: Exercise) -> tuple[int, bool]:
    """Ask until the answer is right or given up; returns the number of tries, and whether it is right."""
    width, tries = terminal.width(), 0
    click.echo("\n".join(question(exercise, width)))
    while tries < TRIES:
        text = input("> ").strip()
        if not text:
            break
        if text == "?":
            click.echo("\n".join(hint(exercise, width)))
            tries = max(tries, 1)  # with a hint it is no first try
            continue
        found = read_answer(exercise.topic, text)
        if found is None:
            click.echo(f"   That is no answer: type {SHOWN[exercise.topic]}.")
            continue
        tries += 1
        if found == exercise.answer:
            click.echo("   Right.\n")
            return tries, True
        if tries < TRIES:
            click.echo("\n".join(["   No.", *hint(exercise, width)]))
    click.echo("\n".join([f"   It is {exercise.shown}.", *solution(exercise), ""]))
    return tries, False
