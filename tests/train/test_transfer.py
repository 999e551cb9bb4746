"""Weights taken over from another run where they fit, layers that stand still, and rates of their own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from striate import Activation, BatchNorm, Block, Conv, Flatten, GlobalAveragePool, Linear, Network, Residual, from_text
from striate.cli import root
from striate.data import Preprocessing, load
from striate.errors import RunError, SpecError
from striate.execution.choice import missing
from striate.modules import build
from striate.networks.adapt import adapted
from striate.train import Learner, Recipe, Run, open_run, session
from striate.train.checkpoint import BEST, LAST, START, load_checkpoint
from striate.train.frozen import freeze
from striate.train.kernel_choice import with_kernels
from striate.train.transfer import take_over
from tests.support.exported import run_of
from tests.support.networks import TINY

DEEP = Network(
    "deep",
    (1, 28, 28),
    [
        Conv(4, kernel=5, stride=4, name="stem"),
        BatchNorm(name="norm"),
        Activation("relu"),
        Block([Residual([Conv(4, kernel=3, padding="same"), BatchNorm()], name="block1")], name="stage1"),
        GlobalAveragePool(),
        Flatten(),
        Linear(10, name="last"),
    ],
)
RECIPE = Recipe(epochs=1, batch=50, rate=0.01, seed=3)


@pytest.fixture(scope="module")
def deep_run(few_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training of `DEEP`; tests do not change it."""
    folder = tmp_path_factory.mktemp("deep") / "run"
    run, split = session.prepare(DEEP, session.Images(str(few_digits)), RECIPE, folder=folder, device="cpu", threads=1)
    list(session.start(run, split))
    return folder


def begun(network: Network, source: Path, folder: Path, digits: Path, recipe: Recipe = RECIPE):
    """A new run that takes over from `source`, its first weights and its images."""
    run, split = session.prepare(network, session.Images(str(digits)), recipe, folder=folder, device="cpu", threads=1)
    run, weights = take_over(run, open_run(source), threads=1)
    return run, weights, split


def tensors_of(folder: Path, name: str = BEST) -> dict[str, torch.Tensor]:
    return load_checkpoint(folder / name)[0]


def test_layers_that_fit_are_taken_over_and_all_others_are_named(deep_run: Path, few_digits: Path, tmp_path) -> None:
    other = replace(DEEP, layers=[*DEEP.layers[:-1], Linear(7, name="middle"), Linear(10, name="last")])
    run, weights, _ = begun(other, deep_run, tmp_path / "new", few_digits)
    transfer = run.transfer
    assert transfer is not None
    assert transfer.source == str(deep_run)
    assert transfer.taken == ("stem", "norm", "stage1.block1.conv1", "stage1.block1.batch_norm1")
    assert dict(transfer.new) == {
        "middle": "the source has no layer of that path",
        "last": "10×7 here, 10×4 in the source",
    }
    theirs = tensors_of(deep_run)
    fresh = build(other, generator=torch.Generator().manual_seed(3)).state_dict()
    for name, tensor in weights.items():
        taken = name.rpartition(".")[0] in transfer.taken
        assert torch.equal(tensor, theirs[name] if taken else fresh[name])
    shallow = replace(DEEP, layers=[*DEEP.layers[:3], *DEEP.layers[4:]])
    run, _, _ = begun(shallow, deep_run, tmp_path / "shallow", few_digits)
    assert run.transfer is not None
    assert run.transfer.unused == ("stage1.block1.conv1", "stage1.block1.batch_norm1")


def test_the_last_layer_is_taken_only_for_the_same_classes(deep_run: Path, few_digits: Path, tmp_path) -> None:
    same, _, _ = begun(DEEP, deep_run, tmp_path / "same", few_digits)
    assert same.transfer is not None
    assert not same.transfer.new
    names = tuple("abcdefghij")
    run, _ = session.prepare(DEEP, session.Images(str(few_digits)), RECIPE, folder=tmp_path / "b", device="cpu")
    renamed = replace(run, data=replace(run.data, classes=names))
    found, _ = take_over(renamed, open_run(deep_run))
    assert found.transfer is not None
    assert found.transfer.new == (("last", "it answers for other classes"),)


