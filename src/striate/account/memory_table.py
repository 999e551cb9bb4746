"""Memory, and the cost of training, as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Protocol, TypeVar

from striate.account.account import Row
from striate.account.grid import fitted, grid, megabytes, wrapped
from striate.account.memory import MEANING, LayerMemory, Memory, largest_batch
from striate.account.memory import memory as memory_of
from striate.account.table import title
from striate.account.training import TrainingCost
from striate.spec.shapes import show


def memory_table(memory: Memory, *, width: int = 80, depth: int | None = None) -> str:
    """A row for each layer, then every figure in bytes, MB (10⁶) and MiB (2²⁰).

    `depth` adds up all layers whose paths share their first so many names.
    """
    rows: list[tuple[str, ...]] = [("layer", "what it is", "output", "kept MB", "keeps for the backward pass"), ()]
    largest = memory.figures["training"]
    for path, layers in _groups(memory.layers, depth):
        kept = sum(layer.kept for layer in layers)
        text = megabytes(kept, largest)[0] if kept else ""
        rows.append((path, _words(layers), show(layers[-1].row.step.output), text, _keeps(layers)))
    lines = [*title(memory.account, width), f"values of {memory.dtype}; optimiser {memory.optimiser}", ""]
    lines += fitted(rows, "<<>><", width, drop=[1, 2])
    table: list[tuple[str, ...]] = [("what", "bytes", "MB", "MiB", "share"), ()]
    for name, figure in memory.figures.items():
        if name == "inference":
            table.append(())
        counted = name in MEANING["training"]
        share = f"{100 * figure / memory.figures['training']:.1f} %" if counted and figure else ""
        table.append((name, f"{figure:,}", *megabytes(figure, largest), share))
    lines += ["", *grid(table, "<>>>>"), ""]
    for name, meaning in MEANING.items():
        lines += wrapped(f"{name}: {meaning}", width)
    return "\n".join(lines)


def budget_text(memory: Memory, budget: int, *, width: int = 80) -> str:
    """The largest batch that trains within a budget of bytes, in a sentence, and where the bytes go."""
    best = largest_batch(memory.account, budget, dtype=memory.dtype, optimiser=memory.optimiser)
    mb, mib = megabytes(budget, budget)
    how = f"{memory.dtype}, {memory.optimiser}"
    if best is None:
        text = (
            f"Any batch fits into {mb} MB ({mib} MiB): the network has no parameters, so nothing is kept of an image."
        )
    elif not best:
        one = memory_of(memory.account.for_batch(1), dtype=memory.dtype, optimiser=memory.optimiser).figures["training"]
        need = megabytes(one, one)
        text = f"No batch trains within {mb} MB ({mib} MiB) with {how}: one image takes {need[0]} MB ({need[1]} MiB)."
    else:
        text = f"The largest batch that trains within {mb} MB ({mib} MiB) with {how}: {best:,} images."
    return "\n".join(wrapped(text, width, ""))


def cost_table(cost: TrainingCost, *, width: int = 80, depth: int | None = None) -> str:
    """A row for each layer with MACs: forward, and backward for its weights and its input; then the sums.

    `depth` adds up all layers whose paths share their first so many names.
    """
    layers = _narrowest(lambda text: _cost_lines(cost, width, depth, text), width)
    summary = _narrowest(lambda text: _summary(cost, text), width)
    note = (
        "backward: a layer of weights works once for the gradient of its weights and once for that of its input; "
        "the first layer needs no gradient of its input, the images. "
        f"1 MAC = 2 FLOPs: an epoch takes {_in_units(2 * cost.epoch)}FLOP."
    )
    return "\n".join([*title(cost.account, width), "", *layers, "", *summary, "", *wrapped(note, width)])


def _narrowest(make: Callable[[Callable[[int], str]], list[str]], width: int) -> list[str]:
    """Lines with exact figures, or with four digits and a prefix where those are too wide."""
    exact = make("{:,}".format)
    return exact if max(map(len, exact)) <= width else make(_in_units)


def _cost_lines(cost: TrainingCost, width: int, depth: int | None, text: Callable[[int], str]) -> list[str]:
    """The layers with MACs, and their sums, each figure as `text` writes it."""
    rows: list[tuple[str, ...]] = [("layer", "what it is", "forward", "for weights", "for input", "share"), ()]
    totals = [0, 0, 0]
    for path, layers in _groups(cost.layers, depth):
        figures = [sum(each) for each in zip(*((one.forward, one.weights, one.input) for one in layers), strict=True)]
        totals = [one + other for one, other in zip(totals, figures, strict=True)]
        if any(figures):
            cells = (text(figure) if figure else "" for figure in figures)
            rows.append((path, _words(layers), *cells, f"{100 * sum(figures) / cost.step:.1f} %"))
    rows += [(), ("total", "", *map(text, totals), "")]
    return fitted(rows, "<<>>>>", width, drop=[1, 5])


class HasRow(Protocol):
    """What has the row of a layer."""

    @property
    def row(self) -> Row: ...


Each = TypeVar("Each", bound=HasRow)


def _groups(layers: Sequence[Each], depth: int | None) -> Iterator[tuple[str, list[Each]]]:
    """The layers one by one, or together where their paths share their first `depth` names."""
    if depth is None:
        yield from ((layer.row.path, [layer]) for layer in layers)
    else:
        for path, group in groupby(layers, lambda layer: ".".join(layer.row.path.split(".")[:depth])):
            yield path, list(group)


def _words(layers: Sequence[HasRow]) -> str:
    return layers[0].row.words if len(layers) == 1 else f"{len(layers)} layers"


def _keeps(layers: Sequence[LayerMemory]) -> str:
    return ", ".join(dict.fromkeys(piece.word for layer in layers for piece in layer.pieces))


def _summary(cost: TrainingCost, text: Callable[[int], str]) -> list[str]:
    """The MACs of a step and of an epoch, forward, backward and together."""
    batch, images = cost.account.batch, cost.images
    figures = (cost.forward, cost.backward, cost.step)
    step = "a step of one image" if batch == 1 else f"a step of {batch:,} images"
    rows = [
        ("MACs", "forward", "backward", "together"),
        (step, *map(text, figures)),
        (f"an epoch of {images:,} images", *(text(figure // batch * images) for figure in figures)),
    ]
    return grid(rows, "<>>>")


def _in_units(figure: int) -> str:
    """A large number with four digits and a prefix.

    >>> _in_units(928_086_107_234_272), _in_units(123_456)
    ('928.1 T', '123,456 ')
    """
    for unit, size in (("P", 10**15), ("T", 10**12), ("G", 10**9), ("M", 10**6)):
        if figure >= size:
            return f"{figure / size:.4g} {unit}"
    return f"{figure:,} "
