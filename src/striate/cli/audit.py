"""striate audit: the account held against the module that PyTorch runs."""

from __future__ import annotations

import json

import click

from striate.cli import terminal
from striate.cli.parameters import NETWORK
from striate.spec.network import Network


@click.command("audit", epilog="\b\nExamples:\n  striate audit lenet5\n  striate audit mine.json --json")
@click.argument("network", type=NETWORK)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
def command(network: Network, as_json: bool) -> None:
    """Hold the account of NETWORK against the built PyTorch module, layer by layer.

    NETWORK is a name of the catalogue, a line of notation, a file or the folder of a run.

    Compares shapes, parameters, fixed values, MACs and the bytes kept for the backward pass. No memory is spent on the
    network's weights. The exit code is 2 where anything differs.
    """
    from striate.account.grid import fitted
    from striate.audit import audit, require_agreement
    from striate.spec.shapes import show

    checks = audit(network)
    if as_json:
        keys = ("path", "output", "parameters", "fixed", "macs", "kept", "counted_by", "agrees")
        click.echo(json.dumps([{key: getattr(check, key) for key in keys} for check in checks], indent=2))
    else:
        rows: list[tuple[str, ...]] = [("layer", "output", "parameters", "MACs", "MACs counted by", "")]
        for check in checks:
            counter, mark = check.counted_by if check.macs[1] else "", "✓" if check.agrees else "✗"
            figures = (show(check.output[1]), f"{check.parameters[1]:,}", f"{check.macs[1]:,}")
            rows.append((check.path, *figures, counter, mark))
        click.echo("\n".join(fitted(rows, "<>>><<", terminal.width(), drop=[4, 3])))
    require_agreement(checks)
    if not as_json:
        click.echo(f"\nAll {len(checks)} layers of {network.name} agree with the account.")
