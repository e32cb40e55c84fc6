"""Insert size: how long the fragments are whose two ends were read, learned from the pairs themselves.

Lengths are outer distances (bp): from the first base of the forward mate to the last base of the reverse one.
The borders of a proper pair come from the quartiles, so that a few chimeras or a long tail do not move them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError

LONGEST = 10_000
"""Longer fragments are not counted: sequencing machines of short reads do not read them."""
FEWEST = 25
"""Pairs that are needed to learn from."""
_TAIL, _WIDE = 3.0, 4.0  # borders: quartiles and 3 interquartile ranges, at least 4 standard deviations
_KEPT = 2.0  # interquartile ranges beyond the quartiles that mean and standard deviation are taken over


class InsertSize(NamedTuple):
    """Fragments of a library.

    Attributes
    ----------
    mean, sd
        Mean and standard deviation, bp.
    low, high
        Shortest and longest fragment of a proper pair, bp.
    """

    mean: float
    sd: float
    low: int
    high: int

    @classmethod
    def of(cls, mean: float, sd: float) -> InsertSize:
        """The usual borders around a mean and a standard deviation.

        Raises
        ------
        UsageError
            If the mean is not positive or the standard deviation negative.
        """
        if not (0 < mean <= LONGEST and 0 <= sd <= mean):
            raise UsageError(
                f"insert size {mean:g},{sd:g}: expected a mean of 1 to {LONGEST} bp and a standard deviation "
                "of 0 to the mean"
            )
        sd = max(sd, 1.0)
        reach = (_TAIL + 0.5) * 1.349 * sd  # as far as the quartiles of a normal distribution would put them
        return cls(mean, sd, max(1, int(mean - reach)), int(np.ceil(mean + reach)))


UNKNOWN = InsertSize(400.0, 250.0, 1, 1_500)
"""What is assumed where nothing can be learned: any fragment that an Illumina library holds."""


def learn(fragments: NDArray[np.int64]) -> InsertSize | None:
    """The insert size of pairs whose mates are placed surely; None if they are too few.

    Parameters
    ----------
    fragments : ndarray, shape (n,)
        Outer distances, bp; in any order.
    """
    if len(fragments) < FEWEST:
        return None
    lower, upper = np.percentile(fragments, (25, 75))
    spread = upper - lower
    kept = fragments[(fragments >= lower - _KEPT * spread) & (fragments <= upper + _KEPT * spread)]
    mean, sd = float(kept.mean()), max(float(kept.std()), 1.0)
    low = min(lower - _TAIL * spread, mean - _WIDE * sd)
    high = max(upper + _TAIL * spread, mean + _WIDE * sd)
    return InsertSize(mean, sd, max(1, int(low)), int(np.ceil(high)))
