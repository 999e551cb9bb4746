"""A run from an ONNX file, in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from striate.description.labels import one_line
from striate.description.shapes import show
from striate.wording import counted

if TYPE_CHECKING:
    from striate.export.onnx.bring import Imported


def imported_lines(made: Imported) -> list[str]:
    """The run that was made, in lines."""
    run = made.run
    values = sum(each.size for each in made.read.weights.values())
    folder = one_line(str(run.folder))
    found = "not compared: onnxruntime is not installed"
    if made.difference is not None:
        found = f"outputs within {made.difference:.1e} of their range of ONNX Runtime's"
    return [
        f"{folder}   {one_line(run.network.name)}, {show(run.network.input)} to {counted(len(run.classes), 'class')}, "
        f"{values:,} values",
        f"  pixels   0 becomes {_end(run.preprocessing.low)}, 255 {_end(run.preprocessing.high)} ({made.range_from})",
        f"  checked  {found}",
        f"Next: striate account {folder}, striate predict {folder} IMAGE, striate serve {folder}.",
    ]


def imported_members(made: Imported) -> dict[str, object]:
    """The run that was made, as JSON."""
    run = made.run
    return {
        "run": str(run.folder),
        "network": run.network.name,
        "input": list(run.network.input),
        "classes": list(run.classes),
        "values": sum(each.size for each in made.read.weights.values()),
        "preprocessing": run.preprocessing.to_dict(),
        "range_from": made.range_from,
        "difference": made.difference,
        "origin": run.origin,
    }


def _end(value: float | tuple[float, ...]) -> str:
    return ", ".join(f"{each:.4g}" for each in (value if isinstance(value, tuple) else (value,)))
