"""Vote: the hits of a read become candidate loci.

A hit says: if this anchor of the read is that anchor of the reference, then the read lies on this strand and
begins at this position, its *diagonal*. Hits of a true locus agree (up to insertions and deletions); chance
hits scatter. Hits are sorted by (strand, diagonal), joined while neighbours differ by at most `tolerance`,
and a cluster scores the sum over its anchors of (similarity - base), each anchor counted once with its best
hit.

A diagonal is one integer, the *key*: ``strand << 40 | (position + OFFSET)``, where position is the
concatenated reference coordinate of the first base of the read (of its reverse complement on strand 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from genoseq.align.loci import Ballot

STRAND_SHIFT = 40
OFFSET = 1 << 20
"""Added to positions so that a read that hangs over the start of the reference still has a positive key."""
_POSITION_MASK = (1 << STRAND_SHIFT) - 1
_HIT_BITS = 14
MAX_HITS = 1 << _HIT_BITS
"""Hits of one read that are voted on; of more (many anchors, many hits each) the worst ranks are dropped."""
_FEW = 48  # hits that are sorted faster by insertion
STRONG_VOTE, STRONG_SHARE = 0.42, 0.8
"""A further hit is strong if it votes this much, and this share of the first's vote (found on chr20)."""
SECOND, HIT, LEADS, FULL, ASKED = range(5)
"""Columns of the signs of a repeat, counts of the anchors of a read: those with a strong second hit; those
with a hit; those with a whole context, a hit and no second one as near; those whose list of hits was full of
strong ones when most hits were asked for; and those with a hit at that time."""
SIGNS = 5


@numba.njit(cache=True, nogil=True, inline="always")
def key_strand(key: int) -> int:
    """Strand of a key: 0 forward, 1 reverse."""
    return key >> STRAND_SHIFT


@numba.njit(cache=True, nogil=True, inline="always")
def key_position(key: int) -> int:
    """Concatenated reference position of the first base of a key's diagonal; may be negative."""
    return (key & _POSITION_MASK) - OFFSET


@numba.njit(cache=True, nogil=True, inline="always")
def mixed(key: int) -> np.uint64:
    """The bits of a key, mixed (the finaliser of MurmurHash3): an order in which no copy is always first."""
    value = np.uint64(key)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@numba.njit(cache=True, nogil=True)
def keep_hits(
    live: NDArray[np.int64],
    slots: NDArray[np.int64],
    old: Ballot,
    anchors: NDArray[np.int64],
    starts: NDArray[np.int64],
    similarities: NDArray[np.float32],
    ids: NDArray[np.int64],
    positions: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    length: int,
    flank: int,
    base: float,
    new: Ballot,
    signs: NDArray[np.int32],
) -> int:
    """Join the hits that the `live` reads had (`old`) with those of a new stage, grouped by read, into `new`.

    Parameters
    ----------
    live : ndarray, shape (live,)
        Numbers of the reads.
    slots : ndarray, shape (reads,)
        Place of a read in `old`, -1 if it has none.
    old, new : genoseq.align.loci.Ballot
    anchors, starts, similarities, ids : ndarray
        Hits of the stage (`genoseq.align.search.Hits`).
    positions, kinds : ndarray
        Anchors of the batch (`genoseq.align.search.BatchAnchors`).
    offsets : ndarray, shape (reads + 1,)
        Of the reads in the batch's codes.
    length, flank : int
        Of the words, and of the context on each side, bp.
    base : float
        A hit votes with its similarity less this.
    signs : ndarray, shape (reads, SIGNS)
        Grows by what the hits tell of repeats.

    Returns
    -------
    int
        Number of hits.
    """
    total = 0
    for i in range(live.shape[0]):
        read = live[i]
        new.starts[i] = total
        slot = slots[read]
        if slot >= 0:
            for h in range(old.starts[slot], old.starts[slot + 1]):
                new.keys[total] = old.keys[h]
                new.votes[total] = old.votes[h]
                new.anchors[total] = old.anchors[h]
                total += 1
        lo, hi = offsets[read], offsets[read + 1]
        for q in range(starts[i], starts[i + 1]):
            anchor = anchors[q]
            at = positions[anchor]
            limit = min(ids.shape[1], MAX_HITS - (total - new.starts[i]))
            count = 0
            while count < limit and ids[q, count] >= 0 and similarities[q, count] > base:
                count += 1
            if count == 0:
                continue
            whole = at - flank >= lo and at + length + flank <= hi
            _count_signs(similarities[q, :count], base, ids.shape[1], whole, signs[read])
            for k in range(count):
                hit = ids[q, k]
                if (hit & 1) == (kinds[anchor] & 1):
                    key = (hit >> 1) - (at - lo) + OFFSET
                else:
                    key = ((hit >> 1) - (hi - length - at) + OFFSET) | (1 << STRAND_SHIFT)
                new.keys[total] = key
                new.votes[total] = similarities[q, k] - base
                new.anchors[total] = at - lo
                total += 1
    new.starts[live.shape[0]] = total
    return total


