"""Verify: how many edits separate a read from a candidate locus. The cheapest test that decides is used.

1. *Mismatches along the diagonal*, 32 bases at a time: exclusive or of the 2-bit words, population count.
   This settles clean reads.
2. *Blocks*: a candidate that rests on a single anchor must agree in at least two blocks of 16 bases before
   anything dearer is spent on it.
3. *Edit distance* of the whole read within the locus and some slack, free ends in the reference, by Myers'
   bit-parallel algorithm (J. ACM 46, 1999; block form of Hyyrö 2003), given up as soon as it cannot beat a
   cut-off.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.index.packed import mismatch_bits, popcount, window

FAR = 1 << 20
"""Distance of a candidate that was given up."""
_GOOD_BLOCK = (
    5  # mismatches of 16: a random block has so few with probability .0016, one of 20 % divergence .92
)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_ONE = np.uint64(1)


@numba.njit(cache=True, nogil=True)
def pack_read(
    codes: NDArray[np.uint8],
    lo: int,
    hi: int,
    forward: NDArray[np.uint64],
    reverse: NDArray[np.uint64],
) -> None:
    """Pack a read and its reverse complement, two bits a base, into `forward` and `reverse`; code 4 as A."""
    length = hi - lo
    for w in range((length + 31) // 32):
        forward[w] = 0
        reverse[w] = 0
    for i in range(length):
        base = codes[lo + i]
        if base > 3:
            base = 0
        forward[i >> 5] |= np.uint64(base) << np.uint64(2 * (i & 31))
        j = length - 1 - i
        reverse[j >> 5] |= np.uint64(3 - base) << np.uint64(2 * (j & 31))


@numba.njit(cache=True, nogil=True)
def diagonal_mismatches(
    read: NDArray[np.uint64],
    length: int,
    reference: NDArray[np.uint64],
    position: int,
) -> tuple[np.int64, int]:
    """Mismatches of a packed read at a reference position, and how many blocks of 16 bases agree."""
    mismatches = np.int64(0)
    good = 0
    whole = length >> 5
    for w in range(whole):
        bits = mismatch_bits(read[w], window(reference, position + 32 * w))
        low = np.int64(popcount(bits & np.uint64(0xFFFFFFFF)))
        both = np.int64(popcount(bits))
        mismatches += both
        if low <= _GOOD_BLOCK:
            good += 1
        if both - low <= _GOOD_BLOCK:
            good += 1
    rest = length & 31
    if rest:
        bits = mismatch_bits(read[whole], window(reference, position + 32 * whole))
        bits &= (_ONE << np.uint64(2 * rest)) - _ONE
        low = np.int64(popcount(bits & np.uint64(0xFFFFFFFF)))
        both = np.int64(popcount(bits))
        mismatches += both
        if rest >= 16 and low <= _GOOD_BLOCK:
            good += 1
    return mismatches, good


@numba.njit(cache=True, nogil=True)
def match_masks(
    read: NDArray[np.uint64],
    length: int,
    masks: NDArray[np.uint64],
) -> None:
    """For each base a bit vector of the places of the read that hold it: `masks`, uint64 (4, blocks)."""
    for b in range(4):
        for w in range((length + 63) // 64):
            masks[b, w] = 0
    for i in range(length):
        base = (read[i >> 5] >> np.uint64(2 * (i & 31))) & np.uint64(3)
        masks[base, i >> 6] |= _ONE << np.uint64(i & 63)


@numba.njit(cache=True, nogil=True)
def edit_distance(
    masks: NDArray[np.uint64],
    length: int,
    reference: NDArray[np.uint64],
    start: int,
    end: int,
    cutoff: int,
    up: NDArray[np.uint64],
    down: NDArray[np.uint64],
) -> int:
    """Edit distance of a read inside ``reference[start:end]``, both ends free in the reference.

    Parameters
    ----------
    masks : ndarray, shape (4, blocks), dtype uint64
        From `match_masks`.
    cutoff : int
        Distances above it need not be exact: `FAR` is returned as soon as the distance must exceed it.
    up, down : ndarray, shape (blocks,), dtype uint64
        Scratch.

    Returns
    -------
    int
    """
    blocks = (length + 63) >> 6
    last = _ONE << np.uint64((length - 1) & 63)
    for w in range(blocks):
        up[w] = _ALL
        down[w] = 0
    score = length
    best = length
    bases = np.uint64(0)
    for j in range(end - start):
        if (j & 31) == 0:
            bases = window(reference, start + j)
        base = bases & np.uint64(3)
        bases >>= np.uint64(2)
        carry_up = np.uint64(0)
        carry_down = np.uint64(0)
        for w in range(blocks):
            equal = masks[base, w]
            pv = up[w]
            mv = down[w]
            xv = equal | mv
            equal |= carry_down
            xh = (((equal & pv) + pv) ^ pv) | equal
            ph = mv | ~(xh | pv)
            mh = pv & xh
            if w == blocks - 1:
                if ph & last:
                    score += 1
                elif mh & last:
                    score -= 1
            next_up = ph >> np.uint64(63)
            next_down = mh >> np.uint64(63)
            ph = (ph << _ONE) | carry_up
            mh = (mh << _ONE) | carry_down
            up[w] = mh | ~(xv | ph)
            down[w] = ph & xv
            carry_up = next_up
            carry_down = next_down
        if score < best:
            best = score
        elif min(best, score - (end - start - 1 - j)) > cutoff:
            return FAR
    return best
