"""How often the answers of a run that plays Go are the moves that were played."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from striate.data import Boards, ImageSet
from striate.data.part import spread
from striate.errors import DataError, RunError
from striate.execution.choice import Choice
from striate.execution.executor import Executor
from striate.execution.inference import answering, choose_for_inference
from striate.go.symmetries import targets
from striate.kernels.engine import Pictures
from striate.modules import evaluating, placed
from striate.train.agreement import IMAGES, require_agreement
from striate.train.answer_checks import require_answers
from striate.train.evaluation import images_of, log_evaluation, require_held_out
from striate.train.losses import class_scores
from striate.train.metrics import TOP, batch_for, run_over
from striate.train.run import Run

PHASES = ((1, 60), (61, 150), (151, None))
"""Parts of a game by the number of the move: the first, and the last or None."""
SYMMETRIES = 8


@dataclass(frozen=True)
class Phase:
    """The moves `first` to `last` (None: to the end) of all games: shares of them that are right."""

    first: int
    last: int | None
    positions: int
    top1: float
    top5: float


@dataclass(frozen=True)
class BoardEvaluation:
    """How a run's answers compare with the moves that were played in some games.

    `top1` is the share of the positions where the likeliest move was played, `top5` where one of the five likeliest
    was; `loss` is the mean of −log p of the move that was played. `symmetries` is 8 where each answer is the mean over
    the eight symmetries, else 1.
    """

    source: str
    split: str
    games: int
    positions: int
    loss: float
    top1: float
    top5: float
    symmetries: int
    phases: tuple[Phase, ...]
    answered: Choice

    def members(self) -> dict[str, Any]:
        """The figures as plain JSON members."""
        return asdict(self)


def require_go(run: Run) -> None:
    """Raise RunError where a run does not answer positions of Go."""
    if not run.plays_go:
        raise RunError(
            f"{run.folder} answers images, not positions of Go.",
            "A run for Go learned from records of games.",
            "Train one: striate train go-policy-48 --data GAMES.",
        )


@dataclass(frozen=True)
class Positions:
    """The positions of the games of a split: "test" or "validation" of the run, or those of another `source`.

    At most so many `games` are taken, evenly spread; 0 stands for all.
    """

    split: str = "test"
    source: str | None = None
    games: int = 0


TEST = Positions()
"""All positions of a run's test games."""


def evaluate_boards(
    run: Run,
    positions: Positions = TEST,
    *,
    kernels: str = "auto",
    symmetries: bool = False,
    device: str = "cpu",
) -> BoardEvaluation:
    """Compare a run's best weights with the moves that were played.

    `kernels` answer; "auto" takes the fastest here, and PyTorch's on a `device` other than the CPU. Raises DataError
    where games are missing or are none of Go, RunError where the validation games are not those of the training.
    """
    require_go(run)
    images = images_of(run, positions.split, source=positions.source)
    if not isinstance(images.images, Boards):
        raise DataError("holds no records of Go games.", "The run answers positions of Go.", where=images.source)
    if positions.split == "validation" and positions.source is None:
        require_held_out(run, images)
    images = _some_games(images, positions.games)
    model, size = placed(run.model(), device), batch_for(run.network)
    choice = choose_for_inference(model, batch=min(size, len(images)), images=len(images), kernels=kernels)
    runs = answering(model, choice)
    first = images.subset(torch.arange(min(IMAGES, len(images))))
    outputs = run_over(runs, first, run.preprocessing, recipe=run.recipe)
    require_answers(outputs.probabilities, run.folder)
    require_agreement(run, runs, first, outputs)
    with torch.inference_mode(), evaluating(runs.module):
        ranks, losses = _judged(run, runs, images, SYMMETRIES if symmetries else 1)
    boards = images.images
    assert isinstance(boards, Boards)  # noqa: S101 - a part of boards is boards
    turns = torch.from_numpy(boards.games.turn_of(boards.moves.numpy()))
    return BoardEvaluation(
        images.source,
        images.split,
        len(np.unique(boards.games.game_of(boards.moves.numpy()))),
        len(images),
        losses.mean().item(),
        _share(ranks < 1),
        _share(ranks < TOP),
        SYMMETRIES if symmetries else 1,
        tuple(_phase(first, last, turns, ranks) for first, last in PHASES),
        choice,
    )


def _judged(run: Run, runs: Executor, images: ImageSet, symmetries: int) -> tuple[Tensor, Tensor]:
    """For each position, the number of moves that are likelier than the one that was played, and its loss."""
    boards, labels = images.images, images.labels
    assert isinstance(boards, Boards)  # noqa: S101 - the caller has looked
    ranks: list[Tensor] = []
    losses: list[Tensor] = []
    temperature = run.temperature if symmetries > 1 else 1.0  # the mean, and its order, depend on it
    for chosen in torch.arange(len(images)).split(batch_for(run.network)):
        own = labels[chosen]
        mean = torch.zeros(len(chosen), len(images.classes))
        for symmetry in range(symmetries):
            planes, _ = boards.turned(chosen, own, torch.full((len(chosen),), symmetry))
            mean += _turned_back(_log_probabilities(run, runs, planes, temperature), symmetry, boards.games.size).exp()
        require_answers(mean, run.folder)
        played = mean.gather(1, own[:, None])
        ranks.append((mean > played).sum(1))
        losses.append(-(played[:, 0] / symmetries).clamp_min(1e-30).log())
    return torch.cat(ranks), torch.cat(losses)


def _log_probabilities(
    run: Run, runs: Executor, planes: UInt8[Tensor, "batch 48 size size"], temperature: float
) -> Tensor:
    low, high = run.preprocessing.range()
    outputs = runs.answers(Pictures(planes, None, low, (high - low) / 255))
    return (class_scores(run.network, outputs).cpu() / temperature).log_softmax(1)


def _turned_back(scores: Tensor, symmetry: int, size: int) -> Tensor:
    """Scores of a turned board in the order of the board itself."""
    places: Int64[Tensor, " points"] = torch.from_numpy(targets(size)[symmetry].astype(np.int64))
    return scores[:, places]


def _some_games(images: ImageSet, games: int) -> ImageSet:
    """The positions of at most so many games, evenly spread over all; all of them for 0."""
    boards = images.images
    assert isinstance(boards, Boards)  # noqa: S101 - the caller has looked
    owner = boards.games.game_of(boards.moves.numpy())
    numbers = np.unique(owner)
    if not games or games >= len(numbers):
        return images
    chosen = numbers[spread(len(numbers), games).numpy()]
    return images.subset(torch.from_numpy(np.isin(owner, chosen).nonzero()[0]))


def _phase(first: int, last: int | None, turns: Tensor, ranks: Tensor) -> Phase:
    own = ranks[(turns >= first) & (turns <= (last or 10**9))]
    return Phase(first, last, len(own), _share(own < 1), _share(own < TOP))


def _share(right: Tensor) -> float:
    return right.double().mean().item() if len(right) else 0.0


def looked_at(run: Run, found: BoardEvaluation) -> Run:
    """The run with the evaluation among its events, and a look at its own test games counted."""
    answered = {"batch": batch_for(run.network), **asdict(found.answered)}
    figures: dict[str, Any] = found.members() | {"answered": answered}
    return log_evaluation(run, **figures)
