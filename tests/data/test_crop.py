"""Random resized crops are inside the image, have the areas and aspect ratios asked for, and equal a plain crop."""

import torch
from torch.nn.functional import grid_sample

from striate.data import Augmentation, augment
from striate.data.affine import Affine
from striate.data.augment import draw_warp
from striate.data.crop import crop_moves

SIZE = (24, 40)


def parts(most: float, count: int = 4000) -> tuple[torch.Tensor, ...]:
    """Height, width, and the distances of the middle from the image's, as fractions, of many crops."""
    still = Affine().moves(count)
    moves = crop_moves(still, SIZE, most, generator=torch.Generator().manual_seed(1))
    scale, squeeze = moves[:, 1], 1 + moves[:, 2]
    height, width = 1 / (scale * squeeze), squeeze / scale
    return height, width, -moves[:, 5] * height / SIZE[0], -moves[:, 4] * width / SIZE[1]


def test_crops_are_inside_and_have_the_areas_and_aspects_asked_for() -> None:
    height, width, down, right = parts(0.92)
    area, aspect = height * width, width / height
    assert area.min() > 0.08 - 1e-5
    assert (area.min(), area.max()) < (0.09, 1.0 + 1e-5)
    assert torch.histc(area, 4, 0.08, 1.0).min() > 4000 / 4 * 0.9  # uniform
    assert aspect.min() > 3 / 4 - 1e-5
    assert aspect.max() < 4 / 3 + 1e-5
    assert aspect.log().mean().abs() < 0.01
    for side, off in ((height, down), (width, right)):
        assert side.max() <= 1 + 1e-5
        assert (off.abs() + side / 2).max() <= 0.5 + 1e-5
        assert (off.abs() + side / 2).max() > 0.49  # it reaches the edges


def test_a_crop_is_what_sampling_that_part_gives() -> None:
    images = torch.rand(6, 3, *SIZE, generator=torch.Generator().manual_seed(2))
    made = augment(images, Augmentation(crop=0.7), generator=torch.Generator().manual_seed(3), fill=-5.0)
    moves = draw_warp(6, SIZE, Augmentation(crop=0.7), generator=torch.Generator().manual_seed(3)).moves
    for number, (_, scale, squeeze, _, right, down, _) in enumerate(moves.tolist()):
        height, width = 1 / (scale * (1 + squeeze)), (1 + squeeze) / scale
        rows = (torch.arange(SIZE[0]) + 0.5) * 2 / SIZE[0] - 1
        columns = (torch.arange(SIZE[1]) + 0.5) * 2 / SIZE[1] - 1
        down_by, right_by = 2 * down / SIZE[0], 2 * right / SIZE[1]
        grid = torch.stack(torch.meshgrid((rows - down_by) * height, (columns - right_by) * width, indexing="ij"), -1)
        image = images[number : number + 1]
        wanted = grid_sample(image, grid.flip(2)[None], align_corners=False, padding_mode="border")
        inner = made[number : number + 1, :, 2:-2, 2:-2]
        torch.testing.assert_close(inner, wanted[:, :, 2:-2, 2:-2], rtol=1e-4, atol=1e-4)


def test_a_crop_goes_with_other_moves_and_shows_no_more_of_the_outside_than_they_do() -> None:
    images = torch.ones(32, 1, *SIZE)
    for others in (Augmentation(), Augmentation(scale=0.1, squeeze=0.1, flip=True)):
        both = Augmentation(**(others.to_dict() | {"crop": 0.5}))
        cut = augment(images, both, generator=torch.Generator().manual_seed(4), fill=0.0)
        alone = augment(images, others, generator=torch.Generator().manual_seed(4), fill=0.0)
        assert cut.mean() >= alone.mean() - 0.02
