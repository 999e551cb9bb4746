"""striate account: what every layer of a network costs."""

from __future__ import annotations

from collections.abc import Callable

import click

from striate.accounting import Account, account
from striate.accounting.memory import DTYPES, OPTIMISERS
from striate.accounting.others import VERSIONS
from striate.cli import terminal
from striate.cli.parameters import INPUT, NETWORK, WIDTH
from striate.description.json import Json, dump
from striate.description.narrow import narrow
from striate.description.network import Network

View = tuple[Callable[[int], str], Callable[[], dict[str, Json]]]
"""A function from a width in characters to the text, and the JSON of the same table."""


@click.command(
    "account",
    epilog="\b\nExamples:\n"
    "  striate account lenet5\n"
    "  striate account resnet152 --depth 1                one line per stage\n"
    "  striate account lenet5 --format csv > lenet5.csv\n"
    "  striate account vgg-d --memory --batch 64 --budget 8GiB\n"
    "  striate account alexnet --training --images 1281167\n"
    "  striate account alexnet --fit --input 3x224x224\n"
    "  striate account alexnet --unit conv3:5,7           the receptive field of one unit\n"
    "  striate account vgg-a --input 3x32x32 --width 0.25   the same layers, smaller\n"
    "  striate account lenet5-dense --as torchinfo        why another tool prints other figures\n"
    "  striate account lenet5-keras-table --versus fully-connected",
)
@click.argument("network", type=NETWORK)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    show_default=True,
    help="The output format. The table is as wide as the terminal.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--batch", type=click.IntRange(min=1), default=1, help="Count for a batch of this many images.")
@click.option(
    "--input", "shape", type=INPUT, metavar="CxHxW", help="Another input, such as 1x28x28: channels, height, width."
)
@WIDTH
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    help="Add up the layers whose paths have the same first N names: 1 for one line per stage.",
)
@click.option("--all", "every", is_flag=True, help="Print every layer, identical blocks too.")
@click.option("--without-biases", is_flag=True, help="Leave biases out, as sums on paper often do.")
@click.option("--strict", is_flag=True, help="Refuse layers whose windows leave rows or columns unseen.")
@click.option("--memory", is_flag=True, help="Show the memory that inference and training take.")
@click.option("--budget", help="Find the largest batch that trains within this memory, such as 8GiB.")
@click.option(
    "--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True, help="The type of every value."
)
@click.option(
    "--optimiser",
    type=click.Choice(list(OPTIMISERS)),
    default="adam",
    show_default=True,
    help="The optimiser whose state --memory includes.",
)
@click.option("--training", is_flag=True, help="Count the MACs of training: forward, backward, an epoch.")
@click.option(
    "--images", type=click.IntRange(min=1), default=60_000, show_default=True, help="Images per epoch, for --training."
)
@click.option(
    "--fit", is_flag=True, help="Show which layers do not fit their input exactly, and which sizes would fit."
)
@click.option("--unit", metavar="PATH:ROW,COL", help="Show the pixels of the input that one unit sees.")
@click.option(
    "--as", "tool", type=click.Choice(list(VERSIONS)), help="Show what another tool prints, and why it differs."
)
@click.option("--versus", type=NETWORK, help="Show another network beside this one.")
def command(
    network: Network,
    form: str,
    as_json: bool,
    batch: int,
    shape: tuple[int, ...] | None,
    width: float | None,
    depth: int | None,
    every: bool,
    without_biases: bool,
    strict: bool,
    memory: bool,
    budget: str | None,
    dtype: str,
    optimiser: str,
    training: bool,
    images: int,
    fit: bool,
    unit: str | None,
    tool: str | None,
    versus: Network | None,
) -> None:
    """Show what every layer of NETWORK costs.

    NETWORK is a name of the catalogue, a line of notation, a file or the folder of a run. Each row has a layer's path,
    its description, its input and output shapes, weights, biases, fixed values, connections, MACs, activations and its
    receptive field; the table ends with definitions of what is counted. Each of --memory, --training, --fit, --unit,
    --as and --versus prints another table instead.
    """
    network = network if width is None else narrow(network, width)
    chosen = [
        *([lambda: _fit(network, shape)] if fit else []),
        *([lambda: _unit(network, unit, shape)] if unit else []),
        *([lambda: _memory(counted(), dtype, optimiser, budget, depth)] if memory or budget else []),
        *([lambda: _training(counted(), images, depth)] if training else []),
        *([lambda: _others(counted(), tool)] if tool else []),
        *([lambda: _versus([counted(), other(versus)], dtype)] if versus else []),
    ]

    def counted() -> Account:
        return account(network, input=shape, batch=batch, biases=not without_biases, strict=strict)

    def other(network: Network) -> Account:
        return account(network, batch=batch, biases=not without_biases, strict=strict)

    if len(chosen) > 1:
        raise click.UsageError("Give only one of --memory, --training, --fit, --unit, --as and --versus.")
    if without_biases and (memory or budget or tool):
        which = "--as" if tool else "--memory" if memory else "--budget"
        raise click.UsageError(f"{which} is about the whole network: leave --without-biases out.")
    form = "json" if as_json else form
    if depth is not None and not chosen and form != "table":
        raise click.UsageError(f"--depth is for the table: --format {form} has every layer.")
    if not chosen:
        _print(form, _table(counted(), form, terminal.width(), depth=depth, fold=not every))
        return
    if form not in ("table", "json"):
        raise click.UsageError(f"--format {form} is for the table of layers; this table has only table and json.")
    text, document = chosen[0]()
    _print(form, dump(document()) if form == "json" else text(terminal.width()))


