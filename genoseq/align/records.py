"""Records: a batch of alignments as SAM or PAF text, formatted in one pass over arrays.

Coordinates are turned from concatenated, 0-based to contig, 1-based (SAM) or 0-based half-open (PAF) here and
nowhere else. Sequence and qualities of a reverse-strand alignment are written reverse complemented, as SAM
wants them; secondary lines carry ``*`` instead. MD and NM agree with ``samtools calmd``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.extend import DELETION, INSERTION, SOFT_CLIP, Alignments
from genoseq.align.fields import write_cigar, write_copy, write_md, write_number, write_tag
from genoseq.index.reference import Reference
from genoseq.io.batch import ReadBatch
from genoseq.sequence import COMPLEMENT_TABLE

PAIRED, PROPER, UNMAPPED, MATE_UNMAPPED, REVERSE, MATE_REVERSE, FIRST, LAST, SECONDARY = (
    1, 2, 4, 8, 16, 32, 64, 128, 256,
)  # fmt: skip
"""Bits of FLAG."""
_NO_MATES = np.empty(0, np.uint8)


@dataclass(frozen=True)
class Rows:
    """What is written of each alignment beside the alignment itself, all of shape (n,).

    Attributes
    ----------
    flags : ndarray, dtype int32
    mapqs : ndarray, dtype int32
    seconds : ndarray, dtype int32
        Score of the best other locus of the read (XS); -1 for none.
    mates : ndarray, dtype int64
        Row of the primary alignment of the mate; -1 for single reads.
    tlens : ndarray, dtype int64
        From the leftmost to the rightmost aligned base of a pair (TLEN, bp), negative for the right mate.
    """

    flags: NDArray[np.int32]
    mapqs: NDArray[np.int32]
    seconds: NDArray[np.int32]
    mates: NDArray[np.int64]
    tlens: NDArray[np.int64]


def contig_table(reference: Reference) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Names of the contigs as one text, and where each starts in it."""
    names = [name.encode() for name in reference.names]
    return np.frombuffer(b"".join(names), np.uint8), np.concatenate(
        [[0], np.cumsum([len(n) for n in names])]
    ).astype(np.int64)


def format_sam(
    batch: ReadBatch,
    alignments: Alignments,
    rows: Rows,
    reference: Reference,
    contig_names: tuple[NDArray[np.uint8], NDArray[np.int64]],
    read_group: str = "",
    *,
    comments: bool = False,
) -> NDArray[np.uint8]:
    """SAM lines of a batch.

    Parameters
    ----------
    contig_names
        From `contig_table` (made once a run).
    read_group : str
        Value of the RG tag; none if empty.
    comments : bool
        Add the comments of the reads to their lines, as they are.

    Returns
    -------
    ndarray, dtype uint8
        Whole lines.
    """
    tag = np.frombuffer(f"\tRG:Z:{read_group}".encode() if read_group else b"", np.uint8)
    room = _room(batch, alignments, len(tag), contig_names)
    room += 11 * int(alignments.cigar_counts[rows.mates[rows.mates >= 0]].sum())  # MC
    texts = batch.comment_offsets if comments else np.zeros(len(batch) + 1, np.int64)
    room += int((texts[alignments.reads + 1] - texts[alignments.reads] + 1).sum())
    out = np.empty(room, np.uint8)
    used = _sam_lines(
        batch.names, batch.name_offsets, batch.comments, texts, batch.letters, batch.quals, batch.offsets,
        batch.codes, alignments.reads, alignments.strands, alignments.starts, alignments.scores,
        alignments.edits, alignments.cigars, alignments.cigar_starts, alignments.cigar_counts, rows.flags,
        rows.mapqs,
        rows.seconds, rows.mates, rows.tlens, reference.words, reference.exceptions, reference.offsets,
        contig_names[0], contig_names[1], COMPLEMENT_TABLE, tag, out,
    )  # fmt: skip
    return out[:used]


