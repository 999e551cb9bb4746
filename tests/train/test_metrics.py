"""Evaluations on hand-made outputs, and that evaluating changes nothing."""

import pytest
import torch

from striate.cli.print.evaluation import class_lines
from striate.data import ImageSet, load, preprocessing_for, windows
from striate.execution.executor import executor
from striate.modules import build
from striate.train import Outputs, Recipe, evaluation_of, run_over
from striate.train.metrics import counts_of, uneven
from striate.wording import cells
from tests.support.networks import TINY


def test_the_figures_of_a_small_evaluation() -> None:
    probabilities = torch.tensor([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.1, 0.2, 0.7], [0.1, 0.1, 0.8]])
    found = evaluation_of(Outputs(probabilities.log(), torch.tensor([0, 0, 2, 1]), 0.0), ("a", "b", "c"))
    assert (found.images, found.errors, found.error_rate, found.top1, found.top5) == (4, 2, 0.5, 0.5, 1.0)
    assert found.confidence == pytest.approx((0.7 + 0.5 + 0.7 + 0.8) / 4)
    assert found.balanced_accuracy == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert found.missed == ["b"]
    assert found.confusion == [[1, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert found.per_class["a"] == {"images": 2, "errors": 1, "recall": 0.5, "precision": 1.0}
    assert found.per_class["b"] == {"images": 1, "errors": 1, "recall": 0.0, "precision": 0.0}
    assert found.per_class["c"] == {"images": 1, "errors": 0, "recall": 1.0, "precision": 0.5}


def test_a_class_without_images_has_no_recall() -> None:
    found = evaluation_of(Outputs(torch.eye(3)[:2], torch.tensor([0, 1]), 0.0), ("a", "b", "c"))
    assert found.per_class["c"] == {"images": 0, "errors": 0, "recall": None, "precision": 0.0}
    assert (found.missed, found.balanced_accuracy) == ([], 1.0)
    assert list(class_lines(found))[-1].split() == ["c", "0", "0", "-", "0.00%"]


def test_the_rows_of_classes_with_wide_names_are_aligned() -> None:
    found = evaluation_of(Outputs(torch.eye(2), torch.tensor([0, 1]), 0.0), ("고양이와 개", "dog"))
    assert len({cells(line) for line in [*class_lines(found)][1:]}) == 1


def test_top5_counts_the_five_likeliest() -> None:
    probabilities = torch.arange(8.0).repeat(2, 1)
    assert evaluation_of(Outputs(probabilities, torch.tensor([3, 2]), 0.0), tuple("abcdefgh")).top5 == 0.5


def test_balanced_accuracy_is_the_mean_recall_of_the_classes_that_have_images() -> None:
    scores = torch.tensor([[1.0, 0.0, 0.0]]).repeat(21, 1)
    outputs = Outputs(scores, torch.tensor([0] * 20 + [1]), 0.0)
    found = evaluation_of(outputs, ("dog", "cat", "bird"))
    assert outputs.recalls.isnan().tolist() == [False, False, True]
    assert found.top1 == pytest.approx(20 / 21)
    assert (found.balanced_accuracy, found.uneven, found.missed) == (0.5, True, ["cat"])


def test_classes_are_uneven_beyond_five_to_one() -> None:
    assert not uneven([5, 1])
    assert uneven([6, 1])
    assert not uneven([6, 2, 0])
    assert not uneven([])
    assert not uneven(counts_of(load("mnist")))


def test_the_classes_of_lines_count_as_even(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "COUNTS", {"train": 4000, "validation": 9, "test": 9})  # of 200,000
    assert not uneven(counts_of(load("mnist-lines")))


@pytest.mark.parametrize("training", [True, False])
def test_running_over_images_changes_neither_mode_nor_weights(training: bool) -> None:
    model = build(TINY).train(training)
    pixels = torch.randint(0, 256, (7, 1, 28, 28), dtype=torch.uint8)
    images = ImageSet(pixels, torch.arange(7), tuple("0123456789"), "x", "test", "digits")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    preprocessing = preprocessing_for(TINY.input, images, low=0, high=1)
    outputs = run_over(executor(model, "torch"), images, preprocessing, recipe=Recipe())
    assert model.training is training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    torch.testing.assert_close(outputs.probabilities.sum(1), torch.ones(7))
    assert all(each.grad is None for each in model.parameters())
