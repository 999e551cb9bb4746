"""From chains of pieces to the layers of a description: blocks by the file's own scopes, names where they are free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from striate.description import limits
from striate.description.layers import Block, Branches, Gate, Layer, Residual
from striate.description.network import names
from striate.exchange.reading.graph import Problem, refusal
from striate.exchange.reading.naming import Path, shared
from striate.exchange.reading.pieces import Concatenation, Product
from striate.exchange.reading.structure import Chain, Join, Leaf


class Assembly:
    """Layers of a chain; `order` has the pieces of its simple layers in the order in which a plan has them.

    The body of a residual is the part with more layers, or with `body_first` the first that is not empty.
    """

    def __init__(self, paths: Mapping[int, Path], *, body_first: bool) -> None:
        self.paths, self.body_first = paths, body_first
        self.order: list[int] = []

    def layers(self, chain: Chain, depth: int = 0) -> list[Layer]:
        """The layers of a chain that stands `depth` blocks deep; items of one scope side by side become a Block."""
        found: list[Layer] = []
        scopes = [self._scope(item)[depth : depth + 1] for item in chain]
        again = Counter(scope for at, scope in enumerate(scopes) if at == 0 or scopes[at - 1] != scope)
        at = 0
        while at < len(chain):
            scope = scopes[at]
            if not scope or again[scope] > 1:
                found.append(self._item(chain[at], depth))
                at += 1
                continue
            end = at
            while end < len(chain) and scopes[end] == scope:
                end += 1
            inner = self.layers(chain[at:end], depth + 1)
            single = len(inner) == 1 and not inner[0].name and isinstance(chain[at], Join)
            found.append(replace(inner[0], name=scope[0]) if single else Block(inner, name=scope[0]))
            at = end
        return _apart(found)

    def _item(self, item: Leaf | Join, depth: int) -> Layer:
        if isinstance(item, Leaf):
            self.order.append(item.piece)
            name = "_".join(part for part in self.paths[item.piece][depth:] if part)[: limits.NAME]
            return _named(item.layer, name)
        own = len(self._scope(item))
        match item.what:
            case Concatenation():
                blocks = [self._branch(part, max(depth, own)) for part in item.parts]
                return Branches([each for each in _apart(blocks) if isinstance(each, Block)])
            case Product():
                if not item.parts[0]:
                    problem = "multiplies a value by itself.", "A gate multiplies it by what layers compute of it."
                    raise refusal([Problem(item.node, *problem)])
                return Gate(_unwrapped(self.layers(item.parts[0], max(depth, own))))
            case _:
                return self._residual(item, max(depth, own))

    def _branch(self, part: Chain, depth: int) -> Block:
        made = self.layers(part, depth)
        return made[0] if len(made) == 1 and isinstance(made[0], Block) else Block(made)

    def _residual(self, item: Join, depth: int) -> Layer:
        body, shortcut = sorted(item.parts, key=self._weight, reverse=True)
        if not body:
            problem = Problem(item.node, "adds a value to itself.", "A sum has two parts.")
            raise refusal([problem])
        layers = [
            replace(each, name="shortcut_") if shortcut and each.name == "shortcut" else each
            for each in _unwrapped(self.layers(body, depth))
        ]
        return Residual(layers, shortcut=_unwrapped(self.layers(shortcut, depth)))

    def _weight(self, part: Chain) -> int:
        return min(1, len(part)) if self.body_first else _leaves(part)

    def _scope(self, item: Leaf | Join) -> Path:
        """The blocks that an item is in; for a join, the blocks that contain all its layers."""
        if isinstance(item, Leaf):
            return self.paths[item.piece][:-1]
        own = self.paths.get(item.piece, ())[:-1]
        inner = [self._scope(each) for part in item.parts for each in part]
        return shared([own, *inner] if own else inner)


def _leaves(chain: Chain) -> int:
    return sum(1 if isinstance(item, Leaf) else 1 + sum(map(_leaves, item.parts)) for item in chain)


def _unwrapped(layers: Sequence[Layer]) -> Sequence[Layer]:
    """The layers of a single block."""
    return layers[0].layers if len(layers) == 1 and isinstance(layers[0], Block) else layers


def _named(layer: Layer, name: str) -> Layer:
    return replace(layer, name=name) if name else layer


def _apart(layers: Sequence[Layer]) -> list[Layer]:
    """Layers side by side with names of their own; a name that a layer would have without it is left out."""
    automatic = names([replace(layer, name="") for layer in layers])
    given: list[str] = []
    for layer, own in zip(layers, automatic, strict=True):
        given.append("" if layer.name == own or layer.name in given else layer.name)
    taken = {own for own, name in zip(automatic, given, strict=True) if not name}
    found: list[Layer] = []
    for layer, name in zip(layers, given, strict=True):
        while name in taken:
            name += "_"
        found.append(replace(layer, name=name))
        taken |= {name} if name else set()
    return found
