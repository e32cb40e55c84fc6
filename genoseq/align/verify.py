"""Verify: how many edits separate a read from a candidate locus. The cheapest test that decides is used.

1. *Mismatches along the diagonal*, 32 bases at a time: exclusive or of the 2-bit words, population count.
   This settles clean reads.
2. *Blocks*: a candidate that rests on a single anchor must agree in at least two blocks of 16 bases before
   anything dearer is spent on it.
3. *Edit distance* of the whole read within the locus and some slack, free ends in the reference, by Myers'
   bit-parallel algorithm (J. ACM 46, 1999) in a band of one machine word (Hyyrö, Nordic J. Comput. 10, 2003),
   given up as soon as it cannot beat a cut-off.
4. Where that is large and some blocks agree: what the *best stretch* of the diagonal is worth. A read of
   which half belongs elsewhere (a chimera, an adapter, the end of a contig) is close in the other half only.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.index.packed import mismatch_bits, popcount, window

FAR = 1 << 20
"""Distance of a candidate that was given up."""
# mismatches of 16: a random block has so few with probability .0016, one of 20 % divergence .92
_GOOD_BLOCK = 5
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
def clipped_distance(
    read: NDArray[np.uint64],
    length: int,
    reference: NDArray[np.uint64],
    position: int,
    lo: int,
    hi: int,
) -> np.int64:
    """Distance of a packed read to a diagonal when its ends may be clipped: clipped bases count half an edit.

    The best stretch of the diagonal within ``lo:hi`` of the reference has `s` more matches than mismatches;
    by the scores of the final alignment that is worth a whole read of ``(length - s) / 2`` mismatches.
    """
    best = np.int64(0)
    running = np.int64(0)
    first, last = max(0, lo - position), min(length, hi - position)
    i = first
    while i < last:
        bits = mismatch_bits(read[i >> 5], window(reference, position + (i & ~31)))
        bits >>= np.uint64(2 * (i & 31))
        end = min(last, (i | 31) + 1)
        while i < end:
            running = max(running + 1 - 2 * np.int64(bits & _ONE), np.int64(0))
            bits >>= np.uint64(2)
            best = max(best, running)
            i += 1
    return (length - best) >> 1


@numba.njit(cache=True, nogil=True)
def match_masks(read: NDArray[np.uint64], length: int, slack: int, masks: NDArray[np.uint64]) -> None:
    """Which bases of a packed read match A, C, G, T and nothing: bits in the five rows of `masks`.

    Bit ``2 * slack + i`` stands for base i of the read. The bits below match everything: with them the band
    of `edit_distance` begins before the read. A row has ``(length + 4 * slack) // 64 + 2`` words.
    """
    shift = 2 * slack
    for b in range(5):
        masks[b, 0] = (_ONE << np.uint64(shift)) - _ONE
        for w in range(1, (length + 2 * shift) // 64 + 2):
            masks[b, w] = 0
    for i in range(length):
        base = (read[i >> 5] >> np.uint64(2 * (i & 31))) & np.uint64(3)
        masks[base, (i + shift) >> 6] |= _ONE << np.uint64((i + shift) & 63)


@numba.njit(cache=True, nogil=True)
def edit_distance(
    masks: NDArray[np.uint64],
    length: int,
    slack: int,
    reference: NDArray[np.uint64],
    position: int,
    lo: int,
    hi: int,
    cutoff: int,
) -> np.int64 | int:
    """Edit distance of a read to the reference near a diagonal, both ends free in the reference.

    One 64-bit word holds a column of the band: column ``j`` has the rows ``j - 2 * slack`` to ``j``, so that
    the read may lie anywhere from `slack` bp before the diagonal to `slack` bp behind it. Bases outside
    ``lo:hi`` match nothing.

    Parameters
    ----------
    masks : ndarray, shape (5, words), dtype uint64
        From `match_masks`, with the same `slack`.
    slack : int
        At most 31.
    position : int
        Where the diagonal begins in the reference.
    cutoff : int
        Distances above it need not be exact: `FAR` is returned as soon as the distance must exceed it.
    """
    band = (_ONE << np.uint64(2 * slack + 1)) - _ONE
    up, down = np.uint64(0), np.uint64(0)  # vertical differences +1 and -1
    centre = np.int64(0)  # edits on the diagonal itself
    last = np.int64(0)  # edits at the last row of the column; once the read's last row is reached, at that
    best = np.int64(length)
    row = 2 * slack  # bit of that row
    for j in range(length + 2 * slack):
        at = position - slack + j
        base = np.int64(4)
        if lo <= at < hi:
            base = np.int64((reference[at >> 5] >> np.uint64(2 * (at & 31))) & np.uint64(3))
        word, bit = j >> 6, np.uint64(j & 63)
        equal = masks[base, word] >> bit | masks[base, word + 1] << _ONE << (np.uint64(63) - bit)
        equal |= down
        zero = ((((equal & up) + up) ^ up) | equal) & band  # diagonal differences 0
        plus, minus = down | ~(up | zero), up & zero  # horizontal differences
        down = (zero >> _ONE) & plus
        up = minus | ~((zero >> _ONE) | plus)
        if j < length:
            last += 1 - np.int64(zero >> np.uint64(row))
            centre += 1 - np.int64((zero >> np.uint64(slack)) & _ONE)
            if centre - slack > cutoff:
                return FAR
        else:
            row -= 1
            last += np.int64((plus >> np.uint64(row)) & _ONE) - np.int64((minus >> np.uint64(row)) & _ONE)
        if j >= length - 1:
            best = min(best, last)
    return best
