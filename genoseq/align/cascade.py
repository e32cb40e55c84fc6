"""Escalate: run the stages of a preset, each for the reads whose best verified locus does not convince."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genoseq.align.loci import SHORTEST, Ballot, Loci
from genoseq.align.pair import Pairs
from genoseq.align.presets import ANY, DIVERGENT, REPEAT, AlignmentParameters, Stage
from genoseq.align.profile import step
from genoseq.align.search import BatchAnchors, Hits, batch_anchors, search_anchors
from genoseq.align.vote import ASKED, FULL, keep_hits
from genoseq.align.weigh import Rules, weigh
from genoseq.index.store import Index


def find_loci(
    codes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    index: Index,
    parameters: AlignmentParameters,
    pairs: Pairs | None = None,
) -> Loci:
    """Search and verify reads: `codes` concatenated, read ``i`` at ``offsets[i]:offsets[i + 1]``.

    Mates meet before the first of the dear stages; those that are at home together leave the cascade there.
    """
    reads = len(offsets) - 1
    stages = len(parameters.stages)
    loci = Loci.none(reads, stages)
    found = 1  # words whose anchors are found; those of the others only for reads that come to need them
    lengths = np.diff(offsets)
    long_enough = np.flatnonzero(lengths >= SHORTEST)
    with step("anchors"):
        anchors = batch_anchors(codes, offsets, index, parameters.edge, found, long_enough)
    ballot, slots = _no_hits(reads)
    met = pairs is None
    for number, stage in enumerate(parameters.stages):
        if stage.word >= index.parameters.words:
            continue
        if pairs is not None and not met and stage.takes != ANY:
            settled = _meet(pairs, codes, offsets, index, loci, stages, last=False)
            loci.stage[settled] = np.minimum(loci.stage[settled], number - 1)
            met = True
        left = long_enough[loci.stage[long_enough] == stages]
        live = left[_takes(stage, loci, lengths, parameters.divergent)[left]]
        if not len(live):
            ballot, slots = _no_hits(
                reads
            )  # hits live until a stage is skipped, whoever else is in the batch
            continue
        if stage.word != 0 and found < index.parameters.words:
            found = index.parameters.words
            with step("anchors"):
                anchors = batch_anchors(codes, offsets, index, parameters.edge, found, left)
        deeper = live[loci.asked[live] < stage.hits]
        loci.asked[deeper] = stage.hits
        loci.signs[deeper, [[FULL], [ASKED]]] = 0
        with step("search"):
            hits = search_anchors(codes, offsets, index, anchors, live, stage)
        convinced = np.empty(len(live), np.bool_)
        with step("verify"):
            ballot = _collect(ballot, slots, live, hits, anchors, offsets, index, parameters, loci)
            weigh(
                live, codes, offsets, ballot, index.reference.words, index.reference.offsets,
                Rules(parameters.tolerance, parameters.slack, stage.verify, parameters.conviction.weights),
                loci, convinced,
            )  # fmt: skip
        loci.stage[live[convinced]] = number
    if pairs is not None:
        _meet(pairs, codes, offsets, index, loci, stages, last=True)
    return loci


def _meet(
    pairs: Pairs,
    codes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    index: Index,
    loci: Loci,
    stages: int,
    *,
    last: bool,
) -> NDArray[np.int64]:
    reference = index.reference
    with step("pairs"):
        return pairs.meet(codes, offsets, reference.words, reference.offsets, loci, stages, last=last)


def _takes(stage: Stage, loci: Loci, lengths: NDArray[np.int64], divergent: float) -> NDArray[np.bool_]:
    """Which reads a stage is meant for."""
    if stage.takes == REPEAT:
        return loci.distances[:, 0] <= divergent * lengths
    if stage.takes == DIVERGENT:
        return loci.distances[:, 0] > divergent * lengths
    return np.ones(len(lengths), np.bool_)


def _no_hits(reads: int) -> tuple[Ballot, NDArray[np.int64]]:
    """An empty ballot, and the place of each read in it: none."""
    none = np.empty(0, np.int64)
    return Ballot(np.zeros(1, np.int64), none, np.empty(0, np.float32), none), np.full(reads, -1, np.int64)


def _collect(
    ballot: Ballot,
    slots: NDArray[np.int64],
    live: NDArray[np.int64],
    hits: Hits,
    anchors: BatchAnchors,
    offsets: NDArray[np.int64],
    index: Index,
    parameters: AlignmentParameters,
    loci: Loci,
) -> Ballot:
    """The ballot with the hits of a stage added and those of reads that left dropped; `slots` are renewed."""
    room = len(ballot.keys) + hits.ids.size
    added = Ballot(
        np.empty(len(live) + 1, np.int64),
        np.empty(room, np.int64),
        np.empty(room, np.float32),
        np.empty(room, np.int64),
    )
    total = keep_hits(
        live, slots, ballot, hits.anchors, hits.starts, hits.similarities, hits.ids, anchors.positions,
        anchors.kinds, offsets, index.encoder.words.length, index.encoder.flank,
        np.float32(parameters.vote_base), added, loci.signs,
    )  # fmt: skip
    slots.fill(-1)
    slots[live] = np.arange(len(live))
    return Ballot(added.starts, added.keys[:total], added.votes[:total], added.anchors[:total])
