"""The filter bench: sums that one can check by hand."""

import pytest
import torch
from PIL import Image

from striate.errors import SpecError
from striate.look import apply_kernel, bench, subject
from striate.look.bench import KERNELS, SOBEL, parse_kernel, strongest
from striate.look.bench_figure import LARGEST, bench_picture, learned


def test_one_dot_product_by_hand() -> None:
    picture = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert apply_kernel(picture, torch.tensor([[1.0, 0], [0, -1]])).tolist() == [[-4, -4], [-4, -4]]
    product = strongest(picture, SOBEL)
    assert (product.place, product.value) == ((0, 0), 8)
    assert (product.patch * product.kernel).sum() == product.value


def test_line_filters_find_their_lines() -> None:
    upright = torch.zeros(15, 15)
    upright[:, 7] = 1
    vertical = apply_kernel(upright, KERNELS["vertical line"])
    horizontal = apply_kernel(upright, KERNELS["horizontal line"])
    assert vertical.max() == 7
    assert horizontal.max() == 1
    assert strongest(upright, KERNELS["vertical line"]).place[1] == 4


def test_edges_blur_and_the_laplacian_on_even_ground() -> None:
    even = torch.full((9, 9), 0.5)
    for name in ("vertical edge (Sobel)", "horizontal edge (Sobel)", "Laplacian"):
        assert apply_kernel(even, KERNELS[name]).abs().max() < 1e-6
    torch.testing.assert_close(apply_kernel(even, KERNELS["blur"]), torch.full((7, 7), 0.5))


@pytest.mark.parametrize("text", ["", "1 2; 3", "a b", "1 nan", "1,2;3,inf", ";"])
def test_kernels_that_are_none(text: str) -> None:
    with pytest.raises(SpecError, match="It is rows of equally many numbers, separated by semicolons."):
        parse_kernel(text)


def test_kernels_as_people_type_them() -> None:
    assert parse_kernel("1, 2; -3 4.5;").tolist() == [[1, 2], [-3, 4.5]]
    assert parse_kernel("7").tolist() == [[7]]


def test_pictures_are_grey_and_bounded() -> None:
    assert bench_picture(Image.new("RGB", (300, 600), "white")).shape == (LARGEST, LARGEST // 2)
    assert bench_picture(Image.new("L", (20, 10), 51)).flatten().unique().tolist() == pytest.approx([0.2])
    assert bench_picture(None).shape == (LARGEST, LARGEST)


def test_a_networks_own_kernels_are_on_the_bench() -> None:
    fresh = subject("lenet5")
    own = learned(fresh)
    assert next(iter(own)) == "fresh: C1, filter 0"
    assert torch.equal(own["fresh: C1, filter 0"], fresh.model.get_submodule("C1").weight[0, 0].detach())


def test_the_figure_writes_the_sum_out() -> None:
    step = Image.new("L", (20, 20))
    step.paste(255, (10, 0, 20, 20))
    figure = bench(None, step)
    assert "added up: 4<" in figure.svg
    typed = bench(None, step, kernel=parse_kernel("-1 1"))
    assert "typed in, at row 0, column 9" in typed.svg
    assert "added up: 1<" in typed.svg
    with pytest.raises(SpecError, match="the kernel is 1×30 on a picture of 20×20"):
        bench(None, step, kernel=torch.ones(1, 30))