def format_paf(
    batch: ReadBatch, alignments: Alignments, rows: Rows, reference: Reference,
    contig_names: tuple[NDArray[np.uint8], NDArray[np.int64]],
) -> NDArray[np.uint8]:  # fmt: skip
    """PAF lines of the mapped rows of a batch (tags tp, NM, AS, cg); names of mates end in /1 and /2."""
    out = np.empty(_room(batch, alignments, 0, contig_names), np.uint8)
    used = _paf_lines(
        batch.names, batch.name_offsets, _NO_MATES if batch.mates is None else batch.mates, batch.offsets,
        alignments.reads, alignments.strands, alignments.starts, alignments.scores, alignments.edits,
        alignments.cigars, alignments.cigar_starts, alignments.cigar_counts, rows.flags, rows.mapqs,
        reference.offsets, contig_names[0], contig_names[1], out,
    )  # fmt: skip
    return out[:used]


def _room(
    batch: ReadBatch, alignments: Alignments, tag: int, contig_names: tuple[NDArray, NDArray[np.int64]]
) -> int:
    """Upper bound of the bytes of the lines; CIGAR takes 11 bytes an operation at most, MD 3 bytes a base."""
    reads = alignments.reads
    names = int((batch.name_offsets[reads + 1] - batch.name_offsets[reads]).sum())
    bases = int((batch.offsets[reads + 1] - batch.offsets[reads]).sum())
    deleted = _deleted_bases(alignments.cigars, alignments.cigar_starts, alignments.cigar_counts)
    longest = int(np.diff(contig_names[1]).max(initial=0))
    return (
        names
        + 5 * bases
        + 2 * deleted
        + 11 * int(alignments.cigar_counts.sum())
        + len(reads) * (260 + tag + 2 * longest)
    )


@numba.njit(cache=True, nogil=True)
def _deleted_bases(cigars, starts, counts):
    total = 0
    for row in range(counts.shape[0]):
        for o in range(starts[row], starts[row] + counts[row]):
            if cigars[o] & 15 == DELETION:
                total += cigars[o] >> 4
    return total


@numba.njit(cache=True, nogil=True)
def _next(out, at, start, contig, tlen, contigs, contig_names, contig_starts):
    r"""Write ``\tRNEXT\tPNEXT\tTLEN\t`` for a mate at `start` (-1: none) of a read on `contig`."""
    out[at] = 9
    at += 1
    if start < 0:
        for char in (42, 9, 48):  # "*", 0
            out[at] = char
            at += 1
    else:
        other = np.searchsorted(contigs, start, side="right") - 1
        if other == contig:
            out[at] = 61
            at += 1
        else:
            at = write_copy(out, at, contig_names, contig_starts[other], contig_starts[other + 1])
        out[at] = 9
        at = write_number(out, at + 1, start - contigs[other] + 1)
    out[at] = 9
    at += 1
    if tlen < 0:
        out[at] = 45
        at += 1
        tlen = -tlen
    at = write_number(out, at, tlen)
    out[at] = 9
    return at + 1


@numba.njit(cache=True, nogil=True)
def _bases(out, at, letters, quals, lo, hi, turned, complement):
    r"""Write ``SEQ\tQUAL`` of the read ``lo:hi``, reverse complemented if `turned`."""
    if turned:
        for i in range(hi - lo):
            out[at + i] = complement[letters[hi - 1 - i]]
        at += hi - lo
    else:
        at = write_copy(out, at, letters, lo, hi)
    out[at] = 9
    at += 1
    if quals.shape[0] == 0:
        out[at] = 42
        return at + 1
    if not turned:
        return write_copy(out, at, quals, lo, hi)
    for i in range(hi - lo):
        out[at + i] = quals[hi - 1 - i]
    return at + hi - lo


