"""Recipes as files of TOML, and single members set in a command."""

from __future__ import annotations

import re

import pytest

from striate.data import Augmentation
from striate.errors import SpecError
from striate.train import RECIPES, Recipe, find_recipe
from striate.train.recipe_file import recipe_text, with_settings

ODD = Recipe(
    until=0.5, drops=(0.5, 0.75), rate=1e-12, seed=2**62, augmentation=Augmentation(flip=True, symmetries="boards")
)


@pytest.mark.parametrize("recipe", [*RECIPES.values(), ODD])
def test_what_is_printed_reads_back(tmp_path, recipe: Recipe) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(recipe_text(recipe))
    assert find_recipe(str(file)) == recipe


def test_a_file_has_the_members_that_differ(tmp_path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('schedule = "steps"\ndrops = [0.5]\n[augmentation]\nshift = 4\n')
    assert find_recipe(str(file)) == Recipe(schedule="steps", drops=(0.5,), augmentation=Augmentation(shift=4))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"epochs = ", "not TOML: Invalid value (at end of document)."),
        (b"epochs = 2\nepochs = 3", "not TOML: Cannot overwrite a value"),
        (b"\xe9 = 2", "not TOML: 'utf-8' codec can't decode byte 0xe9"),
        (b"rat = 0.1", "'rat' is an unknown member.\nIts members are: accumulate, augmentation, average"),
        (b"epochs = 1979-05-27", "epochs is datetime.date(1979, 5, 27).\nIt must be a whole number of at least 1."),
        (b"epochs = inf", "epochs is inf.\nIt must be a whole number of at least 1."),
        (b"a = " + b"[" * 10**5, "is nested too deeply.\nA recipe holds numbers and words."),
    ],
)
def test_a_bad_file_is_named(tmp_path, content: bytes, text: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        find_recipe(str(file))
    assert str(caught.value).startswith(f"{file}: {text}")


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("rate", "'rate' sets nothing.\nA setting is NAME=VALUE.\nSuch as rate=0.02"),
        ("=3", "'=3' sets nothing."),
        ("rate=", "'rate=' sets nothing."),
        ("rate=fast", "rate is 'fast'.\nIt must be a number of at least 0 and below 1e+38."),
        ("rat=0.02", "'rat' is an unknown member."),
        ("shift=4", "'shift' is a member of the augmentation, not of the recipe.\nWrite augmentation.shift in "),
        ("augmentation.rotaton=3", "augmentation: 'rotaton' is an unknown member."),
        ("data.path=3", "'data' has no members.\nOnly the augmentation of a recipe has some."),
        ("epochs=3\nrate=5", "epochs is '3\\nrate=5'."),
        ("augmentation=5", "augmentation is 5.\nIt must be a JSON object."),
    ],
)
def test_a_bad_setting_is_refused(setting: str, text: str) -> None:
    with pytest.raises(SpecError, match=re.escape(text)):
        with_settings(Recipe(), [setting])


def test_settings_apply_in_order_and_leave_the_rest() -> None:
    recipe = with_settings(RECIPES["lenet5-best"], ["rate=1", "rate = 0.02", "until=0.9", "augmentation.flip=true"])
    assert (recipe.rate, recipe.until, recipe.augmentation.flip) == (0.02, 0.9, True)
    assert (recipe.epochs, recipe.augmentation.rotation) == (200, 9)


def test_a_member_of_an_augmentation_that_was_replaced_is_told() -> None:
    with pytest.raises(SpecError, match="augmentation is 'none'"):
        with_settings(Recipe(), ["augmentation=none", "augmentation.flip=true"])
