"""Loci: what the search knows of the reads of a batch, and the hits that still wait for a verdict.

Both are named tuples of arrays, which numba's kernels take as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.verify import FAR
from genoseq.align.vote import SIGNS, mixed

LOCI = 6
"""Verified loci remembered for a read, best first."""
SHORTEST = 20
"""Reads below this length (bp) hold no context to search for and stay unmapped."""


class Loci(NamedTuple):
    """Verified loci of a batch of reads.

    Attributes
    ----------
    keys : ndarray, shape (reads, LOCI), dtype int64
        Diagonals (see `genoseq.align.vote`), by distance.
    distances : ndarray, shape (reads, LOCI), dtype int32
        Edit distance of the whole read at each.
    votes : ndarray, shape (reads, LOCI), dtype float32
        What the locus scored in the vote.
    counts : ndarray, shape (reads,), dtype int32
        How many are filled.
    tops : ndarray, shape (reads, 3), dtype float32
        Votes of the best and the second cluster, verified or not, and of all.
    signs : ndarray, shape (reads, SIGNS), dtype int32
        Counts that tell of repeats (see `genoseq.align.vote`).
    asked : ndarray, shape (reads,), dtype int32
        The most hits that were asked for of an anchor.
    stage : ndarray, shape (reads,), dtype int8
        Stage of the cascade that convinced; the number of stages if none did.
    """

    keys: NDArray[np.int64]
    distances: NDArray[np.int32]
    votes: NDArray[np.float32]
    counts: NDArray[np.int32]
    tops: NDArray[np.float32]
    signs: NDArray[np.int32]
    asked: NDArray[np.int32]
    stage: NDArray[np.int8]

    @classmethod
    def none(cls, reads: int, stages: int) -> Loci:
        """No locus yet, for any of the reads; a cascade of so many stages lies before them."""
        return cls(
            np.zeros((reads, LOCI), np.int64),
            np.full((reads, LOCI), FAR, np.int32),
            np.zeros((reads, LOCI), np.float32),
            np.zeros(reads, np.int32),
            np.zeros((reads, 3), np.float32),
            np.zeros((reads, SIGNS), np.int32),
            np.zeros(reads, np.int32),
            np.full(reads, stages, np.int8),
        )


class Ballot(NamedTuple):
    """Hits of the reads that are still in the cascade, grouped by read.

    Attributes
    ----------
    starts : ndarray, shape (live + 1,), dtype int64
        Hits of the ``i``-th live read are ``starts[i]:starts[i + 1]``.
    keys : ndarray, shape (n,), dtype int64
        Diagonals.
    votes : ndarray, shape (n,), dtype float32
    anchors : ndarray, shape (n,), dtype int64
        Place of the anchor in its read, bp.
    """

    starts: NDArray[np.int64]
    keys: NDArray[np.int64]
    votes: NDArray[np.float32]
    anchors: NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def remember(loci: Loci, read: int, key: int, distance: int, vote: float) -> None:
    """Insert a verified locus into a read's list, sorted by distance; equals stay in their order.

    Of more equals than there is room for those stay whose mixed keys are the highest: who was found first
    does not count, so that all copies of a repeat get their share of its reads.
    """
    keys, distances, votes = loci.keys[read], loci.distances[read], loci.votes[read]
    count = loci.counts[read]
    if count == LOCI and distance >= distances[LOCI - 1]:
        if distance == distances[LOCI - 1]:
            lowest = LOCI - 1
            for v in range(LOCI - 1):
                if distances[v] == distance and mixed(keys[v]) < mixed(keys[lowest]):
                    lowest = v
            if mixed(key) > mixed(keys[lowest]):
                keys[lowest], votes[lowest] = key, vote
        return
    p = count if count < LOCI else LOCI - 1
    while p > 0 and distances[p - 1] > distance:
        keys[p] = keys[p - 1]
        distances[p] = distances[p - 1]
        votes[p] = votes[p - 1]
        p -= 1
    keys[p] = key
    distances[p] = distance
    votes[p] = vote
    if count < LOCI:
        loci.counts[read] = count + 1