@pytest.mark.parametrize(
    ("source", "own", "taken", "new"),
    [
        (
            "conv 3 3x3 table(01 12 23), linear 2",
            "conv 3 3x3 table(03 02 13), linear 2",
            ("conv1", "conv2", "linear1"),
            ("conv3", "the source has another connection table there"),
        ),
        (
            "linear 4, tanh, rbf(++++; -+-+)",
            "linear 4, tanh, rbf(+-++; --+-)",
            ("conv1", "conv2", "linear1"),
            ("rbf1", "the source has another set of centres there"),
        ),
        (
            "a: conv 4 1x1, b: conv 8 3x3 groups 2, linear 2",
            "a: conv 2 1x1, b: conv 8 3x3, linear 2",
            ("conv1", "conv2", "linear1"),
            ("b", "the source has another number of groups there"),
        ),
        (
            "relu, flatten, linear 2",
            "max 2, conv 16 1x1, relu, flatten, dropout 0.5, linear 2",
            ("conv1", "conv2"),
            ("linear1", "the source has another size of maps there"),
        ),
    ],
)
def test_weights_of_one_shape_that_stand_for_something_else_are_not_taken(
    source: str, own: str, taken: tuple[str, ...], new: tuple[str, str], tmp_path: Path
) -> None:
    networks = [from_text(f"1x6x6: conv 8 3x3, conv 4 1x1, {each}") for each in (source, own)]
    way = Preprocessing((1, 6, 6), "resize", 0, 1, "picture")
    runs = [run_of(each, tmp_path / str(at), way)[0] for at, each in enumerate(networks)]
    found, weights = take_over(runs[1], runs[0], threads=1)
    assert found.transfer is not None
    assert set(taken) <= {*found.transfer.taken}
    assert new in found.transfer.new
    fresh = build(networks[1], generator=torch.Generator().manual_seed(runs[1].recipe.seed)).state_dict()
    path, _ = new
    assert all(torch.equal(each, fresh[name]) for name, each in weights.items() if name.startswith(f"{path}."))


def test_a_network_that_fits_nowhere_is_refused(deep_run: Path, few_digits: Path, tmp_path) -> None:
    with pytest.raises(RunError) as caught:
        begun(TINY, deep_run, tmp_path / "new", few_digits)
    assert str(caught.value) == (
        f"no layer of {deep_run} (deep) fits tiny.\n"
        "A layer is taken over where both networks have it under one path with weights of one shape; deep has stem, "
        "norm, stage1.block1.conv1, stage1.block1.batch_norm1, last; tiny has conv1, linear1.\n"
        "Train the network of that run: striate train RUN --from RUN --adapt."
    )


def test_frozen_layers_and_their_statistics_stay_bit_for_bit(deep_run: Path, few_digits: Path, tmp_path) -> None:
    recipe = replace(RECIPE, freeze=("stem", "norm"), average=0.9)
    run, weights, split = begun(DEEP, deep_run, tmp_path / "new", few_digits, recipe)
    list(session.start(run, split, weights))
    found, before = tensors_of(tmp_path / "new"), tensors_of(deep_run)
    for name, tensor in found.items():
        still = name.startswith(("stem.", "norm."))
        assert torch.equal(tensor, before[name]) == still, name
    assert open_run(tmp_path / "new").recipe.freeze == ("stem", "norm")


def test_taken_stands_for_all_layers_that_were_taken_over(deep_run: Path, few_digits: Path, tmp_path) -> None:
    other = replace(DEEP, layers=[*DEEP.layers[:-1], Linear(10, name="fresh")])
    run, _, _ = begun(other, deep_run, tmp_path / "new", few_digits, replace(RECIPE, freeze=("taken",)))
    assert run.recipe.freeze == ("stem", "norm", "stage1.block1.conv1", "stage1.block1.batch_norm1")
    assert run.kernels != "engine"


