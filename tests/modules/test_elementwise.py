"""Modules that treat values where they stand, or lay them out anew."""

import pytest
import torch

from striate import Upsample
from striate.modules.elementwise import Upsampling


@pytest.mark.parametrize("factor", [1, 2, 40, 41, 47, 55, (1, 41), (61, 3)])
def test_upsampling_repeats_each_value_as_often_as_it_says(factor: int | tuple[int, int]) -> None:
    maps = torch.arange(2 * 3 * 5.0).view(1, 2, 3, 5)
    rows, columns = (factor, factor) if isinstance(factor, int) else factor
    expected = maps.repeat_interleave(rows, 2).repeat_interleave(columns, 3)
    assert torch.equal(Upsampling(Upsample(factor))(maps), expected)
