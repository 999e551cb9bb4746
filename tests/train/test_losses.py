"""LeNet-5's losses against their formulas, worked out one image at a time."""

import math
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from striate import find, from_text
from striate.cli import root
from striate.errors import SpecError
from striate.modules import build
from striate.train import Learner
from striate.train.losses import class_scores, loss_of, rbf_map, rbf_mle, require_loss
from striate.train.recipe import Recipe

distances = st.lists(st.lists(st.floats(0, 300), min_size=4, max_size=4), min_size=1, max_size=5)


@given(rows=distances, data=st.data())
def test_eq_8_and_eq_9(rows, data) -> None:
    labels = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    rubbish = data.draw(st.floats(0, 100))
    given_, right = torch.tensor(rows, dtype=torch.float64), torch.tensor(labels)
    mle = sum(row[label] for row, label in zip(rows, labels, strict=True)) / len(rows)
    terms = [math.log(math.exp(-rubbish) + sum(math.exp(-y) for y in row)) for row in rows]
    assert rbf_mle(given_, right).item() == pytest.approx(mle, abs=1e-9)
    value = rbf_map(given_, right, rubbish=rubbish).item()
    assert value == pytest.approx(mle + sum(terms) / len(rows), abs=1e-9)
    assert value >= -1e-9


def test_eq_9_with_a_large_j_is_the_cross_entropy_of_minus_y() -> None:
    rows, labels = torch.rand(6, 10, dtype=torch.float64) * 50, torch.arange(6)
    expected = torch.nn.functional.cross_entropy(-rows, labels)
    torch.testing.assert_close(rbf_map(rows, labels, rubbish=1e6), expected)


def test_with_a_small_j_wrong_classes_are_hardly_pushed() -> None:
    """The paper's competition needs j of the order of the distances: at j = 0.1 and y = 25 the push is 1.5e-11."""
    rows = torch.tensor([[20.0, 25.0]], dtype=torch.float64, requires_grad=True)
    rbf_map(rows, torch.tensor([0]), rubbish=0.1).backward()
    assert rows.grad[0, 1].item() == pytest.approx(-1.5e-11, rel=0.03)


def test_the_recipe_names_the_loss() -> None:
    rows, labels = torch.rand(4, 10), torch.arange(4)
    assert loss_of(rows, labels, Recipe(loss="rbf-mle")) == rbf_mle(rows, labels)
    assert loss_of(rows, labels, Recipe(loss="rbf-map", rubbish=2.0)) == rbf_map(rows, labels, rubbish=2.0)
    assert loss_of(rows, labels, Recipe()) == torch.nn.functional.cross_entropy(rows, labels)


def test_the_nearest_centre_is_the_likeliest_class() -> None:
    outputs = torch.tensor([[3.0, 1.0, 2.0]])
    assert class_scores(find("lenet5"), outputs).argmax() == 1
    assert class_scores(find("lenet5-dense"), outputs).argmax() == 0


@pytest.mark.parametrize(
    ("name", "recipe", "text"),
    [
        ("lenet5", Recipe(), "the recipe's loss is cross-entropy, and lenet5 ends in RBF units."),
        ("lenet5-dense", Recipe(loss="rbf-map"), "the recipe's loss is rbf-map, and lenet5-dense ends in class scores"),
    ],
)
def test_a_loss_that_teaches_wrong_answers_is_refused(name: str, recipe: Recipe, text: str) -> None:
    with pytest.raises(SpecError, match=text):
        Learner(build(name), recipe, kernels="torch")


def test_a_recipe_file_for_other_outputs_makes_no_run(few_digits: Path, tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text("epochs = 1")
    options = ["--recipe", str(tmp_path / "short.toml"), "--data", str(few_digits), "--kernels", "torch"]
    refused = CliRunner().invoke(root, ["train", "lenet5", *options, "--out", str(tmp_path / "run")])
    assert str(refused.exception).endswith("such as by --set loss=rbf-map --set rubbish=10.")
    assert not (tmp_path / "run").exists()


def test_a_softmax_in_a_block_is_refused() -> None:
    """No room would look for it there: its probabilities would pass for logits."""
    with pytest.raises(SpecError, match="ends in a softmax, inside a block or before an auxiliary head"):
        require_loss(from_text("1x8x8: conv 2 3x3, end: (flatten, linear 3, softmax)"), Recipe())
    require_loss(from_text("1x8x8: conv 2 3x3, end: (flatten, linear 3), softmax"), Recipe())