@pytest.mark.parametrize("kernels", ["torch", "operators", "channels-last"])
def test_layers_taken_over_learn_at_their_share_of_the_rate(
    kernels: str, deep_run: Path, few_digits: Path, tmp_path
) -> None:
    """With momentum and decay of 0, a step of SGD is the rate times the gradient."""
    recipe = Recipe(epochs=1, batch=50, optimiser="sgd", momentum=0.0, weight_decay=0.0, schedule="constant", warm_up=0)
    moved = {}
    for share in (1.0, 0.25):
        learner = Learner(build(DEEP, generator=torch.Generator().manual_seed(0)), replace(recipe, transfer_rate=share),
                          kernels=kernels, taken=("stem",))  # fmt: skip
        before = {name: each.clone() for name, each in learner.model.state_dict().items()}
        run, split = session.prepare(DEEP, session.Images(str(few_digits)), recipe, folder=tmp_path / "x", device="cpu")
        next(iter(session.train(learner, split, run.preprocessing)))
        moved[share] = {name: each - before[name] for name, each in learner.model.state_dict().items()}
    torch.testing.assert_close(moved[0.25]["stem.weight"], 0.25 * moved[1.0]["stem.weight"], rtol=1e-3, atol=1e-7)
    torch.testing.assert_close(moved[0.25]["last.weight"], moved[1.0]["last.weight"], rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("kernels", ["torch", "operators", "channels-last", "bfloat16"])
def test_a_run_that_took_over_resumes_to_the_same_bits_even_before_its_first_checkpoint(
    kernels: str, deep_run: Path, few_digits: Path, tmp_path
) -> None:
    if reason := missing(DEEP, kernels):
        pytest.skip(reason)
    recipe = replace(RECIPE, epochs=2, freeze=("stem",))
    whole, weights, split = begun(DEEP, deep_run, tmp_path / "whole", few_digits, recipe)
    whole = replace(whole, kernels=kernels)
    list(session.start(whole, split, weights))
    cut, weights, split = begun(DEEP, deep_run, tmp_path / "cut", few_digits, recipe)
    cut = replace(cut, kernels=kernels)
    events = session.start(cut, split, weights)
    next(events)
    events.close()
    assert (tmp_path / "cut" / START).exists()
    for _ in range(2):  # with no checkpoint yet; then from the end of an epoch
        run = open_run(tmp_path / "cut")
        assert run.transfer == whole.transfer
        events = session.resume(run, session.reload(run))
        for event in events:
            if isinstance(event, session.Epoch):
                events.close()
                break
    (tmp_path / "cut" / START).unlink()  # the last checkpoint has all weights
    run = open_run(tmp_path / "cut")
    list(session.resume(run, session.reload(run)))
    one, two = tensors_of(tmp_path / "whole", LAST), tensors_of(tmp_path / "cut", LAST)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_range_of_pixels_is_the_sources(deep_run: Path, few_digits: Path, tmp_path) -> None:
    source = open_run(deep_run)
    other = replace(source, preprocessing=replace(source.preprocessing, low=-3.0, high=(2.0,)))
    run, split = session.prepare(DEEP, session.Images(str(few_digits)), RECIPE, folder=tmp_path / "new", device="cpu")
    begins, weights = take_over(run, other)
    assert (begins.preprocessing.low, begins.preprocessing.high) == ((-3.0,), (2.0,))
    list(session.start(begins, split, weights))  # it learns, with a range for each channel
    assert open_run(tmp_path / "new").preprocessing == begins.preprocessing


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        (["stm"], "freeze names 'stm', which the network does not have.\nIts layers and blocks are, outermost first: "
                  "stem, norm, stage1, last.\nDid you mean stem?"),
        (["act1"], "freeze names act1, which has no parameters.\nOnly layers that learn can be frozen."),
        (["stem", "norm", "stage1", "last"], "freeze names all layers: stem, norm, stage1, last.\nNothing is left to "
                                             "learn.\nLeave out the layers that shall learn, such as the last one."),
    ],
)  # fmt: skip
def test_what_cannot_be_frozen_is_refused(paths: list[str], text: str) -> None:
    model = build(DEEP)
    if paths == ["act1"]:
        paths = [next(name for name, each in model.named_modules() if name and not list(each.parameters()))]
        text = text.replace("act1", paths[0])
    with pytest.raises(SpecError) as caught:
        freeze(model, paths)
    assert str(caught.value) == text


