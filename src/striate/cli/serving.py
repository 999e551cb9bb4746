"""The options of `striate serve` as a value, which is also sent to its worker processes."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from striate.accounting import account
from striate.cli.predictors import predictors_of
from striate.cli.print.progress import working
from striate.description.labels import one_line
from striate.description.network import Network
from striate.serve.app import Settings, app
from striate.serve.batching import Limits
from striate.serve.guard import LOOPBACK, Guard
from striate.serve.log import Form, set_up
from striate.serve.server import run
from striate.train.run import open_run
from striate.web.describe import run_names

SMALL = 50_000_000
"""A network of fewer MACs runs on one thread: starting more takes longer than the computation."""


@dataclass(frozen=True)
class ServeOptions:
    """The runs, the host, and the options of the command."""

    given: tuple[Path | Network, ...]
    host: str
    token: str
    most: int
    limits: Limits
    log: Form
    device: str = "cpu"
    language: str = ""

    @cached_property
    def networks(self) -> list[Network]:
        """The network of each run. Raises RunError where a run cannot be read."""
        return [each if isinstance(each, Network) else open_run(each).network for each in self.given]

    @property
    def names(self) -> str:
        """The networks' names, each once; untrained networks are marked. Raises RunError where two runs are one."""
        run_names([Path(each.name) if isinstance(each, Network) else each for each in self.given])
        pairs = zip(self.given, self.networks, strict=True)
        marks = [
            net.name + (" (untrained: random weights)" if isinstance(each, Network) else "") for each, net in pairs
        ]
        return ", ".join(dict.fromkeys(marks))

    @property
    def runs(self) -> list[str]:
        """The runs' folders, or the networks' names."""
        return [each.name if isinstance(each, Network) else str(each) for each in self.given]

    def serve(self, bound: socket.socket, ready: Callable[[list[str]], None]) -> None:
        """Answer at a socket until a signal; `ready` gets a line for each run that says what answers."""
        from torch import set_num_threads

        if all(account(each).totals.macs < SMALL for each in self.networks):
            set_num_threads(1)
        with working("Measuring which kernels answer fastest"):
            predictors = predictors_of(self.given, images=None, device=self.device)
        lines = [f"{one_line(str(each.run.folder))} answers by {each.choice.words}" for each in predictors]
        guard = Guard(LOOPBACK if self.host in LOOPBACK else (), self.token)
        served = app(*predictors, settings=Settings(guard, self.limits, self.language))
        run(served, bound, ready=lambda: ready(lines), most=self.most, drain=int(self.limits.seconds))

    def work(self, bound: socket.socket, ready: Callable[[], None]) -> None:
        """Answer as one of several workers."""
        set_up(self.log, secret=self.token)
        self.serve(bound, lambda _: ready())
