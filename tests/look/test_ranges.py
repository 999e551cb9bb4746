"""Figures where each channel has a range of its own: with three equal ones they are those of a range for all."""

from __future__ import annotations

from dataclasses import replace

import torch

from striate.look import Subject, imagined
from striate.look.attribution_figure import attribution
from striate.look.choose import find_step
from striate.look.subject import shown


def ranged(subject: Subject, low: tuple[float, ...], high: tuple[float, ...]) -> Subject:
    return replace(subject, preprocessing=replace(subject.preprocessing, low=low, high=high))


def test_three_equal_ranges_are_one(colour: Subject) -> None:
    one = replace(colour, preprocessing=replace(colour.preprocessing, low=-1.0, high=1.5))
    three = ranged(colour, (-1.0,) * 3, (1.5,) * 3)
    assert isinstance(three.empty, torch.Tensor)
    torch.testing.assert_close(three.empty, torch.full((3, 1, 1), one.empty))
    step = find_step(colour.network, "block.conv1")
    images = [imagined(each, step, [0, 3], steps=12) for each in (one, three)]
    assert (images[0].int() - images[1].int()).abs().max() <= 1
    assert attribution(one, shown(one)[0]).svg == attribution(three, shown(three)[0]).svg


def test_an_imagined_image_begins_with_each_channels_blank(colour: Subject) -> None:
    three = ranged(colour, (-2.0, 0.0, 10.0), (2.0, 1.0, 30.0))
    step = find_step(colour.network, "block.conv1")
    assert (imagined(three, step, [1], steps=1).float() - three.blank).abs().mean() < 60
    torch.testing.assert_close(three.some(2), three.preprocessing.normalise(three.data.images[:2]))
