"""Ends: where an alignment stops being one.

The scores that find divergent reads also stretch a clean alignment over what does not belong to it, an
adapter or the other side of a breakpoint: of unrelated letters, well aligned, two in three match. How
divergent a read is, its better half tells. An end that is far more likely unrelated than that divergent is
clipped.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.cigar import DELETION, INSERTION, MATCH, length_of

_UNRELATED = 0.35  # edits a column where unrelated letters are aligned with these scores
_DIVERGENT = 0.06  # of a read this divergent no end is clipped
_LEAST = 0.08  # no end is expected to be cleaner: divergence is uneven, and quality falls along a read
_EVIDENCE = 9.0  # nats by which an end must be more likely unrelated
FEW = 6
"""Alignments with fewer edits are kept as they are."""


@numba.njit(cache=True, nogil=True)
def clip_ends(
    read: NDArray[np.uint8], i: int, target: NDArray[np.uint8], j: int, operations: NDArray[np.uint32]
) -> tuple[int, int, int, int]:
    """Clip unrelated ends of an alignment that begins at base `i` of the read and `j` of the target.

    Parameters
    ----------
    operations : ndarray, dtype uint32
        Begin and end with a match; the first and the last that stay are shortened in place.

    Returns
    -------
    begin, start : int
        Where it begins now.
    first, last : int
        The operations that stay.
    """
    columns = 0
    for o in range(operations.shape[0]):
        columns += operations[o] >> 4
    edits = np.zeros(2)
    seen = 0
    a, b = i, j
    for o in range(operations.shape[0]):
        length, kind = length_of(operations[o]), operations[o] & 15
        for x in range(length):
            edit = kind != MATCH or read[a + x] != target[b + x] or read[a + x] > 3
            edits[0 if 2 * seen < columns else 1] += edit
            seen += 1
        a += length if kind != DELETION else 0
        b += length if kind != INSERTION else 0
    divergence = 2 * min(edits[0], edits[1]) / columns
    if divergence > _DIVERGENT:
        return i, j, 0, operations.shape[0]
    divergence = max(divergence, _LEAST)
    gain, loss = math.log((1 - divergence) / (1 - _UNRELATED)), math.log(_UNRELATED / divergence)
    # the evidence along the alignment: its lowest point ends a bad start, its highest begins a bad end
    total, low, high = 0.0, 0.0, -math.inf
    low_at, high_at = (np.int64(0), np.int64(0)), (np.int64(0), np.int64(0))  # operation, bases of it before
    a, b = i, j
    for o in range(operations.shape[0]):
        length, kind = length_of(operations[o]), operations[o] & 15
        if kind == MATCH:
            for x in range(length):
                same = read[a + x] == target[b + x] and read[a + x] < 4
                total += gain if same else -loss
                if total < low:
                    low, low_at = total, (np.int64(o), np.int64(x + 1))
                if total >= high:
                    high, high_at = total, (np.int64(o), np.int64(x + 1))
        else:
            total -= loss + 0.5 * (length - 1)
            if total < low:
                low, low_at = total, (np.int64(o), length)
        a += length if kind != DELETION else 0
        b += length if kind != INSERTION else 0
    first, last = 0, operations.shape[0]
    if total - high < -_EVIDENCE:
        last = high_at[0] + 1
        operations[high_at[0]] = np.uint32(high_at[1] << 4 | MATCH)
    if low < -_EVIDENCE and (low_at[0] < high_at[0] or (low_at[0] == high_at[0] and low_at[1] < high_at[1])):
        for o in range(low_at[0] + 1):
            length, kind = length_of(operations[o]), operations[o] & 15
            if o == low_at[0]:
                length = int(low_at[1])
            i += length if kind != DELETION else 0
            j += length if kind != INSERTION else 0
        operations[low_at[0]] -= np.uint32(low_at[1] << 4)
        first = int(low_at[0] + (operations[low_at[0]] < 16))
    if last - first < operations.shape[0]:
        i, j = _grow(read, i, target, j, operations[first:last])
    return i, j, first, last


@numba.njit(cache=True, nogil=True)
def _grow(read, i, target, j, operations):
    """Lengthen both ends by the matches beside them, which a gap may have hidden; where it begins then."""
    a, b = i, j
    for o in range(operations.shape[0]):
        length, kind = length_of(operations[o]), operations[o] & 15
        a += length if kind != DELETION else 0
        b += length if kind != INSERTION else 0
    last = operations.shape[0] - 1
    while a < read.shape[0] and b < target.shape[0] and read[a] == target[b] and read[a] < 4:
        operations[last] += np.uint32(1 << 4)
        a += 1
        b += 1
    while i > 0 and j > 0 and read[i - 1] == target[j - 1] and read[i - 1] < 4:
        operations[0] += np.uint32(1 << 4)
        i -= 1
        j -= 1
    return i, j
