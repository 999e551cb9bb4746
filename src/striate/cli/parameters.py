"""The kinds of values that verbs take: a network, a shape."""

from __future__ import annotations

import re

import click
from click.shell_completion import CompletionItem

from striate.errors import quote
from striate.networks import ALIASES, NETWORKS, find
from striate.spec.limits import DIGITS, NUMBER
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
    """Sizes such as 1x28x28."""

    def __init__(self, form: str) -> None:
        self.name = form

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        count = self.name.count("x") + 1
        if not re.fullmatch(r"\d+([x×]\d+)*", value) or len(sizes := re.split("[x×]", value)) != count:
            self.fail(f"{quote(value)} is not of the form {self.name}.", param, ctx)
        if any(len(size) > DIGITS for size in sizes):
            self.fail(f"{quote(value)} is too large: a size may be {NUMBER:,} at most.", param, ctx)
        return tuple(int(size) for size in sizes)


NETWORK = NetworkType()
INPUT = ShapeType("CxHxW")
SIZE = ShapeType("HxW")