def test_the_engine_is_refused_where_layers_are_frozen(deep_run: Path, few_digits: Path, tmp_path) -> None:
    plain = adapted(TINY, tuple("0123456789"))
    run, _ = session.prepare(plain, session.Images(str(few_digits)), replace(RECIPE, freeze=("conv1",)),
                             folder=tmp_path / "new", device="cpu")  # fmt: skip
    with pytest.raises(SpecError, match="cannot train by this recipe"):
        with_kernels(run, kernels="engine")


def test_the_command_lists_what_it_takes_and_writes_it_down(deep_run: Path, few_digits: Path, tmp_path) -> None:
    out = tmp_path / "new"
    command = ["train", str(deep_run), "--from", str(deep_run), "--data", str(few_digits), "--epochs", "1",
               "--batch", "50", "--freeze", "stem", "--freeze", "stage1", "--out", str(out)]  # fmt: skip
    found = CliRunner().invoke(root, command)
    assert found.exit_code == 0, found.output
    assert f"from {deep_run}: 5 layers taken over; 2 of them learn at 0.1 of the rate" in found.output
    assert "frozen: stem, stage1" in found.output
    kept = json.loads((out / "run.json").read_text())
    assert kept["recipe"]["freeze"] == ["stem", "stage1"]
    assert kept["transfer"]["taken"][0] == "stem"
    wrong = CliRunner().invoke(root, [*command[:-6], "--freeze", "stm", "--out", str(tmp_path / "wrong")])
    assert "freeze names 'stm'" in str(wrong.exception)
    assert not (tmp_path / "wrong").exists()
    refused = CliRunner().invoke(root, ["train", "--resume", str(out), "--freeze", "stem"])
    assert refused.exit_code == 2
    assert "leave out --freeze" in refused.output


def test_a_run_exported_as_one_file_can_be_taken_from_and_names_no_folder(
    deep_run: Path, few_digits: Path, tmp_path
) -> None:
    recipe = replace(RECIPE, freeze=("stem",))
    run, weights, split = begun(DEEP, deep_run, tmp_path / "new", few_digits, recipe)
    list(session.start(run, split, weights))
    file = tmp_path / "one.safetensors"
    made = CliRunner().invoke(root, ["export", str(tmp_path / "new"), "--to", "safetensors", "--out", str(file)])
    assert made.exit_code == 0, made.output
    assert str(deep_run) not in file.read_bytes().decode("latin-1")
    again, _, _ = begun(DEEP, file, tmp_path / "again", few_digits)
    assert isinstance(again, Run)
    assert again.transfer is not None
    assert len(again.transfer.taken) == 5
    assert load(str(few_digits)).classes == again.classes


def test_centres_that_do_not_learn_are_not_frozen_with_all_that_was_taken(tmp_path: Path) -> None:
    theirs = from_text("1x6x6: conv 8 3x3, conv 4 1x1, linear 4, tanh, rbf(++++; -+-+)")
    own = from_text("1x6x6: conv 8 3x3, conv 5 1x1, linear 4, tanh, rbf(++++; -+-+)")
    way = Preprocessing((1, 6, 6), "resize", 0, 1, "picture")
    source, _ = run_of(theirs, tmp_path / "source", way)
    run, _ = run_of(own, tmp_path / "own", way)
    run = replace(run, recipe=replace(run.recipe, freeze=("taken",)))
    begun, _ = take_over(run, source, threads=1)
    assert begun.transfer is not None
    assert set(begun.transfer.taken) == {"conv1", "rbf1"}
    assert begun.recipe.freeze == ("conv1",)
