"""CIGAR: operations of an alignment, as BAM numbers them; one is stored as ``length << 4 | operation``."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

MATCH, INSERTION, DELETION, SOFT_CLIP, SAME, DIFFERENT = 0, 1, 2, 4, 7, 8
"""The last two tell matches from mismatches and are made on demand only (`genoseq.align.matches`)."""


@numba.njit(cache=True, nogil=True)
def write_clipped(path: NDArray[np.uint32], before: int, after: int, cigar: NDArray[np.uint32]) -> int:
    """Write a path with the soft clips before and after it (bp); returns the number of operations."""
    count = 0
    if before > 0:
        cigar[0] = before << 4 | SOFT_CLIP
        count = 1
    cigar[count : count + path.shape[0]] = path
    count += path.shape[0]
    if after > 0:
        cigar[count] = after << 4 | SOFT_CLIP
        count += 1
    return count


@numba.njit(cache=True, nogil=True, inline="always")
def length_of(operation: np.uint32) -> int:
    """Length of an operation, bp."""
    return int(np.int64(operation) >> 4)


@numba.njit(cache=True, nogil=True)
def bases_of(path: NDArray[np.uint32]) -> int:
    """Bases of the read that a path aligns or inserts."""
    total = 0
    for operation in path:
        total += length_of(operation) if operation & 15 != DELETION else 0
    return total


@numba.njit(cache=True, nogil=True)
def clips(cigars: NDArray[np.uint32], first: int, last: int) -> tuple[int, int]:
    """Bases clipped before and after the operations ``first:last``."""
    before = length_of(cigars[first]) if cigars[first] & 15 == SOFT_CLIP else 0
    after = length_of(cigars[last - 1]) if cigars[last - 1] & 15 == SOFT_CLIP else 0
    return before, after
