"""The views of `striate account`."""

import json

import pytest
from click.testing import CliRunner

from striate.cli.verbs.account import command
from tests.support.commands import python


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--memory"], "kept for backward"),
        (["--budget", "8GiB"], "The largest batch that trains within"),
        (["--training"], "an epoch of 60,000 images"),
        (["--fit"], "The smallest input that the network takes: 32×32."),
        (["--unit", "S2:0,0"], "reads  rows 0 to 5, columns 0 to 5 (6×6 pixels)"),
        (["--as", "fvcore"], "a connection table, as if every filter saw every map"),
        (["--versus", "lenet5-dense"], "lenet5-dense has 1.03 times more parameters"),
        (["--depth", "1"], "60,000 parameters, trained"),
    ],
)
def test_each_view_says_its_line(arguments: list[str], line: str) -> None:
    assert line in " ".join(run("lenet5", *arguments).split("\n"))


def test_the_depth_is_of_the_table_alone() -> None:
    for form in ("csv", "json", "markdown"):
        failed = CliRunner().invoke(command, ["resnet18", "--depth", "1", "--format", form])
        assert failed.exit_code == 2
        assert f"--depth is for the table: --format {form} has every layer." in failed.output


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["--memory", "--batch", "4"], {"batch", "dtype", "optimiser", "layers", "totals", "meaning", "unit"}),
        (["--budget", "1GiB"], {"budget", "largest_batch", "totals"}),
        (["--training"], {"images", "layers", "totals"}),
        (["--fit"], {"misfits", "exact_inputs", "smallest_input", "same", "problem"}),
        (["--unit", "C3:1,1"], {"path", "unit", "clipped", "unclipped"}),
        (["--as", "thop"], {"tool", "version", "figures"}),
        (["--versus", "alexnet"], {"measures", "networks"}),
    ],
)
def test_each_view_is_there_as_json(arguments: list[str], keys: set[str]) -> None:
    document = json.loads(run("lenet5", "--json", *arguments))
    assert keys <= set(document)


def test_both_networks_are_counted_alike() -> None:
    words = ["lenet5-dense", "--without-biases", "--versus", "lenet5-dense", "--json"]
    assert {each["parameters"] for each in json.loads(run(*words))["networks"]} == {61_470}
    failed = CliRunner().invoke(command, ["lenet5-dense", "--strict", "--versus", "1x7x7: conv 1 3x3 /3, linear 2"])
    assert "the windows do not cover the input of 7" in str(failed.exception)


def test_the_json_of_a_unit() -> None:
    assert json.loads(run("alexnet", "--unit", "conv3:5,7", "--json")) == {
        "network": "alexnet",
        "input": [3, 227, 227],
        "path": "conv3",
        "unit": [5, 7],
        "clipped": {"rows": [48, 146], "columns": [80, 178], "size": [99, 99]},
        "unclipped": {"rows": [48, 146], "columns": [80, 178], "size": [99, 99]},
    }


def test_memory_follows_batch_dtype_and_optimiser() -> None:
    one = json.loads(run("vgg-a", "--memory", "--json"))["totals"]
    two = json.loads(
        run("vgg-a", "--memory", "--json", "--batch", "2", "--dtype", "float64", "--optimiser", "momentum")
    )["totals"]
    assert two["all_outputs"] == 4 * one["all_outputs"]
    assert two["parameters"] == 2 * one["parameters"] == two["optimiser_state"]


def test_only_one_view_at_a_time() -> None:
    result = CliRunner().invoke(command, ["lenet5", "--fit", "--memory"])
    assert result.exit_code == 2
    assert "Give only one of --memory, --training, --fit, --unit, --as and --versus." in result.output


def test_views_have_no_csv() -> None:
    result = CliRunner().invoke(command, ["lenet5", "--memory", "--format", "csv"])
    assert result.exit_code == 2
    assert "--format csv is for the table of layers; this table has only table and json." in result.output


def test_strict_holds_for_views_too() -> None:
    result = CliRunner().invoke(command, ["simple-cnn", "--memory", "--strict"])
    assert result.exit_code == 1
    assert "pool3: the windows do not cover the input of 7" in str(result.exception)


@pytest.mark.parametrize("arguments", [[], ["--memory"], ["--fit"], ["--as", "keras"], ["--versus", "vgg-d"]])
def test_no_view_loads_a_framework(arguments: list[str]) -> None:
    code = (
        "import sys; from striate.cli.verbs.account import command\n"
        f"command.main(['resnet20-cifar', *{arguments!r}], standalone_mode=False)\n"
        "print([name for name in ('torch', 'numpy', 'rich', 'jaxtyping') if name in sys.modules])"
    )
    out = python(code).stdout
    assert out.endswith("[]\n")
