"""Sets of positions along an axis, or of maps, each as one integer: bit p is set where position p is in the set.

Python's integers have as many bits as needed. So a union is `|`, a set of a million positions takes 125 kB and
microseconds, and the positions that windows read are computed by a few shifts.
"""

from __future__ import annotations


def run(count: int, first: int = 0) -> int:
    """The set of `count` positions from `first` on.

    >>> bin(run(3, first=2))
    '0b11100'
    """
    return ((1 << count) - 1) << first


def ends(places: int) -> tuple[int, int]:
    """The first and the last position of a set that is not empty.

    >>> ends(0b10110)
    (1, 4)
    """
    return (places & -places).bit_length() - 1, places.bit_length() - 1


def within(inner: int, outer: int) -> bool:
    """Whether `inner` is a subset of `outer`."""
    return inner & ~outer == 0


def spread(places: int, step: int) -> int:
    """The set with each position p moved to p·step.

    >>> bin(spread(0b111, 3))
    '0b1001001'
    """
    return places if step == 1 or places < 2 else int(("0" * (step - 1)).join(format(places, "b")), 2)


def gathered(places: int, step: int) -> int:
    """The set with each position p·step moved to p; other positions are left out.

    >>> bin(gathered(0b1011001, 3))
    '0b111'
    """
    return int(format(places, "b")[::-1][::step][::-1], 2)


def smeared(places: int, count: int, step: int = 1) -> int:
    """Each position, and the positions `step`, 2·`step`, ... after it: `count` positions for each.

    >>> bin(smeared(0b100001, 3, step=2))
    '0b1010110101'
    """
    have = 1
    while have < count:
        more = min(have, count - have)
        places |= places << more * step
        have += more
    return places


def blocks(places: int, size: int) -> int:
    """The numbers of the blocks of `size` positions that have a position in the set.

    >>> bin(blocks(0b110000010, 4))
    '0b111'
    """
    have = 1
    while have < size:
        more = min(have, size - have)
        places |= places >> more
        have += more
    return gathered(places, size)


def unshuffled(places: int, groups: int, count: int) -> int:
    """The set before a shuffle: the positions of `count` maps before their `groups` were interleaved.

    >>> bin(unshuffled(0b000010, groups=2, count=6))
    '0b1000'
    """
    bits = format(places, f"0{count}b")[::-1]
    return int("".join(bits[group::groups] for group in range(groups))[::-1], 2)
