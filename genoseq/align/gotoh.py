"""Gotoh: an affine-gap alignment within a band of the diagonal, for short reads.

Gotoh's recurrences (J. Mol. Biol. 162, 1982), row by row, and a walk back; gaps come to lie as far left as
they can. An alignment begins and ends with an aligned pair; reaching an end of the read earns a bonus.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.cigar import DELETION, INSERTION, MATCH

NEVER = np.int32(-(1 << 28))
"""A score that nothing reaches."""
_PAIR, _INSERTED, _DELETED = 0, 1, 2


@numba.njit(cache=True, nogil=True)
def banded(
    read: NDArray[np.uint8],
    length: int,
    target: NDArray[np.uint8],
    half: int,
    match: int,
    mismatch: int,
    gap_open: int,
    gap_extend: int,
    bonus: int,
    table: NDArray[np.int32],
    operations: NDArray[np.uint32],
) -> tuple[int, int, int, int]:
    """The best alignment within `half` of the diagonal.

    Parameters
    ----------
    read : ndarray, dtype uint8
        Base codes; the first `length` count.
    target : ndarray, dtype uint8
        Window of the reference that begins `half` before the diagonal; 5 marks what is outside the contig.
    half : int
        Longest gap, bp.
    table : ndarray, shape (3, > length, > 2 * half + 1), dtype int32
        Scratch.
    operations : ndarray, dtype uint32
        Receives the CIGAR, without clips.

    Returns
    -------
    tuple of int
        First base and end in the read, start in the window, operations; four zeros if nothing aligns.

    Notes
    -----
    Cell (i, b) pairs read base ``i - 1`` with window base ``i - 1 + b``. `table` receives the best scores
    that end in it with a pair, an insertion, a deletion. A row is done in several passes: all but the one
    along the row (deletions) become vector instructions.
    """
    width = 2 * half + 1
    pairs, insertions, deletions = table[_PAIR], table[_INSERTED], table[_DELETED]
    above = np.full(width + 1, bonus, np.int32)  # any pair may be the first, even where a gap scores more
    plain = np.empty(width, np.int32)
    insertions[0] = NEVER
    hit, miss, extend = np.int32(match), np.int32(-mismatch), np.int32(gap_extend)
    first_gap = -NEVER  # and never with an insertion
    best, last = np.int32(0), 0
    for i in range(1, length + 1):
        base = read[i - 1] if read[i - 1] < 4 else 255
        insertions[i, width] = NEVER
        above[width] = NEVER
        for b in range(width):
            other = target[i - 1 + b]
            score = max(above[b], np.int32(0)) + (hit if base == other else miss)
            pairs[i, b] = score if other != 5 else NEVER
        for b in range(width):
            insertions[i, b] = max(above[b + 1] - first_gap, insertions[i - 1, b + 1] - extend)
        for b in range(width):
            plain[b] = max(pairs[i, b], insertions[i, b])
        first_gap = np.int32(gap_open + gap_extend)
        gap = NEVER
        for b in range(width):
            deletions[i, b] = gap
            gap = max(gap - extend, plain[b] - first_gap)
        for b in range(width):
            above[b] = max(plain[b], deletions[i, b])
        top = pairs[i, 0]
        for b in range(1, width):
            top = max(top, pairs[i, b])
        if i == length:
            top += bonus
        if top > best:
            best, last = top, i
    if last == 0:
        return 0, 0, 0, 0
    return _trace_back(table, last, pairs[last, :width].argmax(), first_gap, extend, operations)


@numba.njit(cache=True, nogil=True)
def _trace_back(table, last, band, first_gap, extend, operations):
    """Walk back from a paired cell; operations come out in reading order."""
    pairs, insertions, deletions = table[_PAIR], table[_INSERTED], table[_DELETED]
    i, b = last, band
    state = _PAIR
    count = 0
    run = 0
    kind = MATCH
    while True:
        wanted = MATCH if state == _PAIR else (INSERTION if state == _INSERTED else DELETION)
        if wanted != kind:
            operations[count] = run << 4 | kind
            count += 1
            run = 0
            kind = wanted
        run += 1
        goes_on = False
        if state == _PAIR:
            i -= 1
            if i == 0 or max(pairs[i, b], insertions[i, b], deletions[i, b]) < 0:
                break
        elif state == _INSERTED:
            i -= 1
            b += 1
            opened = max(pairs[i, b], insertions[i, b], deletions[i, b]) - first_gap
            goes_on = insertions[i, b] - extend > opened
        else:
            b -= 1
            goes_on = deletions[i, b] - extend > max(pairs[i, b], insertions[i, b]) - first_gap
        if not goes_on:
            state = _PAIR
            if insertions[i, b] > pairs[i, b]:
                state = _INSERTED
            if deletions[i, b] > max(pairs[i, b], insertions[i, b]):
                state = _DELETED
    operations[count] = run << 4 | kind
    count += 1
    for o in range(count // 2):
        operations[o], operations[count - 1 - o] = operations[count - 1 - o], operations[o]
    return i, last, i + b, count
