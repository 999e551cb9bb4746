"""Sets of places along an axis, or of maps, each as one whole number: bit p is set where place p belongs to the set.

Python's whole numbers have as many bits as are needed, so a union is `|`, a set of a million places takes 125 kB and
microseconds, and what a window reads is a few shifts.
"""

from __future__ import annotations


def run(count: int, first: int = 0) -> int:
    """`count` places from `first` on.

    >>> bin(run(3, first=2))
    '0b11100'
    """
    return ((1 << count) - 1) << first


def ends(places: int) -> tuple[int, int]:
    """The first and the last place of a set that has any.

    >>> ends(0b10110)
    (1, 4)
    """
    return (places & -places).bit_length() - 1, places.bit_length() - 1


def within(inner: int, outer: int) -> bool:
    """Whether a set holds all of another."""
    return inner & ~outer == 0


def spread(places: int, step: int) -> int:
    """Place p moved to p·step.

    >>> bin(spread(0b111, 3))
    '0b1001001'
    """
    return places if step == 1 or places < 2 else int(("0" * (step - 1)).join(format(places, "b")), 2)


def gathered(places: int, step: int) -> int:
    """Place p·step moved to p; others are left out.

    >>> bin(gathered(0b1011001, 3))
    '0b111'
    """
    return int(format(places, "b")[::-1][::step][::-1], 2)


def smeared(places: int, count: int, step: int = 1) -> int:
    """Each place, and those `step`, 2·`step`, ... after it: `count` together.

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
    """The blocks of `size` places that have any in the set, by number.

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
    """The places that were there before `count` of them, in `groups` of equal size, were interleaved.

    >>> bin(unshuffled(0b000010, groups=2, count=6))
    '0b1000'
    """
    bits = format(places, f"0{count}b")[::-1]
    return int("".join(bits[group::groups] for group in range(groups))[::-1], 2)
