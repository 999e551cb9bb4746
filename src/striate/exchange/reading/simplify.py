"""Turns arithmetic into layers: an activation that was written as six nodes, a bias behind its convolution."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from striate.description import limits
from striate.description.axis import Axis, window
from striate.description.layers import (
    Activation,
    BatchNorm,
    Conv,
    Linear,
    LocalResponseNorm,
    Pool,
    PositionBias,
    Scale,
    Subsample,
)
from striate.description.shapes import Shape
from striate.exchange.reading.functions import FUNCTIONS, POINTS, is_identity, recognised
from striate.exchange.reading.graph import Array
from striate.exchange.reading.pieces import (
    INPUT,
    OUTSIDE,
    Affine,
    ChannelMean,
    Function,
    Padding,
    Piece,
    Product,
    Sum,
    number,
    users,
)
from striate.exchange.reading.windows import plainest

Pieces = dict[int, Piece]
Rule = Callable[["Work", int], bool]
LEAST_ZEROS = 1 / 64
"""The share of kernels of zeros that shows a connection table."""
DEPTH = 12
"""How many pieces back the beginning of an activation is looked for."""


class Work:
    """The pieces while they are simplified, and who reads each; `last` gives the output, the network reads `input`."""

    def __init__(self, pieces: Pieces, last: int, *, input: Shape) -> None:
        self.pieces, self.last, self.input = pieces, last, input
        self.readers = users(pieces, last)

    def source(self, at: int, place: int = 0) -> int:
        """The piece that a piece reads."""
        return self.pieces[at].sources[place]

    def shape(self, at: int) -> Shape:
        """The shape of a piece, or of the input."""
        return self.input if at == INPUT else self.pieces[at].shape

    def alone(self, at: int) -> bool:
        """Whether a piece has one reader, so that it may become part of that."""
        return at != INPUT and len(self.readers[at]) == 1

    def put(self, at: int, **changes: object) -> None:
        """Change a piece in its place."""
        before = self.pieces[at]
        self.pieces[at] = replace(before, **changes)  # pyright: ignore[reportArgumentType]
        for source in self.pieces[at].sources:
            self.readers[source].append(at)
        for source in before.sources:
            self._forget(source, at)

    def drop(self, at: int) -> None:
        """Take a piece out: what reads it reads its source."""
        source = self.source(at)
        for reader in self.readers[at]:
            self.readers[source].append(reader)
            if reader != OUTSIDE:
                piece = self.pieces[reader]
                piece.sources[piece.sources.index(at)] = source
        self.last = source if self.last == at else self.last
        self.readers[at] = []
        self._forget(source, at)
        del self.pieces[at]

    def _forget(self, source: int, reader: int) -> None:
        """A piece reads `source` no more; what nothing reads is left out."""
        left = [(source, reader)]
        while left:
            source, reader = left.pop()
            self.readers[source].remove(reader)
            if not self.readers[source] and source != INPUT and source in self.pieces:
                gone = self.pieces.pop(source)
                left += [(each, source) for each in gone.sources]


def with_activations(pieces: Pieces, last: int, *, input: Shape) -> Work:
    """The pieces with what is a function of each value turned into activations."""
    work = Work(reached(pieces, last), last, input=input)
    run_rules(work, EARLY)
    return work


def run_rules(work: Work, rules: Sequence[Rule]) -> None:
    """Apply rules, from the output to the input, until none changes anything."""
    changed = True
    while changed:
        changed = False
        for at in list(reversed(work.pieces)):
            while at in work.pieces and any(rule(work, at) for rule in rules):
                changed = True


def reached(pieces: Pieces, last: int) -> Pieces:
    """The pieces that the output depends on; sources are lists of their own."""
    found, left = set[int](), [last]
    while left:
        at = left.pop()
        if at not in found and at != INPUT:
            found.add(at)
            left += pieces[at].sources
    return {at: replace(piece, sources=list(piece.sources)) for at, piece in pieces.items() if at in found}


def merge_numbers(work: Work, at: int) -> bool:
    """Two affine steps with single numbers are one; so are a factor for each map and then a shift, or the other way."""
    what, before = work.pieces[at].what, work.source(at)
    if not isinstance(what, Affine) or not work.alone(before):
        return False
    first = work.pieces[before].what
    if not isinstance(first, Affine) or first.scalar != what.scalar:
        return False
    if not what.scalar and (_for_places(what) or _for_places(first) or not _two_halves(first, what)):
        return False
    made = Affine(what.scale * first.scale, what.scale * first.shift + what.shift)
    work.put(at, what=made, sources=work.pieces[before].sources)
    return True


def merge_factor(work: Work, at: int) -> bool:
    """A single number before or behind a number for each map becomes part of it."""
    what, before = work.pieces[at].what, work.source(at)
    if not isinstance(what, Affine) or not work.alone(before):
        return False
    first = work.pieces[before].what
    if not isinstance(first, Affine) or first.scalar == what.scalar:
        return False
    made = Affine(what.scale * first.scale, what.scale * first.shift + what.shift)
    if _for_places(made) and (made.scale.size > 1 or made.scale != 1):
        return False  # two layers
    work.put(at, what=made, sources=work.pieces[before].sources)
    return True


def _two_halves(first: Affine, second: Affine) -> bool:
    """Whether one only scales and the other only shifts."""
    scales = [bool(each.scale.size > 1 or each.scale != 1) for each in (first, second)]
    shifts = [bool(each.shift.size > 1 or each.shift != 0) for each in (first, second)]
    return scales[0] != scales[1] and shifts[0] != shifts[1] and scales[0] != shifts[0]


def _for_places(what: Affine) -> bool:
    """Whether numbers differ within a map."""
    return any(each.ndim == 3 and each.shape[1:] != (1, 1) for each in (what.scale, what.shift))


def drop_identity(work: Work, at: int) -> bool:
    """a · 1 + 0, a pooling of one value, and a padding of nothing do nothing."""
    what = work.pieces[at].what
    nothing = isinstance(what, Affine) and what.scalar and what.scale == 1 and what.shift == 0
    single = isinstance(what, Pool) and what.kernel == (1, 1) == what.stride and not any(_sides(what))
    if nothing or single:
        work.drop(at)
        return True
    return False


def local_response(work: Work, at: int) -> bool:
    """a / (k + alpha · mean of squares)^beta, as PyTorch and Striate write it where there is no LRN."""
    piece = work.pieces[at]
    if piece.what != Product(-1):
        return False
    value, below = piece.sources
    power = work.pieces.get(below)
    if power is None or not isinstance(power.what, Function) or power.what.name != "power":
        return False
    beta, inner = power.what.numbers[0], power.sources[0]
    found = _mean_of_squares(work, inner, value)
    if found is None or beta < 0:
        return False
    size, alpha, k = found
    layer = LocalResponseNorm(size=size, alpha=_short(alpha), beta=_short(beta), k=_short(k))
    work.put(at, what=layer, sources=[value])
    return True


def _mean_of_squares(work: Work, at: int, value: int) -> tuple[int, float, float] | None:
    """(size, alpha, k) where a piece is k + alpha · the sum of squares of `value` over adjacent maps."""
    piece = work.pieces.get(at)
    alpha, k = 1.0, 0.0
    if piece is not None and isinstance(piece.what, Affine) and piece.what.scalar:
        alpha, k = float(piece.what.scale), float(piece.what.shift)
        at = piece.sources[0]
        piece = work.pieces.get(at)
    if piece is None:
        return None
    if isinstance(piece.what, Conv):
        return _band(work, piece, value) if (alpha, k) == (1, 0) else None
    if not isinstance(piece.what, ChannelMean):
        return None
    padded = work.pieces.get(piece.sources[0])
    if padded is None or not isinstance(padded.what, Padding) or padded.what.value != 0:
        return None
    size, before, after = piece.what.size, padded.what.before, padded.what.after
    around = before[0] == size // 2 and after[0] == (size - 1) // 2 and not any(before[1:] + after[1:])
    return (size, _short(alpha) / size, k) if around and _is_square(work, padded.sources[0], value) else None


def _band(work: Work, piece: Piece, value: int) -> tuple[int, float, float] | None:
    """The same where the sum over adjacent maps is a convolution by 1×1, as Striate writes it."""
    weight, bias = piece.weights["weight"], piece.weights.get("bias")
    if weight.shape[2:] != (1, 1) or bias is None or not _is_square(work, piece.sources[0], value):
        return None
    square = weight[:, :, 0, 0]
    alpha = float(square[0, 0])
    maps = np.arange(len(square))
    ahead = maps - maps[:, None]
    for size in range(1, 2 * len(square) + 1):
        after = (size - 1) // 2
        near = (ahead >= after - size + 1) & (ahead <= after)
        if square.shape == near.shape and np.array_equal(square, np.where(near, np.float32(alpha), 0)):
            # Beyond twice the maps all sizes are the same: this is the least.
            return size, alpha, float(bias[0])
    return None


def _is_square(work: Work, at: int, value: int) -> bool:
    piece = work.pieces.get(at)
    if piece is None:
        return False
    if piece.what == Product() and piece.sources == [value, value]:
        return True
    return piece.what == Function("power", (2.0,)) and piece.sources == [value]


def activation(work: Work, at: int) -> bool:
    """Whatever gives a function of each value of an earlier piece is that function."""
    piece = work.pieces[at]
    if not isinstance(piece.what, (Function, Affine, Product, Sum)):
        return False
    best: tuple[int, Array] | None = None
    for base in _bases(work, at):
        found = _computed(work, at, base)
        if found is not None and (recognised(found) is not None or is_identity(found)):
            best = (base, found)
    if best is None:
        return False
    base, found = best
    layer = recognised(found)
    if layer is None:
        work.put(at, what=Affine(number(1), number(0)), sources=[base])
        work.drop(at)
        return True
    work.put(at, what=layer, sources=[base], weights={})
    return True


def _bases(work: Work, at: int) -> list[int]:
    """The pieces that an activation may begin at, the nearest first."""
    found: list[int] = []
    left, seen = [at], {at}
    while left and len(seen) < DEPTH:
        for source in work.pieces[left.pop(0)].sources:
            if source not in found:
                found.append(source)
            if source not in seen and source != INPUT and _of_values(work.pieces[source]):
                seen.add(source)
                left.append(source)
    return found


def _of_values(piece: Piece) -> bool:
    """Whether a piece works on each value by itself, alike everywhere."""
    match piece.what:
        case Function() | Product() | Sum() | Activation():
            return True
        case Affine():
            return piece.what.scalar
        case _:
            return False


def _computed(work: Work, at: int, base: int) -> Array | None:
    """A piece at `POINTS` as a function of `base`; None where it reads anything else, or where a part of it is read."""
    values: dict[int, Array | None] = {base: POINTS}
    inner: list[int] = []

    def value(each: int, depth: int) -> Array | None:
        if each in values:
            return values[each]
        values[each] = None
        if each == INPUT or depth > DEPTH or not _of_values(work.pieces[each]):
            return None
        piece = work.pieces[each]
        given = [value(source, depth + 1) for source in piece.sources]
        if any(one is None for one in given):
            return None
        made = _applied(piece, [one for one in given if one is not None])
        if made is not None:
            values[each] = made
            inner.append(each)
        return made

    with np.errstate(all="ignore"):
        found = value(at, 0)
    if found is None or not np.all(np.isfinite(found)):
        return None
    own = set(inner)
    return found if all(set(work.readers[each]) <= own for each in inner if each != at) else None


def _applied(piece: Piece, given: Sequence[Array]) -> Array | None:
    match piece.what:
        case Function(name, numbers):
            return FUNCTIONS[name](given[0], *numbers)
        case Affine(scale, shift) if piece.what.scalar:
            return float(scale) * given[0] + float(shift)
        case Product(sign):
            return given[0] * given[1] if sign > 0 else given[0] / given[1]
        case Sum():
            return sum(given[1:], given[0])
        case Activation() if piece.what.function == "relu":
            return np.maximum(given[0], 0)
        case Activation() if piece.what.function == "relu6":
            return np.clip(given[0], 0, 6)
        case _:
            return None


def fold_padding(work: Work, at: int) -> bool:
    """A padding before a window is the window's, where it pads by what the window pads with."""
    piece, before = work.pieces[at], work.source(at)
    if not isinstance(piece.what, (Conv, Pool)) or before == INPUT or len(set(work.readers[before])) != 1:
        return False
    pad = work.pieces[before]
    if not isinstance(pad.what, Padding) or pad.what.before[0] or pad.what.after[0]:
        return False
    own, kind = _sides(piece.what), piece.what
    maximum = isinstance(kind, Pool) and kind.function == "max"
    if maximum:
        least = pad.what.value <= -3e38
        positive = pad.what.value == 0 and _not_negative(work, pad.sources[0])
        if not (least or positive or (pad.what.edge and _within(pad.what, piece.what.kernel))):
            return False
    elif pad.what.value != 0 or (isinstance(kind, Pool) and any(own) and not kind.count_padding):
        return False
    sides = (pad.what.before[1], pad.what.after[1], pad.what.before[2], pad.what.after[2])
    padding = tuple(a + b for a, b in zip(own, sides, strict=True))
    changes = {"padding": padding} | ({"count_padding": True} if isinstance(kind, Pool) else {})
    made = replace(kind, **changes)
    shape = work.shape(pad.sources[0])
    made = plainest(made, shape) if isinstance(made, Pool) else made
    work.put(at, what=made, sources=pad.sources)
    return True


