"""A network with other classes, on another input, of another width: as functions, and as the options of train."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from striate import Network, account, at_size, at_width, find, with_classes
from striate.description.network import plan
from striate.errors import ShapeError, SpecError
from striate.modules import build
from striate.train import open_run
from tests.support.commands import striate

LINE = "1x28x28: conv 8 5x5 /2, relu, max 2, linear 10"


def test_names_lines_and_values_are_taken() -> None:
    for change, wanted in (
        (lambda network: with_classes(network, 7), "1x28x28: conv 8 5x5 /2, relu, max 2, linear 7"),
        (lambda network: at_size(network, (3, 14, 9)), "3x14x9: conv 8 5x5 /2, relu, max 2, linear 10"),
        (lambda network: at_width(network, 0.25), "1x28x28: conv 2 5x5 /2, relu, max 2, linear 10"),
    ):
        for given in (LINE, find(LINE)):
            assert change(given) == find(wanted)


@pytest.mark.parametrize("name", ["resnet20-cifar", "mobilenet-v2", "squeezenet1.1", "densenet121"])
def test_the_catalogue_is_changed(name: str) -> None:
    other = at_width(at_size(with_classes(name, 7), (3, 96, 96)), 0.5)
    assert plan(other).output == (7,)
    assert account(other).totals.parameters == sum(each.numel() for each in build(other).parameters())
    assert account(other).totals.parameters < account(name).totals.parameters


def test_classes_by_name() -> None:
    assert plan(with_classes("lenet5-dense", ["cat", "dog"])).output == (2,)
    assert len(with_classes("lenet5", "ABCDEF").layers[-1].centres) == 6  # pyright: ignore
    assert with_classes("lenet5-dense", range(10)) == find("lenet5-dense")


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        (lambda: with_classes("lenet5", 4), SpecError, "lenet5 ends in 10 RBF units"),
        (lambda: with_classes(LINE, 0), SpecError, "classes is 0.\nIt must be a whole number of at least 1."),
        (lambda: with_classes(LINE, 2.0), SpecError, "classes is 2.0."),  # pyright: ignore[reportArgumentType]
        (lambda: with_classes(LINE, "aab"), SpecError, "two classes have one name."),
        (lambda: at_size("lenet5-dense", (1, 8, 8)), ShapeError, "C3: a window 5 long does not fit"),
        (lambda: at_size(LINE, (8, 8)), SpecError, r"the input is \(8, 8\)."),  # pyright: ignore[reportArgumentType]
        (lambda: at_width("lenet5", 0.5), SpecError, "lenet5 cannot be made narrower."),
        (lambda: at_width(LINE, 0), SpecError, "factor is 0."),
    ],
)
def test_what_cannot_be_changed_is_refused(change: Callable[[], Network], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        change()


def test_train_takes_another_input_and_width(few_digits: Path, tmp_path: Path) -> None:
    arguments: list[Any] = ["train", LINE, "--data", few_digits, "--epochs", 1, "--out", "run", "--device", "cpu"]
    done = striate(*arguments, "--input", "3x20x24", "--width", "0.5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert open_run(tmp_path / "run").network == at_width(at_size(LINE, (3, 20, 24)), 0.5)
    done = striate(*arguments, "--out", "no", "--input", "1x3x3", cwd=tmp_path)
    assert done.returncode == 2
    assert "conv1: a window 5 long does not fit an input of 1×3×3" in done.stderr
    assert not (tmp_path / "no").exists()


def test_account_counts_at_another_width() -> None:
    done = striate("account", "vgg-a", "--input", "3x32x32", "--width", "0.25", "--json")
    wanted = account(at_width(at_size("vgg-a", (3, 32, 32)), 0.25)).totals.parameters
    assert json.loads(done.stdout)["totals"]["parameters"] == wanted < account("vgg-a").totals.parameters
