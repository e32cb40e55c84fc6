"""Vote: the hits of a read become candidate loci.

A hit says: if this anchor of the read is that anchor of the reference, then the read lies on this strand and begins at this
position, its *diagonal*. Hits of a true locus agree (up to insertions and deletions); chance hits scatter. Hits are sorted by
(strand, diagonal), joined while neighbours differ by at most `tolerance`, and a cluster scores the sum over its anchors of
(similarity - base), each anchor counted once with its best hit.

A diagonal is one integer, the *key*: ``strand << 40 | (position + OFFSET)``, where position is the concatenated reference
coordinate of the first base of the read (of its reverse complement on strand 1).
"""

from __future__ import annotations

import numba
import numpy as np

STRAND_SHIFT = 40
OFFSET = 1 << 20
"""Added to positions so that a read that hangs over the start of the reference still has a positive key."""
_POSITION_MASK = (1 << STRAND_SHIFT) - 1
MAX_HITS = 1 << 14
"""Hits of one read that are voted on; more (very many anchors, many hits each) are dropped, the worst ranks first."""
STRONG_VOTE, STRONG_SHARE = 0.42, 0.8
"""A second hit is strong if it votes at least this much, and this share of the first's vote (found on chr20)."""


@numba.njit(cache=True, nogil=True, inline="always")
def key_strand(key):
    """Strand of a key: 0 forward, 1 reverse."""
    return key >> STRAND_SHIFT


@numba.njit(cache=True, nogil=True, inline="always")
def key_position(key):
    """Concatenated reference position of the first base of a key's diagonal; may be negative."""
    return (key & _POSITION_MASK) - OFFSET


@numba.njit(cache=True, nogil=True)
def keep_hits(
    live, slot_of, old_starts, old_keys, old_votes, old_anchors, anchors, starts, similarities, ids,
    positions, kinds, offsets, length, base, new_starts, new_keys, new_votes, new_anchors, crowd,
):  # fmt: skip
    """Join the hits that the `live` reads had with those of a new stage, as (key, vote, anchor), grouped by read.

    Returns the number of hits; `slot_of` maps a read to its group in the old arrays (-1: none). ``crowd[read]`` counts the
    anchors with a strong second hit, and all anchors with a hit.
    """
    total = 0
    for i in range(live.shape[0]):
        read = live[i]
        new_starts[i] = total
        slot = slot_of[read]
        if slot >= 0:
            for h in range(old_starts[slot], old_starts[slot + 1]):
                new_keys[total] = old_keys[h]
                new_votes[total] = old_votes[h]
                new_anchors[total] = old_anchors[h]
                total += 1
        lo, hi = offsets[read], offsets[read + 1]
        for q in range(starts[i], starts[i + 1]):
            anchor = anchors[q]
            at = positions[anchor]
            first_vote = np.float32(0)
            for k in range(ids.shape[1]):
                hit = ids[q, k]
                vote = similarities[q, k] - base
                if hit < 0 or vote <= 0 or total - new_starts[i] >= MAX_HITS:
                    break
                if k == 0:
                    first_vote = vote
                    crowd[read, 1] += 1
                elif k == 1 and vote >= STRONG_VOTE and vote >= STRONG_SHARE * first_vote:
                    crowd[read, 0] += 1
                if (hit & 1) == (kinds[anchor] & 1):
                    key = (hit >> 1) - (at - lo) + OFFSET
                else:
                    key = ((hit >> 1) - (hi - length - at) + OFFSET) | (1 << STRAND_SHIFT)
                new_keys[total] = key
                new_votes[total] = vote
                new_anchors[total] = anchor
                total += 1
        slot_of[read] = i
    new_starts[live.shape[0]] = total
    return total


@numba.njit(cache=True, nogil=True)
def cluster(keys, votes, anchors, first_anchor, tolerance, order, stamp, best_of, cand_key, cand_vote, cand_hits):
    """Cluster the hits of one read; the best candidates go to `cand_*`, best first.

    Parameters
    ----------
    keys, votes, anchors : ndarray, shape (n,)
        Hits of the read; anchors are numbered from `first_anchor` on.
    order : ndarray, dtype int64, scratch of at least n
    stamp, best_of : ndarray, scratch of at least the read's anchors; `stamp` must hold -1.

    Returns
    -------
    count : int
        Candidates written.
    total : float
        Sum of the scores of all clusters.
    """
    n = keys.shape[0]
    for h in range(n):
        order[h] = (keys[h] << 14) | h
    if n <= 48:
        for h in range(1, n):
            value = order[h]
            p = h
            while p > 0 and order[p - 1] > value:
                order[p] = order[p - 1]
                p -= 1
            order[p] = value
    else:
        order[:n].sort()
    count = 0
    limit = cand_key.shape[0]
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
            anchor = anchors[hit] - first_anchor
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
        total += score
        if count < limit or score > cand_vote[count - 1]:
            p = count if count < limit else limit - 1
            while p > 0 and cand_vote[p - 1] < score:
                cand_vote[p] = cand_vote[p - 1]
                cand_key[p] = cand_key[p - 1]
                cand_hits[p] = cand_hits[p - 1]
                p -= 1
            cand_vote[p] = score
            cand_key[p] = best_key
            cand_hits[p] = supporters
            if count < limit:
                count += 1
    for h in range(n):
        stamp[anchors[h] - first_anchor] = -1
    return count, total
