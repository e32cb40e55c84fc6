"""Band: alignment with affine gaps along a band of anti-diagonals, for stretches of any length.

The band is a strip of cells that moves over the matrix one anti-diagonal at a time, to the right or down
(Suzuki and Kasahara, bioRxiv 130633, 2017); the cells of an anti-diagonal do not depend on each other
(`genoseq.align.lanes`). A gap of length k costs the less of ``open + k * extend`` and
``long_open + k * long_extend``, as in minimap2 (Li, Bioinformatics 34, 2018), so that long gaps stay whole.

Between two fixed points the band follows the line that joins them (`fill`). Beyond the last one it follows
the better of its two edges, and the alignment ends where the score was best (`reach`).
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.cigar import DELETION, INSERTION, MATCH
from genoseq.align.lanes import (
    DELETION_GOES_ON,
    FROM_DELETION,
    FROM_INSERTION,
    FROM_LONG_INSERTION,
    FROM_PAIR,
    INSERTION_GOES_ON,
    LANES,
    LONG_DELETION_GOES_ON,
    LONG_INSERTION_GOES_ON,
    SOURCE,
    diagonal_step,
)

FARTHEST = 8000
"""Longest stretch of a read that is aligned at once, bp: scores have 16 bits."""
_NEVER = -(1 << 15)
_NO_BASE, _NO_LETTER = np.uint8(254), np.uint8(255)  # they pair with nothing
_EDGE = 3  # a path that comes this close to the edge of its band is looked for in a wider one


class Costs(NamedTuple):
    """What pairs and gaps score, as `diagonal_step` takes it: losses of pairs negative, gaps positive."""

    match: np.int16
    mismatch: np.int16
    gap: np.int16
    more: np.int16
    long_gap: np.int16
    long_more: np.int16


class Strip(NamedTuple):
    """Scratch of a band, see `strip_for`.

    Attributes
    ----------
    query, target : ndarray, dtype uint8
        The two stretches between letters that pair with nothing; the query back to front.
    scores : ndarray, dtype int16
        Eleven anti-diagonals, each between cells that cannot be reached: three of scores, and of each kind of
        gap two.
    origins : ndarray, dtype uint8
        Where the score of each cell came from, anti-diagonal by anti-diagonal.
    rows : ndarray, dtype int32
        Row of the first cell of each anti-diagonal.
    operations : ndarray, dtype uint32
        The last path, from its end to its start.
    """

    query: NDArray[np.uint8]
    target: NDArray[np.uint8]
    scores: NDArray[np.int16]
    origins: NDArray[np.uint8]
    rows: NDArray[np.int32]
    operations: NDArray[np.uint32]


@numba.njit(cache=True, nogil=True)
def strip_for(length: int, lanes: int) -> Strip:
    """Scratch for two stretches of `length` together and a band of `lanes` cells (a multiple of `LANES`)."""
    return Strip(
        np.empty(length + 2 * lanes, np.uint8),
        np.empty(length + 2 * lanes, np.uint8),
        np.empty(11 * 3 * lanes, np.int16),
        np.empty((length + 1) * lanes, np.uint8),
        np.empty(length + 1, np.int32),
        np.empty(length + 2, np.uint32),
    )


@numba.njit(cache=True, nogil=True)
def _large_enough(strip, length, lanes):
    """The strip, or another for stretches and a band that it is too small for."""
    long_enough = strip.rows.shape[0] > length and strip.origins.shape[0] >= (length + 1) * lanes
    if long_enough and strip.scores.shape[0] >= 33 * lanes:
        return strip
    return strip_for(length + length // 4, lanes)


@numba.njit(cache=True, nogil=True)
def fill(
    strip: Strip, read: NDArray[np.uint8], target: NDArray[np.uint8], lanes: int, costs: Costs
) -> tuple[int, int, Strip]:
    """Align two stretches from end to end.

    Parameters
    ----------
    strip : Strip
        Scratch; a larger one is made when it is needed.
    read, target : ndarray, dtype uint8
        Codes: 0 to 3, others pair with nothing.
    lanes : int
        Cells of the narrowest band to try.

    Returns
    -------
    score : int
    count : int
        Operations of the path in `strip.operations`, from the end to the start.
    strip : Strip
    """
    m, n = read.shape[0], target.shape[0]
    while lanes < abs(m - n) + LANES:
        lanes *= 2
    while True:
        strip = _large_enough(strip, m + n, lanes)
        _load(strip, read, target, lanes, False)
        score, i, j, step = _sweep(strip, m, n, lanes, costs, False, 0, 0)
        count, margin = _walk(strip, i, j, step, lanes)
        if margin >= _EDGE or lanes >= m + n:
            return score, count, strip
        lanes *= 2


@numba.njit(cache=True, nogil=True)
def reach(
    strip: Strip,
    read: NDArray[np.uint8],
    target: NDArray[np.uint8],
    backward: bool,
    lanes: int,
    costs: Costs,
    drop: int,
    bonus: int,
) -> tuple[int, int, int, Strip]:
    """Align two stretches from their common start (their common end if `backward`) as far as it pays.

    Parameters
    ----------
    drop : int
        The search ends where the best score of an anti-diagonal is this much below the best so far.
    bonus : int
        What the other end of the read is worth.

    Returns
    -------
    i, j : int
        Aligned letters of the read and of the target.
    count : int
        Operations of the path in `strip.operations`; from the end to the start, if `backward` in order.
    strip : Strip
    """
    m, n = min(read.shape[0], FARTHEST), min(target.shape[0], FARTHEST + FARTHEST // 4)
    if backward:
        read, target = read[read.shape[0] - m :], target[target.shape[0] - n :]
    strip = _large_enough(strip, m + n, lanes)
    _load(strip, read[:m], target[:n], lanes, backward)
    _, i, j, step = _sweep(strip, m, n, lanes, costs, True, drop, bonus)
    count, _ = _walk(strip, i, j, step, lanes)
    return i, j, count, strip


@numba.njit(cache=True, nogil=True)
def _load(strip, read, target, lanes, backward):
    """The letters of a problem, and none around them."""
    m, n = read.shape[0], target.shape[0]
    query, other = strip.query, strip.target
    query[:lanes] = _NO_BASE
    query[lanes + m : 2 * lanes + m] = _NO_BASE
    other[:lanes] = _NO_LETTER
    other[lanes + n : 2 * lanes + n] = _NO_LETTER
    for i in range(m):
        base = read[i] if backward else read[m - 1 - i]
        query[lanes + i] = base if base < 4 else _NO_BASE
    for j in range(n):
        letter = target[n - 1 - j] if backward else target[j]
        other[lanes + j] = letter if letter < 4 else _NO_LETTER


@numba.njit(cache=True, nogil=True)
def _sweep(strip, m, n, lanes, costs, free, drop, bonus):
    """Move the band over the matrix; the score, the cell (i, j) of the path's end, and its anti-diagonal.

    Cell k of an anti-diagonal whose first cell is (i0, j0) is (i0 - k, j0 + k); it stands for the first
    ``i0 - k`` letters of the query and ``j0 + k`` of the target. Cells outside the matrix are computed too:
    no path leads back from there, for letters beyond the ends pair with nothing.
    """
    scores, rows = strip.scores, strip.rows
    scores[: 33 * lanes] = _NEVER
    width, half = 3 * lanes, lanes // 2
    new, last, before = 0, width, 2 * width
    gaps, old_gaps = 3 * width, 7 * width
    scores[last + lanes + half] = 0
    i0, j0 = half, -half
    rows[0] = i0
    best, best_i, best_step = 0, 0, 0
    went_right = 0
    for step in range(1, m + n + 1):
        i, j = i0 - half, j0 + half  # the middle
        if free:
            low, high = scores[last + lanes], scores[last + 2 * lanes - 1]
            right = j < n and (i >= m or high > low or (high == low and went_right == 0))
        else:
            right = j < n and j * m <= i * n
        above = lanes + (1 if right else 0)  # where the cell above the first one is in the last anti-diagonal
        aslant = lanes + (above - lanes + went_right - 1 if step > 1 else 0)
        went_right = above - lanes
        i0 += 1 - went_right
        j0 += went_right
        rows[step] = i0
        top = _NEVER
        for c in range(0, lanes, LANES):
            places = (
                lanes + m - i0 + c, lanes + j0 - 1 + c,
                last + above + c, last + above - 1 + c, before + aslant + c,
                old_gaps + above + c, old_gaps + width + above - 1 + c,
                old_gaps + 2 * width + above + c, old_gaps + 3 * width + above - 1 + c,
                new + lanes + c, gaps + lanes + c, gaps + width + lanes + c,
                gaps + 2 * width + lanes + c, gaps + 3 * width + lanes + c, step * lanes + c,
            )  # fmt: skip
            top = max(
                top, diagonal_step(scores, strip.query, strip.target, strip.origins, places, tuple(costs))
            )
        if free:
            if top > best:
                best, best_step = top, step
                best_i = i0 - scores[new + lanes : new + 2 * lanes].argmax()
            end = i0 - m  # the cell at the end of the query, which must be a pair
            if (
                0 <= end < lanes
                and scores[new + lanes + end] + bonus > best
                and strip.origins[step * lanes + end] & SOURCE == FROM_PAIR
            ):
                best, best_step, best_i = scores[new + lanes + end] + bonus, step, m
            if top < best - drop:
                break
        new, last, before = before, new, last
        gaps, old_gaps = old_gaps, gaps
    if free:
        return best, best_i, best_step - best_i, best_step
    return np.int64(scores[last + lanes + i0 - m]), m, n, m + n


@numba.njit(cache=True, nogil=True)
def _walk(strip, i, j, step, lanes):
    """The path back from a cell: number of operations, and how close it comes to an edge of the band."""
    origins, rows, operations = strip.origins, strip.rows, strip.operations
    count = 0
    margin = lanes
    state = FROM_PAIR
    while i > 0 or j > 0:
        k = rows[step] - i
        if k < 0 or k >= lanes:  # the start lies outside the band: it was too narrow
            return count, 0
        margin = min(margin, k, lanes - 1 - k)
        origin = origins[step * lanes + k]
        if state == FROM_PAIR:
            state = origin & SOURCE
        if state == FROM_PAIR:
            kind = MATCH
            i -= 1
            j -= 1
            step -= 2
        elif state in (FROM_INSERTION, FROM_LONG_INSERTION):
            kind = INSERTION
            goes_on = INSERTION_GOES_ON if state == FROM_INSERTION else LONG_INSERTION_GOES_ON
            state = state if origin & goes_on else FROM_PAIR
            i -= 1
            step -= 1
        else:
            kind = DELETION
            goes_on = DELETION_GOES_ON if state == FROM_DELETION else LONG_DELETION_GOES_ON
            state = state if origin & goes_on else FROM_PAIR
            j -= 1
            step -= 1
        if count and operations[count - 1] & 15 == kind:
            operations[count - 1] += np.uint32(16)
        else:
            operations[count] = np.uint32(16 | kind)
            count += 1
    return count, margin
