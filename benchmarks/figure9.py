"""The cheap rows of the LeNet-5 paper's figures 9 and 10, its figures beside ours.

    python benchmarks/figure9.py [NETWORK ...] [--seeds 3] [--epochs N] [--threads 1] [--json]

Each network is trained anew for each seed, by the recipe that `striate train` takes for it: as today, not as in 1998.
The best epoch is chosen by the validation images; the test images are read once a seed.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from striate import account, find
from striate.train import Epoch, Outputs, evaluation, recipe_for, session
from striate.train.machine import environment
from striate.train.rejection import rejection_of


@dataclass(frozen=True)
class Row:
    """A row of figure 9: the paper's error and, from figure 10, the share rejected for 0.5 % error, in per cent.

    `resize` is the side to which MNIST's images are brought before they are padded: 23 makes a digit's box 16 pixels.
    """

    network: str
    error: str
    rejected: str = ""
    resize: int | None = None


ROWS = (
    Row("linear-classifier", "12.0"),
    Row("mlp-300", "4.7"),
    Row("mlp-1000", "4.5"),
    Row("mlp-300-100", "3.05"),
    Row("mlp-500-150", "2.95"),
    Row("lenet1", "1.7", "3.7", resize=23),
    Row("lenet1", ""),
    Row("lenet5", "0.95"),
)


def main() -> None:
    """Train, print a line a seed on stderr, and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help="only these")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    torch.set_flush_denormal(True)
    rows = [row for row in ROWS if not arguments.networks or row.network in arguments.networks]
    torch.set_num_threads(arguments.threads)

    found = [measured(row, arguments) for row in rows]
    if arguments.json:
        print(json.dumps({"rows": found, "machine": machine()}))
        return
    print("| network | parameters | error, paper | error | rejected for 0.5 %, paper | rejected | seconds |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for row, one in zip(rows, found, strict=True):
        side = f", images at {row.resize}×{row.resize}" if row.resize else ""
        print(
            f"| `{row.network}`{side} | {one['parameters']:,} | {percent(row.error)} | {spread(one['errors'])} | "
            f"{percent(row.rejected)} | {spread(one['rejected'])} | {statistics.mean(one['seconds']):.0f} |"
        )
    print(f"\nMeans of {arguments.seeds} seeds (± their standard deviation). {arguments.threads} threads, {machine()}.")


def measured(row: Row, arguments: argparse.Namespace) -> dict:
    """A row's test errors, the shares rejected and the seconds of training, for each seed."""
    network = find(row.network)
    recipe = recipe_for(network)
    recipe = replace(recipe, epochs=arguments.epochs or recipe.epochs)
    images = session.Images(resize=(row.resize, row.resize) if row.resize else None)
    errors, rejected, seconds = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.seeds):
            place = Path(folder) / str(seed)
            seeded = replace(recipe, seed=seed)
            run, split = session.prepare(network, images, seeded, folder=place, threads=arguments.threads)
            seconds.append(sum(each.seconds for each in session.start(run, split) if isinstance(each, Epoch)))
            outputs = evaluation.evaluate(run)[0]
            errors.append(1 - outputs.accuracy)
            rejected.append(needed(outputs))
            print(f"{row.network} seed {seed}  error {errors[-1]:.2%}  {seconds[-1]:.0f} s", file=sys.stderr)
    return {
        "network": row.network,
        "resize": row.resize,
        "parameters": account(network).totals.parameters,
        "errors": errors,
        "rejected": rejected,
        "seconds": seconds,
    }


def needed(outputs: Outputs) -> float | None:
    """The share to reject for an error of 0.5 % on the rest."""
    kept = rejection_of(outputs).reach()
    return None if kept is None else kept.share


def percent(printed: str) -> str:
    """What the paper prints."""
    return f"{printed} %" if printed else ""


def spread(shares: list[float | None]) -> str:
    """Mean and standard deviation in per cent."""
    values = [100 * share for share in shares if share is not None]
    if len(values) < len(shares):
        return "never"
    deviation = f" (± {statistics.stdev(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f} %{deviation}"


def machine() -> str:
    """Where and with what."""
    return f"torch {torch.__version__}, {platform.platform()}, {environment()['processor']}"


if __name__ == "__main__":
    main()