@numba.njit(cache=True, nogil=True, inline="always")
def _count_signs(similarities, base, wanted, whole, signs):
    """Count what the hits of one anchor, best first, tell of repeats; `wanted` were asked for."""
    hits = similarities.shape[0]
    signs[HIT] += 1
    signs[ASKED] += 1
    if whole and (hits == 1 or similarities[1] < similarities[0]):
        signs[LEADS] += 1
    strong = base + max(STRONG_VOTE, STRONG_SHARE * (similarities[0] - base))
    if hits > 1 and similarities[1] >= strong:
        signs[SECOND] += 1
    if hits == wanted and similarities[-1] >= strong:
        signs[FULL] += 1


@numba.njit(cache=True, nogil=True)
def cluster(
    keys: NDArray[np.int64],
    votes: NDArray[np.float32],
    anchors: NDArray[np.int64],
    tolerance: int,
    order: NDArray[np.int64],
    stamp: NDArray[np.int64],
    best_of: NDArray[np.float32],
    cand_key: NDArray[np.int64],
    cand_vote: NDArray[np.float32],
    cand_hits: NDArray[np.int64],
) -> tuple[int, float]:
    """Cluster the hits of one read; the best candidates go to `cand_*`, best first.

    Parameters
    ----------
    keys, votes, anchors : ndarray, shape (n,)
        Hits of the read; an anchor is known by its place in it, bp.
    order : ndarray, dtype int64, scratch of at least n
    stamp, best_of : ndarray, scratch of at least the length of the read; `stamp` must hold -1.

    Returns
    -------
    count : int
        Candidates written.
    total : float
        Sum of the scores of all clusters.
    """
    n = keys.shape[0]
    _sort(keys, order)
    count = 0
    total = 0.0
    h = 0
    while h < n:
        first = order[h] & (MAX_HITS - 1)
        previous = keys[first]
        best_vote = np.float32(0)
        best_key = previous
        score = np.float32(0)
        supporters = 0
        cluster_start = h
        while h < n:
            hit = order[h] & (MAX_HITS - 1)
            if keys[hit] - previous > tolerance:
                break
            previous = keys[hit]
            vote = votes[hit]
            anchor = anchors[hit]
            if stamp[anchor] == cluster_start:
                if vote > best_of[anchor]:
                    score += vote - best_of[anchor]
                    best_of[anchor] = vote
            else:
                stamp[anchor] = cluster_start
                best_of[anchor] = vote
                score += vote
                supporters += 1
            if vote > best_vote:
                best_vote = vote
                best_key = keys[hit]
            h += 1
        total += float(score)
        count = _offer(best_key, score, supporters, count, cand_key, cand_vote, cand_hits)
    for h in range(n):
        stamp[anchors[h]] = -1
    return count, total


@numba.njit(cache=True, nogil=True, inline="always")
def _sort(keys, order):
    """The order of the hits by key: each key with its hit's number in the low bits, sorted."""
    n = keys.shape[0]
    for h in range(n):
        order[h] = (keys[h] << _HIT_BITS) | h
    if n > _FEW:
        order[:n].sort()
        return
    for h in range(1, n):
        value = order[h]
        p = h
        while p > 0 and order[p - 1] > value:
            order[p] = order[p - 1]
            p -= 1
        order[p] = value


@numba.njit(cache=True, nogil=True, inline="always")
def _offer(key, vote, hits, count, cand_key, cand_vote, cand_hits):
    """Put a cluster among the candidates if it beats the last or there is room; returns their number.

    Equal ones are the copies of a repeat; their order is mixed, so that no copy is always the first.
    """
    limit = cand_key.shape[0]
    if count == limit and not _beats(vote, key, cand_vote[count - 1], cand_key[count - 1]):
        return count
    p = count if count < limit else limit - 1
    while p > 0 and _beats(vote, key, cand_vote[p - 1], cand_key[p - 1]):
        cand_vote[p] = cand_vote[p - 1]
        cand_key[p] = cand_key[p - 1]
        cand_hits[p] = cand_hits[p - 1]
        p -= 1
    cand_vote[p] = vote
    cand_key[p] = key
    cand_hits[p] = hits
    return min(count + 1, limit)


@numba.njit(cache=True, nogil=True, inline="always")
def _beats(vote, key, other_vote, other_key):
    """Whether a cluster comes before another."""
    if vote != other_vote:
        return vote > other_vote
    return mixed(key) > mixed(other_key)