def _within(pad: Padding, kernel: object) -> bool:
    """Whether every window that sees a margin sees the values next to it, so that a margin of copies adds nothing."""
    rows, columns = cast(tuple[int, int], kernel)
    sides = ((pad.before[1], rows), (pad.after[1], rows), (pad.before[2], columns), (pad.after[2], columns))
    return all(side < size for side, size in sides)


def _not_negative(work: Work, at: int) -> bool:
    piece = work.pieces.get(at)
    return (
        piece is not None and isinstance(piece.what, Activation) and piece.what.function in ("relu", "relu6", "sigmoid")
    )


def subsampling(work: Work, at: int) -> bool:
    """A mean, times a number for each map, plus one: LeNet's subsampling."""
    what, before = work.pieces[at].what, work.source(at)
    if not isinstance(what, Affine) or not work.alone(before):
        return False
    pool = work.pieces[before]
    channels = pool.shape[0]
    if what.scalar and channels > 1:
        return False
    if not isinstance(pool.what, Pool) or pool.what.function != "average" or any(_sides(pool.what)) or pool.what.ceil:
        return False
    scale, shift = (_each_map(each, channels) for each in (what.scale, what.shift))
    if scale is None or shift is None or not np.any(shift):
        return False
    kernel = pool.what.kernel
    size = int(np.prod(kernel))
    layer = Subsample(kernel=kernel, stride=pool.what.stride)
    weights = {"weight": scale / size, "bias": shift}
    work.put(at, what=layer, sources=pool.sources, weights=weights)
    return True


