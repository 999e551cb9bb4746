"""Muon and the whitening layer: against PyTorch's own optimisers, against what whitening means, killed and resumed."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from striate import Network, from_text
from striate.cli import root
from striate.data import load
from striate.errors import SpecError
from striate.execution.choice import missing
from striate.modules import build
from striate.train import Recipe, open_run, session
from striate.train.checkpoint import load_checkpoint
from striate.train.frozen import stand_still
from striate.train.muon import Muon, orthogonal
from striate.train.transfer import take_over
from striate.train.whitening import whiten
from tests.support.networks import TINY

NETWORK = from_text("1x28x28: conv 8 2x2, relu, conv 6 3x3 /2, bn, relu, conv 4 3x3 /2, relu, linear 10, softmax")
RECIPE = Recipe(epochs=2, batch=50, optimiser="muon", rate=0.05, filter_rate=0.1, momentum=0.7, whiten="conv1")


@pytest.mark.parametrize("shape", [(6, 30), (30, 6), (8, 8)])
def test_a_step_is_near_the_nearest_orthogonal_matrix(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonal(matrix) @ right.T
    assert found.diag().min() > 0.6
    assert found.diag().max() < 1.3
    torch.testing.assert_close(found, found.diag().diag(), atol=1e-4, rtol=0)


def test_other_parameters_step_as_by_pytorchs_sgd_with_nesterovs_momentum() -> None:
    start = torch.randn(5, 7, generator=torch.Generator().manual_seed(1))
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    steps = (
        Muon([{"params": [ours]}], lr=0.1, momentum=0.8, weight_decay=0.01),
        torch.optim.SGD([theirs], lr=0.1, momentum=0.8, weight_decay=0.01, nesterov=True),
    )
    for number in range(4):
        for parameter, optimiser in zip((ours, theirs), steps, strict=True):
            parameter.grad = torch.cos(parameter.detach() * number)
            optimiser.step()
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_filters_step_as_by_pytorchs_muon(layout: torch.memory_format) -> None:
    start = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    start *= 2 / start.norm()  # the norm √4, which ours gives filters before each step
    ours = nn.Parameter(start.clone(memory_format=layout))
    theirs = nn.Parameter(start.flatten(1).clone())
    steps = (
        Muon([{"params": [ours], "filters": True}], lr=0.1, momentum=0.8),
        torch.optim.Muon([theirs], lr=0.1, momentum=0.8, weight_decay=0.0),
    )
    for _ in range(3):
        slope = torch.cos(3 * ours.detach())
        ours.grad, theirs.grad = slope, slope.flatten(1)
        with torch.no_grad():
            theirs.mul_(2 / theirs.norm())
        for each in steps:
            each.step()
    torch.testing.assert_close(ours.flatten(1), theirs, atol=0.02, rtol=0)  # PyTorch iterates in bfloat16


def test_the_whitening_layer_makes_images_uncorrelated_and_of_variance_one(few_digits: Path) -> None:
    run, split = session.prepare(
        NETWORK, session.Images(str(few_digits)), RECIPE, folder=few_digits / "x", device="cpu"
    )
    model = build(NETWORK)
    whiten(model, "conv1", split.train, run.preprocessing)
    with torch.inference_mode():
        maps = model.get_submodule("conv1")(run.preprocessing.normalise(split.train.images))
    assert torch.equal(maps[:, :4], -maps[:, 4:])
    found = torch.cov(maps[:, :4].transpose(0, 1).flatten(1).double())
    variances = found.diag()  # the least is a little below 1, by what is added to each variance
    torch.testing.assert_close(found, variances.diag(), atol=1e-3, rtol=0)
    assert variances.max() == pytest.approx(1, abs=0.01)
    assert 0.5 < variances.min() <= variances.max()


@pytest.mark.parametrize("notation", ["conv 50 5x5", "conv 18 3x3 dilation 2 pad 3"])
def test_the_sample_is_seen_in_parts(notation: str, few_digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = from_text(f"1x28x28: {notation}, linear 10, softmax")
    run, split = session.prepare(
        network, session.Images(str(few_digits)), RECIPE, folder=few_digits / "x", device="cpu"
    )
    brighter = replace(run.preprocessing, low=1000.0, high=1001.0)  # far from 0, where squares lose digits
    found = []
    for at_once in (1, 100_000, 1 << 40):
        monkeypatch.setattr("striate.train.whitening.AT_ONCE", at_once)
        model = build(network)
        whiten(model, "conv1", split.train, brighter)
        found.append(model.get_submodule("conv1").weight.detach().flatten(1))
    assert all(torch.allclose(each.T @ each, found[0].T @ found[0], rtol=1e-4, atol=1e-4) for each in found)
    layer = model.get_submodule("conv1")
    assert isinstance(layer, torch.nn.Conv2d)
    patches = torch.nn.functional.unfold(
        brighter.normalise(split.train.images).double(), layer.kernel_size, dilation=layer.dilation
    )
    covariance = torch.cov(patches.transpose(0, 1).flatten(1), correction=0)
    half = found[-1][: len(covariance)].double()
    expected = torch.linalg.inv(covariance + 5e-4 * covariance.diag().mean() * torch.eye(len(covariance)))
    torch.testing.assert_close(half.T @ half, expected, rtol=1e-3, atol=1e-3)


def test_a_whitening_layer_that_is_taken_over_stays(few_digits: Path, tmp_path: Path) -> None:
    images = session.Images(str(few_digits))
    recipe = replace(RECIPE, epochs=1)
    run, split = session.prepare(NETWORK, images, recipe, folder=tmp_path / "source", device="cpu", threads=1)
    list(session.start(run, split))
    source = open_run(run.folder)
    darker = session.prepare(NETWORK, images, recipe, folder=tmp_path / "next", device="cpu", threads=1)
    half = replace(darker[1], train=darker[1].train.subset(torch.arange(40)))
    begun, weights = take_over(darker[0], source)
    list(session.start(begun, half, weights))
    kept = [load_checkpoint(tmp_path / name / "last.safetensors")[0]["conv1.weight"] for name in ("source", "next")]
    assert torch.equal(*kept)


def test_a_resumed_training_does_not_read_the_sample(
    few_digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, split = session.prepare(
        NETWORK, session.Images(str(few_digits)), RECIPE, folder=tmp_path / "run", device="cpu", threads=1
    )
    for number, _ in enumerate(session.start(run, split)):
        if number == 5:
            signal.raise_signal(signal.SIGINT)
    monkeypatch.setattr("striate.train.first_weights.whiten", None)
    list(session.resume(open_run(run.folder), session.reload(run)))
    assert open_run(run.folder).events("epoch")[-1]["epoch"] == RECIPE.epochs


def test_images_of_one_colour_give_filters_that_are_finite() -> None:
    images = load("mnist", "test").subset(torch.arange(20))
    dark = replace(images, images=torch.zeros_like(images.images))
    model = build(NETWORK)
    run, _ = session.prepare(NETWORK, session.Images("mnist"), RECIPE, folder=Path("nowhere"), device="cpu")
    whiten(model, "conv1", dark, run.preprocessing)
    assert model.get_submodule("conv1").weight.isfinite().all()


@pytest.mark.parametrize("kernels", ["torch", "operators", "bfloat16"])
def test_a_run_learns_by_them_and_resumes_to_the_same_bits(kernels: str, few_digits: Path, tmp_path: Path) -> None:
    if reason := missing(NETWORK, kernels):
        pytest.skip(reason)
    found = []
    for name in ("whole", "parted"):
        run, split = session.prepare(
            NETWORK, session.Images(str(few_digits)), RECIPE, folder=tmp_path / name, device="cpu", threads=1
        )
        run = replace(run, kernels=kernels)
        for number, _ in enumerate(session.start(run, split)):
            if name == "parted" and number == 30:
                signal.raise_signal(signal.SIGINT)
        if name == "parted":
            assert run.events("interrupted")
            list(session.resume(open_run(run.folder), session.reload(run)))
        found.append(load_checkpoint(run.folder / "last.safetensors")[0])
    whole, resumed = found
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(resumed[path], each) for path, each in whole.items())
    expected = build(NETWORK)
    whiten(expected, "conv1", split.train, run.preprocessing)
    assert torch.equal(whole["conv1.weight"], expected.get_parameter("conv1.weight"))
    assert not whole["conv1.bias"].any()
    assert open_run(run.folder).events("epoch")[-1]["accuracy"] > 0.6


@pytest.mark.parametrize(
    ("network", "path", "text"),
    [
        (
            NETWORK, "conv2",
            "whiten names 'conv2', and NAME begins with conv1.\nOnly a first layer can whiten the images, "
            "a convolution that sees all channels.\nLeave whiten out, or give the network such a layer: conv 24 2x2.",
        ),
        (
            TINY, "conv1",
            "whiten names conv1, which has 4 filters over patches of 25 numbers.\nA whitening layer has two "
            "filters for each number of a patch: one and its negative.\nGive it 50 filters.",
        ),
        (
            from_text("1x28x28: conv 18 3x3 dilation 14 pad 14, linear 10, softmax"), "conv1",
            "whiten names conv1, whose kernel covers 29×29 pixels, and the images have 28×28.\nA whitening layer is "
            "found in patches that lie within the images.\nGive it a smaller kernel, or take larger images.",
        ),
    ],
)  # fmt: skip
def test_a_layer_that_cannot_whiten_is_refused_before_a_folder_is_made(
    network: Network, path: str, text: str, few_digits: Path, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, whiten=path)
    images = session.Images(str(few_digits))
    run, split = session.prepare(network, images, recipe, folder=tmp_path / "run", device="cpu")
    with pytest.raises(SpecError) as caught:
        session.start(run, split)
    assert str(caught.value) == text.replace("NAME", network.name)
    assert not (tmp_path / "run").exists()


def test_frozen_layers_and_the_whitening_layer_get_no_gradient() -> None:
    model = build(NETWORK)
    stand_still(model, replace(RECIPE, freeze=("conv3",)))
    still = [path for path, each in model.named_parameters() if not each.requires_grad]
    assert still == ["conv1.weight", "conv1.bias", "conv3.weight", "conv3.bias"]


def test_the_command_names_both_rates_and_the_whitening_layer(few_digits: Path, tmp_path: Path) -> None:
    (tmp_path / "small.net").write_text("1x28x28: conv 8 2x2, relu, conv 6 3x3 /2, bn, relu, linear 10, softmax")
    options = ["--set", "optimiser=muon", "--set", "filter_rate=0.1", "--set", "whiten=conv1", "--rate", "0.05"]
    options += ["--epochs", "1", "--threads", "1", "--data", str(few_digits), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(root, ["train", str(tmp_path / "small.net"), *options])
    assert result.exit_code == 0, result.output
    assert "muon at 0.05, filters at 0.1 (one-cycle)" in result.output
    assert "does not learn: conv1, which whitens the patches of the training images" in result.output
    refused = CliRunner().invoke(root, ["train", "lenet5", *options[:-1], str(tmp_path / "other")])
    assert str(refused.exception).startswith("whiten names 'conv1', and lenet5 begins with C1.")
