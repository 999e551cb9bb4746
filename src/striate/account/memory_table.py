"""Memory, and the cost of training, as text."""

from __future__ import annotations

from striate.account.grid import grid, megabytes, wrapped
from striate.account.memory import MEANING, LayerMemory, Memory, largest_batch
from striate.account.memory import memory as memory_of
from striate.account.table import title
from striate.account.training import TrainingCost
from striate.spec.shapes import show


def memory_table(memory: Memory, *, width: int = 80) -> str:
    """A row for each layer that makes or keeps anything, then every figure in bytes, MB (10⁶) and MiB (2²⁰)."""
    rows: list[tuple[str, ...]] = [("layer", "what it is", "output", "kept MB", "keeps for the backward pass"), ()]
    largest = memory.figures["training"]
    for layer in memory.layers:
        kept = megabytes(layer.kept, largest)[0] if layer.kept else ""
        rows.append((layer.row.path, layer.row.words, show(layer.row.step.output), kept, _keeps(layer)))
    if len(grid(rows, "<<>><")[1]) > width:
        rows = [(row[0], *row[2:]) if row else () for row in rows]
    lines = [*title(memory.account, width), f"values of {memory.dtype}; optimiser {memory.optimiser}", ""]
    lines += grid(rows, "<<>><" if len(rows[0]) == 5 else "<>><")
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
    if not best:
        one = memory_of(memory.account.for_batch(1), dtype=memory.dtype, optimiser=memory.optimiser).figures["training"]
        need = megabytes(one, one)
        text = f"No batch trains within {mb} MB ({mib} MiB) with {how}: one image takes {need[0]} MB ({need[1]} MiB)."
    else:
        text = f"The largest batch that trains within {mb} MB ({mib} MiB) with {how}: {best:,} images."
    return "\n".join(wrapped(text, width, ""))


def cost_table(cost: TrainingCost, *, width: int = 80) -> str:
    """A row for each layer with MACs: forward, and backward for its weights and its input; then the sums."""
    rows: list[tuple[str, ...]] = [("layer", "what it is", "forward", "for weights", "for input", "share"), ()]
    for layer in cost.layers:
        figures = (layer.forward, layer.weights, layer.input)
        if any(figures):
            cells = (f"{figure:,}" if figure else "" for figure in figures)
            rows.append((layer.row.path, layer.row.words, *cells, f"{100 * sum(figures) / cost.step:.1f} %"))
    sums = (cost.forward, sum(layer.weights for layer in cost.layers), sum(layer.input for layer in cost.layers))
    rows += [(), ("total", "", *(f"{figure:,}" for figure in sums), "")]
    if len(grid(rows, "<<>>>>")[1]) > width:
        rows = [(row[0], *row[2:]) if row else () for row in rows]
    batch, images = cost.account.batch, cost.images
    summary = [
        ("MACs", "forward", "backward", "together"),
        ("a step of one image" if batch == 1 else f"a step of {batch:,} images", *_sums(cost, batch)),
        (f"an epoch of {images:,} images", *_sums(cost, images)),
    ]
    note = (
        "backward: a layer of weights works once for the gradient of its weights and once for that of its input; "
        "the first layer needs no gradient of its input, the images. "
        f"1 MAC = 2 FLOPs: an epoch takes {_flops(2 * cost.epoch)}."
    )
    lines = [*title(cost.account, width), "", *grid(rows, "<<>>>>" if len(rows[0]) == 6 else "<>>>>"), ""]
    return "\n".join([*lines, *grid(summary, "<>>>"), "", *wrapped(note, width)])


def _keeps(layer: LayerMemory) -> str:
    return ", ".join(piece.word for piece in layer.pieces)


def _sums(cost: TrainingCost, images: int) -> list[str]:
    return [f"{figure // cost.account.batch * images:,}" for figure in (cost.forward, cost.backward, cost.step)]


def _flops(figure: int) -> str:
    for unit, size in (("PFLOP", 10**15), ("TFLOP", 10**12), ("GFLOP", 10**9), ("MFLOP", 10**6)):
        if figure >= size:
            return f"{figure / size:.4g} {unit}"
    return f"{figure:,} FLOP"
