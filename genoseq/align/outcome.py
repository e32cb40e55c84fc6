"""Outcome: which alignment is reported of each read, and what its line says.

Whatever the reads have is turned into rows: for each read its primary alignment (or that there is none), then
its secondary ones, with FLAG, MAPQ, the score of the best other locus, and where the mate is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genoseq.align.candidates import Candidates
from genoseq.align.choose import Choice, choose_pairs, draw_lots, spans
from genoseq.align.extend import CLOSE_SHARE, Alignments, extend
from genoseq.align.flags import (
    FIRST,
    LAST,
    MATE_REVERSE,
    MATE_UNMAPPED,
    PAIRED,
    PROPER,
    REVERSE,
    SECONDARY,
    UNMAPPED,
)
from genoseq.align.mapq import certainty_evidence, kinship_evidence, mapping_quality, pair_quality
from genoseq.align.pair import Pairs
from genoseq.align.presets import AlignmentParameters
from genoseq.align.records import Rows
from genoseq.index.reference import Reference
from genoseq.io.batch import ReadBatch

_CHOSEN, _LATER = -(1 << 30), 1 << 30  # ranks before and behind all scores
_MATE_BITS = np.array([0, PAIRED + FIRST, PAIRED + LAST], np.int32)


class Chosen(NamedTuple):
    """Which alignment each read takes.

    Attributes
    ----------
    order : ndarray, shape (rows,), dtype int64
        Rows by read, in each the one that is taken first, then by score.
    places : ndarray, shape (rows,), dtype int64
        Place in the list of its read of each row of `order`.
    best : ndarray, shape (reads,), dtype int64
        The row that is taken, -1 for none.
    good : ndarray, shape (rows,), dtype bool
        Whether an alignment may be reported.
    scores, rivals : ndarray, shape (reads,), dtype int32
        Score of what is taken (0: unmapped), and of the best other alignment (-1: none).
    perfect : ndarray, shape (reads,), dtype int64
        Score of a read that matches everywhere.
    choice : Choice, optional
        What pairs took.
    span, whole : ndarray, shape (rows, 2), dtype int64
        Reference interval of each alignment, and with its clips; filled where there are pairs.
    """

    order: NDArray[np.int64]
    places: NDArray[np.int64]
    best: NDArray[np.int64]
    good: NDArray[np.bool_]
    scores: NDArray[np.int32]
    rivals: NDArray[np.int32]
    perfect: NDArray[np.int64]
    choice: Choice | None
    span: NDArray[np.int64]
    whole: NDArray[np.int64]


def choose(
    reads: ReadBatch, candidates: Candidates, reference: Reference, parameters: AlignmentParameters
) -> Chosen:
    """Choose the alignment of each read, of mates together; there must be at least one alignment."""
    aligned, deciding, pairs = candidates.aligned, candidates.deciding, candidates.pairs
    number = len(reads)
    perfect = parameters.scoring.match * reads.lengths
    good = (aligned.starts >= 0) & (aligned.scores >= parameters.min_identity_score * perfect[aligned.reads])
    # rows by read, in each the best first, equal ones in an order of their own for each read
    lots = np.empty(len(aligned), np.uint64)
    draw_lots(reads.names, reads.name_offsets, aligned.reads, aligned.starts, lots)
    ranked = np.where(deciding, 0, _LATER) - np.where(good, aligned.scores, -1)
    order = np.lexsort((lots, ranked, aligned.reads))
    bounds = np.searchsorted(aligned.reads[order], np.arange(number + 1))
    choice = None
    span, whole = np.empty((2, len(aligned), 2), np.int64)
    if pairs is not None:
        spans(aligned.starts, aligned.cigars, aligned.cigar_starts, aligned.cigar_counts, span, whole)
        choice = choose_pairs(
            pairs.firsts,
            order,
            bounds,
            good & deciding,
            lots,
            whole,
            reference.offsets,
            aligned,
            pairs.insert,
        )
        ranked[choice.rows[choice.rows >= 0]] = _CHOSEN
        order = np.lexsort((lots, ranked, aligned.reads))
    readers = aligned.reads[order]
    places = np.arange(len(order)) - bounds[readers]
    best, second = (_at_place(place, order, readers, places, number) for place in (0, 1))
    second[~deciding[second]] = -1
    mapped = (best >= 0) & good[best]
    scores = np.where(mapped, aligned.scores[best], 0)
    rivals = np.where(second >= 0, np.maximum(aligned.scores[second], 0), -1)
    return Chosen(order, places, best, good, scores, rivals, perfect, choice, span, whole)


def outcome(
    reads: ReadBatch,
    candidates: Candidates,
    reference: Reference,
    parameters: AlignmentParameters,
    secondary: int,
) -> tuple[Alignments, Rows]:
    """Primary and secondary alignments of each read, with flags and MAPQ.

    Parameters
    ----------
    secondary : int
        Secondary alignments of a read at most.
    """
    loci, aligned, pairs = candidates.loci, candidates.aligned, candidates.pairs
    number = len(reads)
    if not len(aligned):  # no read of the batch has a locus
        return _nothing(reads, aligned)
    chosen = choose(reads, candidates, reference, parameters)
    choice, order, places = chosen.choice, chosen.order, chosen.places
    evidence = certainty_evidence(reads.lengths, chosen.perfect, chosen.scores, chosen.rivals, loci)
    logits = evidence @ parameters.certainty.weights
    quality = mapping_quality(logits, chosen.scores, chosen.rivals, loci)
    if pairs is not None and choice is not None:
        evidence = kinship_evidence(logits, chosen.perfect, chosen.scores, chosen.rivals, pairs, choice)
        pair_quality(quality, evidence, parameters.kinship, pairs, choice)

    aligned = _told_closely(reads, candidates, chosen.best, reference, parameters)
    readers = aligned.reads[order]
    mapped = (chosen.best >= 0) & chosen.good[chosen.best]
    wanted = (places == 0) | ((places <= secondary) & chosen.good[order] & mapped[readers])
    without = np.flatnonzero(chosen.best < 0)
    owners = np.concatenate([readers[wanted], without])
    rows = np.concatenate([order[wanted], np.full(len(without), -1)])
    primary = np.concatenate([places[wanted] == 0, np.ones(len(without), bool)])
    turn = np.argsort(owners, kind="stable")
    owners, rows, primary = owners[turn], rows[turn], primary[turn]
    placed = ~primary | mapped[owners]
    flags = np.where(placed, REVERSE * aligned.strands[rows].astype(np.int32), UNMAPPED)
    flags += np.where(primary, 0, SECONDARY)
    mapqs = np.where(primary & placed, quality[owners], 0)
    seconds = np.where(primary, chosen.rivals[owners], -1)
    mates, tlens = np.full(len(rows), -1, np.int64), np.zeros(len(rows), np.int64)
    if pairs is not None and choice is not None and reads.mates is not None:
        mates = _mate_rows(owners, primary, number, pairs)
        spans(
            aligned.starts,
            aligned.cigars,
            aligned.cigar_starts,
            aligned.cigar_counts,
            chosen.span,
            chosen.whole,
        )
        tlens = fragment_lengths(owners, rows, primary & placed, mates, chosen.span, reference)
        flags = _paired_flags(flags, reads.mates[owners], owners, mates, number, choice, pairs)
    table = Rows(flags.astype(np.int32), mapqs.astype(np.int32), seconds.astype(np.int32), mates, tlens)
    return _take(aligned, np.where(placed, rows, -1), owners), table


def _told_closely(
    reads: ReadBatch,
    candidates: Candidates,
    best: NDArray[np.int64],
    reference: Reference,
    parameters: AlignmentParameters,
) -> Alignments:
    """The alignments, with those that are taken of close reads aligned anew by the scores for these."""
    aligned, distances = candidates.aligned, candidates.distances
    rows = best[best >= 0]
    close = distances[rows] <= CLOSE_SHARE * reads.lengths[aligned.reads[rows]]
    rows = rows[close & ((aligned.edits[rows] > 1) | (aligned.cigar_counts[rows] > 1))]
    if not len(rows):
        return aligned
    new = extend(
        reads.codes, reads.offsets, aligned.reads[rows], candidates.keys[rows], distances[rows], reference,
        parameters, close=CLOSE_SHARE,
    )  # fmt: skip
    there = new.starts >= 0
    rows = rows[there]

    def told(old: NDArray, anew: NDArray) -> NDArray:
        result = old.copy()
        result[rows] = anew[there]
        return result

    return Alignments(
        aligned.reads, aligned.strands, told(aligned.starts, new.starts), told(aligned.scores, new.scores),
        told(aligned.edits, new.edits), np.concatenate([aligned.cigars, new.cigars]),
        told(aligned.cigar_starts, new.cigar_starts + len(aligned.cigars)),
        told(aligned.cigar_counts, new.cigar_counts),
    )  # fmt: skip


def _nothing(reads: ReadBatch, aligned: Alignments) -> tuple[Alignments, Rows]:
    """Every read unmapped."""
    number = len(reads)
    none = np.full(number, -1, np.int64)
    flags = np.full(number, UNMAPPED, np.int32)
    if reads.mates is not None:
        flags += _MATE_BITS[reads.mates] + np.where(reads.mates > 0, MATE_UNMAPPED, 0).astype(np.int32)
    zeros = np.zeros(number, np.int64)
    table = Rows(flags, zeros.astype(np.int32), none.astype(np.int32), none, zeros)
    return _take(aligned, none, np.arange(number)), table


def _at_place(
    place: int, order: NDArray[np.int64], readers: NDArray[np.int64], places: NDArray[np.int64], reads: int
) -> NDArray[np.int64]:
    """The row of each read that stands at a place of its list, shape (reads,); -1 if its list is shorter."""
    row = np.full(reads, -1, np.int64)
    there = places == place
    row[readers[there]] = order[there]
    return row


def _mate_rows(
    owners: NDArray[np.int64], primary: NDArray[np.bool_], number: int, pairs: Pairs
) -> NDArray[np.int64]:
    """For each row of the output that of the mate's primary alignment; -1 for single reads."""
    row_of = np.full(number + 1, -1, np.int64)  # the last: no mate
    row_of[owners[primary]] = np.flatnonzero(primary)
    mate_of = np.full(number, -1, np.int64)
    mate_of[pairs.firsts], mate_of[pairs.firsts + 1] = pairs.firsts + 1, pairs.firsts
    return row_of[mate_of[owners]]


