"""The recipes of papers: their schedules, their networks, and runs that go on exactly where they were."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from striate import Activation, Conv, Flatten, Linear, Network, PositionBias, find, from_text, to_text
from striate.data import Augmentation, ImageSet, Preprocessing
from striate.errors import SpecError
from striate.modules import build
from striate.networks import CATALOGUE
from striate.train import Epoch, Learner, Recipe, Split, recipe_for, session, train
from striate.train.optimisers import rate_at
from striate.train.papers import PAPERS
from striate.train.recipe import recipe_from_dict
from striate.train.recipes import RECIPES


def test_networks_have_the_recipes_of_their_papers() -> None:
    ours = {"lenet1", "lenet5", "lenet5-reader", "lenet5-reader-1998", "cifar-fast", "go-policy"}
    assert {entry.recipe for entry in CATALOGUE.values()} == {*PAPERS, *ours, ""}
    for name, entry in CATALOGUE.items():
        if entry.recipe in PAPERS:
            assert recipe_for(find(name)) is PAPERS[entry.recipe]
    changed = from_text(to_text(find("vgg-d")).replace("linear 1000", "linear 10"))
    assert recipe_for(changed) is PAPERS["vgg"]
    for name in ours - {"go-policy"}:
        assert recipe_for(find(name)) is RECIPES[name]
    assert recipe_for(find("go-policy-48")) is RECIPES["go-policy"]


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if entry.trained])
def test_a_recipe_has_the_numbers_that_its_paper_prints(name: str) -> None:
    entry = CATALOGUE[name]
    assert entry.trained is not None
    recipe, stated = RECIPES[entry.recipe], asdict(entry.trained)
    assert stated.pop("place")
    stated = {key: value for key, value in stated.items() if value not in (None, "")}
    assert stated
    assert {key: getattr(recipe, key) for key in stated} == stated


def test_a_copy_without_distances_has_no_recipe_for_distances() -> None:
    logits = replace(find("lenet5"), layers=[*find("lenet5").layers[:-1], Linear(10)])
    assert recipe_for(find("lenet5")) is RECIPES["lenet5"]
    assert recipe_for(logits) is RECIPES["tanh"]


def test_resnets_for_cifar_drop_at_half_and_three_quarters() -> None:
    recipe, steps = PAPERS["resnet110-cifar"], 64_000
    rates = [rate_at(step, steps, recipe) for step in (0, 399, 400, 31_999, 32_000, 47_999, 48_000, 63_999)]
    assert rates == pytest.approx([0.01, 0.01, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    assert rate_at(0, steps, PAPERS["resnet-cifar"]) == 0.1
    assert round(recipe.epochs * 45_000 / 128, -3) == 64_000


def test_alphagos_rate_is_halved_every_80_million_steps() -> None:
    recipe, million = PAPERS["alphago-policy"], 10**6
    rates = [rate_at(step * million, 340 * million, recipe) for step in (79, 80, 160, 241, 339)]
    assert rates == pytest.approx([0.003, 0.0015, 0.00075, 0.000375, 0.0001875])
    assert (recipe.optimiser, recipe.momentum, recipe.batch) == ("sgd", 0.0, 16)


def test_googlenets_rate_falls_by_4_percent_every_8_epochs() -> None:
    recipe = PAPERS["googlenet"]
    rates = [rate_at(epoch * 10, recipe.epochs * 10, recipe) for epoch in range(recipe.epochs)]
    assert rates == pytest.approx([recipe.rate * 0.96 ** (epoch // 8) for epoch in range(recipe.epochs)])


def test_a_plateau_is_patience_epochs_without_a_better_accuracy() -> None:
    learner = Learner(build(NETWORK), replace(PLATEAU, patience=2))
    found = []
    for accuracy in (0.5, 0.6, 0.6, 0.5, 0.7, 0.7, 0.6, 0.5, 0.4):
        learner.judged(accuracy)
        found.append(learner.plateaus)
    assert found == [0, 0, 0, 1, 1, 1, 2, 2, 3]
    assert rate_at(5, 10, PLATEAU, plateaus=2) == pytest.approx(PLATEAU.rate / 100)
    assert rate_at(0, 10, Recipe(schedule="constant"), plateaus=2) == Recipe().rate


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"drops": [0.5, 1.0]}, "drops is 1.0.\nIt must be a number of at least 0 and below 1."),
        ({"drops": [0.7, 0.5]}, "drops is [0.7, 0.5].\nIts fractions of all steps must ascend, such as (0.5, 0.75)."),
        ({"drops": "half"}, "drops is 'half'.\nIt must be a number of at least 0 and below 1."),
        ({"drop": 1}, "drop is 1.\nIt must be a number of at least 0 and below 1."),
        ({"patience": 0}, "patience is 0.\nIt must be a whole number of at least 1."),
        ({"schedule": "cosine"}, "schedule is 'cosine'.\nIt must be one of one-cycle, constant, steps, plateau."),
    ],
)
def test_schedules_out_of_range_are_refused(members: dict, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        recipe_from_dict(members)
    assert str(caught.value) == text


NETWORK = Network("n", (3, 6, 6), [Conv(4, kernel=3), Activation("relu"), Flatten(), Linear(3)])
PLATEAU = Recipe(
    epochs=8,
    batch=6,
    optimiser="sgd",
    rate=0.05,
    schedule="plateau",
    warm_up=0.1,
    patience=1,
    low=-1.0,
    high=1.0,
    augmentation=Augmentation(shift=1, flip=True, lighting=0.1, symmetries="images"),
    hold_out=0.3,
)


def images(classes: int = 3, side: int = 6, channels: int = 3) -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (40, channels, side, side), dtype=torch.uint8, generator=generator)
    names = tuple(str(each) for each in range(classes))
    return ImageSet(pixels, torch.arange(40) % classes, names, "made", "train", "picture")


@pytest.mark.parametrize("recipe", [PLATEAU, replace(PLATEAU, optimiser="adadelta", rate=1.0)])
def test_going_on_gives_the_same_weights_and_the_same_plateaus(recipe: Recipe) -> None:
    preprocessing = Preprocessing((3, 6, 6), "pad", low=-1.0, high=1.0, form="picture", size=(6, 6))
    split = Split.of(images(), preprocessing, hold_out_fraction=recipe.hold_out)

    def fresh() -> Learner:
        return Learner(build(NETWORK, generator=torch.Generator().manual_seed(0)), recipe)

    whole, rates = fresh(), []
    rates = [event.rate for event in train(whole, split, preprocessing) if isinstance(event, Epoch)]
    assert whole.plateaus > 1
    assert rates[-1] < rates[1]
    learner = fresh()
    for event in train(learner, split, preprocessing):
        if isinstance(event, Epoch):
            tensors = {name: tensor.clone() for name, tensor in learner.tensors().items()}
            position, learner = learner.position(), fresh()
            learner.go_to(tensors, position, where="memory")
            break
    while learner.epoch < recipe.epochs:
        for event in train(learner, split, preprocessing):
            if isinstance(event, Epoch):
                tensors = {name: tensor.clone() for name, tensor in learner.tensors().items()}
                position, learner = learner.position(), fresh()
                learner.go_to(tensors, position, where="memory")
                break
    assert learner.position() | {"seconds": 0} == whole.position() | {"seconds": 0}
    assert all(torch.equal(tensor, learner.tensors()[name]) for name, tensor in whole.tensors().items())


def test_a_board_is_learned_under_all_its_symmetries() -> None:
    """The label is the place of the one light pixel; only if it moves along can a network learn it."""
    side, count = 5, 200
    labels = torch.arange(count) % (side * side)
    pixels = torch.zeros(count, 1, side, side, dtype=torch.uint8)
    pixels.flatten(2)[torch.arange(count), 0, labels] = 255
    boards = ImageSet(pixels, labels, tuple(map(str, range(side * side))), "made", "train", "picture")
    preprocessing = Preprocessing((1, side, side), "pad", low=0.0, high=1.0, form="picture", size=(side, side))
    network = Network("board", (1, side, side), [Conv(1, kernel=1, bias=False), PositionBias(), Flatten()])
    recipe = Recipe(
        epochs=8, batch=20, optimiser="sgd", rate=1.0, schedule="constant", momentum=0.9, weight_decay=0.0,
        low=0.0, high=1.0, augmentation=Augmentation(symmetries="boards"),
    )  # fmt: skip
    learner = Learner(build(network, generator=torch.Generator().manual_seed(1)), recipe)
    split = Split.of(boards, preprocessing, hold_out_fraction=0.2)
    assert [event for event in train(learner, split, preprocessing) if isinstance(event, Epoch)][-1].accuracy == 1.0


def test_resnet20_learns_a_folder_of_two_classes(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    for split, count in (("train", 40), ("test", 10)):
        for name, red in (("warm", 200), ("cold", 40)):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = torch.randint(0, 56, (32, 32, 3), generator=generator)
                pixels[:, :, 0] += red
                pixels[:, :, 2] += 240 - red
                Image.fromarray(pixels.clamp(0, 255).to(torch.uint8).numpy()).save(folder / f"{number}.png")
    network = from_text(to_text(find("resnet20-cifar")).replace("linear 10", "linear 2"))
    recipe = replace(recipe_for(network), epochs=3, batch=16)
    assert recipe.schedule == "steps"
    source = session.Images(str(tmp_path / "photos"))
    run, split = session.prepare(network, source, recipe, folder=tmp_path / "run", device="cpu", threads=1)
    *_, last = session.start(run, split)
    assert isinstance(last, session.Finished)
    assert last.accuracy == 1.0
