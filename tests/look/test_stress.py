"""Stress against distortions made by hand, and its picture."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from striate.cli.print.stress import stress_tables
from striate.data import Affine, ImageSet
from striate.execution.executor import executor
from striate.look.stress import MOST, SWEEPS, Stress, distorted, ink_in_view, stress
from striate.look.stress_figure import stress_figure
from striate.train import evaluation, open_run, run_over


@pytest.fixture(scope="module")
def images(finished_run: Path) -> ImageSet:
    return evaluation.evaluate(open_run(finished_run))[1]


@pytest.fixture(scope="module")
def found(finished_run: Path, images: ImageSet) -> Stress:
    return stress(open_run(finished_run), images)


def by_name(found: Stress, name: str):
    return next(each for each in found.sweeps if each.sweep.name == name)


def test_the_first_level_of_every_sweep_is_the_evaluation(finished_run: Path, found: Stress) -> None:
    error = 1 - evaluation.evaluate(open_run(finished_run))[0].accuracy
    assert found.images == 300
    for endured in found.sweeps:
        for errors in endured.errors.values():
            assert errors[0] == pytest.approx(error)
            assert len(errors) == len(endured.sweep.levels)


@pytest.mark.parametrize(
    ("direction", "roll", "axis", "strip"),
    [("right", 6, 3, slice(0, 6)), ("left", -6, 3, slice(-6, None)), ("down", 6, 2, slice(0, 6)),
     ("up", -6, 2, slice(-6, None))],
)  # fmt: skip
def test_shifts_against_shifts_by_hand(
    finished_run: Path, images: ImageSet, found: Stress, direction: str, roll: int, axis: int, strip: slice
) -> None:
    run = open_run(finished_run)
    pixels = images.images.roll(roll, axis)
    pixels.movedim(axis, 0)[strip] = 0
    outputs = run_over(
        executor(run.model(), "torch"), replace(images, images=pixels), run.preprocessing, recipe=run.recipe
    )
    shift = by_name(found, "shift")
    assert shift.errors[direction][shift.sweep.levels.index(6)] == pytest.approx(1 - outputs.accuracy)
    in_view = pixels.double().sum() / images.images.double().sum()
    assert shift.in_view[direction][3] == pytest.approx(in_view.item())


def test_half_a_turn_and_half_the_size_by_hand() -> None:
    pixels = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    turned = distorted(pixels, Affine(rotation=180.0), blank=0)
    assert (turned.int() - pixels.rot90(2, (2, 3)).int()).abs().max() <= 1
    halved = distorted(pixels, Affine(scale=0.5), blank=9)
    means = pixels.double().unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))
    assert (halved[:, :, 2:6, 2:6].double() - means).abs().max() <= 0.51
    assert (halved[:, :, :2] == 9).all()


def test_noise_inverts_pixels_and_more_of_them_more() -> None:
    pixels = torch.randint(0, 120, (40, 3, 16, 16), dtype=torch.uint8)
    few, many = (distorted(pixels, share, blank=0) != pixels for share in (0.1, 0.3))
    assert few.double().mean().item() == pytest.approx(0.1, abs=0.01)
    assert many.double().mean().item() == pytest.approx(0.3, abs=0.02)
    assert (few <= many).all()
    noisy = distorted(pixels, 0.3, blank=0)
    assert torch.equal(noisy[many], 255 - pixels[many])
    assert torch.equal(many[:, 0], many[:, 2])
    assert torch.equal(noisy, distorted(pixels, 0.3, blank=0))
    assert not torch.equal(noisy, distorted(pixels, 0.3, blank=0, seed=1))


def test_ink_in_view_knows_that_larger_images_have_more_ink() -> None:
    pixels = torch.zeros(1, 1, 40, 40, dtype=torch.uint8)
    pixels[:, :, 15:25, 15:25] = 200
    for change in (Affine(scale=2.0), Affine(scale=0.5), Affine(squeeze=0.5), Affine(rotation=40.0)):
        assert ink_in_view(pixels, distorted(pixels, change, blank=0), change, blank=0) == pytest.approx(1, abs=0.03)
    away = Affine(right=20.0)
    assert ink_in_view(pixels, distorted(pixels, away, blank=0), away, blank=0) == pytest.approx(0.5)
    assert ink_in_view(0 * pixels, 0 * pixels, away, blank=0) == 1


def test_the_same_images_and_seed_give_the_same_answer(finished_run: Path, images: ImageSet, found: Stress) -> None:
    again = stress(open_run(finished_run), images)
    assert [each.errors for each in again.sweeps] == [each.errors for each in found.sweeps]
    assert found.images <= MOST


def test_the_tables_mark_what_the_paper_claims_of_digits(found: Stress) -> None:
    assert "◂" not in stress_tables(found)
    lines = stress_tables(replace(found, digits=True)).splitlines()
    assert max(map(len, lines)) <= 80
    marked = [line.strip() for line in lines if "◂" in line]
    assert [line.split()[0] for line in marked] == ["10", "30°", "2", "10", "◂"]
    assert marked[0].endswith("◂ down and up")
    shift = by_name(found, "shift").errors
    assert f"{shift['right'][5]:.2%}" in marked[0]


def test_the_figure_shows_every_level_and_frames_what_is_wrong(found: Stress) -> None:
    figure = stress_figure(found, "tiny")
    shown = [said for endured in found.sweeps for row in endured.shown.values() for _, said in row]
    assert figure.svg.count("<image") == len(shown) == sum(len(each.levels) * len(each.directions) for each in SWEEPS)
    assert figure.svg.count('stroke="#de2d26"') == sum(said != found.truth for said in shown) > 0
    assert "stroke-dasharray" not in figure.svg
    assert "paper" not in figure.svg
    claimed = stress_figure(replace(found, digits=True), "tiny").svg
    assert claimed.count("stroke-dasharray") == sum(each.claim is not None for each in SWEEPS) == 4
    assert "how far the LeNet-5 paper claims" in claimed
    assert figure.svg.count("<svg") == figure.svg.count("</svg>") == 6
    assert "prefers-color-scheme:dark" in figure.standalone()