def hanging_mean(work: Work, at: int) -> bool:
    """A mean times a number for each place: windows that hang over the edge have fewer values (`ceil`)."""
    what, before = work.pieces[at].what, work.source(at)
    if not isinstance(what, Affine) or not work.alone(before) or np.any(what.shift):
        return False
    pool = work.pieces[before]
    if not isinstance(pool.what, Pool) or pool.what.function != "average" or not pool.what.count_padding:
        return False
    top, _, left, _ = _sides(pool.what)
    shape = work.shape(pool.sources[0])
    if what.scale.ndim != 3 or what.scale.shape[0] != 1:
        return False
    shares = what.scale[0]
    held = window(pool.what, shape)
    for bottom in _behind(held.height, shares[-1, 0] / shares[0, 0]):
        for right in _behind(held.width, shares[0, -1] / shares[0, 0]):
            whole = replace(pool.what, padding=(top, bottom, left, right), ceil=True)
            moved = window(whole, shape)
            rows, columns = map(_shares, moved.axes)
            outputs = (moved.height.output, moved.width.output)
            if outputs == pool.shape[1:] and np.allclose(shares, rows[:, None] * columns, rtol=1e-6):
                work.put(at, what=whole, sources=pool.sources)
                return True
    return False


def _behind(axis: Axis, share: float) -> list[int]:
    """Paddings behind the values that the last window, whose mean is larger by `share`, may hang over."""
    values = axis.kernel / share if np.isfinite(share) and share >= 1 else axis.kernel
    derived = (axis.output - 1) * axis.stride + round(values) - axis.size - axis.before
    return [each for each in dict.fromkeys((axis.before, derived, 0)) if 0 <= each < axis.kernel]


