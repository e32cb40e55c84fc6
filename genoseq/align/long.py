"""Long reads: a sample of the anchors is searched, the hits are chained, the chains aligned.

A read of thousands of bases need not be embedded whole, nor in windows: one anchor in some fifty bases tells
its places. Its best alignment is *primary*. What that leaves over may belong elsewhere (a breakpoint, a
chimera): an alignment that shares less than half of its bases with a better one of the read is
*supplementary*; the others are rivals of the better ones, *secondary*.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.band import Costs, strip_for
from genoseq.align.chain import Chains, Links, chain_hits
from genoseq.align.cigar import write_clipped
from genoseq.align.extend import Alignments, oriented, reference_window
from genoseq.align.flags import REVERSE, SECONDARY, SUPPLEMENTARY, UNMAPPED
from genoseq.align.lanes import LANES
from genoseq.align.loci import SHORTEST
from genoseq.align.mapq import phred
from genoseq.align.presets import LongParameters
from genoseq.align.profile import step
from genoseq.align.records import Rows
from genoseq.align.search import BatchAnchors, Hits, Sample, batch_anchors, search_anchors
from genoseq.align.stitch import Cut, fixed_points, room, score_of, stitch
from genoseq.index.store import Index
from genoseq.io.batch import ReadBatch

READ, STRAND, START, FROM, TO, SCORE, EDITS, CIGAR, OPERATIONS, HITS, KIND, RIVAL = range(12)
"""Columns of the table of alignments: `FROM` and `TO` are the aligned part of the read as it was sequenced;
`HITS` are those of the chain; `KIND` is 0 or a bit of FLAG; `RIVAL` is the best score of a rival, or -1."""
_COLUMNS = 12
_SHARED = 0.5  # of its bases that an alignment may share with a better one and not be its rival (bwa mem)
_SHARED_HITS = 0.25  # hits of the better chain, of the number of its own, that make a chain a rival
_PARTS, _RIVALS = 64, 4  # chains of a read that are aligned at most: parts, and rivals of each
_NEAR = 0.7  # a rival whose chain has less than this share of the votes is not aligned
_RIVALS_SCORE = 0.6  # a rival that scores less is a copy of a small part
_EDIT_SCORE = 6  # what a mismatch costs
_LONG = 10_000  # bp; more does not make an alignment surer, and no longer ones taught the judge
_LEAD = 12.0  # edits of lead, beyond which only its logarithm counts


class Placed(NamedTuple):
    """Alignments of a batch.

    Attributes
    ----------
    table : ndarray, shape (n, columns), dtype int64
        By read, in each by score; the columns are named in this module.
    cigars : ndarray, dtype uint32
        Operations of all alignments, soft clips included.
    """

    table: NDArray[np.int64]
    cigars: NDArray[np.uint32]


def place(reads: ReadBatch, index: Index, parameters: LongParameters) -> tuple[Placed, NDArray[np.int8]]:
    """Search, chain and align reads of any length.

    Returns
    -------
    placed : Placed
    stages : ndarray, shape (reads,), dtype int8
        Stage of the search after which each read was explained; the number of stages if none did.
    """
    number = len(parameters.stages)
    stages = np.full(len(reads), number, np.int8)
    live = np.flatnonzero(reads.lengths >= SHORTEST)
    placed = Placed(np.empty((0, _COLUMNS), np.int64), np.empty(0, np.uint32))
    for stage_number, stage in enumerate(parameters.stages):
        words = 1 if stage.word == 0 else index.parameters.words
        with step("anchors"):
            anchors = batch_anchors(
                reads.codes, reads.offsets, index, parameters.edge, words, live, sample=Sample()
            )
        with step("search"):
            hits = search_anchors(reads.codes, reads.offsets, index, anchors, live, stage)
        with step("chain, extend"):
            placed = _better(placed, _align(reads, live, hits, anchors, index, parameters))
        explained = _explained(placed.table, reads.lengths, parameters)
        stages[live[explained[live]]] = stage_number
        live = live[~explained[live]]
        if not len(live):
            break
    return placed, stages


def _align(
    reads: ReadBatch,
    live: NDArray[np.int64],
    hits: Hits,
    anchors: BatchAnchors,
    index: Index,
    parameters: LongParameters,
) -> Placed:
    s, p, reference = parameters.scoring, parameters, index.reference
    costs = Costs(
        np.int16(s.match), np.int16(-s.mismatch), np.int16(s.gap_open + s.gap_extend), np.int16(s.gap_extend),
        np.int16(p.long_gap_open + p.long_gap_extend), np.int16(p.long_gap_extend),
    )  # fmt: skip
    return Placed(
        *_align_chains(
            live, reads.codes, reads.offsets, hits.starts, hits.anchors, hits.similarities, hits.ids,
            anchors.positions, anchors.kinds, index.encoder.words.length, np.float32(p.vote_base),
            reference.words, reference.exceptions, reference.offsets, Links(p.gap, p.shift), p.least_votes,
            costs, Cut(p.drop, s.end_bonus), p.least_score, p.least_part,
        )
    )  # fmt: skip


def _better(old: Placed, new: Placed) -> Placed:
    """The alignments of two searches; of a read that has some of both, those that tell more of it."""
    if not len(old.table):
        return new
    table = np.concatenate([old.table, new.table])
    table[len(old.table) :, CIGAR] += len(old.cigars)
    is_new = np.arange(len(table)) >= len(old.table)
    told = np.zeros((2, int(table[:, READ].max(initial=0)) + 1), np.int64)
    np.add.at(
        told,
        (is_new.astype(np.int64), table[:, READ]),
        np.where(table[:, KIND] == SECONDARY, 0, table[:, SCORE]),
    )
    keep = (told[1] > told[0])[table[:, READ]] == is_new
    table = table[keep]
    order = np.argsort(table[:, READ], kind="stable")
    return Placed(table[order], np.concatenate([old.cigars, new.cigars]))


def _explained(
    table: NDArray[np.int64], lengths: NDArray[np.int64], parameters: LongParameters
) -> NDArray[np.bool_]:
    """Whether alignments cover enough of each read, and the first has enough hits, shape (reads,)."""
    parts = table[table[:, KIND] != SECONDARY]
    covered = np.bincount(parts[:, READ], parts[:, TO] - parts[:, FROM], len(lengths))
    hits = np.zeros(len(lengths), np.int64)
    np.maximum.at(hits, parts[:, READ], parts[:, HITS])
    return (covered >= parameters.explained * lengths) & (hits >= parameters.hits)


def passage_evidence(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """What the judge of passage looks at, a row for each alignment: shape (n, PASSAGE_FEATURES)."""
    score, aligned = table[:, SCORE].astype(float), table[:, TO] - table[:, FROM]
    rival = np.where(table[:, RIVAL] < _RIVALS_SCORE * score, -1, table[:, RIVAL])
    lead = np.minimum(score - np.maximum(rival, 0), _LONG) / _EDIT_SCORE
    identity = score / (2 * aligned)
    hits, size = np.minimum(table[:, HITS], 30), np.log2(np.minimum(aligned, _LONG) / 100)
    columns = (
        np.minimum(lead, _LEAD), np.minimum(lead, 2), np.minimum(lead, 5), np.log2(1 + lead), rival < 0,
        identity, identity**2, hits / 10, np.minimum(hits, 5), np.minimum(score, 1000) / 100,
        np.minimum(score, 300) / 100, size, size**2, np.ones(len(table)),
    )  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float64)


def rows_of(
    placed: Placed, reads: ReadBatch, parameters: LongParameters, secondary: int
) -> tuple[Alignments, Rows]:
    """Alignments and what is written of them: the primary one of each read, supplementary and secondary ones.

    Parameters
    ----------
    secondary : int
        Secondary alignments of a read at most.
    """
    table = placed.table
    quality = phred(passage_evidence(table) @ parameters.passage.weights)
    quality[table[:, RIVAL] >= table[:, SCORE]] = 0
    is_secondary = table[:, KIND] == SECONDARY
    quality[is_secondary] = 0
    starts = np.searchsorted(table[:, READ], np.arange(len(reads)))
    so_far = np.cumsum(is_secondary)
    before = np.concatenate([[0], so_far])[starts[table[:, READ]]]
    keep = ~is_secondary | (so_far - before <= secondary)
    unplaced = np.ones(len(reads), np.bool_)
    unplaced[table[:, READ]] = False
    owners = np.concatenate([table[keep, READ], np.flatnonzero(unplaced)])
    rows = np.concatenate([np.flatnonzero(keep), np.full(int(unplaced.sum()), -1)])
    kinds = np.concatenate([table[keep, KIND], np.zeros(int(unplaced.sum()), np.int64)])
    order = np.lexsort((rows, kinds, owners))  # primary, secondary (256), supplementary (2048)
    owners, rows = owners[order], rows[order]
    none = rows < 0
    if not len(table):
        table, quality = np.zeros((1, _COLUMNS), np.int64), np.zeros(1, np.int32)
    taken = table[rows]
    alignments = Alignments(
        owners,
        taken[:, STRAND].astype(np.uint8),
        np.where(none, -1, taken[:, START]),
        taken[:, SCORE].astype(np.int32),
        taken[:, EDITS].astype(np.int32),
        placed.cigars,
        taken[:, CIGAR],
        np.where(none, 0, taken[:, OPERATIONS]),
    )
    flags = np.where(none, UNMAPPED, taken[:, KIND] + REVERSE * taken[:, STRAND])
    nothing = np.full(len(owners), -1, np.int64)
    return alignments, Rows(
        flags.astype(np.int32),
        np.where(none, 0, quality[rows]).astype(np.int32),
        np.where(none | (taken[:, KIND] == SECONDARY), -1, taken[:, RIVAL]).astype(np.int32),
        nothing,
        np.zeros(len(owners), np.int64),
    )


@numba.njit(cache=True, nogil=True)
def _align_chains(
    live, codes, offsets, starts, anchors, similarities, ids, positions, kinds, word, base, words,
    exceptions, contigs, links, least, costs, cut, lowest, least_part,
):  # fmt: skip
    table = np.empty((2 * live.shape[0] + 16, _COLUMNS), np.int64)
    cigars = np.empty(4096, np.uint32)
    rows, filled = 0, 0
    longest = 1
    for r in range(live.shape[0]):
        longest = max(longest, offsets[live[r] + 1] - offsets[live[r]])
    bases = np.empty((2, longest), np.uint8)
    operations = np.empty(4 * longest + 64, np.uint32)
    strip = strip_for(2000, LANES)
    for r in range(live.shape[0]):
        lo, hi = offsets[live[r]], offsets[live[r] + 1]
        length = hi - lo
        chains = _chains(
            starts[r], starts[r + 1], anchors, similarities, ids, positions, kinds, lo, hi, word, base,
            contigs, links, least,
        )  # fmt: skip
        chosen = choose_chains(chains, length, word)
        if not chosen.shape[0]:
            continue
        for strand in range(2):
            oriented(codes, lo, hi, strand, bases[strand])
        begun = rows
        for c in chosen:
            strand = chains.strands[c]
            read = bases[strand, :length]
            first, last = chains.bounds[c], chains.bounds[c + 1]
            places, where = chains.places[first:last], chains.positions[first:last]
            contig = np.searchsorted(contigs, where[0], side="right") - 1
            low, high = contigs[contig], contigs[contig + 1]
            start, end = (
                max(low, where[0] - room(places[0])),
                min(high, where[-1] + room(length - places[-1])),
            )
            target = np.empty(end - start, np.uint8)
            reference_window(words, exceptions, start, end, low, high, target)
            points = fixed_points(read, target, places, where - start, word)
            if points.shape[0] == 0:
                continue
            pieces, strip = stitch(read, target, points, costs, cut, strip, operations)
            for piece in pieces:
                path = operations[piece.first : piece.last]
                score, edits = score_of(read, target, piece.read_start, piece.start, path, costs)
                if score < lowest:
                    continue
                if rows == table.shape[0]:
                    table = np.concatenate((table, np.empty_like(table)))
                while filled + path.shape[0] + 2 > cigars.shape[0]:
                    cigars = np.concatenate((cigars, np.empty_like(cigars)))
                row = table[rows]
                row[READ], row[STRAND], row[START] = live[r], strand, start + piece.start
                row[FROM] = length - piece.read_end if strand else piece.read_start
                row[TO] = length - piece.read_start if strand else piece.read_end
                row[SCORE], row[EDITS], row[CIGAR] = score, edits, filled
                row[HITS], row[KIND], row[RIVAL] = last - first, 0, -1
                row[OPERATIONS] = write_clipped(
                    path, piece.read_start, length - piece.read_end, cigars[filled:]
                )
                filled += row[OPERATIONS]
                rows += 1
        if rows > begun:
            best_first = np.argsort(-table[begun:rows, SCORE], kind="mergesort")
            table[begun:rows] = table[begun:rows][best_first]
            rows = begun + name_kinds(table[begun:rows], least_part)
    return table[:rows], cigars[:filled]


@numba.njit(cache=True, nogil=True)
def _chains(
    begin, end, anchors, similarities, ids, positions, kinds, lo, hi, word, base, contigs, links, least
):  # fmt: skip
    """Chains of the hits of the read ``lo:hi``."""
    most = (end - begin) * ids.shape[1]
    places, where = np.empty(most, np.int64), np.empty(most, np.int64)
    strands, votes = np.empty(most, np.uint8), np.empty(most, np.float32)
    count = 0
    for q in range(begin, end):
        at = positions[anchors[q]] - lo
        for k in range(ids.shape[1]):
            if ids[q, k] < 0 or similarities[q, k] <= base:
                break
            strand = (ids[q, k] & 1) != (kinds[anchors[q]] & 1)
            places[count] = hi - lo - word - at if strand else at
            where[count] = ids[q, k] >> 1
            strands[count] = strand
            votes[count] = similarities[q, k] - base
            count += 1
    return chain_hits(places[:count], where[:count], strands[:count], votes[:count], contigs, links, least)


@numba.njit(cache=True, nogil=True)
def choose_chains(chains: Chains, length: int, word: int) -> NDArray[np.int64]:
    """Chains to align: the best of each part of the read, and those that come near to it."""
    number = chains.scores.shape[0]
    spans = np.empty((number, 2), np.int64)
    parts = np.empty(number, np.int64)
    rivals = np.zeros(number, np.int64)
    chosen = np.empty(number, np.int64)
    count, found = 0, 0
    for c in range(number):
        a, b = chains.places[chains.bounds[c]], chains.places[chains.bounds[c + 1] - 1] + word
        spans[c, 0] = length - b if chains.strands[c] else a
        spans[c, 1] = length - a if chains.strands[c] else b
        part = 0
        while part < found:
            other = spans[parts[part]]
            shared = min(spans[c, 1], other[1]) - max(spans[c, 0], other[0])
            own = spans[c, 1] - spans[c, 0]
            if shared >= _SHARED * own and _meet(chains, c, parts[part], spans, length):
                break
            part += 1
        if part == found:
            if found == _PARTS:
                continue
            parts[found] = c
            found += 1
        else:
            if rivals[part] == _RIVALS or chains.scores[c] < _NEAR * chains.scores[parts[part]]:
                continue
            rivals[part] += 1
        chosen[count] = c
        count += 1
    return chosen[:count]


@numba.njit(cache=True, nogil=True)
def _meet(chains, chain, part, spans, length):
    """Whether a part has hits where a chain has its own, or leaves the stretch out (an inversion)."""
    inside = 0
    for h in range(chains.bounds[part], chains.bounds[part + 1]):
        at = length - 1 - chains.places[h] if chains.strands[part] else chains.places[h]
        inside += spans[chain, 0] <= at < spans[chain, 1]
    return inside >= _SHARED_HITS * (chains.bounds[chain + 1] - chains.bounds[chain])


@numba.njit(cache=True, nogil=True)
def name_kinds(rows: NDArray[np.int64], least_part: int) -> int:
    """Fill in `KIND` and `RIVAL` of the alignments of one read, which come best first.

    Supplementary ones that score less than `least_part` are dropped; returns how many alignments stay.
    """
    count = 1
    for r in range(1, rows.shape[0]):
        rows[r, KIND] = SUPPLEMENTARY
        for p in range(count):
            shared = min(rows[r, TO], rows[p, TO]) - max(rows[r, FROM], rows[p, FROM])
            if rows[p, KIND] != SECONDARY and shared >= _SHARED * (rows[r, TO] - rows[r, FROM]):
                rows[r, KIND] = SECONDARY
                rows[p, RIVAL] = max(rows[p, RIVAL], rows[r, SCORE])
                break
        if rows[r, KIND] == SECONDARY or rows[r, SCORE] >= least_part:
            rows[count] = rows[r]
            count += 1
    return count
