"""Stitch: a chain of hits becomes an alignment.

Hits whose word stands in a run of matches fix the path; between them it is filled in, with affine gaps in a
band (`genoseq.align.band`), or base by base where nothing is gained by gaps; beyond the first and the last it
reaches as far as the score bears. Where a stretch in between is no alignment at all (an inversion, say), the
chain is parted there. Gaps are shifted as far left as they go, where callers of variants look for them.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.band import Costs, Strip, fill, reach
from genoseq.align.cigar import DELETION, INSERTION, MATCH, length_of
from genoseq.align.lanes import LANES

_RUN = 10  # bp: a hit fixes the path if its word stands in a run of as many matches
_TRIM = 8  # bp at each end of a run that are left to the band: there the gaps of both sides compete
_FEW = 2  # mismatches that no pair of gaps can save: they cost less than it
_ROOM = 1.25  # letters of the reference for each base of the read beyond the last fixed point, and
_SPARE = 100  # as many more


class Piece(NamedTuple):
    """One alignment: half-open stretches of the read and of the window, and its operations in the buffer."""

    read_start: int
    read_end: int
    start: int
    end: int
    first: int
    last: int


class Cut(NamedTuple):
    """When an alignment ends.

    Attributes
    ----------
    drop : int
        A fall of the score by this much ends it.
    bonus : int
        What an end of the read is worth.
    """

    drop: int
    bonus: int


@numba.njit(cache=True, nogil=True)
def room(bases: int) -> int:
    """Letters of the reference that the alignment of some bases beyond a fixed point may need."""
    return int(bases * _ROOM) + _SPARE


@numba.njit(cache=True, nogil=True)
def fixed_points(
    read: NDArray[np.uint8],
    target: NDArray[np.uint8],
    places: NDArray[np.int64],
    positions: NDArray[np.int64],
    word: int,
) -> NDArray[np.int64]:
    """Runs of matches that the path goes through, in order.

    Parameters
    ----------
    read, target : ndarray, dtype uint8
    places, positions : ndarray, shape (n,), dtype int64
        Hits of the chain: first base of the word in `read` and in `target`.
    word : int
        Length of the word, bp.

    Returns
    -------
    ndarray, shape (m, 3), dtype int64
        First base in the read, in the target, and length.
    """
    out = np.empty((places.shape[0], 3), np.int64)
    count = 0
    i, j = 0, 0  # behind the last one
    best = 0
    for h in range(places.shape[0]):
        a, b = places[h], positions[h]
        if a < i or b < j:
            continue
        low = 0
        while a - low > i and b - low > j and _same(read[a - low - 1], target[b - low - 1]):
            low += 1
        high = 0
        while (
            a + high < read.shape[0]
            and b + high < target.shape[0]
            and _same(read[a + high], target[b + high])
        ):
            high += 1
        length = low + high
        if high < word or (length < _RUN and (count > 0 or length <= best)):
            continue
        trim = min(_TRIM, (length - 4) // 2) if length >= _RUN else 0
        out[count] = a - low + trim, b - low + trim, length - 2 * trim
        best = length
        if length >= _RUN:
            i, j = out[count, 0] + out[count, 2], out[count, 1] + out[count, 2]
            count += 1
    if count == 0 and best > 0:  # no run is long enough: the longest must do
        count = 1
    return out[:count]


@numba.njit(cache=True, nogil=True, inline="always")
def _same(a, b):
    return a == b and a < 4


@numba.njit(cache=True, nogil=True)
def stitch(
    read: NDArray[np.uint8],
    target: NDArray[np.uint8],
    points: NDArray[np.int64],
    costs: Costs,
    cut: Cut,
    strip: Strip,
    operations: NDArray[np.uint32],
) -> tuple[list[Piece], Strip]:
    """Alignments along the fixed points: one, or more where the chain is parted.

    Parameters
    ----------
    points : ndarray
        From `fixed_points`; at least one.
    operations : ndarray, dtype uint32, shape (>= 2 * len(read) + points + 16,)
        Receives the operations of the pieces.
    """
    pieces = [Piece(0, 0, 0, 0, 0, 0) for _ in range(0)]
    filled = 0
    p = 0
    limit_i, limit_j = 0, 0  # a piece begins behind the last fixed point of the one before
    while p < points.shape[0]:
        first = filled
        i, j = points[p, 0], points[p, 1]
        back = min(j - limit_j, room(i - limit_i))
        length, width, count, strip = reach(
            strip, read[limit_i:i], target[j - back : j], True, LANES, costs, cut.drop, cut.bonus
        )
        for o in range(count):
            filled = _append(operations, first, filled, strip.operations[o])
        read_start, start = i - length, j - width
        while True:
            filled = _append(
                operations, first, filled, np.uint32(points[p, 2]) << np.uint32(4) | np.uint32(MATCH)
            )
            i, j = points[p, 0] + points[p, 2], points[p, 1] + points[p, 2]
            p += 1
            if p == points.shape[0]:
                break
            before, kept = filled, operations[filled - 1]
            score, filled, strip = _between(
                read[i : points[p, 0]], target[j : points[p, 1]], costs, strip, operations, first, filled
            )
            if score < -cut.drop:
                filled, operations[before - 1] = before, kept
                break
        end_i = read.shape[0] if p == points.shape[0] else points[p, 0]
        end_j = target.shape[0] if p == points.shape[0] else points[p, 1]
        ahead = min(end_j - j, room(end_i - i))
        length, width, count, strip = reach(
            strip, read[i:end_i], target[j : j + ahead], False, LANES, costs, cut.drop,
            cut.bonus if p == points.shape[0] else 0,
        )  # fmt: skip
        for o in range(count - 1, -1, -1):
            filled = _append(operations, first, filled, strip.operations[o])
        limit_i, limit_j = i, j
        shift_gaps(read, target, read_start, start, operations[first:filled])
        pieces.append(Piece(read_start, i + length, start, j + width, first, filled))
    return pieces, strip


@numba.njit(cache=True, nogil=True)
def _append(operations, first, filled, operation):
    """Append an operation; one of the kind of the last is joined to it."""
    if filled > first and operations[filled - 1] & 15 == operation & 15:
        operations[filled - 1] += operation & ~np.uint32(15)
        return filled
    operations[filled] = operation
    return filled + 1


@numba.njit(cache=True, nogil=True)
def _between(read, target, costs, strip, operations, first, filled):
    """Fill the stretch between two fixed points; its score, without what a long gap costs."""
    m, n = read.shape[0], target.shape[0]
    if m == n:
        mismatches = 0
        for i in range(m):
            mismatches += not _same(read[i], target[i])
        if mismatches <= _FEW:
            if m:
                filled = _append(operations, first, filled, np.uint32(m << 4 | MATCH))
            return 0, filled, strip
    if m == 0 or n == 0:
        filled = _append(
            operations, first, filled, np.uint32(n << 4 | DELETION if m == 0 else m << 4 | INSERTION)
        )
        return 0, filled, strip
    score, count, strip = fill(strip, read, target, LANES, costs)
    for o in range(count - 1, -1, -1):
        filled = _append(operations, first, filled, strip.operations[o])
    return score + costs.long_more * abs(m - n), filled, strip


@numba.njit(cache=True, nogil=True)
def shift_gaps(
    read: NDArray[np.uint8], target: NDArray[np.uint8], i: int, j: int, operations: NDArray[np.uint32]
) -> None:
    """Shift each gap between two matches as far left as the letters allow, in place; a base stays before it.

    Parameters
    ----------
    i, j : int
        Where the alignment begins in the read and in the target.
    """
    for o in range(operations.shape[0]):
        length = length_of(operations[o])
        kind = operations[o] & 15
        if kind == MATCH:
            i += length
            j += length
            continue
        letters, at = (read, i) if kind == INSERTION else (target, j)
        if (
            0 < o < operations.shape[0] - 1
            and operations[o - 1] & 15 == MATCH
            and operations[o + 1] & 15 == MATCH
        ):
            spare = length_of(operations[o - 1]) - 1
            shift = 0
            while shift < spare and letters[at - shift - 1] == letters[at + length - shift - 1]:
                shift += 1
            operations[o - 1] -= np.uint32(shift << 4)
            operations[o + 1] += np.uint32(shift << 4)
            i -= shift
            j -= shift
        if kind == INSERTION:
            i += length
        else:
            j += length


@numba.njit(cache=True, nogil=True)
def score_of(
    read: NDArray[np.uint8],
    target: NDArray[np.uint8],
    i: int,
    j: int,
    operations: NDArray[np.uint32],
    costs: Costs,
) -> tuple[int, int]:
    """Score and edit distance of an alignment that begins at base `i` of the read, `j` of the target."""
    score, edits = 0, 0
    for o in range(operations.shape[0]):
        length = length_of(operations[o])
        kind = operations[o] & 15
        if kind == MATCH:
            for x in range(length):
                same = _same(read[i + x], target[j + x])
                score += int(costs.match if same else costs.mismatch)
                edits += not same
            i += length
            j += length
            continue
        short, long = costs.gap + (length - 1) * costs.more, costs.long_gap + (length - 1) * costs.long_more
        score -= int(min(short, long))
        edits += length
        if kind == INSERTION:
            i += length
        else:
            j += length
    return score, edits
