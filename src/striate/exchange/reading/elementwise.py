"""Nodes that work on each value by itself, or put two values together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from striate.errors import FormatError
from striate.exchange.reading.graph import Array, Node
from striate.exchange.reading.pieces import Affine, Concatenation, Difference, Function, Product, Sum, number
from striate.exchange.reading.reader import Reader
from striate.exchange.reading.views import (
    REPEATED,
    View,
    aligned,
    is_batched,
    once,
    plain_dims,
    repeats,
    squeezed,
    straight,
    unsqueezed,
)

Value = View | Array


def function(name: str, **defaults: float) -> Callable[[Reader, Node], View]:
    """Reads a node that is one function; `defaults` are its attributes."""

    def read(reader: Reader, node: Node) -> View:
        numbers = tuple(node.number(each, default) for each, default in defaults.items())
        return _one(reader, node, Function(name, numbers), reader.view(node))

    return read


def relu(reader: Reader, node: Node) -> View:
    """A limit at 0."""
    return _one(reader, node, Function("clip", (0.0, float("inf"))), reader.view(node))


def clip(reader: Reader, node: Node) -> View:
    """Limits that are attributes, or inputs since opset 11."""
    least, most = (reader.single(node, each) for each in (1, 2))
    low = node.number("min", -np.inf) if least is None else least
    high = node.number("max", np.inf) if most is None else most
    return _one(reader, node, Function("clip", (low, high)), reader.view(node))


def limit(reader: Reader, node: Node) -> View:
    """Min or Max of a value and a single number."""
    view, values = _and_constant(reader, node)
    if values.size != 1:
        raise FormatError("has a limit for each value.", "A limit is one number.")
    bound = float(values.reshape(-1)[0])
    limits = (bound, np.inf) if node.operator == "Max" else (-np.inf, bound)
    return _one(reader, node, Function("clip", limits), view)


def gelu(reader: Reader, node: Node) -> View:
    """Exact, or by tanh."""
    name = "gelu_tanh" if node.text("approximate", "none") == "tanh" else "gelu"
    return _one(reader, node, Function(name), reader.view(node))


def hard_swish(reader: Reader, node: Node) -> View:
    """a · HardSigmoid(a)."""
    view = reader.view(node)
    gate = reader.add(Function("hard_sigmoid", (1 / 6, 0.5)), [view.piece], view.shape, node)
    return view.over(reader.add(Product(), [view.piece, gate], view.shape, node))


def swish(reader: Reader, node: Node) -> View:
    """a · sigmoid(alpha · a)."""
    view, alpha = reader.view(node), node.number("alpha", 1.0)
    scaled = reader.add(Affine(number(alpha), number(0)), [view.piece], view.shape, node)
    gate = reader.add(Function("sigmoid"), [scaled], view.shape, node)
    return view.over(reader.add(Product(), [view.piece, gate], view.shape, node))


def sloped(reader: Reader, node: Node) -> View:
    """PRelu with one slope."""
    slope = reader.constant(node, 1)
    if slope is None or slope.size == 0 or slope.min() != slope.max():
        raise FormatError("learns a slope for each map.", "A leaky ReLU has one slope.")
    return _one(reader, node, Function("leaky_relu", (float(slope.reshape(-1)[0]),)), reader.view(node))


def negated(reader: Reader, node: Node) -> View:
    """−a."""
    return _one(reader, node, Affine(number(-1), number(0)), reader.view(node))


def power(reader: Reader, node: Node) -> View:
    """A constant power."""
    view, values = _and_constant(reader, node)
    if values.size != 1 or not isinstance(reader.values.get(node.input(0)), View):
        raise FormatError("has a power that is no single number.", "The power is a constant.")
    return _one(reader, node, Function("power", (float(values.reshape(-1)[0]),)), view)


def root(reader: Reader, node: Node) -> View:
    """Square root, or reciprocal."""
    exponent = 0.5 if node.operator == "Sqrt" else -1.0
    return _one(reader, node, Function("power", (exponent,)), reader.view(node))


def arithmetic(reader: Reader, node: Node) -> View:
    """Add, Sub, Mul or Div of values and constants; Sum of any number."""
    left = _value(reader, node, 0)
    for place in range(1, len(node.inputs)):
        left = _pair(reader, node, left, _value(reader, node, place))
    if not isinstance(left, View):
        raise FormatError("reads constants only.", "It must read a value of the network.")
    return left


def concatenation(reader: Reader, node: Node) -> View:
    """Maps side by side."""
    views = [reader.view(node, each) for each in range(len(node.inputs))]
    first = views[0]
    if len(views) == 1:
        return first
    axis = node.whole("axis", 1) % first.rank
    if any(len(view.shape) != 3 for view in views):
        raise FormatError("puts flat vectors side by side.", "Branches put maps side by side.")
    if any(view.rank != 4 or not is_batched(view) for view in views):
        raise FormatError("puts values side by side that are no maps.", "Branches put maps side by side.")
    channels = [_channel_axis(view) for view in views]
    if any(each != axis for each in channels) or len({view.shape[1:] for view in views}) > 1:
        raise FormatError(f"puts values side by side along dimension {axis}.", "Branches do so along channels.")
    order = (0, 1, 2, 3) if axis == 1 else (0, 3, 1, 2)
    laid = [reader.maps(View(view.piece, view.shape, tuple(view.dims[each] for each in order)), node) for view in views]
    shape = (sum(view.shape[0] for view in views), *first.shape[1:])
    made = straight(reader.add(Concatenation(), [view.piece for view in laid], shape, node), shape, reader.batch)
    back = [order.index(each) for each in range(4)]
    return View(made.piece, made.shape, tuple(made.dims[each] for each in back))


def _channel_axis(view: View) -> int:
    """The dimension in the file that the channels are."""
    held = [n for n, dim in enumerate(view.dims) if any(atom.axis == 0 for atom in dim)]
    if held:
        return held[0]
    plain = plain_dims(view.shape)
    return 3 if view.dims[1:3] == plain[1:] and view.dims[2:] != plain[1:] else 1


def _one(reader: Reader, node: Node, what: Function | Affine, view: View) -> View:
    return view.over(reader.add(what, [view.piece], view.shape, node))


def _value(reader: Reader, node: Node, place: int) -> Value:
    value = reader.values.get(node.input(place))
    if value is None:
        raise FormatError(f"lacks its input {place}.", "All inputs must be there.")
    return value


def _and_constant(reader: Reader, node: Node) -> tuple[View, Array]:
    """The one value of the network and the one constant that a node reads."""
    values = [_value(reader, node, each) for each in range(len(node.inputs))]
    views = [each for each in values if isinstance(each, View)]
    constants = [each for each in values if not isinstance(each, View)]
    if len(views) != 1 or len(constants) != 1:
        raise FormatError(f"reads {len(views)} values of the network.", "It reads one, and a constant.")
    return _at_least(views[0], constants[0].ndim), constants[0]


def _at_least(view: View, rank: int) -> View:
    """The view with as many dimensions as a constant: broadcasting adds them in front."""
    return unsqueezed(view, range(max(0, rank - view.rank)))


def _pair(reader: Reader, node: Node, left: Value, right: Value) -> Value:
    kind = "Add" if node.operator == "Sum" else node.operator
    if isinstance(left, View) and isinstance(right, View):
        return _joined(reader, node, kind, left, right)
    if isinstance(left, View):
        return _with_constant(reader, node, kind, left, _floats(reader, right), reverse=False)
    if isinstance(right, View) and not isinstance(left, View):
        return _with_constant(reader, node, kind, right, _floats(reader, left), reverse=True)
    raise FormatError("reads constants only.", "It must read a value of the network.")


def _floats(reader: Reader, values: Value) -> Array:
    assert not isinstance(values, View)  # noqa: S101 - the caller has looked
    if reader.graph.whole and values.dtype.kind in "iu":  # its other value is of the same type, and not cast yet
        raise FormatError(f"computes numbers of type {values.dtype}.", "Pixels become floats before they are computed.")
    return values.astype(np.float64)


def _with_constant(reader: Reader, node: Node, kind: str, view: View, values: Array, *, reverse: bool) -> View:
    if kind == "Sub" and view.rank == 3 and view.dims[1] == () and values.ndim >= 2:
        return _difference(reader, node, view, values, reverse=reverse)
    view = _at_least(reader.whole(view, node), values.ndim)
    laid = aligned(values, view)
    one, zero = np.ones_like(laid), np.zeros_like(laid)
    with np.errstate(divide="ignore"):
        match kind, reverse:
            case "Add", _:
                what = Affine(number(1), laid)
            case "Sub", False:
                what = Affine(number(1), -laid)
            case "Sub", True:
                what = Affine(number(-1), laid)
            case "Mul", _:
                what = Affine(laid, number(0))
            case "Div", False:
                what = Affine(one / laid, number(0))
            case "Div", True:
                inverse = reader.add(Function("power", (-1.0,)), [view.piece], view.shape, node)
                return view.over(reader.add(Affine(laid, zero), [inverse], view.shape, node))
            case _:
                raise FormatError("is no sum or product.", "Values are added or multiplied.")
    return _one(reader, node, what, view)


def _difference(reader: Reader, node: Node, view: View, values: Array, *, reverse: bool) -> View:
    """A vector less each of some centres, (batch, centres, features)."""
    centres = values.reshape(values.shape[-2:])
    flat, order = reader.vector(squeezed(view, [1]), node)
    if reverse or centres.shape[1] != flat.shape[0] or order is not None:
        raise FormatError("takes a vector from constants of another size.", "RBF units compare it with their centres.")
    shape = (len(centres), flat.shape[0])
    return straight(reader.add(Difference(centres), [flat.piece], shape, node), shape, reader.batch)


def _joined(reader: Reader, node: Node, kind: str, left: View, right: View) -> View:
    left, right = _unrepeated(reader, node, *_same_rank(left, right))
    if left.dims != right.dims:
        return _gated(reader, node, kind, left, right)
    if left.shape != right.shape:  # maps of 1×1 and a number for each
        if kind == "Mul":
            values, gate = (left, right) if len(left.shape) == 3 else (right, left)
            return values.over(reader.add(Product(), [values.piece, gate.piece], values.shape, node))
        flat = [reader.vector(squeezed(each, []), node)[0] for each in (left, right)]
        left, right = (View(each.piece, each.shape, left.dims) for each in flat)
    match kind:
        case "Add":
            what = Sum()
        case "Sub":
            minus = reader.add(Affine(number(-1), number(0)), [right.piece], right.shape, node)
            return left.over(reader.add(Sum(), [left.piece, minus], left.shape, node))
        case "Mul":
            what = Product()
        case "Div":
            what = Product(-1)
        case _:
            raise FormatError("puts two values together.", "Values are added, multiplied or put side by side.")
    return left.over(reader.add(what, [left.piece, right.piece], left.shape, node))


def _unrepeated(reader: Reader, node: Node, left: View, right: View) -> tuple[View, View]:
    """The two factors of a product; where one was repeated to the size of the other, it is taken before that.

    The product of a description repeats a factor by itself.
    """
    if left.sizes == right.sizes and _is_spread(right):
        right = once(right)
    elif left.sizes == right.sizes and _is_spread(left):
        left = once(left)
    return reader.whole(left, node), reader.whole(right, node)


def _is_spread(view: View) -> bool:
    """Whether a value is repeated, and only along dimensions of one value."""
    dims = [dim for dim, n in zip(view.dims, repeats(view), strict=True) if n > 1]
    return bool(dims) and all(atom.axis == REPEATED for dim in dims for atom in dim)


def _gated(reader: Reader, node: Node, kind: str, left: View, right: View) -> View:
    """Maps times one value for each of them."""
    values, gate = (left, right) if np.prod(left.sizes) >= np.prod(right.sizes) else (right, left)
    alike = (
        len(values.shape) == 3
        and values.rank == gate.rank
        and values.shape[0] == gate.shape[0]
        and all(own == () or own == of for own, of in zip(gate.dims, values.dims, strict=True))
        and gate.shape[1:] in ((), (1, 1))
    )
    if kind != "Mul" or not alike:
        raise FormatError(
            f"puts {values.sizes[1:]} and {gate.sizes[1:]} together.",
            "Both must be maps of one size, or one of them a factor for each map.",
        )
    return values.over(reader.add(Product(), [values.piece, gate.piece], values.shape, node))


def _same_rank(left: View, right: View) -> tuple[View, View]:
    """Both with as many dimensions, as broadcasting adds them in front; the batch must stay first."""
    if left.rank != right.rank:
        raise FormatError(
            f"puts {left.rank} and {right.rank} dimensions together.", "Both values must have as many dimensions."
        )
    return left, right
