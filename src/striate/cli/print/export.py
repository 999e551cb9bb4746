"""Prints what an export wrote: lines for a person, members for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from striate.accounting.show.grid import fitted, wrapped
from striate.description.labels import one_line
from striate.exchange.graph import Value
from striate.exchange.model import OURS
from striate.exchange.proto import BATCH
from striate.export.int8.losses import EXACT
from striate.export.int8.measure import Latency
from striate.export.int8.write import Int8, Measured
from striate.export.onnx.agreement import MOST, MOST_ROUNDED, Agreement
from striate.export.onnx.write import Exported
from striate.export.pt2.write import Program
from striate.export.single import SingleFile
from striate.train.run import Run
from striate.wording import counted, percent

DECIBELS = (
    "dB: signal to noise, of the layer's weights, of its output when only that is rounded, and of its output with all "
    "that was lost before it. 20 dB more are a tenth of the error. Layers that are not listed stay in float32."
)


def exported_lines(made: Exported, name: str, *, more: str = "") -> Iterator[str]:
    """The file, what goes in and comes out, and how it answered."""
    yield f"{one_line(str(made.file))}   {name}, {size(made.bytes)}, ONNX opset {made.opset}{more}"
    yield f"  in   {_shown(made.inputs)}"
    yield f"  out  {_shown(made.outputs)}"
    yield f"  {agreement_line(made.agreement, made.split, made.outputs[0].name, by='ONNX Runtime')}"


def agreement_line(found: Agreement, split: str, what: str, *, by: str) -> str:
    """How a file was answered by another program, beside the run itself."""
    share = "" if what == "probabilities" else f" ({found.share:.1e} of their range)"
    usual = found.allowed in (MOST, MOST_ROUNDED)
    share += "" if usual else f"; allowed were {found.allowed:.0e} of the scores' range, as float32 is unsure of them"
    images = f"{split} image" if split != "noise" else "noise image"
    return (
        f"{by} on {counted(found.images, images)}: {found.same:,} of the same class as striate "
        f"predict, {what} within {found.difference:.1e}{share}"
    )


def program_lines(made: Program, name: str) -> Iterator[str]:
    """The same of a program of torch.export."""
    yield f"{one_line(str(made.file))}   {name}, {size(made.bytes)}, torch.export of PyTorch {torch.__version__}"
    yield f"  in   {_shown(made.inputs)}"
    yield f"  out  {_shown(made.outputs)}"
    by = "PyTorch, without Striate,"
    yield f"  {agreement_line(made.agreement, made.split, made.outputs[0].name, by=by)}"


def single_lines(made: SingleFile, run: Run) -> Iterator[str]:
    """The contents of a run that is one file."""
    yield f"{one_line(str(made.file))}   {run.network.name}, {size(made.bytes)}, safetensors"
    yield (
        f"  {counted(made.tensors, 'tensor')}, {counted(made.values, 'value')}; network, {len(run.classes):,} classes, "
        "preprocessing, temperature"
    )
    yield "  read back: the same run, to the bit"


def program_members(made: Program) -> dict[str, Any]:
    """The same of a program of torch.export, for programs."""
    return {
        "file": str(made.file),
        "bytes": made.bytes,
        "inputs": _signature(made.inputs),
        "outputs": _signature(made.outputs),
        "agreement": agreement_members(made.agreement, made.split),
    }


def int8_lines(made: Int8, name: str, width: int) -> Iterator[str]:
    """The same of an int8 file, with accuracy, size and time before and after, and each layer's loss."""
    found = made.measured
    first, *others = exported_lines(made.exported, name, more=", 8-bit integers")
    yield first
    yield from others[:2]
    yield f"  before it was quantised: {others[2].strip()}"
    yield ""
    rows: list[tuple[str, ...]] = [("", "float32", "int8")]
    rows.append((f"right, of {counted(found.images, f'{found.split} image')}", *_both(found)))
    rows.append(("size", *map(size, found.bytes)))
    rows += [(counted(each.images, "image"), *_times(each)) for each in found.latency]
    yield from (f"  {line}" for line in fitted(rows, "<>>", width - 2))
    yield f"  {_loss(found)}; {found.same:,} get the same class from both"
    yield ""
    heads = ("layer", "weights", "output", "in all")
    table = [heads, *((each.path, *map(decibels, (each.weights, each.own, each.total))) for each in found.layers)]
    yield from (f"  {line}" for line in fitted(table, "<>>>", width - 2))
    yield from wrapped(DECIBELS, width, "  ", "  ")


def exported_members(made: Exported) -> dict[str, Any]:
    """The same for programs."""
    found = made.agreement
    return {
        "file": str(made.file),
        "bytes": made.bytes,
        "opset": made.opset,
        "inputs": _signature(made.inputs),
        "outputs": _signature(made.outputs),
        "agreement": agreement_members(found, made.split),
    }


def agreement_members(found: Agreement, split: str) -> dict[str, Any]:
    """How near the answers were."""
    return {
        "split": split,
        "images": found.images,
        "same_class": found.same,
        "largest_difference": found.difference,
        "share_of_range": found.share,
        "allowed_share": found.allowed,
    }


def int8_members(made: Int8) -> dict[str, Any]:
    """The same of an int8 file; accuracies are fractions, losses points, times milliseconds, ratios dB."""
    found = made.measured
    return exported_members(made.exported) | {
        "int8": {
            "split": found.split,
            "images": found.images,
            "calibration_images": found.calibration,
            "accuracy": {"float": found.right[0] / found.images, "int8": found.right[1] / found.images},
            "loss_points": found.loss,
            "same_class": found.same,
            "looked_at_test": found.looked,
            "bytes": {"float": found.bytes[0], "int8": found.bytes[1]},
            "latency": [{"images": each.images, "float": each.whole, "int8": each.rounded} for each in found.latency],
            "layers": [
                {"path": each.path, "weights": each.weights, "output": each.own, "in_all": each.total}
                for each in found.layers
            ],
        }
    }


def size(count: int) -> str:
    """A file's size."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def decibels(ratio: float | None) -> str:
    """A signal-to-noise ratio, "exact" where there is no noise, "" where nothing is rounded."""
    if ratio is None:
        return ""
    return "exact" if ratio >= EXACT else f"{ratio:.1f}"


def _both(found: Measured) -> tuple[str, str]:
    before, after = (percent(right / found.images) for right in found.right)
    return before, after


def _times(found: Latency) -> tuple[str, str]:
    return f"{found.whole:.3g} ms", f"{found.rounded:.3g} ms"


def _loss(found: Measured) -> str:
    points = f"{abs(found.loss):.2f} points"
    return f"{points} {'lost' if found.loss > 0 else 'gained'}" if found.loss else "no loss"


def _shown(values: Sequence[Value]) -> str:
    """Inputs or outputs in a line; layers, of which there may be hundreds, are counted."""
    named = [
        f"{each.name} {each.dtype} {'×'.join((BATCH, *map(str, each.shape)))}" for each in values if each.name in OURS
    ]
    layers = len(values) - len(named)
    return ", ".join(named + ([f"and {counted(layers, 'layer')} by path"] if layers else []))


def _signature(values: Sequence[Value]) -> dict[str, dict[str, object]]:
    return {each.name: {"type": each.dtype, "shape": [BATCH, *each.shape]} for each in values}
