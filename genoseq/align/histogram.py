"""Histogram: counts of lengths of any size in an array of one size.

Lengths below 2,048 have a slot each; from there on every doubling has 1,024 slots, so that a slot is at most
a thousandth as wide as its lengths are long. Sums of whole numbers do not depend on the order of the reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numba
import numpy as np
from numpy.typing import NDArray

_BITS = 10
_FINE = 1 << _BITS  # slots of one doubling
LONGEST = (1 << 31) - 1
"""Longer ones count as this: SAM knows no longer contig (SAM specification, section 1.4)."""
_SLOTS = (31 - _BITS + 1) * _FINE
_DOUBLINGS = np.maximum(np.arange(_SLOTS) // _FINE - 1, 0)
_FLOORS = (np.arange(_SLOTS) - _DOUBLINGS * _FINE) << _DOUBLINGS  # the shortest length of each slot
_SKEWED = 5  # lengths spread further than this many medians are shown on a logarithmic axis


@numba.njit(cache=True, nogil=True)
def slot(length: int) -> int:
    """The slot of a length of 0 to `LONGEST`."""
    shift = 0
    while length >> shift >= 2 * _FINE:
        shift += 1
    return shift * _FINE + (length >> shift)


@numba.njit(cache=True, nogil=True)
def _count_all(lengths, counts):
    for length in lengths:
        counts[slot(min(length, LONGEST))] += 1


@dataclass(frozen=True)
class Histogram:
    """How often each length occurred.

    Attributes
    ----------
    counts : ndarray, dtype int64
        By slot.

    Examples
    --------
    >>> histogram = Histogram()
    >>> histogram.add(np.array([5, 7, 7, 300_000]))
    >>> histogram.total, histogram.shortest, histogram.quantile(0.5), histogram.longest
    (4, 5, 7, 299776)
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_SLOTS, np.int64))

    def add(self, lengths: NDArray[np.int64]) -> None:
        """Count lengths (int64[n], bp, 0 or more)."""
        _count_all(lengths, self.counts)

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Histogram:
        """With these counts by length, as `to_dict` gives them."""
        histogram = cls()
        for length, count in counts.items():
            histogram.counts[slot(length)] += count
        return histogram

    def to_dict(self) -> dict[int, int]:
        """Lengths that occurred, rounded down to their slot, and how often."""
        some = np.flatnonzero(self.counts)
        return dict(zip(_FLOORS[some].tolist(), self.counts[some].tolist(), strict=True))

    @property
    def total(self) -> int:
        """How many were counted."""
        return int(self.counts.sum())

    @property
    def shortest(self) -> int:
        """The shortest length; 0 if there is none. Like all lengths it is rounded down to its slot."""
        return self.quantile(0.0)

    @property
    def longest(self) -> int:
        """The longest length; 0 if there is none."""
        return self.quantile(1.0)

    @property
    def mean(self) -> float:
        """Mean length, bp; NaN if there is none."""
        return float(self.counts @ _FLOORS) / self.total if self.total else float("nan")

    def quantile(self, share: float) -> int:
        """The shortest length that reaches this share (0-1) of all; 0 if there is none."""
        total = self.total
        if not total:
            return 0
        rank = min(max(int(np.ceil(share * total)), 1), total)
        return int(_FLOORS[np.searchsorted(np.cumsum(self.counts), rank)])

    def without(self, length: int) -> Histogram:
        """The same without one length, for example without the reads that have nothing clipped."""
        counts = self.counts.copy()
        counts[slot(length)] = 0
        return Histogram(counts)

    def edges(self, *, low: int | None = None, limit: int = LONGEST, most: int = 60) -> NDArray[np.int64]:
        """Borders of at most `most` bins to show the lengths in, half-open, int64[bins + 1].

        Bins are 1, 2, 5, 10, 20, .. bp wide; where the longest are many times the median, the widths grow
        with the length. They begin with `low` or the shortest, and leave out what is longer than `limit`. No
        lengths, no borders.
        """
        low, high = self.shortest if low is None else low, min(self.longest, limit)
        if not self.total or low > high:
            return np.empty(0, np.int64)
        if high > _SKEWED * max(self.quantile(0.5), most):
            return np.unique(np.geomspace(max(low, 1), high + 1, most + 1).round().astype(np.int64))
        width = round_up((high - low + 1) / most)
        return np.arange(low // width, high // width + 2) * width

    def binned(self, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts between borders, int64[bins]; what lies outside is not counted."""
        sums = np.concatenate([[0], np.cumsum(self.counts)])
        return np.diff(sums[np.searchsorted(_FLOORS, edges)])


def round_up(value: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ..

    Examples
    --------
    >>> round_up(0.3), round_up(2), round_up(12.1), round_up(51)
    (1, 2, 20, 100)
    """
    power = 1
    while True:
        for step in (1, 2, 5):
            if step * power >= value:
                return step * power
        power *= 10
