"""The text of a network's fit to its input."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from striate.accounting.fitting import REACH, Fitting, Misfit
from striate.accounting.show.grid import wrapped
from striate.description.shapes import show


def fit_table(fitting: Fitting, *, width: int = 80) -> str:
    """A paragraph for each layer that does not fit exactly, then the inputs with which all layers fit."""
    lines = [*wrapped(f"{fitting.network.name} · input {show(fitting.input)}", width), ""]
    for misfit in fitting.misfits:
        lines += [*_misfit(misfit, fitting, width), ""]
    for same in fitting.same:
        before, after = same.here
        text = f'{same.path}: "same" pads {before} before and {after} after ({same.axis}), as TensorFlow does; '
        lines += [*wrapped(f"{text}in PyTorch {same.torch}.", width), ""]
    if fitting.problem:
        lines += [*(part for line in fitting.problem.splitlines() for part in wrapped(line, width)), ""]
    lines += [part for line in _inputs(fitting) for part in wrapped(line, width)]
    return "\n".join(lines)


def _misfit(misfit: Misfit, fitting: Fitting, width: int) -> list[str]:
    harmless = ", which does no harm" if misfit.padding_only else ""
    lines = [f"{misfit.path}: {misfit.words} on {show(misfit.input)}"]
    lines.append(f"  {misfit.formula}, so {misfit.output}; {misfit.unseen}{harmless}")
    lines.append(f"  fits exactly with {' · '.join(misfit.layer)}")
    if misfit.same:
        (before, after), output = misfit.same
        lines.append(f'  or with padding "same", which is {before} before and {after} after and gives {output}')
    lines.append(f"  or with another input of the network: {_sides(misfit.inputs, fitting, square=str)}")
    return [part for line in lines for part in wrapped(line, width, "    ")]


def _sides(heights: Sequence[int], fitting: Fitting, *, square: Callable[[int], str]) -> str:
    """Inputs by height, whose width changes by as much as the height; a square one in the words of `square`."""
    _, height, width = fitting.input
    alike = height == width
    sides = [square(each) if alike else f"{each}×{max(1, width + each - height)}" for each in heights]
    none = f"none within {REACH} pixels{'' if alike else ' where both sides change by as much'}"
    return " or ".join(sides) or none


def _inputs(fitting: Fitting) -> list[str]:
    nearest = _sides(fitting.exact, fitting, square=lambda size: f"{size}×{size}")
    real = [misfit for misfit in fitting.misfits if not misfit.padding_only]
    paths = len({misfit.path for misfit in fitting.misfits})
    harmful = len({misfit.path for misfit in real})
    if fitting.problem:
        lines = ["The network does not take this input."]
    elif not paths:
        lines = ["Every window fits exactly: all rows and columns are read."]
    else:
        lines = [
            f"{paths} of {fitting.windows} layer{'s' * (fitting.windows > 1)} with windows {_do(paths)} not fit exactly"
            + (
                f"; {harmful} {'leaves' if harmful == 1 else 'leave'} part of a map unread."
                if harmful
                else ", harmlessly."
            )
        ]
    lines.append(f"Every layer fits exactly with the input: {nearest}." if paths or fitting.problem else "")
    side = fitting.smallest
    smallest = (
        f"The smallest input that the network takes: {side}×{side}."
        if side
        else f"The network takes no square input of up to {fitting.tried}×{fitting.tried}."
    )
    lines.append(smallest)
    return [line for line in lines if line]


def _do(count: int) -> str:
    return "does" if count == 1 else "do"