def fragment_lengths(
    owners: NDArray[np.int64],
    rows: NDArray[np.int64],
    counted: NDArray[np.bool_],
    mates: NDArray[np.int64],
    span: NDArray[np.int64],
    reference: Reference,
) -> NDArray[np.int64]:
    """TLEN: from the leftmost to the rightmost base of two mates on one contig; negative on the right."""
    result = np.zeros(len(rows), np.int64)
    both = np.flatnonzero(counted & (mates >= 0) & counted[mates])
    mine, other = span[rows[both]], span[rows[mates[both]]]
    contigs = np.searchsorted(reference.offsets, mine[:, 0], side="right")
    same = contigs == np.searchsorted(reference.offsets, other[:, 0], side="right")
    length = np.maximum(mine[:, 1], other[:, 1]) - np.minimum(mine[:, 0], other[:, 0])
    # of two that start together the first in the file is the left one
    left = (mine[:, 0] < other[:, 0]) | ((mine[:, 0] == other[:, 0]) & (owners[both] < owners[mates[both]]))
    result[both] = np.where(same, np.where(left, length, -length), 0)
    return result


def _paired_flags(
    flags: NDArray[np.int32],
    mate: NDArray[np.uint8],
    owners: NDArray[np.int64],
    mates: NDArray[np.int64],
    number: int,
    choice: Choice,
    pairs: Pairs,
) -> NDArray[np.int32]:
    """Flags with the bits of pairs: paired, proper, mate unmapped or reverse, first or last."""
    proper = np.zeros(number, np.bool_)
    proper[pairs.firsts], proper[pairs.firsts + 1] = choice.proper, choice.proper
    other = np.where(mates >= 0, flags[mates], 0)
    return (
        flags
        + _MATE_BITS[mate]
        + np.where(other & UNMAPPED, MATE_UNMAPPED, 0)
        + np.where(other & REVERSE, MATE_REVERSE, 0)
        + np.where(proper[owners] & ((flags & SECONDARY) == 0), PROPER, 0)
    )


def _take(aligned: Alignments, rows: NDArray[np.int64], reads: NDArray[np.int64]) -> Alignments:
    """Rows of alignments; row -1 is a read without any."""
    none = rows < 0
    rows = np.where(none, 0, rows)
    if not len(aligned):
        zero = np.zeros(len(rows), np.int64)
        return Alignments(
            reads, zero.astype(np.uint8), zero - 1, zero.astype(np.int32), zero.astype(np.int32),
            aligned.cigars, zero, zero,
        )  # fmt: skip
    return Alignments(
        reads, aligned.strands[rows], np.where(none, -1, aligned.starts[rows]), aligned.scores[rows],
        aligned.edits[rows], aligned.cigars, aligned.cigar_starts[rows], np.where(none, 0,
        aligned.cigar_counts[rows]),
    )  # fmt: skip
