"""Turns arithmetic into layers: a bias behind its convolution, the numbers of a normalisation. All rules, in order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from striate.description import limits
from striate.description.layers import BatchNorm, Conv, Linear, Pool, PositionBias, Scale
from striate.description.shapes import Shape
from striate.exchange.reading.activations import activation
from striate.exchange.reading.margins import fold_padding, hanging_mean, subsampling
from striate.exchange.reading.pieces import Affine, each_map
from striate.exchange.reading.response import local_response
from striate.exchange.reading.rewriting import Pieces, Rewriting, Rule, reached, run_rules
from striate.exchange.reading.windows import sides_of

LEAST_ZEROS = 1 / 64
"""The share of kernels of zeros that shows a connection table."""


def with_activations(pieces: Pieces, last: int, *, input: Shape) -> Rewriting:
    """The pieces with what is a function of each value turned into activations."""
    rewriting = Rewriting(reached(pieces, last), last, input=input)
    run_rules(rewriting, WHOLE)  # before a number behind an activation is merged with its last
    run_rules(rewriting, EARLY)
    return rewriting


def merge_numbers(rewriting: Rewriting, at: int) -> bool:
    """Two affine steps with single numbers are one; so are a factor for each map and then a shift, or the other way."""
    what, before = rewriting.pieces[at].what, rewriting.source(at)
    if not isinstance(what, Affine) or not rewriting.alone(before):
        return False
    first = rewriting.pieces[before].what
    if not isinstance(first, Affine) or first.scalar != what.scalar:
        return False
    if not what.scalar and (_for_places(what) or _for_places(first) or not _two_halves(first, what)):
        return False
    made = Affine(what.scale * first.scale, what.scale * first.shift + what.shift)
    rewriting.put(at, what=made, sources=rewriting.pieces[before].sources)
    return True


def merge_factor(rewriting: Rewriting, at: int) -> bool:
    """A single number before or behind a number for each map becomes part of it."""
    what, before = rewriting.pieces[at].what, rewriting.source(at)
    if not isinstance(what, Affine) or not rewriting.alone(before):
        return False
    first = rewriting.pieces[before].what
    if not isinstance(first, Affine) or first.scalar == what.scalar:
        return False
    made = Affine(what.scale * first.scale, what.scale * first.shift + what.shift)
    if _for_places(made) and (made.scale.size > 1 or made.scale != 1):
        return False  # two layers
    rewriting.put(at, what=made, sources=rewriting.pieces[before].sources)
    return True


def _two_halves(first: Affine, second: Affine) -> bool:
    """Whether one only scales and the other only shifts."""
    scales = [bool(each.scale.size > 1 or each.scale != 1) for each in (first, second)]
    shifts = [bool(each.shift.size > 1 or each.shift != 0) for each in (first, second)]
    return scales[0] != scales[1] and shifts[0] != shifts[1] and scales[0] != shifts[0]


def _for_places(what: Affine) -> bool:
    """Whether numbers differ within a map."""
    return any(each.ndim == 3 and each.shape[1:] != (1, 1) for each in (what.scale, what.shift))


def drop_identity(rewriting: Rewriting, at: int) -> bool:
    """a · 1 + 0, a pooling of one value, and a padding of nothing do nothing."""
    what = rewriting.pieces[at].what
    nothing = isinstance(what, Affine) and what.scalar and what.scale == 1 and what.shift == 0
    single = isinstance(what, Pool) and what.kernel == (1, 1) == what.stride and not any(sides_of(what))
    if nothing or single:
        rewriting.drop(at)
        return True
    return False


def bias(rewriting: Rewriting, at: int) -> bool:
    """A number for each map added behind a convolution or linear layer is its bias; a factor scales its weights."""
    what, before = rewriting.pieces[at].what, rewriting.source(at)
    if not isinstance(what, Affine) or not rewriting.alone(before):
        return False
    own = rewriting.pieces[before]
    if not isinstance(own.what, (Conv, Linear)):
        return False
    shift = each_map(what.shift, own.shape[0])
    if shift is None or what.scale.size != 1:
        return False
    factor = float(what.scale)
    held = own.weights.get("bias", np.zeros(own.shape[0]))
    changed = bool(np.any(shift))
    weights = {"weight": own.weights["weight"]} if factor == 1 else {"weight": own.weights["weight"] * factor}
    if changed or "bias" in own.weights:
        weights["bias"] = factor * held + shift
    rewriting.put(
        at, what=replace(own.what, bias="bias" in weights), sources=own.sources, weights=weights, node=own.node
    )
    return True


def centred(rewriting: Rewriting, at: int) -> bool:
    """A mean for each map subtracted, then a factor, then a number for each map: a normalisation by its own formula.

    Only the subtraction tells the mean from the bias of a convolution before it.
    """
    what, before = rewriting.pieces[at].what, rewriting.source(at)
    if not isinstance(what, Affine) or not rewriting.alone(before):
        return False
    mean, channels = rewriting.pieces[before], rewriting.pieces[at].shape[0]
    if not isinstance(mean.what, Affine) or mean.node.operator != "Sub" or mean.what.scale.size != 1:
        return False
    given = [each_map(each, channels) for each in (what.scale, what.shift, mean.what.shift)]
    scale, shift, less = given
    if scale is None or shift is None or less is None or mean.what.shift.size == 1 or float(mean.what.scale) != 1:
        return False
    if what.scale.size == 1 or what.shift.size == 1:
        return False
    weights = {"weight": scale, "bias": shift, "running_mean": -less, "running_var": np.ones(channels)}
    rewriting.put(at, what=BatchNorm(epsilon=0.0), sources=mean.sources, weights=weights)
    return True


def norm(rewriting: Rewriting, at: int) -> bool:
    """A factor and a number for each map behind a batch normalisation are its own (Caffe's Scale layer)."""
    what, before = rewriting.pieces[at].what, rewriting.source(at)
    if not isinstance(what, Affine) or not rewriting.alone(before):
        return False
    own = rewriting.pieces[before]
    scale, shift = (each_map(each, own.shape[0]) for each in (what.scale, what.shift))
    if not isinstance(own.what, BatchNorm) or scale is None or shift is None or not np.any(shift):
        return False
    weights = dict(own.weights)
    weights["weight"] = weights["weight"] * scale
    weights["bias"] = weights["bias"] * scale + shift
    rewriting.put(at, what=own.what, sources=own.sources, weights=weights, node=own.node)
    return True


def fold_norm(rewriting: Rewriting, at: int) -> bool:
    """A batch normalisation behind a convolution or linear layer becomes part of its weights."""
    norm_, before = rewriting.pieces[at], rewriting.source(at)
    if not isinstance(norm_.what, BatchNorm) or not rewriting.alone(before):
        return False
    own = rewriting.pieces[before]
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
    rewriting.put(at, what=replace(own.what, bias=True), sources=own.sources, weights=weights, node=own.node)
    return True


def scaling(rewriting: Rewriting, at: int) -> bool:
    """Turn arithmetic that no earlier rule took into a layer.

    A factor for each map becomes a Scale, a number added to each value a PositionBias, and a factor and a number for
    each map a BatchNorm.
    """
    piece = rewriting.pieces[at]
    what = piece.what
    if not isinstance(what, Affine) or (what.scalar and piece.shape[0] > 1):
        return False
    scale, shift = (each_map(each, piece.shape[0]) for each in (what.scale, what.shift))
    if scale is not None and shift is not None and not np.any(shift):
        rewriting.put(at, what=Scale(), weights={"weight": scale})
        return True
    if what.scale.size == 1 and float(what.scale) == 1 and what.shift.size == np.prod(piece.shape):
        rewriting.put(at, what=PositionBias(), weights={"bias": what.shift.reshape(piece.shape)})
        return True
    if scale is None or shift is None:
        return False
    still = {"running_mean": np.zeros(piece.shape[0]), "running_var": np.ones(piece.shape[0])}
    rewriting.put(at, what=BatchNorm(epsilon=0.0), weights={"weight": scale, "bias": shift} | still)
    return True


def tables(rewriting: Rewriting, *, learned: Collection[str] = ()) -> None:
    """Give a connection table to convolutions many of whose kernels are zero: exporters write LeNet's C3 that way.

    A weight in `learned` is known to be a dense parameter, so it gets no table even if kernels are zero.
    """
    left = limits.VALUES
    for at, piece in list(rewriting.pieces.items()):
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
            rewriting.put(
                at, what=replace(piece.what, table=table), weights={**piece.weights, "weight": weight[linked]}
            )


WHOLE: tuple[Rule, ...] = (drop_identity, local_response, activation)
"""The rules for what is several pieces. They run before numbers are merged, so that a temperature behind a scaled
hyperbolic tangent is not taken for its factor."""
EARLY: tuple[Rule, ...] = (merge_numbers, *WHOLE)
"""The rules that run first. Later ones would take the + 3 of a hard swish for a bias."""
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
"""The rules that combine several pieces into one layer."""
FOLD: tuple[Rule, ...] = (fold_norm,)
"""The rules that run only where batch normalisations are folded."""
LAST: tuple[Rule, ...] = (scaling,)
"""The rules that turn the remaining arithmetic into layers."""
