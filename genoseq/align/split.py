"""Split reads: what the alignment of a short read clips is searched for on its own.

A read across a breakpoint, or glued together from two molecules, is aligned in parts. The larger one is its
primary alignment; a clipped end of some length that has a place of its own becomes a *supplementary* line.
Ends are short, and most of their contexts are cut: two stages look at more hits than those of whole reads.
Each part is judged by itself: the place of the one is no rival of the other's.
"""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.candidates import find_candidates
from genoseq.align.cigar import SOFT_CLIP, clips, length_of, write_clipped
from genoseq.align.extend import Alignments
from genoseq.align.flags import (
    FIRST,
    LAST,
    MATE_REVERSE,
    MATE_UNMAPPED,
    NOT_PRIMARY,
    PAIRED,
    REVERSE,
    SECONDARY,
    SUPPLEMENTARY,
    UNMAPPED,
)
from genoseq.align.outcome import outcome
from genoseq.align.presets import AlignmentParameters, Stage
from genoseq.align.records import Rows
from genoseq.index.store import Index
from genoseq.io.batch import ReadBatch

SHORTEST_END = 28
"""Clipped ends shorter than this are not searched for, bp: they hold too few whole contexts."""
_LEAST_SCORE = 50  # as 25 matches: chance finds less in a large genome
_SAME_PLACE = 30  # bp
_STAGES = (Stage(0, 0, 4, hits=8, verify=16), Stage(-1, 0, 999, hits=32, verify=60))
_MATE_BITS = PAIRED | MATE_UNMAPPED | MATE_REVERSE | FIRST | LAST


def add_supplementary(
    reads: ReadBatch, alignments: Alignments, rows: Rows, index: Index, parameters: AlignmentParameters
) -> tuple[Alignments, Rows]:
    """Search the clipped ends of primary alignments; what is found follows the rows of its read."""
    primary = np.flatnonzero((rows.flags & (UNMAPPED | NOT_PRIMARY)) == 0)
    ends = _clipped_ends(
        primary, alignments.reads, alignments.strands, alignments.cigars, alignments.cigar_starts,
        alignments.cigar_counts, reads.offsets, SHORTEST_END,
    )  # fmt: skip
    if not len(ends):
        return alignments, rows
    owners, starts, stops = ends.T
    found, judged = _place(reads, alignments.reads[owners], starts, stops, index, parameters)
    good = np.flatnonzero(((judged.flags & UNMAPPED) == 0) & (found.scores >= _LEAST_SCORE))
    owners, starts, stops = owners[found.reads[good]], starts[found.reads[good]], stops[found.reads[good]]
    lengths = reads.lengths[alignments.reads[owners]]
    cigars, cigar_starts, counts = _with_clips(
        good, found.strands, found.cigars, found.cigar_starts, found.cigar_counts, starts, lengths - stops
    )
    # a part that goes on where the primary alignment ends has more differences, not another place
    home = alignments.starts[owners] - _first_clip(alignments.cigars, alignments.cigar_starts[owners])
    shift = found.starts[good] - _first_clip(cigars, cigar_starts) - home
    apart = (alignments.strands[owners] != found.strands[good]) | (np.abs(shift) > _SAME_PLACE)
    contigs = index.reference.offsets
    apart |= np.searchsorted(contigs, found.starts[good], "right") != np.searchsorted(
        contigs, alignments.starts[owners], "right"
    )
    good, owners, cigar_starts, counts = good[apart], owners[apart], cigar_starts[apart], counts[apart]
    if not len(good):
        return alignments, rows
    flags = rows.flags[owners] & _MATE_BITS | SUPPLEMENTARY | REVERSE * found.strands[good].astype(np.int32)
    a, r = alignments, rows
    told = _told(alignments, rows, owners, found, good, cigars, cigar_starts)
    mapqs, seconds = _judged_alone(reads, alignments, rows, np.unique(owners), index, parameters)
    old, number = np.flatnonzero(~told), len(a)
    order = np.argsort(np.concatenate([a.reads[old], a.reads[owners]]), kind="stable")
    taken = np.concatenate([old, number + np.arange(len(good))])[order]  # of the old rows and the new ones
    new_row = np.full(number + len(good) + 1, -1, np.int64)  # the last: no mate
    new_row[taken] = np.arange(len(taken))

    def both(before: NDArray, after: NDArray) -> NDArray:
        return np.concatenate([before, after])[taken]

    joined = Alignments(
        both(a.reads, a.reads[owners]),
        both(a.strands, found.strands[good]),
        both(a.starts, found.starts[good]),
        both(a.scores, found.scores[good]),
        both(a.edits, found.edits[good]),
        np.concatenate([a.cigars, cigars]),
        both(a.cigar_starts, cigar_starts + len(a.cigars)),
        both(a.cigar_counts, counts),
    )
    return joined, Rows(
        both(r.flags, flags.astype(np.int32)),
        both(mapqs, judged.mapqs[good]),
        both(seconds, judged.seconds[good]),
        new_row[both(r.mates, r.mates[owners])],
        both(r.tlens, np.zeros(len(good), np.int64)),
    )