def _shares(axis: Axis) -> Array:
    """By how much the mean of each window is larger than its sum over the kernel's size."""
    starts = np.arange(axis.output) * axis.stride
    return axis.kernel / (np.minimum(starts + axis.kernel, axis.padded) - starts)


def bias(work: Work, at: int) -> bool:
    """A number for each map added behind a convolution or linear layer is its bias; a factor scales its weights."""
    what, before = work.pieces[at].what, work.source(at)
    if not isinstance(what, Affine) or not work.alone(before):
        return False
    own = work.pieces[before]
    if not isinstance(own.what, (Conv, Linear)):
        return False
    shift = _each_map(what.shift, own.shape[0])
    if shift is None or what.scale.size != 1:
        return False
    factor = float(what.scale)
    held = own.weights.get("bias", np.zeros(own.shape[0]))
    changed = bool(np.any(shift))
    weights = {"weight": own.weights["weight"]} if factor == 1 else {"weight": own.weights["weight"] * factor}
    if changed or "bias" in own.weights:
        weights["bias"] = factor * held + shift
    work.put(at, what=replace(own.what, bias="bias" in weights), sources=own.sources, weights=weights, node=own.node)
    return True


def centred(work: Work, at: int) -> bool:
    """A mean for each map subtracted, then a factor, then a number for each map: a normalisation by its own formula.

    Only the subtraction tells the mean from the bias of a convolution before it.
    """
    what, before = work.pieces[at].what, work.source(at)
    if not isinstance(what, Affine) or not work.alone(before):
        return False
    mean, channels = work.pieces[before], work.pieces[at].shape[0]
    if not isinstance(mean.what, Affine) or mean.node.operator != "Sub" or mean.what.scale.size != 1:
        return False
    given = [_each_map(each, channels) for each in (what.scale, what.shift, mean.what.shift)]
    scale, shift, less = given
    if scale is None or shift is None or less is None or mean.what.shift.size == 1 or float(mean.what.scale) != 1:
        return False
    if what.scale.size == 1 or what.shift.size == 1:
        return False
    weights = {"weight": scale, "bias": shift, "running_mean": -less, "running_var": np.ones(channels)}
    work.put(at, what=BatchNorm(epsilon=0.0), sources=mean.sources, weights=weights)
    return True


