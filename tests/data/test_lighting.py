from __future__ import annotations

import torch

from striate.data import colour_axes, lighting, relight
from striate.data.stream import Files, Stream
from striate.errors import DataError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


IMAGES = torch.randint(0, 256, (300, 3, 9, 7), dtype=torch.uint8, generator=generator())
IMAGES[:, 1] = IMAGES[:, 0] // 2 + IMAGES[:, 1] // 4


def test_the_axes_are_those_of_the_covariance() -> None:
    axes = colour_axes(IMAGES).double()
    covariance = torch.cov(IMAGES.double().transpose(0, 1).flatten(1), correction=0)
    torch.testing.assert_close(axes @ axes.T, covariance, rtol=1e-5, atol=1e-3)
    sizes = axes.norm(dim=0)
    torch.testing.assert_close(axes.T @ axes, torch.diag(sizes**2), rtol=1e-5, atol=1e-2)
    assert sizes.tolist() == sorted(sizes.tolist())


def test_the_order_of_the_images_does_not_matter() -> None:
    assert torch.equal(colour_axes(IMAGES), colour_axes(IMAGES.flip(0)))


def test_each_image_is_shifted_as_a_whole() -> None:
    batch = torch.rand(50, 3, 4, 4, generator=generator(1))
    axes = colour_axes(IMAGES) / 255
    change = relight(batch, axes, 0.1, generator=generator(2)) - batch
    assert torch.allclose(change, change[:, :, :1, :1].expand_as(change), atol=1e-6)
    assert not torch.allclose(change[0], change[1])
    again = relight(batch, axes, 0.1, generator=generator(2))
    assert torch.equal(again, relight(batch, axes, 0.1, generator=generator(2)))


def test_the_deviation_along_an_axis_is_a_tenth_of_the_colours_own() -> None:
    batch, axes = torch.zeros(20_000, 3, 1, 1), colour_axes(IMAGES)
    shifts = relight(batch, axes, 0.1, generator=generator(3))[:, :, 0, 0]
    seen = torch.cov(shifts.T).double()
    torch.testing.assert_close(seen, 0.01 * (axes @ axes.T).double(), rtol=0.05, atol=2.0)


def test_grey_images_become_lighter_or_darker() -> None:
    grey = torch.randint(0, 256, (40, 1, 5, 5), dtype=torch.uint8, generator=generator(4))
    torch.testing.assert_close(colour_axes(grey).abs()[0, 0], grey.float().std(correction=0))


def test_images_of_one_colour_stay_as_they_are() -> None:
    same = torch.full((4, 3, 2, 2), 7, dtype=torch.uint8)
    batch = torch.rand(4, 3, 2, 2)
    assert torch.equal(relight(batch, colour_axes(same), 0.1, generator=generator()), batch)


def test_of_a_stream_some_images_are_decoded(monkeypatch) -> None:
    monkeypatch.setattr(lighting, "STREAMED", 50)
    asked: list[int] = []

    def decoded(number: int) -> torch.Tensor:
        asked.append(number)
        return IMAGES[number]

    files = Files(decoded, lambda *_: DataError("none"), torch.zeros(300, dtype=torch.int64), "")
    axes = colour_axes(Stream(files, torch.arange(300), (3, 9, 7), workers=2))
    assert sorted(asked) == list(range(0, 300, 6))
    assert torch.equal(axes, colour_axes(IMAGES[::6]))
