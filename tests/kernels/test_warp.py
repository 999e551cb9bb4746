"""The C++ resampling against PyTorch's, over shapes and instruction sets."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import Flatten, Linear, Network
from striate.data import Affine, Augmentation, draw_warp
from striate.data.affine import resample
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Engine, Pictures
from striate.kernels.warp import Warp
from striate.modules import build
from tests.support.comparison import INSTRUCTION_SETS

STRONG = Augmentation(rotation=40, scale=0.3, squeeze=0.2, shear=20, shift=3, flip=True, elastic=2.0, smoothness=3.0)
PLANAR = Augmentation(rotation=40, scale=0.3)


def engine_for(shape: tuple[int, int, int], instruction_set: str = "") -> Engine:
    network = Network("small", shape, [Flatten(), Linear(2)])
    return Engine(network, tensors_of(build(network)), instruction_set=instruction_set)


def pictures_of(shape: tuple[int, int, int], count: int = 40) -> Pictures:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count + 7, *shape), dtype=torch.uint8, generator=generator)
    return Pictures(images, torch.randperm(count + 7, generator=generator)[:count], -0.1, 0.005)


def drawn(shape: tuple[int, int, int], augmentation: Augmentation = STRONG, count: int = 40) -> Warp:
    return draw_warp(count, shape[1:], augmentation, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("augmentation", [STRONG, PLANAR])
@pytest.mark.parametrize("shape", [(1, 32, 32), (1, 28, 28), (3, 9, 37), (2, 16, 1), (1, 1, 5)])
def test_it_equals_pytorchs(shape: tuple[int, int, int], augmentation: Augmentation, instruction_set: str) -> None:
    pictures, warp = pictures_of(shape), drawn(shape, augmentation)
    floats = pictures.images[pictures.chosen].float() * pictures.scale + pictures.low
    ours = engine_for(shape, instruction_set).warped(pictures, warp, threads=1)
    torch.testing.assert_close(ours, resample(floats, warp, fill=-0.1), atol=1e-4, rtol=0)
    assert (ours - floats).abs().max() > 0.3 or shape[2] == 1


MOVES = st.builds(
    Affine,
    rotation=st.floats(-360, 360),
    scale=st.floats(0.5, 3),
    squeeze=st.floats(-0.5, 1),
    shear=st.floats(-60, 60),
    right=st.floats(-20, 20),
    down=st.floats(-20, 20),
    mirror=st.floats(-1, 1),
)


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@given(affine=MOVES)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_its_places_are_those_of_the_matrices(affine: Affine, instruction_set: str) -> None:
    """A picture of two ramps, right and down, shows where each of its pixels was taken from."""
    side, middle = 41, 20.0
    down, right = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    ramps = torch.stack([right, down])
    warp = Warp(affine.moves(1))
    engine = engine_for((2, side, side), instruction_set)
    seen = engine.warped(Pictures(ramps.to(torch.uint8)[None], low=-middle), warp, threads=1)[0]
    results = torch.cat([ramps - middle, torch.ones(1, side, side)])
    places = torch.einsum("ij,jyx->iyx", warp.matrices()[0], results)
    inside = (places.abs() < middle).all(0)
    torch.testing.assert_close(seen[:, inside], places[:, inside], atol=2e-4, rtol=0)


def test_no_move_gives_the_bytes_themselves() -> None:
    pictures = pictures_of((1, 32, 32))
    warp = Warp(Affine().moves(40))
    ours = engine_for((1, 32, 32)).warped(pictures, warp, threads=1)
    torch.testing.assert_close(ours, pictures.images[pictures.chosen] * 0.005 - 0.1, atol=1e-6, rtol=0)


def test_threads_change_nothing_bit_for_bit() -> None:
    pictures, warp = pictures_of((1, 32, 32), 100), drawn((1, 32, 32), count=100)
    engine = engine_for((1, 32, 32))
    one, *others = [engine.warped(pictures, warp, threads=threads) for threads in (1, 2, 3, 5)]
    assert all(torch.equal(one, other) for other in others)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e30])
@pytest.mark.parametrize("members", [slice(0, 6), slice(4, 6)])
@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
def test_places_that_are_no_numbers_lie_outside(value: float, members: slice, instruction_set: str) -> None:
    warp = drawn((1, 8, 8), PLANAR)
    warp.moves[::2, members] = value
    ours = engine_for((1, 8, 8), instruction_set).warped(pictures_of((1, 8, 8)), warp, threads=1)
    assert torch.equal(ours[::2], torch.full((20, 1, 8, 8), -0.1))
    assert ours[1::2].isfinite().all()


def test_no_images() -> None:
    none = Pictures(torch.empty(0, 1, 8, 8, dtype=torch.uint8))
    assert engine_for((1, 8, 8)).warped(none, drawn((1, 8, 8), count=0), threads=2).shape == (0, 1, 8, 8)


def test_what_c_could_not_read_is_refused() -> None:
    engine, pictures, warp = engine_for((1, 8, 8)), pictures_of((1, 8, 8)), drawn((1, 8, 8))
    with pytest.raises(ValueError, match="images of torch.float32; to be warped they must be bytes"):
        engine.warped(Pictures(torch.rand(40, 1, 8, 8)), warp, threads=1)
    with pytest.raises(ValueError, match=r"moves of \(40, 7\) for 39 images; they must be \(39, 7\)"):
        engine.warped(pictures_of((1, 8, 8), 39), warp, threads=1)
    with pytest.raises(ValueError, match="a field for 9 × 8 pixels, images of 8 × 8"):
        engine.warped(pictures, drawn((1, 9, 8)), threads=1)
    with pytest.raises(ValueError, match="must be float32, contiguous and on the CPU"):
        engine.warped(pictures, Warp(warp.moves.double()), threads=1)
