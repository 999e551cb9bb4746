"""Residuals that differ in whether they have a shortcut, as one: with a shortcut just where the shape changes.

ResNet's blocks are written so: a projection stands where a block has a stride or changes the number of maps.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from striate.description.layers import Joined, Residual
from striate.emit.source.parts import SHORTCUT, Optional, Part, inner_numbers, joined, rebuilt
from striate.emit.source.repeats import FAMILY


def unified(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts, with residuals of one body made alike where their shortcuts follow from their numbers."""
    bodies: dict[Hashable, list[Part]] = {}
    for part in parts:
        for each in part.walk():
            if isinstance(each.layer, Residual) and not any(
                isinstance(one.layer, Joined) for one in each.walk() if one is not each
            ):
                bodies.setdefault(_body(each), []).append(each)
    found = {key: each for key, residuals in bodies.items() if (each := _optional(residuals))}
    return tuple(_rebuilt(part, found) for part in parts) if found else tuple(parts)


def _body(part: Part) -> Hashable:
    return len(part.input), tuple((child.name, child.skeleton) for child in part.children)


def _optional(residuals: list[Part]) -> Optional | None:
    """The condition on which residuals with the same body have a shortcut; None where there is no simple one."""
    projected = [part for part in residuals if part.shortcut]
    if (
        len(projected) in (0, len(residuals))
        or len({part.shortcut.skeleton for part in projected if part.shortcut}) > 1
    ):
        return None
    own = [inner_numbers(part.children) for part in residuals]
    reads = next((key for key in own[0] if key[1] == "inputs" and _same(residuals, own, key, 0)), None)
    gives = next((key for key in own[0] if key[1] == "filters" and _same(residuals, own, key, 1)), None)
    strides = [key for key in own[0] if key[1] == "stride" and len({each[key] for each in own}) > 1]
    if reads is None or gives is None or len(strides) > 1:
        return None
    stride = strides[0] if strides else None
    for part, numbers in zip(residuals, own, strict=True):
        changes = part.input[0] != part.output[0] or (stride is not None and numbers[stride] != 1)
        if changes is not (part.shortcut is not None):
            return None
    bodies = [inner_numbers(part.children) for part in projected]
    sides = [
        {(joined(SHORTCUT, path), field): n for (path, field), n in each.shortcut.numbers.items()}
        for each in projected
        if each.shortcut
    ]
    stands = {key: _stands(key, [each[key] for each in sides], bodies, reads) for key in sides[0]}
    if any(each is None for each in stands.values()):
        return None
    return Optional(projected[0], reads, gives, stride, {key: each for key, each in stands.items() if each is not None})


def _same(residuals: list[Part], own: list[dict[tuple[str, str], int]], key: tuple[str, str], side: int) -> bool:
    """Whether a number is, in each, how many maps it reads (0) or gives (1)."""
    return all(
        numbers[key] == (part.output if side else part.input)[0] for part, numbers in zip(residuals, own, strict=True)
    )


def _stands(
    key: tuple[str, str], column: list[int], bodies: list[dict[tuple[str, str], int]], reads: tuple[str, str]
) -> tuple[str, str] | int | None:
    """A number of the body that is always that of the shortcut, or one that never changes.

    Filters are other filters, or the maps that the residual reads: not every language says what a layer inside reads.
    """
    family = FAMILY.get(key[1], key[1])
    for other in bodies[0]:
        known = key[1] == "inputs" or other[1] != "inputs" or other == reads
        if known and FAMILY.get(other[1], other[1]) == family and [each[other] for each in bodies] == column:
            return other
    return column[0] if len(set(column)) == 1 else None


def _rebuilt(part: Part, found: dict[Hashable, Optional]) -> Part:
    if isinstance(part.layer, Residual) and (optional := found.get(_body(part))):
        numbers = inner_numbers(part.children)
        return replace(part, numbers=numbers, skeleton=("optional shortcut", _body(part)), optional=optional)
    if not part.children:
        return part
    children = tuple(_rebuilt(child, found) for child in part.children)
    return rebuilt(part, children, part.shortcut and _rebuilt(part.shortcut, found))
