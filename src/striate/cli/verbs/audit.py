"""striate audit: compares the account with the PyTorch module, and the module with every other kernel."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

from striate.cli import terminal
from striate.cli.parameters import NETWORK
from striate.description.network import Network

if TYPE_CHECKING:
    from striate.audit import Check
    from striate.audit_kernels import KernelCheck


LITTLE = (
    "The gradients prove little: the module's own change as much when its images change in their last digits, so only "
    "gross faults would show. The outputs, and shallower networks of the same layers, prove more."
)


@click.command("audit", epilog="\b\nExamples:\n  striate audit lenet5\n  striate audit mine.json --json")
@click.argument("network", type=NETWORK)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
def command(network: Network, as_json: bool) -> None:
    """Compare the account of NETWORK with the PyTorch module, layer by layer, and all kernels with the module.

    NETWORK is a name of the catalogue, a line of notation, a file or the folder of a run.

    First the shapes, parameters, fixed values, MACs and the bytes kept for the backward pass are compared, without
    allocating memory for the network's weights. Then the module and every other kernel that can run the network take a
    training step with random weights: outputs and gradients must agree. The exit code is 2 where anything differs.
    """
    from striate.audit import audit, require_agreement
    from striate.audit_kernels import audit_kernels, require_kernels
    from striate.cli.print.progress import working

    checks = audit(network)
    if not as_json:
        _print_layers(checks)
        require_agreement(checks)
        click.echo(f"\nAll {len(checks)} layers of {network.name} agree with the account.")
    with working("Taking a step on all kernels"):
        kernels = audit_kernels(network)
    if as_json:
        click.echo(json.dumps([_members(check, kernels) for check in checks], indent=2))
        require_agreement(checks)
    else:
        _print_kernels(kernels)
    require_kernels(kernels)


def _print_layers(checks: list[Check]) -> None:
    from striate.accounting.show.grid import fitted
    from striate.description.shapes import show

    rows: list[tuple[str, ...]] = [("layer", "output", "parameters", "MACs", "MACs counted by", "")]
    for check in checks:
        counter, mark = check.counted_by if check.macs[1] else "", "✓" if check.agrees else "✗"
        figures = (show(check.output[1]), f"{check.parameters[1]:,}", f"{check.macs[1]:,}")
        rows.append((check.path, *figures, counter, mark))
    click.echo("\n".join(fitted(rows, "<>>><<", terminal.width(), drop=[4, 3])))


def _print_kernels(kernels: list[KernelCheck]) -> None:
    from striate.accounting.show.grid import fitted, wrapped

    rows: list[tuple[str, ...]] = [("kernels", "outputs off by", "gradients off by", "allowed", "")]
    notes: list[str] = []
    for check in kernels:
        if check.refused:
            notes += wrapped(f"not run: {check.refused}", terminal.width(), first=f"{check.kernels}: ")
            continue
        outputs, gradients = (f"{max(each.values(), default=0.0):.1e}" for each in (check.outputs, check.gradients))
        mark = "✓" if check.agrees else f"✗  {', '.join(check.wrong[:3])}{', ...' if check.wrong[3:] else ''}"
        rows.append((check.kernels, outputs, gradients, f"{check.allowed:.1e}", mark))
    click.echo("\nBeside the module on PyTorch, after a training step:")
    click.echo("\n".join([*fitted(rows, "<>>><", terminal.width()), *notes]))
    if any(check.says_little for check in kernels):
        click.echo("\n".join(wrapped(LITTLE, terminal.width(), indent="")))


def _members(check: Check, kernels: list[KernelCheck]) -> dict[str, Any]:
    keys = ("path", "output", "parameters", "fixed", "macs", "kept", "counted_by", "agrees")
    return {key: getattr(check, key) for key in keys} | {
        "kernels": {each.kernels: _kernel_members(each, check.path) for each in kernels}
    }


def _kernel_members(check: KernelCheck, path: str) -> dict[str, Any]:
    """The differences of kernels at a layer, and the difference that is allowed; null where there is no finite one."""
    if check.refused:
        return {"refused": check.refused}
    found = {"output": check.outputs.get(path), "gradients": check.gradients.get(path)}
    numbers = {name: off if off is not None and math.isfinite(off) else None for name, off in found.items()}
    return numbers | {"allowed": check.allowed, "agrees": path not in check.wrong}
