"""One exercise: a network, a question, the answer from the account, and the way to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from striate.accounting import account
from striate.description.json import Json
from striate.description.network import Network, plan
from striate.description.notation.writing import to_text
from striate.exercises import draw
from striate.exercises.chance import Chance
from striate.exercises.steps import FORMULAS, Step, way
from striate.exercises.topics import TOPICS as TOPICS
from striate.exercises.topics import Topic as Topic

LARGEST_SEED = 2**31 - 1

QUESTIONS: dict[Topic, tuple[str, str]] = {
    "size": (
        "What is the shape of the output, channels × height × width?",
        "What is the shape of the last layer's output, channels × height × width?",
    ),
    "parameters": ("How many parameters does the layer have?", "How many parameters does the network have?"),
    "macs": ("How many MACs does the layer take for an image?", "How many MACs does the network take for an image?"),
    "field": (
        "How many pixels of the input, along one side, does a unit of the output see?",
        "How many pixels of the input, along one side, does a unit of the last layer see?",
    ),
}
"""For each topic the question about one layer, and the one about several."""


@dataclass(frozen=True)
class Exercise:
    """An exercise: `answer` is (channels, height, width) for a size, and one number otherwise."""

    seed: int
    number: int
    topic: Topic
    network: Network
    answer: tuple[int, ...]
    steps: tuple[Step, ...]

    @property
    def question(self) -> str:
        """The question in words."""
        weighted = sum(step.what in ("parameters", "MACs") for step in self.steps)
        several = weighted > 1 if self.topic in ("parameters", "macs") else len(self.network.layers) > 1
        return QUESTIONS[self.topic][several]

    @property
    def hints(self) -> tuple[str, ...]:
        """The steps without their values, and without the last sum."""
        return tuple(step.hint for step in self.steps if step.what != "sum")

    @property
    def shown(self) -> str:
        """The answer as it is read: 16×14×14, or 1,216."""
        return "×".join(map(str, self.answer)) if self.topic == "size" else f"{self.answer[0]:,}"

    @property
    def formula(self) -> str:
        """The formula of the topic, in letters."""
        return FORMULAS[self.topic]

    def to_dict(self) -> dict[str, Json]:
        """The exercise as JSON."""
        return {
            "seed": self.seed,
            "number": self.number,
            "topic": self.topic,
            "network": to_text(self.network, one_line=True),
            "question": self.question,
            "answer": list(self.answer) if self.topic == "size" else self.answer[0],
            "formula": self.formula,
            "steps": [
                {"path": each.path, "what": each.what, "expression": each.expression, "value": each.value}
                for each in self.steps
            ],
        }


def exercise(seed: int, number: int, topics: Sequence[Topic] = TOPICS) -> Exercise:
    """Exercise `number`, from 1 on, of a seed: always the same one. Topics take turns.

    >>> exercise(1, 2).topic
    'parameters'
    """
    topic = topics[(number - 1) % len(topics)]
    network = _drawn(topic, Chance(seed, number))
    return Exercise(seed, number, topic, network, _answer(topic, network), way(topic, plan(network)))


def exercises(seed: int, topics: Sequence[Topic] = TOPICS) -> Iterator[Exercise]:
    """The exercises of a seed, without end."""
    number = 0
    while True:
        number += 1
        yield exercise(seed, number, topics)


def _drawn(topic: Topic, chance: Chance) -> Network:
    several = chance.below(3) == 0
    match topic:
        case "size":
            return (
                draw.windows(chance, 24 + chance.below(41), 2 + chance.below(2)) if several else draw.one_window(chance)
            )
        case "parameters" | "macs":
            return draw.classifier(chance) if several else draw.one_with_weights(chance)
        case "field":
            return draw.windows(chance, 96 + 32 * chance.below(5), 2 + chance.below(3))
        case _:
            assert_never(topic)


def _answer(topic: Topic, network: Network) -> tuple[int, ...]:
    """The account's answer."""
    found = account(network)
    last = found.rows[-1]
    match topic:
        case "size":
            return last.step.output
        case "parameters":
            return (found.totals.parameters,)
        case "macs":
            return (found.totals.macs,)
        case "field":
            return (last.receptive_field.size[0],)
        case _:
            assert_never(topic)
