"""Escalate: run the stages of a preset, each only for the reads whose best verified locus does not convince yet.

After a stage every read that took part has its hits clustered, its best candidates verified and its case judged. What has
been verified is remembered, so that a later stage pays only for new loci.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.presets import DIVERGENT, REPEAT, AlignmentParameters, Stage
from genoseq.align.conviction import FEATURES, evidence
from genoseq.align.search import BatchAnchors, Hits, batch_anchors, search_anchors
from genoseq.align.verify import FAR, diagonal_mismatches, edit_distance, match_masks, pack_read
from genoseq.align.vote import cluster, keep_hits, key_position, key_strand
from genoseq.index.store import Index

LOCI = 6
"""Verified loci remembered for a read, best first."""
DEEP = 8
"""A stage that asks for more hits of an anchor than this has seen the copies of a repeat."""
CROWDED, FOCUS = 0.2, 0.75
"""Votes are scattered over the copies of a repeat if more than this share of the anchors has a strong second hit and the best
cluster has less than this share of all votes (found on chr20)."""
CLOSE, CLEAR = 0.03, 0.8
"""A locus within this edit distance (share of the read) ends the verification: at once if the second cluster has less than
this share of the best vote, else after three candidates."""


@dataclass(frozen=True)
class Loci:
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
    tops : ndarray, shape (reads, 2), dtype float32
        Votes of the best and the second cluster, verified or not.
    crowd : ndarray, shape (reads, 2), dtype int32
        Anchors with a strong second hit, and anchors with a hit.
    deep : ndarray, shape (reads,), dtype bool
        Whether many hits of each anchor were asked for (see `DEEP`).
    stage : ndarray, shape (reads,), dtype int8
        Stage that convinced; the number of stages if none did.
    """

    keys: NDArray[np.int64]
    distances: NDArray[np.int32]
    votes: NDArray[np.float32]
    counts: NDArray[np.int32]
    tops: NDArray[np.float32]
    crowd: NDArray[np.int32]
    deep: NDArray[np.bool_]
    stage: NDArray[np.int8]


@dataclass
class _Ballot:
    """Hits of the reads that are still in the cascade, grouped by read."""

    slot_of: NDArray[np.int64]
    starts: NDArray[np.int64]
    keys: NDArray[np.int64]
    votes: NDArray[np.float32]
    anchors: NDArray[np.int64]


def find_loci(
    codes: NDArray[np.uint8], offsets: NDArray[np.int64], index: Index, parameters: AlignmentParameters
) -> Loci:
    """Search and verify a batch of reads (`codes` concatenated, read ``i`` at ``offsets[i]:offsets[i + 1]``)."""
    reads = len(offsets) - 1
    loci = Loci(
        np.zeros((reads, LOCI), np.int64),
        np.full((reads, LOCI), FAR, np.int32),
        np.zeros((reads, LOCI), np.float32),
        np.zeros(reads, np.int32),
        np.zeros((reads, 2), np.float32),
        np.zeros((reads, 2), np.int32),
        np.zeros(reads, np.bool_),
        np.full(reads, len(parameters.stages), np.int8),
    )
    anchors = batch_anchors(codes, offsets, index, parameters.edge)
    none = np.empty(0, np.int64)
    ballot = _Ballot(np.full(reads, -1, np.int64), np.zeros(1, np.int64), none, np.empty(0, np.float32), none)
    lengths = np.diff(offsets)
    for number, stage in enumerate(parameters.stages):
        if stage.word >= index.parameters.words:
            continue
        live = np.flatnonzero((loci.stage == len(parameters.stages)) & _takes(stage, loci, lengths, parameters.divergent))
        if not len(live):
            ballot.slot_of.fill(-1)  # as in a batch where the stage takes others: hits live until a stage is skipped
            continue
        hits = search_anchors(codes, offsets, index, anchors, live, stage)
        _collect(ballot, live, hits, anchors, offsets, index, parameters, loci)
        loci.deep[live] |= stage.hits > DEEP
        convinced = np.empty(len(live), np.bool_)
        _judge(
            live, codes, offsets, anchors.starts, ballot.starts, ballot.keys, ballot.votes, ballot.anchors,
            index.reference.words, index.reference.offsets, parameters.tolerance, parameters.slack, stage.verify,
            parameters.conviction.weights, loci.deep,
            loci.keys, loci.distances, loci.votes, loci.counts, loci.tops, loci.crowd, convinced,
        )  # fmt: skip
        loci.stage[live[convinced]] = number
    return loci


def _takes(stage: Stage, loci: Loci, lengths: NDArray[np.int64], divergent: float) -> NDArray[np.bool_]:
    """Which reads a stage is meant for."""
    if stage.takes == REPEAT:
        return loci.distances[:, 0] <= divergent * lengths
    if stage.takes == DIVERGENT:
        return loci.distances[:, 0] > divergent * lengths
    return np.ones(len(lengths), np.bool_)


