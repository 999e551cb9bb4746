"""Early stopping: after so many epochs without a better one, also across a resume."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from striate.errors import SpecError
from striate.train import Recipe, open_run, session
from striate.train.judge import judged
from striate.train.loop import Batch, Epoch
from striate.train.session import Finished
from tests.support.networks import TINY

RECIPE = Recipe(epochs=60, batch=40, rate=0.02, schedule="constant", early_stopping=3)


def trained(folder: Path, digits: Path, *, stops: int = 0) -> list[float]:
    """The validation accuracy of each epoch; a training with `stops` is left within that epoch, and resumed."""
    run, split = session.prepare(TINY, session.Images(str(digits)), RECIPE, folder=folder, device="cpu", threads=1)
    events = session.start(run, split)
    if stops:
        with closing(cast("Generator[session.Event]", events)):
            for event in events:
                if isinstance(event, Batch) and (event.epoch, event.batch) == (stops - 1, 2):
                    break
        run = open_run(folder)
        events = session.resume(run, session.reload(run))
    found = list(events)
    assert isinstance(found[-1], Finished)
    assert found[-1].why == "3 epochs without a better validation accuracy"
    assert stops or any(isinstance(each, Epoch) for each in found)
    return [judged(each) for each in open_run(folder).events("epoch")]


def test_a_training_ends_three_epochs_after_its_best_one(few_digits: Path, tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", few_digits)
    assert len(whole) < RECIPE.epochs
    assert len(whole) - 1 - whole.index(max(whole)) == 3
    for end in range(len(whole)):
        before = whole[:end]
        assert not before or len(before) - 1 - before.index(max(before)) < 3
    assert trained(tmp_path / "resumed", few_digits, stops=len(whole) - 1) == whole


@pytest.mark.parametrize("value", [-1, 1.5, True])
def test_it_is_a_number_of_epochs(value: object) -> None:
    with pytest.raises(SpecError, match=r"early_stopping is .*\nIt must be a whole number of at least 0\."):
        Recipe(early_stopping=value)  # pyright: ignore[reportArgumentType]
