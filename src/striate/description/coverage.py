"""The number of positions along an axis that some window reads, counted without a loop over positions.

Window i reads the positions i·S + t·D for taps t below F. Two pairs (i, t) give the same position where they differ by
a multiple of (D/g, −S/g), where g is the greatest common divisor of S and D. So each position is counted once if only
those pairs count that have no neighbour one such step back.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd


@dataclass(frozen=True)
class Windows:
    """`count` windows of `kernel` positions each, `dilation` apart; windows start `stride` apart, the first at 0."""

    count: int
    stride: int
    kernel: int
    dilation: int

    def read_before(self, end: int) -> int:
        """The number of positions below `end` that some window reads.

        >>> Windows(2, stride=3, kernel=2, dilation=1).read_before(5), Windows(3, 2, 2, 3).read_before(8)
        (4, 6)
        """
        divisor = gcd(self.stride, self.dilation)
        windows, taps = self.dilation // divisor, self.stride // divisor
        twice = Windows(self.count - windows, self.stride, self.kernel - taps, self.dilation)
        return self._pairs_before(end) - twice._pairs_before(end - taps * self.dilation)

    def _pairs_before(self, end: int) -> int:
        """The number of pairs of a window and a tap whose position is below `end`."""
        if self.count <= 0 or self.kernel <= 0 or end <= 0:
            return 0
        some = min(self.kernel, -(-end // self.dilation))
        every = min(some, max(0, -(-(end - (self.count - 1) * self.stride) // self.dilation)))
        rest = some - every
        first = end - 1 - (some - 1) * self.dilation
        return every * self.count + rest + _floor_sum(rest, self.stride, self.dilation, first)


def _floor_sum(count: int, divisor: int, slope: int, start: int) -> int:
    """The sum of (slope·i + start) // divisor over i below `count`, in as many steps as Euclid's algorithm takes."""
    total = 0
    while count > 0:
        total += count * (count - 1) // 2 * (slope // divisor) + count * (start // divisor)
        slope, start = slope % divisor, start % divisor
        count, start = divmod(slope * count + start, divisor)
        divisor, slope = slope, divisor
    return total