def norm(work: Work, at: int) -> bool:
    """A factor and a number for each map behind a batch normalisation are its own (Caffe's Scale layer)."""
    what, before = work.pieces[at].what, work.source(at)
    if not isinstance(what, Affine) or not work.alone(before):
        return False
    own = work.pieces[before]
    scale, shift = (_each_map(each, own.shape[0]) for each in (what.scale, what.shift))
    if not isinstance(own.what, BatchNorm) or scale is None or shift is None or not np.any(shift):
        return False
    weights = dict(own.weights)
    weights["weight"] = weights["weight"] * scale
    weights["bias"] = weights["bias"] * scale + shift
    work.put(at, what=own.what, sources=own.sources, weights=weights, node=own.node)
    return True


def fold_norm(work: Work, at: int) -> bool:
    """A batch normalisation behind a convolution or linear layer becomes part of its weights."""
    norm_, before = work.pieces[at], work.source(at)
    if not isinstance(norm_.what, BatchNorm) or not work.alone(before):
        return False
    own = work.pieces[before]
    if not isinstance(own.what, (Conv, Linear)):
        return False
    held = {name: np.asarray(values, np.float64) for name, values in norm_.weights.items()}
    scale = held["weight"] / np.sqrt(held["running_var"] + norm_.what.epsilon)
    shift = held["bias"] - held["running_mean"] * scale
    weight = np.asarray(own.weights["weight"], np.float64)
    weights = {
        "weight": weight * scale.reshape(-1, *[1] * (weight.ndim - 1)),
        "bias": own.weights.get("bias", np.zeros(len(scale))) * scale + shift,
    }
    work.put(at, what=replace(own.what, bias=True), sources=own.sources, weights=weights, node=own.node)
    return True


