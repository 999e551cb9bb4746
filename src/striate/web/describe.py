"""The description of a run for the page and the API: the network, layer by layer, with its account."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from striate.accounting import account
from striate.description.layers import RBF
from striate.description.network import Step
from striate.description.notation.writing import to_text
from striate.errors import RunError
from striate.go.planes import COUNT, plane_name
from striate.look.examples import examples_of
from striate.look.predictor import Predictor
from striate.networks import glyphs
from striate.train.run import Run
from striate.version import __version__


def health(predictor: Predictor) -> dict[str, Any]:
    """The status of the server: its network, which kernels answer, and its version."""
    return {
        "status": "ok",
        "network": predictor.run.network.name,
        "trained": predictor.trained,
        "kernels": predictor.choice.kernels,
        "version": __version__,
    }


def run_names(folders: Sequence[Path]) -> list[str]:
    """A name for each run: the last part of its folder, with as many parts before it as make all names different.

    Raises RunError where one folder is given twice.

    >>> run_names([Path("runs/lenet5"), Path("runs/lenet5-dense")])
    ['lenet5', 'lenet5-dense']
    >>> run_names([Path("a/lenet5"), Path("b/lenet5")])
    ['a/lenet5', 'b/lenet5']
    """
    parts = [folder.resolve().parts for folder in folders]
    for at, each in enumerate(parts):
        if each in parts[:at]:
            raise RunError(
                f"two runs have the name {folders[at]}.",
                "A request names its run, so that each needs a name of its own.",
                "Leave one of them out, or copy one to another folder.",
            )
    names, count = [each[-1:] for each in parts], 1
    while len(set(names)) < len(names):
        count += 1
        names = [each[-count:] for each in parts]
    return ["/".join(each).lstrip("/") for each in names]


def describe(predictor: Predictor) -> dict[str, Any]:
    """The network with its account; `rows[i].sources` are the rows that row i reads, −1 being the input."""
    run, steps = predictor.run, predictor.plan.steps
    found = account(run.network).to_dict()
    rows: Any = found["rows"]
    for row, step in zip(rows, steps, strict=True):
        row["sources"] = list(step.sources)
        row["columns"] = columns(step, steps)
    source = run.network.source
    return found | {
        "run": str(run.folder),
        "source": f"{source.paper}, {source.year}" if source else "",
        "text": to_text(run.network),
        "classes": list(predictor.classes),
        "board": predictor.board,
        "planes": [] if predictor.board is None else [plane_name(each) for each in range(COUNT)],
        "last": predictor.plan.last,
        "preprocessing": run.preprocessing.to_dict(),
        "trained": predictor.trained,
        "trained_on": run.data.source or (run.origin or {}).get("file", ""),
    }


def described_examples(run: Run) -> list[dict[str, Any]]:
    """The examples of a run as JSON: the class, and a PNG file in base64. Raises RunError for a damaged file."""
    return [
        {"class": each.name, "picture": base64.b64encode(each.picture).decode("ascii")} for each in examples_of(run)
    ]


def columns(step: Step, steps: tuple[Step, ...]) -> int | None:
    """For a flat vector that RBF units compare with 7×12 bitmaps: the values per row when it is shown as a picture."""
    size = glyphs.WIDTH * glyphs.HEIGHT
    drawn = any(isinstance(each.layer, RBF) and len(each.layer.centres[0]) == size for each in steps)
    return glyphs.WIDTH if drawn and step.output == (size,) else None
