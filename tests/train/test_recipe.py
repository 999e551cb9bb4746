"""Recipes: what they refuse, their JSON, and the rate they give each step."""

import json

import pytest

from striate import NETWORKS, Conv, Flatten, Linear, Network, find
from striate.data import Augmentation
from striate.errors import FormatError, SpecError, UnknownNameError
from striate.train import RECIPES, Recipe, find_recipe, recipe_for
from striate.train.optimisers import rate_at
from striate.train.recipe import recipe_from_dict


@pytest.mark.parametrize(
    "recipe", [*RECIPES.values(), Recipe(until=0.5, augmentation=Augmentation(shift=2, flip=True))]
)
def test_json_gives_the_same_recipe(recipe: Recipe) -> None:
    assert recipe_from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_has_a_recipe(name: str) -> None:
    assert recipe_for(find(name)) in RECIPES.values()


def test_a_network_without_activations_has_a_recipe() -> None:
    assert recipe_for(Network("bare", (1, 4, 4), [Conv(1, kernel=1), Flatten(), Linear(2)])) == RECIPES["relu"]


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"epochs": 0}, "epochs is 0.\nIt must be a whole number of at least 1."),
        ({"rate": 0.0}, "rate is 0.0.\nIt must be more than 0."),
        ({"rate": float("nan")}, "rate is nan.\nIt must be a number of at least 0."),
        ({"momentum": 1.0}, "momentum is 1.0.\nIt must be a number of at least 0 and below 1."),
        ({"average": 1.0}, "average is 1.0.\nIt must be a number of at least 0 and below 1."),
        ({"loss": "hinge"}, "loss is 'hinge'.\nIt must be one of cross-entropy, rbf-mle, rbf-map."),
        ({"seed": True}, "seed is True.\nIt must be a whole number of at least 0."),
    ],
)
def test_numbers_out_of_range_are_refused(members: dict, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        recipe_from_dict(members)
    assert str(caught.value) == text


def test_fractions_above_one_are_refused() -> None:
    for members in ({"hold_out": 1.0}, {"until": 1.5}):
        with pytest.raises(SpecError, match="hold_out is below 1, until at most 1"):
            recipe_from_dict(members)


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(FormatError, match="epoch is an unknown key.\nA recipe has: augmentation, average, batch"):
        recipe_from_dict({"epoch": 3})


def test_recipes_are_found_by_name_and_by_file(tmp_path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"epochs": 3, "augmentation": {"rotation": 5, "scale": 0, "shear": 0, "shift": 0, "flip": false}}')
    assert find_recipe(str(file)) == Recipe(epochs=3, augmentation=Augmentation(rotation=5))
    assert find_recipe("lenet5") == RECIPES["lenet5"]
    with pytest.raises(UnknownNameError, match="no recipe is called 'lenet'.*\n.*\nDid you mean 'lenet5'"):
        find_recipe("lenet")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read: No such file or directory.\nA recipe is a name or a JSON file."),
        ("{", "not JSON: Expecting property name enclosed in double quotes"),
        ("[]", "a recipe is not a JSON object."),
        ('{"batch": "many"}', "batch is 'many'.\nIt must be a whole number of at least 1."),
    ],
)
def test_a_bad_file_is_named(tmp_path, content: str | None, text: str) -> None:
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SpecError) as caught:
        find_recipe(str(file))
    assert str(caught.value).startswith(f"{file}: {text}")


def test_one_cycle_climbs_and_falls() -> None:
    recipe = Recipe(rate=2.0, warm_up=0.25)
    rates = [rate_at(step, 401, recipe) for step in range(401)]
    assert max(rates) == rates[100] == 2.0
    assert rates[0] == pytest.approx(2.0 / 25)
    assert rates[-1] == pytest.approx(2e-5)
    assert rates[:101] == sorted(rates[:101])
    assert rates[100:] == sorted(rates[100:], reverse=True)


def test_a_constant_rate_is_constant() -> None:
    assert {rate_at(step, 10, Recipe(rate=0.5, schedule="constant")) for step in range(10)} == {0.5}