def scaling(work: Work, at: int) -> bool:
    """What is left: a factor for each map, a number for each value, or both for each map, a normalisation."""
    piece = work.pieces[at]
    what = piece.what
    if not isinstance(what, Affine) or (what.scalar and piece.shape[0] > 1):
        return False
    scale, shift = (_each_map(each, piece.shape[0]) for each in (what.scale, what.shift))
    if scale is not None and shift is not None and not np.any(shift):
        work.put(at, what=Scale(), weights={"weight": scale})
        return True
    if what.scale.size == 1 and float(what.scale) == 1 and what.shift.size == np.prod(piece.shape):
        work.put(at, what=PositionBias(), weights={"bias": what.shift.reshape(piece.shape)})
        return True
    if scale is None or shift is None:
        return False
    still = {"running_mean": np.zeros(piece.shape[0]), "running_var": np.ones(piece.shape[0])}
    work.put(at, what=BatchNorm(epsilon=0.0), weights={"weight": scale, "bias": shift} | still)
    return True


def tables(work: Work, *, learned: Collection[str] = ()) -> None:
    """Convolutions many of whose kernels are zeros get a connection table, as LeNet's comes from any exporter.

    A weight that is known to be `learned` as it stands has no table, whatever its values.
    """
    left = limits.VALUES
    for at, piece in list(work.pieces.items()):
        weight = piece.weights.get("weight")
        if not isinstance(piece.what, Conv) or piece.what.groups > 1 or weight is None or weight[0, 0].size == 1:
            continue
        if piece.node.input(1) in learned:
            continue
        linked = np.any(weight != 0, axis=(2, 3))
        links = int(linked.sum())
        many = linked.size - links >= max(1, LEAST_ZEROS * linked.size)
        if many and links <= left and linked.any(axis=1).all():
            left -= links
            table = tuple(tuple(int(each) for each in np.flatnonzero(row)) for row in linked)
            work.put(at, what=replace(piece.what, table=table), weights={**piece.weights, "weight": weight[linked]})


def _each_map(values: Array, channels: int) -> Array | None:
    """A number for each map, (channels,); None where the values differ within a map."""
    if values.size not in (1, channels) or (values.ndim and values.shape[0] != channels and values.size != 1):
        return None
    return np.array(np.broadcast_to(values.reshape(-1), (channels,)))


def _sides(layer: Conv | Pool) -> tuple[int, int, int, int]:
    return layer.padding  # pyright: ignore[reportReturnType] - read windows have numbers


def _short(value: float) -> float:
    return float(np.format_float_positional(np.float32(value), unique=True))


EARLY: tuple[Rule, ...] = (merge_numbers, drop_identity, local_response, activation)
"""Before others, which would take an activation's + 3 for a bias."""
LATE: tuple[Rule, ...] = (
    centred,
    fold_padding,
    hanging_mean,
    subsampling,
    bias,
    norm,
    merge_numbers,
    merge_factor,
    drop_identity,
)
"""Then those that make one layer of several pieces."""
FOLD: tuple[Rule, ...] = (fold_norm,)
"""Where batch normalisations are not kept."""
LAST: tuple[Rule, ...] = (scaling,)
"""And those that make a layer of what is left."""
