"""Accounts of large and of hostile networks: the work grows with the layers, and with nothing else."""

import random
import sys
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from striate import Activation, Auxiliary, Branches, Conv, Flatten, GlobalAveragePool, Linear, Network, Pool, Residual
from striate.accounting.compare import compare, compare_table
from striate.accounting.fitting import fitting
from striate.accounting.memory import largest_batch, memory
from striate.accounting.others import VERSIONS, as_counted_by
from striate.accounting.rows import account
from striate.accounting.show.fit import fit_table
from striate.accounting.show.memory import budget_text, cost_table, memory_table
from striate.accounting.show.table import to_table
from striate.accounting.training import training_cost
from striate.accounting.unit import view
from striate.cli.verbs.account import command
from striate.description.layers import Layer
from striate.description.network import plan
from striate.errors import SpecError, StriateError

SMALL, LARGE = 60, 240


def calls(work: Callable[[], object]) -> int:
    """How many calls of functions, C's too, some work takes."""
    number = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return number


def body(kind: str, layers: int) -> list[Layer]:
    """Layers of one kind in a row, or of many kinds, whose order repeats."""
    dice = random.Random(7)
    kinds = dice.choices(["conv", "dilated", "residual", "branches", "head"], k=SMALL) if kind == "mixed" else [kind]
    found: list[Layer] = []
    for number in range(layers):
        match kinds[number % len(kinds)]:
            case "conv":
                found.append(Conv(2, kernel=3, padding=1))
            case "valid":
                found.append(Conv(2, kernel=3))
            case "dilated":
                found.append(Conv(2, kernel=2, dilation=2, padding=1))
            case "residual":
                found.append(Residual([Conv(2, kernel=2, dilation=2, padding=1)]))
            case "branches":
                found.append(Branches([[Conv(1, kernel=1)], [Conv(1, kernel=3, padding=1)]]))
            case _:
                found.append(Auxiliary([GlobalAveragePool(), Linear(2)]))
    return found


def network(kind: str, layers: int) -> Network:
    return Network("many", (2, 500, 500), [*body(kind, layers), Flatten(), Linear(2)])


WORK: dict[str, Callable[[Network], object]] = {
    "account": account,
    "table": lambda net: to_table(account(net)),
    "memory": lambda net: memory(account(net)),
    "training": lambda net: training_cost(account(net)),
    "fit": fitting,
    "unit": lambda net: view(net, plan(net).steps[-1].path),
    "as": lambda net: as_counted_by("torchinfo", account(net)),
    "versus": lambda net: compare([account(net), account(net)]),
}


@pytest.mark.parametrize("kind", ["mixed", "valid", "head", "residual"])
@pytest.mark.parametrize("work", [work for work in WORK if work != "fit"])
def test_four_times_the_layers_are_four_times_the_work(kind: str, work: str) -> None:
    few, many = (calls(lambda size=size: WORK[work](network(kind, size))) for size in (SMALL, LARGE))
    assert many < 4.6 * few


def test_a_fit_is_linear_in_layers_too() -> None:
    few, many = (calls(lambda size=size: fitting(network("valid", size))) for size in (15, 60))
    assert many < 4.6 * few


@pytest.mark.parametrize(
    "layers",
    [
        [Conv(1, kernel=2, dilation=400_000, stride=3, padding=7), Flatten(), Linear(1_000_000)],
        [Conv(1_000_000, kernel=1), Conv(1_000_000, kernel=1, groups=1_000_000), GlobalAveragePool(), Linear(2)],
        [Conv(1, kernel=1, stride=999_983), Flatten(), Linear(2)],
        [Conv(1, kernel=999_983), Pool("max", kernel=3, stride=2), Flatten(), Linear(2)],
        [Pool("average", kernel=999_983, stride=999_983, padding=499_000, ceil=True), Flatten(), Linear(2)],
    ],
)
def test_no_walk_over_a_range_of_pixels(layers: list[Layer]) -> None:
    large = Network("large", (1, 1_000_000, 1_000_000), layers)
    assert calls(lambda: to_table(account(large))) < 20_000
    assert calls(lambda: [view(large, step.path) for step in plan(large).steps if len(step.output) == 1]) < 20_000
    assert calls(lambda: fit_table(fitting(large))) < 1_000_000


