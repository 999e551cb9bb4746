"""Exercises in the terminal: the question, a hint, the way to the answer, and the score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from striate.accounting.show.grid import wrapped
from striate.description.layers import Conv, Flatten, Layer, Linear, Pool
from striate.description.network import plan
from striate.exercises import Exercise

MARGIN = "   "


@dataclass(frozen=True)
class Score:
    """How many exercises were done, how many solved, and how many of those at the first try."""

    done: int = 0
    right: int = 0
    at_once: int = 0

    def __str__(self) -> str:
        if not self.done:
            return "No exercise was answered."
        return f"{self.right} of {self.done} right, {self.at_once} at the first try."

    def after(self, *, tries: int, right: bool) -> Score:
        """The score after one more exercise."""
        return Score(self.done + 1, self.right + right, self.at_once + (right and tries == 1))


def question(exercise: Exercise, width: int) -> Iterator[str]:
    """The lines of a question."""
    steps = plan(exercise.network).steps
    longest = max(5, *(len(step.path) for step in steps))
    yield f"{exercise.number}. {exercise.topic}"
    yield f"{MARGIN}{'input':{longest}}  {'×'.join(map(str, exercise.network.input))}"
    for step in steps:
        yield f"{MARGIN}{step.path:{longest}}  {_in_words(step.layer)}"
    yield from _indented(exercise.question, width)


def hint(exercise: Exercise, width: int) -> Iterator[str]:
    """The lines of a hint: the formula in letters, and with the numbers put in."""
    yield from _indented(exercise.formula, width)
    yield from (f"{MARGIN}  {line}" for line in exercise.hints)


def solution(exercise: Exercise) -> Iterator[str]:
    """The lines of the way to the answer."""
    yield from (f"{MARGIN}  {step}" for step in exercise.steps)


def _indented(text: str, width: int) -> Iterator[str]:
    yield from (MARGIN + line for line in wrapped(text, width - len(MARGIN), ""))


def _in_words(layer: Layer) -> str:
    match layer:
        case Conv():
            parts = [f"convolution, {layer.filters} filters of {_pair(layer.kernel)}", *_moves(layer)]
            parts += [f"{layer.groups} groups"] if layer.groups > 1 else []
            return ", ".join(parts if layer.bias else [*parts, "no bias"])
        case Pool():
            return ", ".join([f"{layer.function} pooling, {_pair(layer.kernel)}", *_moves(layer)])
        case Linear():
            return f"linear, {layer.units} units"
        case Flatten():
            return "all values as one vector"
        case _:
            raise ValueError(f"exercises have no {type(layer).__name__}")


def _pair(sizes: object) -> str:
    return "×".join(map(str, cast(Sequence[int], sizes)))


def _moves(layer: Conv | Pool) -> Iterator[str]:
    stride, padding = cast(Sequence[int], layer.stride)[0], cast(Sequence[int], layer.padding)[0]
    if stride > 1:
        yield f"stride {stride}"
    if padding:
        yield f"padding {padding}"
