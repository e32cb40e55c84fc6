"""Chain: the hits of a long read that follow each other on one strand, in the read as in the reference.

A hit pairs an anchor of the read with one of the reference. A chain scores the votes of its hits less what
their changes of diagonal cost; the best chains are found by dynamic programming over the hits in the order of
the reference, each looking back at the last few (Li, Bioinformatics 34, 2018). Coordinates of the read are
those of the strand that is aligned: on strand 1 its reverse complement.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

_STRAND_BIT, _POSITION_BIT = 61, 21
LONGEST = 1 << _POSITION_BIT
"""Reads must be shorter than this, bp: a hit is sorted as one integer of strand, reference and read place."""
_LOOK_BACK = 60  # hits that a hit is compared with at most
_CONTEXT = 24  # bp from one anchor to the next, below which their contexts share most bases


class Links(NamedTuple):
    """What may follow what in a chain.

    Attributes
    ----------
    gap : int
        Distance of neighbours at most, in the read and in the reference, bp.
    shift : int
        Change of diagonal between neighbours at most, bp.
    drift : float
        Change of diagonal for each bp that costs nothing: insertions and deletions seldom balance.
    cost : float
        Votes that each further bp costs.
    """

    gap: int = 5000
    shift: int = 500
    drift: float = 0.1
    cost: float = 0.01


class Chains(NamedTuple):
    """Chains of one read, best first.

    Attributes
    ----------
    scores : ndarray, shape (n,), dtype float32
        Votes of the hits less the costs of their links.
    strands : ndarray, shape (n,), dtype uint8
    bounds : ndarray, shape (n + 1,), dtype int64
        The hits of chain ``c`` are ``bounds[c]:bounds[c + 1]`` of the members.
    places, positions : ndarray, dtype int64
        Where the anchor of each member is in the read (on the strand of the chain) and in the reference.
    """

    scores: NDArray[np.float32]
    strands: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    places: NDArray[np.int64]
    positions: NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def chain_hits(
    places: NDArray[np.int64],
    positions: NDArray[np.int64],
    strands: NDArray[np.uint8],
    votes: NDArray[np.float32],
    contigs: NDArray[np.int64],
    links: Links,
    least: float,
) -> Chains:
    """Chains of the hits of one read.

    Parameters
    ----------
    places : ndarray, shape (n,), dtype int64
        Where the anchor is in the read, on the strand of the hit, bp.
    positions : ndarray, shape (n,), dtype int64
        Where the anchor is in the concatenated reference.
    strands : ndarray, shape (n,), dtype uint8
    votes : ndarray, shape (n,), dtype float32
    contigs : ndarray
        Offsets of the contigs: no chain crosses from one into the next.
    least : float
        Chains that score less are left out.
    """
    number = places.shape[0]
    keys = np.empty(number, np.int64)
    for h in range(number):
        keys[h] = np.int64(strands[h]) << _STRAND_BIT | positions[h] << _POSITION_BIT | places[h]
    order = np.argsort(keys)
    scores = np.empty(number, np.float32)
    parents = np.full(number, -1, np.int64)
    first = 0  # the first hit of the same strand and contig
    end = np.int64(-1)
    strand = 2
    for x in range(number):
        hit = order[x]
        if strands[hit] != strand or positions[hit] >= end:
            strand = strands[hit]
            end = contigs[np.searchsorted(contigs, positions[hit], side="right")]
            first = x
        best = np.float32(0)
        for y in range(x - 1, max(first, x - _LOOK_BACK) - 1, -1):
            other = order[y]
            down = positions[hit] - positions[other]
            if down > links.gap:
                break
            along = places[hit] - places[other]
            shift = abs(down - along)
            if along <= 0 or down <= 0 or along > links.gap or shift > links.shift:
                continue
            score = scores[y] - links.cost * max(0.0, shift - links.drift * min(along, down))
            score -= 0.02 * np.log2(shift + 1.0)
            score -= votes[hit] * (1 - min(along, _CONTEXT) / _CONTEXT)
            if score > best:
                best = score
                parents[x] = y
        scores[x] = best + votes[hit]
    return _trace(order, scores, parents, places, positions, strands, least)


@numba.njit(cache=True, nogil=True)
def _trace(order, scores, parents, places, positions, strands, least):
    """Chains from their ends, best first; a hit belongs to the first chain that comes by."""
    number = order.shape[0]
    used = np.zeros(number, np.bool_)
    members = np.empty(number, np.int64)
    bounds = np.zeros(number + 1, np.int64)
    totals = np.empty(number, np.float32)
    sides = np.empty(number, np.uint8)
    count = 0
    filled = 0
    for end in np.argsort(-scores):
        if used[end]:
            continue
        if scores[end] < least:
            break
        start = filled
        x = end
        while x >= 0 and not used[x]:
            used[x] = True
            members[filled] = order[x]
            filled += 1
            x = parents[x]
        total = scores[end] - (scores[x] if x >= 0 else np.float32(0))
        if total < least:
            filled = start
            continue
        members[start:filled] = members[start:filled][::-1].copy()
        totals[count] = total
        sides[count] = strands[order[end]]
        count += 1
        bounds[count] = filled
    members = members[:filled]
    rank = np.argsort(-totals[:count], kind="mergesort")
    sorted_bounds = np.zeros(count + 1, np.int64)
    sorted_members = np.empty(filled, np.int64)
    for c in range(count):
        low, high = bounds[rank[c]], bounds[rank[c] + 1]
        sorted_bounds[c + 1] = sorted_bounds[c] + high - low
        sorted_members[sorted_bounds[c] : sorted_bounds[c + 1]] = members[low:high]
    return Chains(
        totals[:count][rank],
        sides[:count][rank],
        sorted_bounds,
        places[sorted_members],
        positions[sorted_members],
    )
