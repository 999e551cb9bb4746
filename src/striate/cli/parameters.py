"""The kinds of values that verbs take: a network, a shape."""

from __future__ import annotations

import re

import click
from click.shell_completion import CompletionItem

from striate.networks import ALIASES, NETWORKS, find
from striate.spec.network import Network


class NetworkType(click.ParamType):
    """A name of the catalogue, a file, or a network written out in the notation."""

    name = "network"

    def convert(self, value: str | Network, param: click.Parameter | None, ctx: click.Context | None) -> Network:
        return value if isinstance(value, Network) else find(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        names = [CompletionItem(name) for name in (*NETWORKS, *ALIASES) if name.startswith(incomplete)]
        return names or [CompletionItem(incomplete, type="file")]


class ShapeType(click.ParamType):
    """Sizes such as 1x28x28; where one number stands for `every` side, such as 28 for 28x28."""

    def __init__(self, form: str, *, every: bool = False) -> None:
        self.name = form
        self.every = every

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        count = self.name.count("x") + 1
        sizes = re.split("[x×]", value) if re.fullmatch(r"[0-9]{1,18}([x×][0-9]{1,18})*", value) else []
        if self.every and len(sizes) == 1:
            sizes *= count
        if len(sizes) != count:
            also = ", or one number for all sides" if self.every else ""
            self.fail(f"{value!r:.60} is not of the form {self.name}{also}.", param, ctx)
        return tuple(int(size) for size in sizes)


NETWORK = NetworkType()
INPUT = ShapeType("CxHxW")
SIZE = ShapeType("HxW", every=True)
