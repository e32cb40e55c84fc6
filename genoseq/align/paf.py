"""PAF: a batch of alignments as lines of minimap2's format, formatted in one pass over arrays.

Coordinates are 0-based and half-open, those of the read as it was sequenced. Tags: tp (P for primary and
supplementary alignments, S for secondary ones), NM, AS, cg, and cs on request (minimap2's short form).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.cigar import DELETION, INSERTION, SOFT_CLIP, clips, length_of
from genoseq.align.extend import Alignments
from genoseq.align.fields import letter_at, write_cigar, write_copy, write_number, write_tag
from genoseq.align.flags import SECONDARY, UNMAPPED
from genoseq.align.records import Rows, line_room
from genoseq.index.reference import Reference
from genoseq.io.batch import ReadBatch
from genoseq.sequence import COMPLEMENT_TABLE

_NO_MATES = np.empty(0, np.uint8)


def format_paf(
    batch: ReadBatch,
    alignments: Alignments,
    rows: Rows,
    reference: Reference,
    contig_names: tuple[NDArray[np.uint8], NDArray[np.int64]],
    *,
    differences: bool = False,
) -> NDArray[np.uint8]:
    """PAF lines of the mapped rows of a batch; names of mates end in /1 and /2.

    Parameters
    ----------
    contig_names
        From `genoseq.align.records.contig_table`.
    differences : bool
        Add the tag cs: the letters that differ.
    """
    room = line_room(batch, alignments, 0, contig_names)
    out = np.empty((2 if differences else 1) * room, np.uint8)
    used = _lines(
        batch.names, batch.name_offsets, _NO_MATES if batch.mates is None else batch.mates, batch.letters,
        batch.offsets, alignments.reads, alignments.strands, alignments.starts, alignments.scores,
        alignments.edits, alignments.cigars, alignments.cigar_starts, alignments.cigar_counts, rows.flags,
        rows.mapqs, reference.words, reference.exceptions, reference.offsets, contig_names[0],
        contig_names[1], COMPLEMENT_TABLE, differences, out,
    )  # fmt: skip
    return out[:used]


@numba.njit(cache=True, nogil=True)
def _lines(
    names, name_offsets, mates, letters, offsets, reads, strands, starts, scores, edits, cigars, cigar_starts,
    cigar_counts, flags, mapqs, words, exceptions, contigs, contig_names, contig_starts, complement,
    differences, out,
):  # fmt: skip
    at = 0
    for row in range(reads.shape[0]):
        if flags[row] & UNMAPPED:
            continue
        read = reads[row]
        lo, hi = offsets[read], offsets[read + 1]
        first, last = cigar_starts[row], cigar_starts[row] + cigar_counts[row]
        aligned, inserted, deleted = 0, 0, 0
        for o in range(first, last):
            run = length_of(cigars[o])
            kind = cigars[o] & 15
            if kind == INSERTION:
                inserted += run
            elif kind == DELETION:
                deleted += run
            elif kind != SOFT_CLIP:
                aligned += run
        strand = strands[row]
        before, after = clips(cigars, first, last)
        # cg and cs cover the aligned part only (PAF specification): the clips are in the read's start and end
        first += before > 0
        last -= after > 0
        contig = np.searchsorted(contigs, starts[row], side="right") - 1
        start = starts[row] - contigs[contig]
        at = write_copy(out, at, names, name_offsets[read], name_offsets[read + 1])
        if mates.shape[0] and mates[read]:  # PAF has no flags: the name tells the mate
            out[at] = 47
            out[at + 1] = 48 + mates[read]
            at += 2
        left, right = (after, before) if strand else (before, after)
        for value in (hi - lo, left, hi - lo - right):
            out[at] = 9
            at = write_number(out, at + 1, value)
        out[at] = 9
        out[at + 1] = 45 if strand else 43
        out[at + 2] = 9
        at = write_copy(out, at + 3, contig_names, contig_starts[contig], contig_starts[contig + 1])
        matches = aligned - (edits[row] - inserted - deleted)
        for value in (
            contigs[contig + 1] - contigs[contig], start, start + aligned + deleted, matches,
            aligned + inserted + deleted, np.int64(mapqs[row]),
        ):  # fmt: skip
            out[at] = 9
            at = write_number(out, at + 1, value)
        for char in (9, 116, 112, 58, 65, 58, 83 if flags[row] & SECONDARY else 80):  # tp:A:P or S
            out[at] = char
            at += 1
        at = write_tag(out, at, 78, 77, edits[row])
        at = write_tag(out, at, 65, 83, scores[row])
        for char in (9, 99, 103, 58, 90, 58):  # cg:Z:
            out[at] = char
            at += 1
        at = write_cigar(out, at, cigars, first, last, False)
        if differences:
            at = _differences(
                out, at, letters, lo, hi, strand, before, starts[row], cigars, first, last, words, exceptions,
                complement,
            )  # fmt: skip
        out[at] = 10
        at += 1
    return at


@numba.njit(cache=True, nogil=True)
def _differences(
    out, at, letters, lo, hi, strand, i, j, cigars, first, last, words, exceptions, complement
):  # fmt: skip
    """Write cs: ``:n`` matches, ``*rq`` a mismatch, ``+q`` an insertion, ``-r`` a deletion, lower case."""
    for char in (9, 99, 115, 58, 90, 58):  # cs:Z:
        out[at] = char
        at += 1
    matches = 0
    for o in range(first, last):
        run = length_of(cigars[o])
        kind = cigars[o] & 15
        if kind in (INSERTION, DELETION):
            if matches:
                out[at] = 58
                at = write_number(out, at + 1, matches)
                matches = 0
            out[at] = 43 if kind == INSERTION else 45
            at += 1
        for _ in range(run):
            base = complement[letters[hi - 1 - i]] if strand else letters[lo + i]
            letter = letter_at(words, exceptions, j)
            if kind == INSERTION:
                out[at] = base | 32
                at += 1
            elif kind == DELETION:
                out[at] = letter | 32
                at += 1
            elif base == letter:
                matches += 1
            else:
                if matches:
                    out[at] = 58
                    at = write_number(out, at + 1, matches)
                    matches = 0
                out[at], out[at + 1], out[at + 2] = 42, letter | 32, base | 32
                at += 3
            i += kind != DELETION
            j += kind != INSERTION
    if matches:
        out[at] = 58
        at = write_number(out, at + 1, matches)
    return at
