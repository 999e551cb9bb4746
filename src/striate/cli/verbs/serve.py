"""striate serve: a page to draw on, which shows a run's answers, and a JSON interface."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import click

from striate.cli.parameters import DEVICE, LANGUAGE, RUN_OR_NETWORK, Whole
from striate.description.network import Network
from striate.extras import require_extra

TOKEN = "STRIATE_TOKEN"
"""The environment variable of the token."""


@click.command(
    "serve",
    epilog="\b\nExamples:\n"
    "  striate serve runs/lenet5 --open             draw a digit, and see every layer as you draw\n"
    "  striate serve runs/lenet5 runs/lenet5-dense  draw once, and see the answer of each\n"
    "  striate serve alexnet                        untrained: random weights, and the page says so\n"
    "  striate serve runs/lenet5 --port 9000\n"
    "  striate serve runs/lenet5 --host 0.0.0.0     let a telephone in the same network draw, too\n"
    "  striate serve runs/lenet5 --workers 4 --log json   for other programs; /metrics counts what they ask\n"
    "  curl --data-binary @four.png -H 'Content-Type: image/png' http://127.0.0.1:8000/predict",
)
@click.argument("folders", metavar="RUN...", nargs=-1, required=True, type=RUN_OR_NETWORK)
@click.option("--port", type=Whole(0, 65535), default=8000, show_default=True, help="0 takes any free port.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address. By default only this machine can connect."
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option("--lang", type=LANGUAGE, help="The page's language. By default the browser's, or English.")
@click.option(
    "--token",
    default=None,
    help="Refuse requests without this token; better set STRIATE_TOKEN, which nobody else sees.",
)
@click.option(
    "--max-connections",
    type=Whole(1, 100_000),
    default=100,
    show_default=True,
    help="The most connections that are kept.",
)
@click.option(
    "--queue",
    type=Whole(1, 100_000),
    default=128,
    show_default=True,
    help="The most requests that may wait for a network; more get status 503.",
)
@click.option(
    "--timeout",
    type=Whole(1, 3600),
    default=30,
    show_default=True,
    help="Seconds after which a request without an answer gets status 503, and a stopping server stops waiting.",
)
@click.option(
    "--log",
    type=click.Choice(["plain", "json"]),
    default="plain",
    show_default=True,
    help="json: one line for each request and event, on standard error.",
)
@click.option(
    "--workers",
    type=Whole(1, 256),
    default=1,
    show_default=True,
    help="Processes that answer; each loads the runs.",
)
@DEVICE
def command(
    folders: tuple[Path | Network, ...],
    port: int,
    host: str,
    show: bool,
    lang: str | None,
    token: str | None,
    max_connections: int,
    queue: int,
    timeout: int,
    log: Literal["plain", "json"],
    workers: int,
    device: str,
) -> None:
    """Serve RUN's network as a page to draw on, and as a JSON interface described at /openapi.json.

    With several RUNs one drawing goes to all of them, and the page shows them side by side.

    RUN is the folder of a run. A network (a name of the catalogue, a line of notation or a file) stands for its run,
    lenet5 for runs/lenet5; where there is no run, the network is served untrained, with random weights, and every
    answer says so.

    Prints the address and serves until Ctrl-C. Everything comes from this machine; nothing is fetched from the
    internet, and no image is kept.
    """
    require_extra("serve", "striate serve needs")
    secret = _token(token)
    _check_host(host)

    import webbrowser
    from contextlib import suppress
    from urllib.parse import quote

    from striate.cli.serving import ServeOptions
    from striate.serve.batching import Limits
    from striate.serve.log import event, set_up
    from striate.serve.server import address, listen
    from striate.serve.workers import Workers
    from striate.train.machine import device_called

    options = ServeOptions(
        folders, host, secret, max_connections, Limits(queue, timeout), log, device_called(device), lang or ""
    )
    names = options.names  # what cannot be read is an error before anything listens
    set_up(log, secret=secret)
    with listen(host, port) as bound:
        place = address(bound)
        query = [*([f"token={quote(secret, safe='')}"] if secret else []), *([f"lang={lang}"] if lang else [])]
        page = f"{place}?{'&'.join(query)}" if query else place
        shown = page if log == "plain" else place  # what JSON lines are kept with should not hold the token

        def ready(answers: list[str]) -> None:
            click.echo(f"{names} at {shown}   (Ctrl-C stops it)")
            for each in answers:
                click.echo(f"  {each}")
            event("started", address=place, workers=workers, runs=options.runs)
            if show:
                webbrowser.open(page)

        with suppress(KeyboardInterrupt):
            if workers == 1:
                options.serve(bound, ready)
            else:
                told = [f"{workers} workers"]
                Workers(options.work, bound, workers, lambda: ready(told), patience=timeout + 30).run()
        event("stopped")
        if log == "plain":
            click.echo("\nStopped.", err=True)


def _token(given: str | None) -> str:
    """The token of the option, or else of the environment; "" where neither is there."""
    found = os.environ.get(TOKEN) if given is None else given
    if found is None:
        return ""
    from striate.errors import SpecError

    make = "Make one: python -c 'import secrets; print(secrets.token_urlsafe())'."
    if not found:
        raise SpecError(
            f"{TOKEN if given is None else '--token'} is empty: every request would be answered.",
            "It must be what requests have to show.",
            f"{make} To serve without a token, leave it out.",
        )
    if not found.isascii() or not found.isprintable() or any(each in found for each in ' ;,"\\'):
        raise SpecError(
            "the token has characters that a header cannot carry.",
            "It must be of printable ASCII characters, without spaces, commas, semicolons, quotes and backslashes.",
            make,
        )
    return found


def _check_host(host: str) -> None:
    """Raise AddressError for an empty host, which systems take for every address of the machine."""
    if not host.strip():
        from striate.errors import AddressError

        raise AddressError(
            "--host is empty.",
            "It must be an address of this machine, such as 127.0.0.1.",
            "Leave it out to listen on this machine alone; 0.0.0.0 listens for all machines.",
        )
