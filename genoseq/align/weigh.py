"""Weigh: for each read the hits are clustered, the best candidates verified, and the verdict is given: done,
or search on.

What has been verified in an earlier stage is remembered, so that a later stage pays only for new loci.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.conviction import FEATURES, evidence
from genoseq.align.loci import LOCI, Ballot, Loci, remember
from genoseq.align.verify import (
    FAR,
    clipped_distance,
    diagonal_mismatches,
    edit_distance,
    match_masks,
    pack_read,
)
from genoseq.align.vote import ASKED, FULL, HIT, LEADS, cluster, key_position, key_strand

CROWDED, FOCUS = 0.2, 0.75
"""Votes are scattered over the copies of a repeat if the lists of more than this share of the anchors were
full of near hits and the best cluster has less than this share of all votes (found on chr20)."""
CLOSE, CLEAR = 0.03, 0.8
"""A locus within this edit distance (share of the read) ends the verification: at once if the second cluster
has less than this share of the best vote, else after three candidates."""


ALONE, EARLY = 0.55, 8
"""Votes that few single anchors reach (a perfect hit votes .7), and anchors of the first stages."""


LOCAL = 3
"""Blocks of 16 bases that agree where a read lies in part only: a stretch of some 40 bp or more."""


class Rules(NamedTuple):
    """What decides a verdict: see `genoseq.align.presets`."""

    tolerance: int
    slack: int
    verify: int
    conviction: NDArray[np.float64]


class _Desk(NamedTuple):
    """Scratch, large enough for every read of a batch."""

    packed: NDArray[np.uint64]
    masks: NDArray[np.uint64]
    order: NDArray[np.int64]
    stamp: NDArray[np.int64]
    best_of: NDArray[np.float32]
    keys: NDArray[np.int64]
    votes: NDArray[np.float32]
    hits: NDArray[np.int64]
    features: NDArray[np.float64]


@numba.njit(cache=True, nogil=True)
def weigh(
    live: NDArray[np.int64],
    codes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    ballot: Ballot,
    reference: NDArray[np.uint64],
    contigs: NDArray[np.int64],
    rules: Rules,
    loci: Loci,
    convinced: NDArray[np.bool_],
) -> None:
    """Verify the candidates of the `live` reads and say of each whether the search may end.

    Parameters
    ----------
    live : ndarray, shape (live,)
        Numbers of the reads.
    codes, offsets : ndarray
        The batch: concatenated base codes, read ``i`` at ``offsets[i]:offsets[i + 1]``.
    ballot : Ballot
        Hits of the live reads.
    reference, contigs : ndarray
        The packed reference and the offsets of its contigs.
    rules : Rules
    loci : Loci
        Receives what is verified.
    convinced : ndarray, shape (live,)
        Receives the verdicts.
    """
    desk = _desk(live, offsets, ballot.starts, rules.verify, rules.slack)
    for i in range(live.shape[0]):
        read = live[i]
        first, last = ballot.starts[i], ballot.starts[i + 1]
        convinced[i] = False
        if first == last:
            continue
        count, total = cluster(
            ballot.keys[first:last], ballot.votes[first:last], ballot.anchors[first:last],
            rules.tolerance, desk.order, desk.stamp, desk.best_of, desk.keys, desk.votes,
            desk.hits,
        )  # fmt: skip
        loci.tops[read, 0] = desk.votes[0]
        loci.tops[read, 1] = desk.votes[1] if count > 1 else np.float32(0)
        loci.tops[read, 2] = total
        length = offsets[read + 1] - offsets[read]
        pack_read(codes, offsets[read], offsets[read + 1], desk.packed[0], desk.packed[1])
        masked = 0  # strands whose match masks are made
        for c in range(count):
            masked = _verify(read, length, c, masked, reference, contigs, rules.slack, loci, desk)
            close = loci.distances[read, 0] <= CLOSE * length
            alone = loci.distances[read, 1] > loci.distances[read, 0]
            if close and alone and (c >= 2 or (c == 0 and loci.tops[read, 1] < CLEAR * loci.tops[read, 0])):
                break
        if loci.counts[read]:
            convinced[i] = _convinces(read, length, rules.conviction, loci, desk.features)


@numba.njit(cache=True, nogil=True)
def _desk(live, offsets, starts, verify, slack):
    longest = 1
    most_hits = 1
    for i in range(live.shape[0]):
        longest = max(longest, offsets[live[i] + 1] - offsets[live[i]])
        most_hits = max(most_hits, starts[i + 1] - starts[i])
    return _Desk(
        np.zeros((2, longest // 32 + 2), np.uint64),
        np.zeros((2, 5, (longest + 4 * slack) // 64 + 2), np.uint64),
        np.empty(most_hits, np.int64),
        np.full(longest, -1, np.int64),
        np.empty(longest, np.float32),
        np.empty(verify, np.int64),
        np.empty(verify, np.float32),
        np.empty(verify, np.int64),
        np.empty(FEATURES, np.float64),
    )


@numba.njit(cache=True, nogil=True)
def _verify(read, length, candidate, masked, reference, contigs, slack, loci, desk):
    """Verify one candidate of a read, if it is new; returns `masked`, with the strand whose masks it made."""
    key = desk.keys[candidate]
    for v in range(loci.counts[read]):
        if abs(loci.keys[read, v] - key) <= slack:
            loci.votes[read, v] = max(loci.votes[read, v], desk.votes[candidate])
            return masked
    strand = key_strand(key)
    position = key_position(key)
    contig = np.searchsorted(contigs, position + length // 2, side="right") - 1
    if contig < 0 or contig >= contigs.shape[0] - 1:
        return masked
    lo, hi = contigs[contig], contigs[contig + 1]
    distance = np.int64(FAR)
    good = 99
    if position >= lo and position + length <= hi:
        distance, good = diagonal_mismatches(desk.packed[strand], length, reference, position)
    if distance > length >> 4:
        if good < 2 and desk.hits[candidate] < 2:
            return masked
        if not (masked >> strand) & 1:
            match_masks(desk.packed[strand], length, slack, desk.masks[strand])
            masked |= 1 << strand
        cutoff = min(distance - 1, loci.distances[read, LOCI - 1] - 1)
        cutoff = min(cutoff, loci.distances[read, 0] + length // 4)  # a rival that far away rivals nothing
        edits = edit_distance(desk.masks[strand], length, slack, reference, position, lo, hi, cutoff)
        distance = min(distance, edits)
        if good >= LOCAL and distance > length >> 2:
            clipped = clipped_distance(desk.packed[strand], length, reference, position, lo, hi)
            distance = min(distance, clipped)
    if distance < FAR:
        remember(loci, read, key, distance, desk.votes[candidate])
    return masked


@numba.njit(cache=True, nogil=True)
def _convinces(read, length, weights, loci, features):
    """Whether the search for a read may end."""
    signs = loci.signs[read]
    if loci.distances[read, 0] == 0:
        # An exact locus is the only one if one of its whole contexts is nearer than any other: the anchors of
        # a second exact copy would be as near. If two are known the answer is a guess, but one among all.
        if signs[LEADS] == 0 and signs[FULL] > 0:
            return False
    elif (
        (signs[LEADS] <= 4 * loci.distances[read, 0] or 3 * signs[LEADS] < signs[HIT])
        and signs[FULL] > CROWDED * signs[ASKED]
        and loci.tops[read, 0] < FOCUS * loci.tops[read, 2]
    ):
        return False  # a nearer copy may be among those not seen yet
    if signs[HIT] <= EARLY and loci.votes[read, 0] < ALONE and loci.distances[read, 0] > CLOSE * length:
        return False  # one anchor alone, and not a close locus: a cousin of the true one, often
    evidence(
        length,
        loci.distances[read],
        loci.votes[read],
        loci.counts[read],
        loci.tops[read],
        signs,
        loci.asked[read],
        features,
    )
    total = 0.0
    for f in range(FEATURES):  # np.dot in a kernel would need scipy
        total += features[f] * weights[f]
    return total > 0