@numba.njit(cache=True, nogil=True)
def _sam_lines(
    names, name_offsets, comments, comment_offsets, letters, quals, offsets, codes, reads, strands, starts,
    scores, edits, cigars, cigar_starts, cigar_counts, flags, mapqs, seconds, mates, tlens, words, exceptions,
    contigs, contig_names, contig_starts, complement, read_group, out,
):  # fmt: skip
    at = 0
    home = np.int64(-1)
    for row in range(reads.shape[0]):
        read = reads[row]
        lo, hi = offsets[read], offsets[read + 1]
        flag = flags[row]
        at = write_copy(out, at, names, name_offsets[read], name_offsets[read + 1])
        out[at] = 9
        at = write_number(out, at + 1, flag)
        out[at] = 9
        at += 1
        first, last = cigar_starts[row], cigar_starts[row] + cigar_counts[row]
        start = starts[row]
        mate = mates[row]
        mate_start = starts[mate] if mate >= 0 and not flag & MATE_UNMAPPED else np.int64(-1)
        if not flag & SECONDARY:
            home = start  # there an unmapped mate stands too, so that sorting keeps them together
        where = mate_start if flag & UNMAPPED else start
        contig = np.int64(-1)
        if where < 0:
            for char in (42, 9, 48):  # "*", 0
                out[at] = char
                at += 1
        else:
            contig = np.searchsorted(contigs, where, side="right") - 1
            at = write_copy(out, at, contig_names, contig_starts[contig], contig_starts[contig + 1])
            out[at] = 9
            at = write_number(out, at + 1, where - contigs[contig] + 1)
        out[at] = 9
        at = write_number(out, at + 1, mapqs[row])
        out[at] = 9
        at += 1
        if flag & UNMAPPED:
            out[at] = 42
            at += 1
        else:
            at = write_cigar(out, at, cigars, first, last)
        at = _next(
            out, at, mate_start if mate_start >= 0 or not flag & PAIRED else home, contig, tlens[row],
            contigs, contig_names, contig_starts,
        )  # fmt: skip
        if flag & SECONDARY:
            for char in (42, 9, 42):  # "*", "*"
                out[at] = char
                at += 1
        else:
            at = _bases(out, at, letters, quals, lo, hi, strands[row] and not flag & UNMAPPED, complement)
        if not flag & UNMAPPED:
            at = write_tag(out, at, 78, 77, edits[row])
            for char in (9, 77, 68, 58, 90, 58):  # MD:Z:
                out[at] = char
                at += 1
            at = write_md(out, at, codes, lo, hi, strands[row], start, cigars, first, last, words, exceptions)
            at = write_tag(out, at, 65, 83, scores[row])
            if seconds[row] >= 0:
                at = write_tag(out, at, 88, 83, seconds[row])
        if mate_start >= 0:
            for char in (9, 77, 67, 58, 90, 58):  # MC:Z:
                out[at] = char
                at += 1
            at = write_cigar(out, at, cigars, cigar_starts[mate], cigar_starts[mate] + cigar_counts[mate])
            at = write_tag(out, at, 77, 81, mapqs[mate])
        at = write_copy(out, at, read_group, 0, read_group.shape[0])
        if comment_offsets[read + 1] > comment_offsets[read]:
            out[at] = 9
            at = write_copy(out, at + 1, comments, comment_offsets[read], comment_offsets[read + 1])
        out[at] = 10
        at += 1
    return at


@numba.njit(cache=True, nogil=True)
def _paf_lines(
    names, name_offsets, mates, offsets, reads, strands, starts, scores, edits, cigars, cigar_starts,
    cigar_counts, flags, mapqs, contigs, contig_names, contig_starts, out,
):  # fmt: skip
    at = 0
    for row in range(reads.shape[0]):
        if flags[row] & UNMAPPED:
            continue
        read = reads[row]
        length = offsets[read + 1] - offsets[read]
        first, last = cigar_starts[row], cigar_starts[row] + cigar_counts[row]
        clips = np.zeros(2, np.int64)
        aligned = np.int64(0)
        inserted = np.int64(0)
        deleted = np.int64(0)
        for o in range(first, last):
            run = np.int64(cigars[o] >> 4)
            kind = cigars[o] & 15
            if kind == SOFT_CLIP:
                clips[0 if o == first else 1] += run
            elif kind == INSERTION:
                inserted += run
            elif kind == DELETION:
                deleted += run
            else:
                aligned += run
        strand = strands[row]
        contig = np.searchsorted(contigs, starts[row], side="right") - 1
        start = starts[row] - contigs[contig]
        at = write_copy(out, at, names, name_offsets[read], name_offsets[read + 1])
        if mates.shape[0] and mates[read]:  # PAF has no flags: the name tells the mate
            out[at] = 47
            out[at + 1] = 48 + mates[read]
            at += 2
        for value in (length, clips[strand], length - clips[1 - strand]):
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
        # cg covers the aligned part only (PAF specification): the clips are in the read's start and end
        first += cigars[first] & 15 == SOFT_CLIP
        last -= cigars[last - 1] & 15 == SOFT_CLIP
        at = write_cigar(out, at, cigars, first, last)
        out[at] = 10
        at += 1
    return at
