"""What units want: found in the data, and made."""

from dataclasses import replace

import pytest
import torch

from striate.data import ImageSet
from striate.look import imagined, peaks, subject, wants
from striate.look.capture import capture
from striate.look.choose import find_step
from striate.look.excitation import Peaks, field_of, outstanding, patches, steps_for
from striate.look.excitation_figure import feature_steps
from striate.look.subject import scores
from striate.networks import find


def edge_subject():
    """A network whose one filter looks for a bright pixel right of a dark one, and images with one such place each."""
    found = subject(find("1x8x8: conv 1 1x2, flatten, linear 10"))
    with torch.no_grad():
        found.model.get_submodule("conv1").weight.copy_(torch.tensor([[[[-1.0, 1.0]]]]))
        found.model.get_submodule("conv1").bias.zero_()
    pixels = torch.zeros(12, 1, 8, 8, dtype=torch.uint8)
    for number in range(12):
        pixels[number, 0, number % 8, 3:] = 20 * number
    labels = torch.zeros(12, dtype=torch.int64)
    return replace(found, data=ImageSet(pixels, labels, ("0",), "drawn", "train", "picture"))


def test_the_strongest_places_of_the_data() -> None:
    found = edge_subject()
    step = find_step(found.network, "conv1")
    best = peaks(found, ["conv1"])["conv1"]
    assert best.values.shape == (12, 1)
    assert int(best.places[11, 0]) == 3 * 7 + 2
    nine = patches(found, step, best, 0)
    assert [patch.flatten().tolist() for patch in nine] == [[0, 20 * number] for number in range(11, 2, -1)]


def test_peaks_are_the_largest_of_each_map(learned) -> None:
    best = peaks(learned, ["conv1"])["conv1"]
    with capture(learned.model) as outputs, torch.no_grad():
        learned.model.logits(learned.preprocessing.normalise(learned.data.images[40:42]))
    torch.testing.assert_close(best.values[40:42], outputs["conv1"].amax((2, 3)))


def test_a_field_over_the_edge_is_filled_with_the_blank(grey) -> None:
    step = find_step(find("1x8x8: conv 1 3x3 pad 1, flatten, linear 10"), "conv1")
    found = subject(find("1x8x8: conv 1 3x3 pad 1, flatten, linear 10"))
    image = torch.full((1, 8, 8), 9, dtype=torch.uint8)
    patch = field_of(found, step, 0, image)
    assert found.blank == 0
    assert patch[0].tolist() == [[0, 0, 0], [0, 9, 9], [0, 9, 9]]


def test_the_units_that_stand_out() -> None:
    values = torch.rand(40, 5, generator=torch.Generator().manual_seed(0))
    values[:9, 3] += 10
    values[:, 1] = 2.0
    assert outstanding(Peaks(values, torch.zeros(40, 5, dtype=torch.int64)), 1) == [3]
    assert 1 not in outstanding(Peaks(values, torch.zeros(40, 5, dtype=torch.int64)), 4)


@pytest.mark.parametrize("name", ["grey", "colour"])
def test_what_is_made_excites_more_than_the_data(name, request) -> None:
    found = request.getfixturevalue(name)
    path = {"grey": "C3", "colour": "block"}[name]
    step = find_step(found.network, path)
    made = imagined(found, step, [0, 1, 2], steps=24)
    assert made.shape == (3, *found.network.input)
    assert made.dtype == torch.uint8
    with capture(found.model) as outputs, torch.no_grad():
        found.model.logits(found.preprocessing.normalise(made))
        excited = outputs[path][range(3), range(3), step.output[1] // 2, step.output[2] // 2]
        found.model.logits(found.some(16))
        usual = outputs[path][:, :3, step.output[1] // 2, step.output[2] // 2].mean(0)
    assert (excited > usual).all()


def test_a_range_from_high_to_low_makes_images_too(grey) -> None:
    turned = replace(grey, preprocessing=replace(grey.preprocessing, low=1.0, high=0.0))
    made = imagined(turned, find_step(turned.network, "C3"), [0, 1], steps=12)
    assert made.unique().numel() > 10


def test_an_image_made_for_a_class_is_taken_for_it(learned) -> None:
    made = imagined(learned, None, list(range(10)), steps=40)
    with torch.no_grad():
        answers = scores(learned.model, learned.preprocessing.normalise(made)).argmax(1)
    assert answers.tolist() == list(range(10))


def test_the_same_seed_makes_the_same_image(grey) -> None:
    step = find_step(grey.network, "C1")
    assert torch.equal(imagined(grey, step, [1], steps=12), imagined(grey, step, [1], steps=12))


def test_larger_networks_get_fewer_steps() -> None:
    assert steps_for(find("lenet5"), "C1", 3) == 80
    assert steps_for(find("alexnet"), "conv5", 3) == 12


def test_the_figure_shows_layers_and_classes(learned) -> None:
    (figure,) = wants(learned)
    assert figure.svg.count(">made<") == 3
    assert "made for a class" in figure.svg
    assert f"among {learned.origin}" in figure.caption
    (one,) = wants(learned, layer="conv1")
    assert "made for a class" not in one.svg
    assert wants(learned, layer="linear1") == []
    (pooled,) = wants(learned, layer="pool1")
    assert ">pool1</text>" in pooled.svg
    assert ">conv1</text>" not in pooled.svg


def test_a_batch_norm_of_an_auxiliary_head_is_not_that_of_the_layer_before_it() -> None:
    network = find("3x8x8: conv 2 3x3 same, auxiliary (bn, global_average, linear 2), relu, global_average, linear 2")
    assert [step.path for step in feature_steps(network)] == ["conv1"]
    assert len(wants(subject(network))) == 1
