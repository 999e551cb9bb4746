"""The predictor on pictures that were not made by us for MNIST's form."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from striate import find
from striate.errors import DataError, RunError
from striate.look.capture import capture
from striate.modules import build
from striate.serve import Predictor
from striate.train import Recipe, open_run, session
from striate.train.checkpoint import save_checkpoint
from striate.train.run import create_run

DIGITS = Path(__file__).parents[2] / "examples/digits"


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A run on MNIST whose weights are fresh: what it says is of no interest, how it takes pictures is."""
    folder = tmp_path_factory.mktemp("runs") / "fresh"
    network = find("lenet5-dense")
    run, _ = session.prepare(network, session.Images(), Recipe(), folder=folder, device="cpu")
    create_run(run)
    model = build(network, generator=torch.Generator().manual_seed(0))
    save_checkpoint(run.path("best.safetensors"), dict(model.state_dict()), {"temperature": 2.0})
    return run


def test_a_drawing_is_brought_to_mnists_form(untrained) -> None:
    found = Predictor(untrained)(DIGITS / "5-photo.png")
    assert [step.name for step in found.steps] == ["grey", "background", "polarity", "crop", "scale", "centre"]
    assert list(found.probabilities) == list("0123456789")
    assert found.probability == max(found.probabilities.values()) == found.probabilities[found.name]


def test_an_empty_page_is_an_error_that_names_the_file(untrained, tmp_path) -> None:
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    with pytest.raises(DataError) as caught:
        Predictor(untrained)(tmp_path / "blank.png")
    assert str(caught.value) == (
        f"{tmp_path / 'blank.png'}: no ink found.\n"
        "Expected one digit that stands out from its background.\n"
        "Draw it darker, or photograph it closer and in more light."
    )


def test_pictures_of_another_kind_are_resized(finished_run, tmp_path) -> None:
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "gradient.jpg")
    found = Predictor(open_run(finished_run))(tmp_path / "gradient.jpg")
    assert [(step.name, step.image.size) for step in found.steps] == [("picture", (256, 256)), ("input", (28, 28))]
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-6)


def test_a_twin_has_the_weights_and_not_the_hooks(predictor, seven) -> None:
    twin = predictor.twin()
    assert twin.predict(seven).probabilities == predictor.predict(seven).probabilities
    ours, others = dict(predictor.model.state_dict()), twin.model.state_dict()
    assert all(ours[name].data_ptr() == others[name].data_ptr() for name in ours)
    with capture(predictor.model) as outputs:
        twin.predict(seven)
    assert outputs == {}


def test_an_image_that_was_watched_can_be_asked_for_its_gradient(digits_run, seven) -> None:
    predictor = Predictor(open_run(digits_run))
    predictor.watch(seven)
    image = predictor.read(seven)[0].requires_grad_()
    (gradient,) = torch.autograd.grad(predictor.scores(image)[0, 7], image)
    assert gradient.abs().max() > 0


def test_what_is_no_run_and_what_is_no_files_bytes_are_refused(predictor) -> None:
    with pytest.raises(RunError, match=r'(?s)is no run.*Predictor\(open_run\("runs/lenet5"\)\)'):
        Predictor("runs/lenet5")
    with pytest.raises(DataError, match=r"(?s)is not the bytes of a file.*predictor\(images\)"):
        predictor.predict(torch.zeros(28, 28))
