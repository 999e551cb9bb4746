"""striate serve: a page to draw on, which shows a run's answers, and a JSON interface."""

from __future__ import annotations

from pathlib import Path

import click

from striate.cli.parameters import RUN_OR_NETWORK
from striate.description.labels import one_line
from striate.description.network import Network

SMALL = 50_000_000
"""A network of fewer MACs runs on one thread: starting more takes longer than the computation."""


@click.command(
    "serve",
    epilog="\b\nExamples:\n"
    "  striate serve runs/lenet5 --open             draw a digit, and see every layer as you draw\n"
    "  striate serve runs/lenet5 runs/lenet5-dense  draw once, and see the answer of each\n"
    "  striate serve alexnet                        untrained: random weights, and the page says so\n"
    "  striate serve runs/lenet5 --port 9000\n"
    "  striate serve runs/lenet5 --host 0.0.0.0     let a telephone in the same network draw, too\n"
    "  curl --data-binary @four.png -H 'Content-Type: image/png' http://127.0.0.1:8000/predict",
)
@click.argument("folders", metavar="RUN...", nargs=-1, required=True, type=RUN_OR_NETWORK)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes any free port.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address. By default only this machine can connect."
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def command(folders: tuple[Path | Network, ...], port: int, host: str, show: bool) -> None:
    """Serve RUN's network as a page to draw on, and as a JSON interface described at /openapi.json.

    With several RUNs one drawing goes to all of them, and the page shows them side by side.

    RUN is the folder of a run. A network (a name of the catalogue, a line of notation or a file) stands for its run,
    lenet5 for runs/lenet5; where there is no run, the network is served untrained, with random weights, and every
    answer says so.

    Prints the address and serves until Ctrl-C. Everything comes from this machine; nothing is fetched from the
    internet, and no image is kept.
    """
    _require("starlette", "uvicorn")

    import webbrowser
    from contextlib import suppress

    from torch import set_num_threads

    from striate.accounting import account
    from striate.cli.predictors import names_of, predictors_of
    from striate.cli.print.progress import working
    from striate.serve.app import app
    from striate.serve.guard import LOOPBACK
    from striate.serve.server import address, listen, run
    from striate.train.run import open_run

    networks = [each if isinstance(each, Network) else open_run(each).network for each in folders]
    if all(account(each).totals.macs < SMALL for each in networks):
        set_num_threads(1)
    with working("Measuring which kernels answer fastest"):
        predictors = predictors_of(folders, images=None)
    names = names_of(predictors)
    with listen(host, port) as bound:
        place = address(bound)

        def ready() -> None:
            click.echo(f"{names} at {place}   (Ctrl-C stops it)")
            for each in predictors:
                click.echo(f"  {one_line(str(each.run.folder))} answers by {each.choice.words}")
            if show:
                webbrowser.open(place)

        with suppress(KeyboardInterrupt):
            run(app(*predictors, hosts=LOOPBACK if host in LOOPBACK else ()), bound, ready=ready)
        click.echo("\nStopped.", err=True)


def _require(*modules: str) -> None:
    from importlib.util import find_spec

    from striate.errors import RequirementError
    from striate.extras import install

    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise RequirementError(
            f"striate serve needs {' and '.join(missing)}.",
            f"{'They come' if len(missing) > 1 else 'It comes'} with the extra `serve`.",
            f"Install {'them' if len(missing) > 1 else 'it'}: {install('serve')}",
        )
