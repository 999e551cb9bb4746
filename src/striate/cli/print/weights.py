"""Weights brought in from another library, or taken out to one, in lines."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.print.progress import working
from striate.description.labels import one_line, path_part
from striate.wording import counted

if TYPE_CHECKING:
    from striate.data import Preprocessing
    from striate.export.weights.bring import Brought

NAMED = 3
"""The most classes that are named."""


def brought_lines(made: Brought) -> list[str]:
    """The source of a run's weights, in lines."""
    from striate.accounting import account

    run = made.run
    folder = one_line(str(run.folder))
    origin = run.origin or {}
    parameters = account(run.network).totals.parameters
    names = ", ".join(map(one_line, run.classes[:NAMED]))
    more = ", ..." if len(run.classes) > NAMED else ""
    unnamed = "; the file names none: --classes FILE" if run.classes[0] == "class 0" else ""
    left_out = [f"  not used  {counted(len(made.left_out), 'tensor')} of heads that only training needs"]
    return [
        f"{folder}   {run.network.name}, {parameters:,} parameters, {counted(len(run.classes), 'class')}",
        f"  weights   {origin['file']}: {origin['library']}'s {made.model}, {counted(made.tensors, 'tensor')} by name",
        *(left_out if made.left_out else []),
        f"  input     {prepared(run.preprocessing)}",
        f"            as {made.way_from}",
        f"  classes   {names}{more}{unnamed}",
        f"Next: striate predict {folder} PICTURE, or striate serve {folder} --open",
    ]


def prepared(way: Preprocessing) -> str:
    """A preprocessing in words."""
    _, height, width = way.shape
    fit = {
        "crop": f"shorter side to {way.shorter} pixels ({way.interpolation}), the middle {height} × {width}",
        "letterbox": f"letterboxed to {height} × {width}",
        "resize": f"resized to {height} × {width}",
        "pad": f"padded to {height} × {width}",
    }[way.fit]
    low, high = (each if isinstance(each, tuple) else (each,) for each in (way.low, way.high))
    ends = ", ".join(f"{least:.3g} to {most:.3g}" for least, most in zip(low, high, strict=True))
    return f"{fit}; values from {ends}"


def brought_members(made: Brought) -> dict[str, object]:
    """The source of a run's weights, as JSON."""
    run = made.run
    return {
        "run": str(run.folder),
        "network": run.network.name,
        "origin": run.origin,
        "tensors": made.tensors,
        "not_used": list(made.left_out),
        "classes": list(run.classes),
        "preprocessing": run.preprocessing.to_dict(),
        "preprocessing_from": made.way_from,
    }


def write_torchvision(folder: Path, out: Path | None, *, as_json: bool) -> None:
    """Write a run's weights for torchvision, and say how they are loaded there."""
    from striate.export.place import require_other
    from striate.export.weights.writing import export_weights
    from striate.train.run import open_run

    file = out or Path(f"{path_part(folder.resolve().name)}.safetensors")
    run = open_run(folder)
    require_other(file, run.folder)
    with working("Exporting"):
        made = export_weights(run, file)
    if as_json:
        members = asdict(made) | {"file": str(made.file), "preprocessing": run.preprocessing.to_dict()}
        click.echo(json.dumps(members, indent=2))
        return
    name = one_line(str(made.file))
    loaded = f"safetensors.torch.load_file({name!r})"
    if made.file.suffix.lower() != ".safetensors":
        loaded = f"torch.load({name!r}, weights_only=True)"
    click.echo(f"{name}   torchvision's {made.model}, {made.bytes / 1e6:,.1f} MB, {counted(made.tensors, 'tensor')}")
    click.echo(f"  model = {made.call}")
    click.echo(f"  model.load_state_dict({loaded})")
    click.echo(f"  input  {prepared(run.preprocessing)}")