def test_patches_that_double_with_every_layer_are_put_together() -> None:
    doubling = [Residual([Conv(1, kernel=2, dilation=3**power, padding="same")]) for power in range(9)]
    net = Network("doubling", (1, 40_000, 1), [*doubling, GlobalAveragePool(), Linear(1)])
    assert calls(lambda: account(net)) < 100_000
    assert account(net).rows[-1].receptive_field.size == (40_000, 1)
    assert view(net, "residual9:20000,0").clipped is not None


def test_a_budget_where_nothing_is_trained() -> None:
    plain = account(Network("plain", (1, 8, 8), [Activation("relu")]))
    assert largest_batch(plain, 10**9) is None
    assert budget_text(memory(plain), 10**9) == (
        "Any batch fits into 1,000.00 MB (953.67 MiB): the network has no parameters, so\nnothing is kept of an image."
    )
    found = CliRunner().invoke(command, ["1x8x8: relu", "--budget", "1GiB", "--json"])
    assert '"largest_batch": null' in found.output
    assert found.exit_code == 0


@pytest.mark.parametrize("batch", [1, 10**12])
def test_every_table_of_a_network_as_large_as_may_be(batch: int) -> None:
    layers = [Conv(1_000_000, kernel=999_999, padding=499_999), Flatten(), Linear(1_000_000)]
    counted = account(Network("large", (1_000_000, 1_000_000, 1_000_000), layers), batch=batch)
    assert counted.totals.parameters > 10**23
    for tool in VERSIONS:
        as_counted_by(tool, counted)
    assert "total" in to_table(counted)
    assert "MB" in memory_table(memory(counted))
    assert "No batch trains" in budget_text(memory(counted), 10**9)
    assert "epoch" in cost_table(training_cost(counted, images=10**12))
    assert "times" not in compare_table(compare([counted, counted]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--unit", "C1:" + "9" * 5000 + ",1"],
        ["--unit", "C1:-1,0"],
        ["--unit", "C1:１,２"],
        ["--unit", "\x1b[2J:1,2"],
        ["--unit", "x" * 100_000],
        ["--unit", ""],
        ["--unit", ":"],
        ["--budget", "9" * 5000 + "GiB"],
        ["--budget", "0"],
        ["--budget", "1" * 300 + "TiB"],
        ["--budget", "-1GiB"],
        ["--budget", "nan"],
        ["--memory", "--batch", "9" * 400],
        ["--memory", "--batch", "9" * 5000],
        ["--training", "--images", "9" * 400],
        ["--fit", "--input", "1x" + "9" * 5000 + "x1"],
        ["--fit", "--input", "1x1000000x1000000"],
        ["--fit", "--input", "0x0x0"],
        ["--input", "3x999999999x999999999"],
        ["--depth", "9" * 400],
        ["--as", "torchinfo", "--batch", "9" * 12],
        ["--versus", "1000*(1000*(1000*(relu)))"],
        ["--versus", "/dev/zero"],
        ["--versus", "1x8x8: max 2 pad 2"],
        ["--versus", "a\nb"],
    ],
)
def test_hostile_arguments_are_answered(arguments: list[str]) -> None:
    found = CliRunner().invoke(command, ["lenet5", *arguments])
    assert found.exception is None or isinstance(found.exception, (SystemExit, StriateError)), found.exception
    assert "\x1b" not in f"{found.output}{found.exception}"


def test_a_batch_and_images_have_a_bound() -> None:
    counted = account(Network("n", (1, 8, 8), [Flatten(), Linear(2)]))
    with pytest.raises(SpecError, match="the images of an epoch is 1000000000001"):
        training_cost(counted, images=10**12 + 1)
    with pytest.raises(SpecError, match="the batch is 0"):
        counted.for_batch(0)