def _print(form: str, text: str) -> None:
    if form == "json":
        terminal.echo_json(text)
    else:
        click.echo(text)


def _table(counted: Account, form: str, width: int, *, depth: int | None, fold: bool) -> str:
    from striate.accounting.show import table

    match form:
        case "json":
            return table.to_json(counted)
        case "csv":
            return table.to_csv(counted).rstrip("\n")
        case "markdown":
            return table.to_markdown(counted)
        case _:
            return table.to_table(counted, width=width, depth=depth, fold=fold)


def _memory(counted: Account, dtype: str, optimiser: str, budget: str | None, depth: int | None) -> View:
    from striate.accounting.memory import largest_batch, memory, parse_bytes
    from striate.accounting.show.memory import budget_text, memory_table

    result = memory(counted, dtype=dtype, optimiser=optimiser)
    if budget is None:
        return lambda width: memory_table(result, width=width, depth=depth), result.to_dict
    limit = parse_bytes(budget)
    best: dict[str, Json] = {
        "budget": limit,
        "largest_batch": largest_batch(counted, limit, dtype=dtype, optimiser=optimiser),
    }
    return (
        lambda width: f"{memory_table(result, width=width, depth=depth)}\n\n{budget_text(result, limit, width=width)}",
        lambda: {**result.to_dict(), **best},
    )


def _training(counted: Account, images: int, depth: int | None) -> View:
    from striate.accounting.show.memory import cost_table
    from striate.accounting.training import training_cost

    cost = training_cost(counted, images=images)
    return lambda width: cost_table(cost, width=width, depth=depth), cost.to_dict


def _fit(network: Network, shape: tuple[int, ...] | None) -> View:
    from striate.accounting.fitting import fitting
    from striate.accounting.show.fit import fit_table

    found = fitting(network, input=shape)
    return lambda width: fit_table(found, width=width), found.to_dict


def _unit(network: Network, unit: str, shape: tuple[int, ...] | None) -> View:
    from striate.accounting.show.unit import unit_dict, unit_text
    from striate.accounting.unit import view

    seen = view(network, unit, input=shape)
    return lambda width: unit_text(network.name, seen, width=width), lambda: unit_dict(network.name, seen)


def _others(counted: Account, tool: str) -> View:
    from striate.accounting.others import as_counted_by
    from striate.accounting.show.others import others_table

    found = as_counted_by(tool, counted)
    return lambda width: others_table(found, width=width), found.to_dict


def _versus(accounts: list[Account], dtype: str) -> View:
    from striate.accounting.compare import compare, compare_table, to_dict

    found = compare(accounts, dtype=dtype)
    return lambda width: compare_table(found, width=width), lambda: to_dict(found)
