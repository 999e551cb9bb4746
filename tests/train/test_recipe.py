"""Recipes: what they refuse, their JSON, and the rate they give each step."""

import json
import math
import re
from dataclasses import fields

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
        ({"rate": float("nan")}, "rate is nan.\nIt must be a number of at least 0 and below 1e+38."),
        ({"rate": None}, "rate is None.\nIt must be a number of at least 0 and below 1e+38."),
        ({"weight_decay": float("inf")}, "weight_decay is inf.\nIt must be a number of at least 0 and below 1e+38."),
        ({"epochs": 10**30}, "epochs is a number of more than 20 digits.\nIt is at most 1,000,000,000."),
        ({"seed": 2**63}, "seed is 9223372036854775808.\nIt is at most 9,223,372,036,854,775,807."),
        (
            {"low": 1, "high": 1},
            "low and high are both 1.\n"
            "They are what a pixel of 0 and of 255 become; were they equal, all images would be.",
        ),
        ({"augmentation": None}, 'augmentation is None.\nIt must be a JSON object.\nIt looks like {"rotation": 5}.'),
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


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"epoch": 3}, "'epoch' is an unknown member.\nIts members are: accumulate, augmentation, average, batch"),
        ({"epoch": 3}, "Did you mean 'epochs'?"),
        (
            {"augmentation": {"rotaton": 3}},
            "augmentation: 'rotaton' is an unknown member.\nIts members are: alternating_flip, ",
        ),
        ({"augmentation": {"rotaton": 3}}, "Did you mean 'rotation'?"),
        ({"xyzzy": 3}, "Leave it out."),
    ],
)
def test_a_misspelt_member_is_refused_with_the_nearest(members: dict, text: str) -> None:
    with pytest.raises(FormatError, match=re.escape(text)):
        recipe_from_dict(members)


@pytest.mark.parametrize("name", Augmentation().to_dict())
def test_of_an_augmentation_a_file_has_the_members_that_differ(tmp_path, name: str) -> None:
    chosen = {"flip": True, "alternating_flip": True, "symmetries": "images", "outside": "reflected", "cutout": 3}
    value = chosen.get(name, 0.75)
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"augmentation": {name: value}}))
    assert find_recipe(str(file)) == Recipe(augmentation=Augmentation(**{name: value}))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text("aé\udce9\0", max_size=3)
    | st.just(10**400)
    | st.just("relu"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aé\udce9\0", max_size=3), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from([each.name for each in fields(Recipe)] + ["epoch", ""])
AUGMENTATIONS = st.dictionaries(st.sampled_from([*Augmentation().to_dict(), "rotate"]), VALUES, max_size=2)


@given(st.dictionaries(NAMES, VALUES, max_size=3) | AUGMENTATIONS.map(lambda members: {"augmentation": members}))
@settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_recipe_is_whole_and_finite_or_refused(members: dict) -> None:
    try:
        recipe = recipe_from_dict(members)
    except SpecError as error:
        found = str(error).splitlines()
    else:
        found = [json.dumps(recipe.to_dict(), allow_nan=False)]
        assert recipe_from_dict(json.loads(found[0])) == recipe
        assert all(math.isfinite(rate_at(step, 10, recipe)) for step in range(10))
    assert all(found)


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
        (None, "cannot be read: No such file or directory.\nA recipe is a name, a TOML file or a JSON file."),
        ("{", "not JSON: Expecting property name enclosed in double quotes"),
        ("[]", "[] is no recipe.\nA recipe is a JSON object with the members that differ from the defaults."),
        ('{"epochs": 2, "epochs": 3}', "'epochs' stands twice.\nEach member stands once."),
        ('{"epochs": ' + "9" * 5000 + "}", "not JSON: Exceeds the limit"),
        ("[" * 10**5, "is nested too deeply."),
        (" " * 2**20 + "{}", "is longer than 1 MiB."),
        ("\udce9", "not JSON: 'utf-8' codec can't decode byte 0xe9"),
        ('{"batch": "many"}', "batch is 'many'.\nIt must be a whole number of at least 1."),
    ],
)
def test_a_bad_file_is_named(tmp_path, content: str | None, text: str) -> None:
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_text(content, errors="surrogateescape")
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