def _collect(
    ballot: _Ballot, live: NDArray[np.int64], hits: Hits, anchors: BatchAnchors, offsets: NDArray[np.int64], index: Index,
    parameters: AlignmentParameters, loci: Loci,
) -> None:  # fmt: skip
    """Add the hits of a stage to the ballot, and drop those of reads that left."""
    room = len(ballot.keys) + hits.ids.size
    starts = np.empty(len(live) + 1, np.int64)
    keys, votes, owners = np.empty(room, np.int64), np.empty(room, np.float32), np.empty(room, np.int64)
    total = keep_hits(
        live, ballot.slot_of, ballot.starts, ballot.keys, ballot.votes, ballot.anchors,
        hits.anchors, hits.starts, hits.similarities, hits.ids, anchors.positions, anchors.kinds, offsets,
        index.encoder.words.length, np.float32(parameters.vote_base), starts, keys, votes, owners, loci.crowd,
    )  # fmt: skip
    ballot.slot_of.fill(-1)
    ballot.slot_of[live] = np.arange(len(live))
    ballot.starts, ballot.keys, ballot.votes, ballot.anchors = starts, keys[:total], votes[:total], owners[:total]


@numba.njit(cache=True, nogil=True)
def _judge(
    live, codes, offsets, anchor_starts, starts, keys, votes, anchors, reference, contigs, tolerance, slack, verify,
    weights, deep,
    loci_keys, loci_distances, loci_votes, loci_counts, tops, crowd, convinced,
):  # fmt: skip
    longest = 1
    most_hits = 1
    most_anchors = 1
    for i in range(live.shape[0]):
        longest = max(longest, offsets[live[i] + 1] - offsets[live[i]])
        most_hits = max(most_hits, starts[i + 1] - starts[i])
        most_anchors = max(most_anchors, anchor_starts[live[i] + 1] - anchor_starts[live[i]])
    words = longest // 32 + 2
    packed = np.zeros((2, words), np.uint64)
    features = np.empty(FEATURES, np.float64)
    masks = np.zeros((2, 4, words), np.uint64)
    scratch = np.zeros((2, words), np.uint64)
    order = np.empty(most_hits, np.int64)
    stamp = np.full(most_anchors, -1, np.int64)
    best_of = np.empty(most_anchors, np.float32)
    cand_key = np.empty(verify, np.int64)
    cand_vote = np.empty(verify, np.float32)
    cand_hits = np.empty(verify, np.int64)
    for i in range(live.shape[0]):
        read = live[i]
        first, last = starts[i], starts[i + 1]
        convinced[i] = False
        if first == last:
            continue
        count, total = cluster(
            keys[first:last], votes[first:last], anchors[first:last], anchor_starts[read], tolerance,
            order, stamp, best_of, cand_key, cand_vote, cand_hits,
        )  # fmt: skip
        length = offsets[read + 1] - offsets[read]
        pack_read(codes, offsets[read], offsets[read + 1], packed[0], packed[1])
        masked = 0  # strands whose match masks are made
        top = cand_vote[0]
        second = cand_vote[1] if count > 1 else np.float32(0)
        tops[read, 0] = top
        tops[read, 1] = second
        for c in range(count):
            key = cand_key[c]
            known = False
            for v in range(loci_counts[read]):
                if abs(loci_keys[read, v] - key) <= slack:
                    loci_votes[read, v] = max(loci_votes[read, v], cand_vote[c])
                    known = True
                    break
            if not known:
                strand = key_strand(key)
                position = key_position(key)
                contig = np.searchsorted(contigs, position + length // 2, side="right") - 1
                if contig < 0 or contig >= contigs.shape[0] - 1:
                    continue
                lo, hi = contigs[contig], contigs[contig + 1]
                distance = np.int64(FAR)
                good = 99
                if position >= lo and position + length <= hi:
                    distance, good = diagonal_mismatches(packed[strand], length, reference, position)
                if distance > length >> 4:
                    if good < 2 and cand_hits[c] < 2:
                        continue
                    if not (masked >> strand) & 1:
                        match_masks(packed[strand], length, masks[strand])
                        masked |= 1 << strand
                    cutoff = min(distance - 1, loci_distances[read, LOCI - 1] - 1)
                    cutoff = min(cutoff, loci_distances[read, 0] + length // 4)  # a rival that far away rivals nothing
                    edits = edit_distance(
                        masks[strand], length, reference, max(position - slack, lo), min(position + length + slack, hi),
                        cutoff, scratch[0], scratch[1],
                    )  # fmt: skip
                    distance = min(distance, edits)
                if distance < FAR:
                    _remember(loci_keys[read], loci_distances[read], loci_votes[read], loci_counts, read, key, distance, cand_vote[c])
            best = loci_distances[read, 0]
            if best <= CLOSE * length and (c >= 2 or (c == 0 and second < CLEAR * top)):
                break
        if loci_counts[read]:
            evidence(
                length, loci_distances[read], loci_votes[read], loci_counts[read], top, second, crowd[read], deep[read], features
            )
            scattered = crowd[read, 0] > CROWDED * crowd[read, 1] and top < FOCUS * total
            # a nearer copy, or one as near, may be among those not seen yet
            convinced[i] = (deep[read] or not scattered) and np.dot(features, weights) > 0


@numba.njit(cache=True, nogil=True)
def _remember(keys, distances, votes, counts, read, key, distance, vote):
    """Insert a verified locus into a read's list, which stays sorted by distance (first come, first among equals)."""
    count = counts[read]
    if count == LOCI and distance >= distances[LOCI - 1]:
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
        counts[read] = count + 1
