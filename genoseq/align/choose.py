"""Choose: which of the extended alignments of a read, or of a pair, is the one to report.

A single read takes the alignment with the best score. A pair takes the two that score best together: mates
that face each other at a likely distance pay what the distance costs, others pay for being split
(`genoseq.align.pair`). Of equal choices one is drawn by lot from the name, so that the copies of a repeat
share their reads, and a read gets the same one in every run.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.cigar import DELETION, MATCH, SOFT_CLIP
from genoseq.align.extend import Alignments
from genoseq.align.insert import InsertSize
from genoseq.align.pair import SPLIT, insert_cost

EDIT_SCORE = 4
"""What an edit costs in the score of an alignment: a match less and a mismatch more, 2 each."""
_CONSIDERED = 12  # alignments of a mate that are combined


class Choice(NamedTuple):
    """What pairs took, in rows of the alignments.

    Attributes
    ----------
    rows : ndarray, shape (pairs, 2), dtype int64
        The alignment of each mate, -1 for none.
    proper : ndarray, shape (pairs,), dtype bool
        Whether the mates face each other at a distance within the borders of the insert size.
    lead : ndarray, shape (pairs, 2), dtype float32
        By how many edits the choice leads over the best one in which this mate lies elsewhere; infinite where
        there is no such.
    cost : ndarray, shape (pairs,), dtype float32
        What the distance costs, in edits.
    """

    rows: NDArray[np.int64]
    proper: NDArray[np.bool_]
    lead: NDArray[np.float32]
    cost: NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def draw_lots(
    names: NDArray[np.uint8],
    name_offsets: NDArray[np.int64],
    reads: NDArray[np.int64],
    starts: NDArray[np.int64],
    lots: NDArray[np.uint64],
) -> None:
    """A number for each alignment, from the name of its read and its place."""
    for row in range(reads.shape[0]):
        value = np.uint64(0xCBF29CE484222325)  # FNV-1a over the name
        for i in range(name_offsets[reads[row]], name_offsets[reads[row] + 1]):
            value = (value ^ np.uint64(names[i])) * np.uint64(0x100000001B3)
        value ^= np.uint64(starts[row])
        for _ in range(2):  # the finaliser of MurmurHash3
            value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
        lots[row] = value ^ (value >> np.uint64(33))


@numba.njit(cache=True, nogil=True)
def spans(
    starts: NDArray[np.int64],
    cigars: NDArray[np.uint32],
    cigar_starts: NDArray[np.int64],
    cigar_counts: NDArray[np.int64],
    aligned: NDArray[np.int64],
    whole: NDArray[np.int64],
) -> None:
    """Where alignments lie on the reference, half-open: the aligned part, and the whole read (clips as well).

    Parameters
    ----------
    aligned, whole : ndarray, shape (n, 2)
        Filled; concatenated reference positions.
    """
    for row in range(starts.shape[0]):
        length = np.int64(0)
        before = np.int64(0)
        after = np.int64(0)
        for o in range(cigar_counts[row]):
            operation = cigars[cigar_starts[row] + o]
            run, kind = np.int64(operation >> 4), operation & 15
            if kind == SOFT_CLIP:
                if o == 0:
                    before = run
                else:
                    after = run
            elif kind in (MATCH, DELETION):
                length += run
        aligned[row, 0], aligned[row, 1] = starts[row], starts[row] + length
        whole[row, 0], whole[row, 1] = starts[row] - before, starts[row] + length + after


def choose_pairs(
    firsts: NDArray[np.int64],
    order: NDArray[np.int64],
    bounds: NDArray[np.int64],
    good: NDArray[np.bool_],
    lots: NDArray[np.uint64],
    whole: NDArray[np.int64],
    contigs: NDArray[np.int64],
    alignments: Alignments,
    insert: InsertSize,
) -> Choice:
    """The alignments that the mates of each pair take together.

    Parameters
    ----------
    firsts : ndarray, shape (pairs,)
        Number of the first mate of each pair.
    order, bounds : ndarray
        Rows of read ``i`` are ``order[bounds[i]:bounds[i + 1]]``, the best first.
    good : ndarray, shape (rows,)
        Whether an alignment may be reported.
    lots : ndarray, shape (rows,)
    whole : ndarray, shape (rows, 2)
        From `spans`.
    contigs : ndarray
        Offsets of the contigs.
    """
    count = len(firsts)
    choice = Choice(
        np.full((count, 2), -1, np.int64),
        np.zeros(count, np.bool_),
        np.full((count, 2), np.inf, np.float32),
        np.zeros(count, np.float32),
    )
    _choose(
        firsts, order, bounds, good, lots, whole, contigs, alignments.starts, alignments.strands,
        alignments.scores, insert, choice,
    )  # fmt: skip
    return choice


def are_proper(
    ones: NDArray[np.int64],
    twos: NDArray[np.int64],
    whole: NDArray[np.int64],
    contigs: NDArray[np.int64],
    alignments: Alignments,
    insert: InsertSize,
) -> NDArray[np.bool_]:
    """Whether the alignments `ones` and `twos` of mates are proper pairs, shape (n,).

    Parameters
    ----------
    whole, contigs
        As of `choose_pairs`.
    """
    return _are_proper(
        ones, twos, whole, contigs, alignments.starts, alignments.strands, alignments.scores, insert
    )


@numba.njit(cache=True, nogil=True)
def _are_proper(ones, twos, whole, contigs, starts, strands, scores, insert):
    proper = np.empty(ones.shape[0], np.bool_)
    for i in range(ones.shape[0]):
        proper[i] = _together(ones[i], twos[i], whole, contigs, starts, strands, scores, insert)[1]
    return proper


@numba.njit(cache=True, nogil=True)
def _choose(firsts, order, bounds, good, lots, whole, contigs, starts, strands, scores, insert, choice):
    ones, twos = np.empty(_CONSIDERED, np.int64), np.empty(_CONSIDERED, np.int64)
    for p in range(firsts.shape[0]):
        a = firsts[p]
        n = _good_rows(a, order, bounds, good, ones)
        m = _good_rows(a + 1, order, bounds, good, twos)
        if not n or not m:
            if n:
                choice.rows[p, 0] = ones[0]
            if m:
                choice.rows[p, 1] = twos[0]
            continue
        best = -np.inf
        lot = np.uint64(0)
        for i in range(n):
            for j in range(m):
                value, proper, cost = _together(
                    ones[i], twos[j], whole, contigs, starts, strands, scores, insert
                )
                drawn = lots[ones[i]] ^ lots[twos[j]]
                if value > best or (value == best and drawn < lot):
                    best, lot = value, drawn
                    choice.rows[p, 0], choice.rows[p, 1] = ones[i], twos[j]
                    choice.proper[p], choice.cost[p] = proper, cost
        for i in range(n):
            for j in range(m):
                other_one, other_two = ones[i] != choice.rows[p, 0], twos[j] != choice.rows[p, 1]
                if not (other_one or other_two):
                    continue
                value = _together(ones[i], twos[j], whole, contigs, starts, strands, scores, insert)[0]
                lead = np.float32((best - value) / EDIT_SCORE)
                if other_one:
                    choice.lead[p, 0] = min(choice.lead[p, 0], lead)
                if other_two:
                    choice.lead[p, 1] = min(choice.lead[p, 1], lead)


@numba.njit(cache=True, nogil=True)
def _good_rows(read, order, bounds, good, rows):
    count = 0
    for at in range(bounds[read], bounds[read + 1]):
        if good[order[at]] and count < _CONSIDERED:
            rows[count] = order[at]
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _together(one, two, whole, contigs, starts, strands, scores, insert):
    """Score of two alignments as a pair, whether it is a proper one, and what the distance costs in edits."""
    value = np.float64(scores[one]) + np.float64(scores[two])
    if strands[one] != strands[two]:
        forward, backward = (two, one) if strands[one] else (one, two)
        length = whole[backward, 1] - whole[forward, 0]
        contig = np.searchsorted(contigs, starts[one], side="right")
        if (
            insert.low <= length <= insert.high
            and starts[forward] < whole[backward, 1]
            and contig == np.searchsorted(contigs, starts[two], side="right")
        ):
            cost = insert_cost(length, insert)
            return value - EDIT_SCORE * cost, True, cost
    return value - EDIT_SCORE * SPLIT, False, SPLIT
