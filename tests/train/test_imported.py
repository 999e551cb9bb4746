"""A run whose weights come from elsewhere: it answers like any other, and says what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from striate.data import Preprocessing
from striate.description.network import Network
from striate.description.notation.reading import from_text
from striate.errors import MissingSplitError, RunError
from striate.look.predictor import Predictor
from striate.modules import Built, build
from striate.train.evaluation import evaluate
from striate.train.imported import ClassifierSettings, create_imported
from striate.train.run import Run, open_run
from striate.train.session import reload

SMALL = from_text("name small 1x28x28: conv 4 5x5 /2, bn, relu, max 2, linear 10")


def brought(folder: Path, network: Network = SMALL, **given) -> tuple[Run, Built]:
    module = build(network, generator=torch.Generator().manual_seed(0)).eval()
    preprocessing = Preprocessing(network.input, "pad", 0, 1, "digits", (28, 28))
    answers = ClassifierSettings(preprocessing, **{"classes": tuple("0123456789"), "temperature": 1.5} | given)
    made = create_imported(folder, network, module.state_dict(), answers=answers, origin={"file": "small.onnx"})
    return made, module


def test_it_is_opened_evaluated_and_asked_like_a_run_that_was_trained(tmp_path: Path) -> None:
    made, module = brought(tmp_path / "small")
    run = open_run(tmp_path / "small")
    assert run == made
    assert run.origin == {"file": "small.onnx"}
    outputs, images = evaluate(run, source="mnist")
    wanted = module(run.preprocessing.normalise(run.preprocessing.pack(images.images[:50]))).div(1.5).softmax(1)
    torch.testing.assert_close(outputs.probabilities[:50], wanted)
    assert Predictor(run).temperature == 1.5


def test_without_images_of_its_own_it_asks_for_some(tmp_path: Path) -> None:
    run, _ = brought(tmp_path / "small")
    with pytest.raises(RunError) as caught:
        evaluate(run)
    assert str(caught.value) == (
        f"{run.folder} was not trained here, and has no images of its own.\n"
        "Its weights come from small.onnx.\n"
        "Give images: --data FOLDER, with a folder for each class."
    )
    with pytest.raises(MissingSplitError, match="was not trained here.\nNone was held out"):
        evaluate(run, split="validation", source="mnist")
    with pytest.raises(RunError, match="A training goes on from its own last checkpoint"):
        reload(run)


def test_nothing_is_made_of_a_network_that_does_not_answer_for_each_class(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="small gives 10 for 3 classes"):
        brought(tmp_path / "small", classes=("a", "b", "c"))
    with pytest.raises(RunError, match="two classes are called 'a'"):
        brought(tmp_path / "small", classes=("a", "a", *map(str, range(8))))
    maps = from_text("name maps 1x28x28: conv 10 3x3")
    with pytest.raises(RunError, match="maps gives 10×26×26 for 10 classes.*\n.*\n.*account, figures and page"):
        brought(tmp_path / "maps", maps)
    assert list(tmp_path.iterdir()) == []


def test_weights_that_do_not_fit_or_are_not_finite_leave_no_folder(tmp_path: Path) -> None:
    answers = ClassifierSettings(Preprocessing(SMALL.input, "pad", 0, 1, "digits", (28, 28)), tuple("0123456789"))
    given = {"answers": answers, "origin": {"file": "small.onnx"}}
    tensors = build(SMALL).state_dict()
    lacking = {name: each for name, each in tensors.items() if name != "conv1.weight"}
    with pytest.raises(RunError, match="small.onnx does not fit the run's network: it lacks conv1.weight"):
        create_imported(tmp_path / "small", SMALL, lacking, **given)
    with pytest.raises(RunError, match="small.onnx cannot be used: 1 of the 4 values of conv1.bias are not finite"):
        create_imported(
            tmp_path / "small", SMALL, tensors | {"conv1.bias": torch.tensor([torch.nan, 0.0, 0.0, 0.0])}, **given
        )
    assert list(tmp_path.iterdir()) == []
