"""Prints a stress test: a table for each distortion, and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from striate.look.stress import Stress, SweepResult
from striate.wording import counted, percent


def stress_tables(found: Stress) -> str:
    """The error at every level and in every direction; for digits the levels of the paper's claims are marked."""
    size = f"{found.canvas[0]}×{found.canvas[1]}"
    are = "is" if found.images == 1 else "are"
    lines = [f"  Wrong of {counted(found.images, 'image')} that {are} distorted on the network's canvas of {size}."]
    for endured in found.sweeps:
        lines += ["", *_table(endured, found.digits)]
    if found.digits:
        lines += ["", "  ◂ the level up to which the LeNet-5 paper claims that digits are recognised."]
    return "\n".join(lines)


def stress_members(found: Stress) -> dict[str, Any]:
    """The tables as JSON members; rates and shares are fractions."""
    return {
        "images": found.images,
        "canvas": list(found.canvas),
        "sweeps": [
            {
                "name": endured.sweep.name,
                "unit": endured.sweep.unit.strip(),
                "levels": list(endured.sweep.levels),
                "claim": endured.sweep.claim,
                "error_rates": {name: list(each) for name, each in endured.errors.items()},
                "ink_in_view": {name: list(each) for name, each in endured.in_view.items()},
            }
            for endured in found.sweeps
        ],
    }


def _table(endured: SweepResult, digits: bool) -> Iterator[str]:
    sweep = endured.sweep
    leaves = min(min(each) for each in endured.in_view.values()) < 0.995
    heads = [*endured.errors, "ink in view"] if leaves else [*endured.errors]
    widths = [max(10, len(head) + 2) for head in heads]
    yield f"  {sweep.name:10}" + "".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))
    for place, level in enumerate(sweep.levels):
        cells = [percent(each[place]) for each in endured.errors.values()]
        if leaves:
            cells.append(percent(min(each[place] for each in endured.in_view.values()), 0))
        mark = "  ◂" + (f" {sweep.claimed}" if sweep.claimed else "") if digits and level == sweep.claim else ""
        row = "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        yield f"  {f'{level:g}{sweep.unit}':>10}{row}{mark}"
