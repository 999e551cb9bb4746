"""A clock that is set back while a training runs changes nothing but the times that are written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
import torch

from striate.look.learning import learning
from striate.train import Recipe, lock, open_run, run, session
from striate.train.checkpoint import load_checkpoint
from tests.support.networks import TINY


class Backwards(datetime):
    """A clock that each look at it sets back by a year, from 2030 to before 1970."""

    looks = 0

    @classmethod
    def now(cls, tz=None) -> datetime:  # type: ignore[override]
        cls.looks += 1
        return datetime(2030, 1, 1, tzinfo=UTC) - timedelta(days=365 * cls.looks)


@pytest.fixture
def trained(few_digits: Path, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A run that was stopped and taken up again under such a clock, and one under an honest clock."""
    threads, patch = torch.get_num_threads(), pytest.MonkeyPatch()
    recipe = Recipe(epochs=3, batch=200, rate=0.01)
    for name in ("honest", "backwards"):
        made, split = session.prepare(
            TINY, session.Images(str(few_digits)), recipe, folder=tmp_path / name, device="cpu", threads=1
        )
        if name == "backwards":
            patch.setattr(run, "datetime", Backwards)
            patch.setattr(lock, "datetime", Backwards)
        list(islice(session.start(replace(made, kernels="torch"), split), 10))
        list(session.resume(open_run(tmp_path / name), split))
    patch.undo()
    yield tmp_path / "backwards", tmp_path / "honest"
    torch.set_num_threads(threads)


def test_a_clock_that_is_set_back_changes_no_weight(trained: tuple[Path, Path]) -> None:
    backwards, honest = trained
    assert Backwards.looks > 8
    found, expected = (load_checkpoint(each / "last.safetensors")[0] for each in trained)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    times = [each["time"] for each in open_run(backwards).events()]
    assert times != sorted(times)
    assert [each["event"] for each in open_run(backwards).events()] == [
        each["event"] for each in open_run(honest).events()
    ]
    assert learning(open_run(backwards)) is not None
