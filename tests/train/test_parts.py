"""The parts of a batch: which batches are too small for a network's batch normalisations."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from striate import from_text
from striate.cli import root
from striate.errors import SpecError
from striate.train.distributed import ALONE, World
from striate.train.parts import require_statistics
from striate.train.recipe import Recipe

VECTORS = from_text("1x8x8: conv 2 8x8, bn, relu, flatten, linear 10", name="vectors")


@pytest.mark.parametrize(
    ("recipe", "world", "batch"),
    [(Recipe(), ALONE, 1), (Recipe(accumulate=4), ALONE, 4), (Recipe(accumulate=2), World(0, 1), 2)],
)
def test_a_batch_normalisation_of_one_value_per_channel_is_refused(recipe: Recipe, world: World, batch: int) -> None:
    with pytest.raises(SpecError) as caught:
        require_statistics(VECTORS, recipe, world, batch=batch)
    assert str(caught.value) == (
        "batch_norm1 would normalise one value per channel: one image of 2×1×1.\n"
        "In training a batch normalisation needs at least two values per channel.\n"
        "Take larger batches: --batch 2 or more for each part of a batch."
    )


def test_batches_with_two_values_per_channel_are_not_refused() -> None:
    require_statistics(VECTORS, Recipe(), ALONE, batch=2)
    require_statistics(VECTORS, Recipe(), World(0, 2), batch=2)  # processes share their statistics
    require_statistics(VECTORS, Recipe(freeze=("batch_norm1",)), ALONE, batch=1)  # frozen: running statistics
    require_statistics(from_text("1x8x8: conv 2 3x3, bn, flatten, linear 10"), Recipe(), ALONE, batch=1)


def test_the_command_refuses_it_before_a_folder_is_made(tmp_path: Path) -> None:
    text = "1x8x8: conv 2 8x8, bn, relu, flatten, linear 10"
    done = CliRunner().invoke(root, ["train", text, "--batch", "1", "--resize", "8", "--out", str(tmp_path / "run")])
    assert "batch_norm1 would normalise one value per channel" in str(done.exception or done.output)
    assert not (tmp_path / "run").exists()
