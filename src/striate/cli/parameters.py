"""Click's parameter types of the verbs: a network, a run, a shape."""

from __future__ import annotations

import os.path
import re
import shlex
from math import isfinite
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from striate.description.header import ONNX, names_run
from striate.description.limits import DIGITS, NUMBER
from striate.description.network import Network
from striate.errors import FormatError, RunError, UnknownNameError, quote
from striate.execution.names import KERNELS, MOST_THREADS, current_name
from striate.networks import ALIASES, NETWORKS, entry_of, find
from striate.threads import allowed


class NetworkType(click.ParamType):
    """A network, given as a name of the catalogue, a file, the folder of a run, or a line of notation.

    A file may be an ONNX file of any origin: its network is read without its weights.
    """

    name = "network"

    def convert(self, value: str | Network, param: click.Parameter | None, ctx: click.Context | None) -> Network:
        return value if isinstance(value, Network) else _found(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        names = [CompletionItem(name) for name in (*NETWORKS, *ALIASES) if name.startswith(incomplete)]
        return names or [CompletionItem(incomplete, type="file")]


class RunType(click.ParamType):
    """The folder of a run, or its one file. A network, such as lenet5, stands for its run, runs/lenet5; it is printed.

    With `untrained`, a network without a run is returned as it is; otherwise it is an error.
    """

    name = "run"

    def __init__(self, *, untrained: bool = False) -> None:
        self.untrained = untrained

    def convert(
        self, value: str | Path | Network, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path | Network:
        if not isinstance(value, str):
            return value
        network = None if names_run(value) else _network(value)
        if network is None:
            return Path(value)
        if folder := _run_of(network):
            click.echo(f"{value}: using its run {folder}.", err=True)
            return folder
        if self.untrained:
            return network
        raise RunError(
            f"{value} is a network without a run: there is no runs/{network.name}.",
            "A run is a folder that striate train made; a network without a run is not trained.",
            f"Train it first: striate train {shlex.quote(value)}.",
        )

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")]


def _found(value: str) -> Network:
    if value.endswith(ONNX):
        from striate.exchange.reading import read_onnx

        return read_onnx(value).network
    return find(value)


def _network(value: str) -> Network | None:
    """The network that a value names; None where the value looks like the folder of a run."""
    written = ":" in value or value.endswith((".net", ".json"))
    try:
        return find(value)
    except UnknownNameError as error:
        near = error.remedy.partition("\n")[0]
        if os.path.exists(value) or not near.startswith("Did you mean"):
            return None
        raise RunError(
            f"{value} does not exist: there is no run and no network of that name.",
            "A run is a folder that striate train made; it holds a run.json.",
            near,
        ) from None
    except FormatError:
        if written:
            raise
        return None


def _run_of(network: Network) -> Path | None:
    """The run of a network of the catalogue, by its name. For any other network, a run whose network is equal to it."""
    folder = Path("runs", network.name)
    if folder.name != network.name or not (folder / "run.json").is_file():
        return None
    return folder if entry_of(network) is not None or find(str(folder)) == network else None


class ShapeType(click.ParamType):
    """Sizes such as 1x28x28. With `every`, one number stands for all sides: 28 for 28x28."""

    def __init__(self, form: str, *, every: bool = False) -> None:
        self.name = form
        self.every = every

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        count = self.name.count("x") + 1
        sizes = re.split("[x×]", value) if re.fullmatch(r"[0-9]+([x×][0-9]+)*", value) else []
        if self.every and len(sizes) == 1:
            sizes *= count
        if len(sizes) != count:
            also = ", or one number for all sides" if self.every else ""
            self.fail(f"{quote(value)} is not of the form {self.name}{also}.", param, ctx)
        if any(len(size) > DIGITS for size in sizes):
            self.fail(f"{quote(value)} is too large: a size may be {NUMBER:,} at most.", param, ctx)
        return tuple(int(size) for size in sizes)


class Whole(click.IntRange):
    """A whole number within a range, in plain digits; Python's own `int` also takes 1_000 and other scripts' digits."""

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int) or re.fullmatch(r"-?[0-9]{1,18}", value):
            return super().convert(int(value), param, ctx)
        self.fail(f"{quote(value)} is not a whole number from {self.min} to {self.max}.", param, ctx)


class Finite(click.FloatRange):
    """A number within a range; NaN is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = super().convert(value, param, ctx)
        return found if isfinite(found) else self.fail(f"{quote(value)} is not a finite number.", param, ctx)


class Numbers(click.ParamType):
    """Numbers with commas between them."""

    name = "numbers"

    def convert(
        self, value: str | tuple[float, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(float(each) for each in value.split(","))
        except ValueError:
            self.fail(f"{quote(value)} is not of the form 0.5 or 0.485,0.456,0.406.", param, ctx)
        if not all(map(isfinite, found)):
            self.fail(f"{quote(value)} has a number that is not finite.", param, ctx)
        return found


class KernelsType(click.Choice[str]):
    """The name of some kernels, or auto; a name of an earlier version stands for today's."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in KERNELS and value not in self.choices:
            self.fail(f"{KERNELS[value]} ({value}) does not train; it answers. Leave it at auto.", param, ctx)
        return super().convert(current_name(value), param, ctx)


class ThreadsType(click.IntRange):
    """A number of threads that the system lets this process start."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        wanted = super().convert(value, param, ctx)
        if (found := allowed(wanted)) < wanted:
            limit = "see `ulimit -u`, or the container's limit of processes"
            self.fail(f"the system lets this process run {found} of {wanted} threads ({limit}).", param, ctx)
        return wanted


NETWORK = NetworkType()
RUN = RunType()
RUN_OR_NETWORK = RunType(untrained=True)
INPUT = ShapeType("CxHxW")
SIZE = ShapeType("HxW", every=True)
DEVICE = click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="NAME",
    help="Where the network runs: cpu, on the kernels that are fastest there; cuda, cuda:1, mps; or auto, the best.",
)
"""The option of the verbs that ask a network for answers."""
THREADS = ThreadsType(1, MOST_THREADS)
LANGUAGE = click.Choice(["en", "ko"])
"""The languages of the page, which src/striate/web/ui/say.js has."""


def _speak(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value not in (None, "en"):  # English needs no catalogue
        from striate.language.say import speaking

        context.with_resource(speaking(value))


SPOKEN = click.option(
    "--lang",
    type=LANGUAGE,
    default="en",
    show_default=True,
    expose_value=False,
    callback=_speak,
    help="The language of figures and of the report.",
)
"""The option of the verbs that write figures or the report of a run: until the verb ends they are in that language."""
LOG = click.Choice(["csv", "tensorboard", "wandb", "mlflow"])
WIDTH = click.option(
    "--width",
    type=Finite(min=0, min_open=True),
    metavar="FACTOR",
    help="Multiply the filters and units, but not the classes, by this factor, such as 0.25.",
)
"""The option of the verbs that take a network at another width."""