def _place(
    reads: ReadBatch,
    owners: NDArray[np.int64],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    index: Index,
    parameters: AlignmentParameters,
) -> tuple[Alignments, Rows]:
    """The best alignment of the bases ``starts:stops`` of reads by themselves, and what is said of it."""
    parts = reads.parts(owners, starts, stops)
    candidates = find_candidates(parts, index, replace(parameters, stages=_STAGES))
    return outcome(parts, candidates, index.reference, parameters, 0)


def _judged_alone(
    reads: ReadBatch,
    alignments: Alignments,
    rows: Rows,
    split: NDArray[np.int64],
    index: Index,
    parameters: AlignmentParameters,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """MAPQ and score of the best other locus of all rows; for the primary rows `split` those of their part.

    Beside the whole read the rest of it, which lies elsewhere, speaks against the place of the part.
    """
    starts, stops = aligned_parts(
        split, alignments.reads, alignments.strands, alignments.cigars, alignments.cigar_starts,
        alignments.cigar_counts, reads.offsets,
    ).T  # fmt: skip
    found, judged = _place(reads, alignments.reads[split], starts, stops, index, parameters)
    same = (found.strands == alignments.strands[split]) & (found.starts >= 0)
    same &= np.abs(found.starts - alignments.starts[split]) <= _SAME_PLACE
    mapqs, seconds = rows.mapqs.copy(), rows.seconds.copy()
    mapqs[split[same]] = np.maximum(mapqs[split], judged.mapqs)[same]
    seconds[split[same]] = judged.seconds[same]
    return mapqs, seconds


def _told(
    alignments: Alignments,
    rows: Rows,
    owners: NDArray[np.int64],
    found: Alignments,
    good: NDArray[np.int64],
    cigars: NDArray[np.uint32],
    cigar_starts: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Secondary rows at the place of a supplementary one of the same read, shape (rows,)."""
    secondary = np.flatnonzero(rows.flags & SECONDARY)
    told = np.zeros(len(alignments), np.bool_)
    if not len(secondary):
        return told
    first = alignments.starts[secondary] - _first_clip(alignments.cigars, alignments.cigar_starts[secondary])
    for owner, row, start in zip(
        owners, good, found.starts[good] - _first_clip(cigars, cigar_starts), strict=True
    ):
        same = alignments.reads[secondary] == alignments.reads[owner]
        same &= (alignments.strands[secondary] == found.strands[row]) & (np.abs(first - start) <= _SAME_PLACE)
        told[secondary[same]] = True
    return told


def _first_clip(cigars: NDArray[np.uint32], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bases clipped by the first operation of each CIGAR."""
    operations = cigars[starts].astype(np.int64)
    return np.where(operations & 15 == SOFT_CLIP, operations >> 4, 0)


@numba.njit(cache=True, nogil=True)
def _clipped_ends(rows, reads, strands, cigars, cigar_starts, cigar_counts, offsets, least):
    """Row, first base and end (in the read as it was sequenced) of each clipped end of `least` bp or more."""
    out = np.empty((2 * rows.shape[0], 3), np.int64)
    count = 0
    for row in rows:
        length = offsets[reads[row] + 1] - offsets[reads[row]]
        for side in range(2):
            o = cigar_starts[row] + side * (cigar_counts[row] - 1)
            clip = length_of(cigars[o])
            if cigars[o] & 15 != SOFT_CLIP or clip < least:
                continue
            at_start = side == strands[row]
            out[count] = row, 0 if at_start else length - clip, clip if at_start else length
            count += 1
    return out[:count]


@numba.njit(cache=True, nogil=True)
def aligned_parts(rows, reads, strands, cigars, cigar_starts, cigar_counts, offsets):
    """First base and end of what is aligned of each row, in the read as it was sequenced."""
    out = np.empty((rows.shape[0], 2), np.int64)
    for i in range(rows.shape[0]):
        row = rows[i]
        first = cigar_starts[row]
        left, right = clips(cigars, first, first + cigar_counts[row])
        before, after = (right, left) if strands[row] else (left, right)
        out[i] = before, offsets[reads[row] + 1] - offsets[reads[row]] - after
    return out


@numba.njit(cache=True, nogil=True)
def _with_clips(rows, strands, cigars, cigar_starts, cigar_counts, befores, afters):
    """CIGARs of parts of reads with the rest of the read clipped: `befores` and `afters` of the part, bp."""
    total = 0
    for row in rows:
        total += cigar_counts[row] + 2
    out = np.empty(total, np.uint32)
    starts, counts = np.empty(rows.shape[0], np.int64), np.empty(rows.shape[0], np.int64)
    filled = 0
    for i in range(rows.shape[0]):
        row = rows[i]
        starts[i] = filled
        first, last = cigar_starts[row], cigar_starts[row] + cigar_counts[row]
        left, right = (afters[i], befores[i]) if strands[row] else (befores[i], afters[i])
        before, after = clips(cigars, first, last)
        path = cigars[first + (before > 0) : last - (after > 0)]
        filled += write_clipped(path, left + before, right + after, out[filled:])
        counts[i] = filled - starts[i]
    return out[:filled], starts, counts
