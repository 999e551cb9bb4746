"""Memory, and the cost of training, as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Protocol, TypeVar

from striate.accounting.memory import MEANING, LayerMemory, Memory, largest_batch
from striate.accounting.memory import memory as memory_of
from striate.accounting.show.grid import fitted, grid, megabytes, wrapped
from striate.accounting.show.table import title
from striate.accounting.training import TrainingCost
from striate.description.shapes import show
from striate.wording import counted

if TYPE_CHECKING:
    from striate.accounting.rows import Row

Rows = list[tuple[str, ...]]


def memory_table(memory: Memory, *, width: int = 80, depth: int | None = None) -> str:
    """A row for each layer, then every figure in bytes, MB (10⁶) and MiB (2²⁰).

    `depth` adds up all layers whose paths have the same first `depth` names.
    """
    rows: list[tuple[str, ...]] = [("layer", "what it is", "output", "kept MB", "keeps for the backward pass"), ()]
    largest = memory.figures["training"]
    for path, layers in _groups(memory.layers, depth):
        kept = sum(layer.kept for layer in layers)
        text = megabytes(kept, largest)[0] if kept else ""
        own = [layer for layer in layers if not layer.row.in_head] or layers
        rows.append((path, _words(layers), show(own[-1].row.step.output), text, _keeps(layers)))
    lines = [
        *title(memory.account, width),
        *wrapped(f"values of {memory.dtype}; optimiser {memory.optimiser}", width),
        "",
    ]
    lines += fitted(rows, "<<>><", width, drop=[1, 2])
    table: list[tuple[str, ...]] = [("what", "bytes", "MB", "MiB", "share"), ()]
    for name, figure in memory.figures.items():
        if name == "inference":
            table.append(())
        counted = name in MEANING["training"]
        share = f"{100 * figure / memory.figures['training']:.1f} %" if counted and figure else ""
        table.append((name, f"{figure:,}", *megabytes(figure, largest), share))
    lines += ["", *fitted(table, "<>>>>", width, drop=[3, 2, 4]), ""]
    for name, meaning in MEANING.items():
        lines += wrapped(f"{name}: {meaning}", width)
    return "\n".join(lines)


def budget_text(memory: Memory, budget: int, *, width: int = 80) -> str:
    """A sentence with the largest batch that trains within a budget of bytes, or the reason why none does."""
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
        text = f"The largest batch that trains within {mb} MB ({mib} MiB) with {how}: {counted(best, 'image')}."
    return "\n".join(wrapped(text, width, ""))


def cost_table(cost: TrainingCost, *, width: int = 80, depth: int | None = None) -> str:
    """A row for each layer with MACs: forward, and backward for its weights and its input; then the sums.

    `depth` adds up all layers whose paths have the same first `depth` names.
    """
    layers = _within(lambda text: _cost_rows(cost, depth, text), "<<>>>>", width, drop=[1, 5])
    summary = _within(lambda text: _summary(cost, text), "<>>>", width)
    note = (
        "backward: a layer of weights works once for the gradient of its weights and once for that of its input; "
        "the first layer needs no gradient of its input, the images. "
        f"1 MAC = 2 FLOPs: an epoch takes {_in_units(2 * cost.epoch)}FLOP."
    )
    return "\n".join([*title(cost.account, width), "", *layers, "", *summary, "", *wrapped(note, width)])


def _within(
    make: Callable[[Callable[[int], str]], Rows], align: str, width: int, *, drop: Sequence[int] = ()
) -> list[str]:
    """A table with exact figures, or with four digits and a unit prefix where exact figures are too wide."""
    exact = make("{:,}".format)
    kept = [place for place in range(len(align)) if place not in drop]
    narrowest = grid([[row[place] for place in kept] if row else () for row in exact], "<" * len(kept))
    return fitted(exact if max(map(len, narrowest)) <= width else make(_in_units), align, width, drop)


def _cost_rows(cost: TrainingCost, depth: int | None, text: Callable[[int], str]) -> Rows:
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
    return rows


class HasRow(Protocol):
    """A value that has the row of a layer."""

    @property
    def row(self) -> Row: ...


Each = TypeVar("Each", bound=HasRow)


def _groups(layers: Sequence[Each], depth: int | None) -> Iterator[tuple[str, list[Each]]]:
    """The layers one by one, or grouped by the first `depth` names of their paths."""
    if depth is None:
        yield from ((layer.row.path, [layer]) for layer in layers)
    else:
        for path, group in groupby(layers, lambda layer: ".".join(layer.row.path.split(".")[:depth])):
            yield path, list(group)


def _words(layers: Sequence[HasRow]) -> str:
    return layers[0].row.words if len(layers) == 1 else f"{len(layers)} layers"


def _keeps(layers: Sequence[LayerMemory]) -> str:
    return ", ".join(dict.fromkeys(piece.word for layer in layers for piece in layer.pieces))


def _summary(cost: TrainingCost, text: Callable[[int], str]) -> Rows:
    """The MACs of a step and of an epoch, forward, backward and together."""
    batch, images = cost.account.batch, cost.images
    figures = (cost.forward, cost.backward, cost.step)
    step = "a step of one image" if batch == 1 else f"a step of {batch:,} images"
    return [
        ("MACs", "forward", "backward", "together"),
        (step, *map(text, figures)),
        (f"an epoch of {counted(images, 'image')}", *(text(figure // batch * images) for figure in figures)),
    ]


def _in_units(figure: int) -> str:
    """A large number with four digits and a unit prefix.

    >>> _in_units(928_086_107_234_272), _in_units(123_456)
    ('928.1 T', '123,456 ')
    >>> _in_units(17_643_000_000_000_000_000)
    '17.64 E'
    """
    for unit, size in (("Z", 10**21), ("E", 10**18), ("P", 10**15), ("T", 10**12), ("G", 10**9), ("M", 10**6)):
        if figure >= size:
            return f"{figure / size:.4g} {unit}"
    return f"{figure:,} "
