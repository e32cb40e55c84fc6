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

from genoseq.align.extend import DELETION, INSERTION, MATCH, SOFT_CLIP, Alignments
from genoseq.index.reference import Reference
from genoseq.io.batch import ReadBatch
from genoseq.sequence import COMPLEMENT_TABLE

UNMAPPED, REVERSE, SECONDARY = 4, 16, 256
"""Bits of FLAG."""


@dataclass(frozen=True)
class Rows:
    """What is written of each alignment beside the alignment itself, all of shape (n,).

    Attributes
    ----------
    flags : ndarray, dtype int32
    mapqs : ndarray, dtype int32
    seconds : ndarray, dtype int32
        Score of the best other locus of the read (XS); -1 for none.
    """

    flags: NDArray[np.int32]
    mapqs: NDArray[np.int32]
    seconds: NDArray[np.int32]


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
) -> NDArray[np.uint8]:
    """SAM lines of a batch.

    Parameters
    ----------
    contig_names
        From `contig_table` (made once a run).
    read_group : str
        Value of the RG tag; none if empty.

    Returns
    -------
    ndarray, dtype uint8
        Whole lines.
    """
    tag = np.frombuffer(f"\tRG:Z:{read_group}".encode() if read_group else b"", np.uint8)
    out = np.empty(_room(batch, alignments, len(tag), contig_names), np.uint8)
    used = _sam_lines(
        batch.names, batch.name_offsets, batch.letters, batch.quals, batch.offsets, batch.codes,
        alignments.reads, alignments.strands, alignments.starts, alignments.scores, alignments.edits,
        alignments.cigars, alignments.cigar_starts, alignments.cigar_counts, rows.flags, rows.mapqs,
        rows.seconds, reference.words, reference.exceptions, reference.offsets, contig_names[0],
        contig_names[1], COMPLEMENT_TABLE, tag, out,
    )  # fmt: skip
    return out[:used]


def format_paf(
    batch: ReadBatch, alignments: Alignments, rows: Rows, reference: Reference,
    contig_names: tuple[NDArray[np.uint8], NDArray[np.int64]],
) -> NDArray[np.uint8]:  # fmt: skip
    """PAF lines of the mapped rows of a batch (tags tp, NM, AS, cg)."""
    out = np.empty(_room(batch, alignments, 0, contig_names), np.uint8)
    used = _paf_lines(
        batch.names, batch.name_offsets, batch.offsets, alignments.reads, alignments.strands,
        alignments.starts, alignments.scores, alignments.edits, alignments.cigars, alignments.cigar_starts,
        alignments.cigar_counts, rows.flags, rows.mapqs, reference.offsets, contig_names[0], contig_names[1],
        out,
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
        + len(reads) * (200 + tag + longest)
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
def _number(out, at, value):
    """Write a non-negative number; returns the place after it."""
    if value < 10:
        out[at] = 48 + value
        return at + 1
    digits = 0
    rest = value
    while rest:
        rest //= 10
        digits += 1
    for place in range(at + digits - 1, at - 1, -1):
        out[place] = 48 + value % 10
        value //= 10
    return at + digits


@numba.njit(cache=True, nogil=True)
def _copy(out, at, text, lo, hi):
    out[at : at + hi - lo] = text[lo:hi]
    return at + hi - lo


@numba.njit(cache=True, nogil=True)
def _tag(out, at, first, second, value):
    r"""Write ``\tXX:i:value``."""
    out[at] = 9
    out[at + 1] = first
    out[at + 2] = second
    out[at + 3] = 58
    out[at + 4] = 105
    out[at + 5] = 58
    return _number(out, at + 6, value)


@numba.njit(cache=True, nogil=True)
def _letter(words, exceptions, at):
    """Upper-case letter of a concatenated reference position."""
    if exceptions.shape[0]:
        run = np.searchsorted(exceptions[:, 1], at, side="right")
        if run < exceptions.shape[0] and exceptions[run, 0] <= at:
            return np.uint8(exceptions[run, 2])
    base = (words[at >> 5] >> np.uint64(2 * (at & 31))) & np.uint64(3)
    return np.uint8(65 if base == 0 else 67 if base == 1 else 71 if base == 2 else 84)


@numba.njit(cache=True, nogil=True)
def _cigar(out, at, cigars, lo, hi):
    for o in range(lo, hi):
        at = _number(out, at, np.int64(cigars[o] >> 4))
        kind = cigars[o] & 15
        out[at] = 77 if kind == MATCH else 73 if kind == INSERTION else 68 if kind == DELETION else 83
        at += 1
    return at


@numba.njit(cache=True, nogil=True)
def _md(out, at, codes, lo, hi, strand, start, cigars, first, last, words, exceptions):
    """Write the value of MD. Reads of codes 0 to 3 are compared; any other letter is a mismatch."""
    i = np.int64(0)
    j = start
    run = 0
    for o in range(first, last):
        length = np.int64(cigars[o] >> 4)
        kind = cigars[o] & 15
        if kind in (SOFT_CLIP, INSERTION):
            i += length
        elif kind == MATCH:
            special = False  # a letter other than A, C, G, T within this stretch of the reference
            if exceptions.shape[0]:
                near = np.searchsorted(exceptions[:, 1], j, side="right")
                special = near < exceptions.shape[0] and exceptions[near, 0] < j + length
            for step in range(length):
                base = codes[hi - 1 - i - step] if strand else codes[lo + i + step]
                if strand and base < 4:
                    base = 3 - base
                where = j + step
                same = base == ((words[where >> 5] >> np.uint64(2 * (where & 31))) & np.uint64(3))
                if special and same:
                    letter = _letter(words, exceptions, where)
                    same = letter == 65 or letter == 67 or letter == 71 or letter == 84
                if same:
                    run += 1
                else:
                    at = _number(out, at, run)
                    run = 0
                    out[at] = _letter(words, exceptions, where)
                    at += 1
            i += length
            j += length
        else:
            at = _number(out, at, run)
            run = 0
            out[at] = 94
            at += 1
            for step in range(length):
                out[at] = _letter(words, exceptions, j + step)
                at += 1
            j += length
    return _number(out, at, run)


@numba.njit(cache=True, nogil=True)
def _sam_lines(
    names, name_offsets, letters, quals, offsets, codes, reads, strands, starts, scores, edits,
    cigars, cigar_starts, cigar_counts, flags, mapqs, seconds, words, exceptions, contigs, contig_names,
    contig_starts, complement, read_group, out,
):  # fmt: skip
    at = 0
    for row in range(reads.shape[0]):
        read = reads[row]
        lo, hi = offsets[read], offsets[read + 1]
        flag = flags[row]
        at = _copy(out, at, names, name_offsets[read], name_offsets[read + 1])
        out[at] = 9
        at = _number(out, at + 1, flag)
        out[at] = 9
        at += 1
        first, last = cigar_starts[row], cigar_starts[row] + cigar_counts[row]
        start = starts[row]
        if flag & UNMAPPED:
            for char in (42, 9, 48, 9, 48, 9, 42):  # "*", 0, 0, "*"
                out[at] = char
                at += 1
        else:
            contig = np.searchsorted(contigs, start, side="right") - 1
            at = _copy(out, at, contig_names, contig_starts[contig], contig_starts[contig + 1])
            out[at] = 9
            at = _number(out, at + 1, start - contigs[contig] + 1)
            out[at] = 9
            at = _number(out, at + 1, mapqs[row])
            out[at] = 9
            at = _cigar(out, at + 1, cigars, first, last)
        for char in (9, 42, 9, 48, 9, 48, 9):  # RNEXT "*", PNEXT 0, TLEN 0
            out[at] = char
            at += 1
        if flag & SECONDARY:
            out[at] = 42
            out[at + 1] = 9
            out[at + 2] = 42
            at += 3
        else:
            if strands[row] and not flag & UNMAPPED:
                for i in range(hi - lo):
                    out[at + i] = complement[letters[hi - 1 - i]]
                at += hi - lo
                out[at] = 9
                at += 1
                if quals.shape[0]:
                    for i in range(hi - lo):
                        out[at + i] = quals[hi - 1 - i]
                    at += hi - lo
            else:
                at = _copy(out, at, letters, lo, hi)
                out[at] = 9
                at += 1
                if quals.shape[0]:
                    at = _copy(out, at, quals, lo, hi)
            if quals.shape[0] == 0:
                out[at] = 42
                at += 1
        if not flag & UNMAPPED:
            at = _tag(out, at, 78, 77, edits[row])
            for char in (9, 77, 68, 58, 90, 58):  # MD:Z:
                out[at] = char
                at += 1
            at = _md(out, at, codes, lo, hi, strands[row], start, cigars, first, last, words, exceptions)
            at = _tag(out, at, 65, 83, scores[row])
            if seconds[row] >= 0:
                at = _tag(out, at, 88, 83, seconds[row])
        at = _copy(out, at, read_group, 0, read_group.shape[0])
        out[at] = 10
        at += 1
    return at


@numba.njit(cache=True, nogil=True)
def _paf_lines(
    names, name_offsets, offsets, reads, strands, starts, scores, edits, cigars, cigar_starts, cigar_counts,
    flags, mapqs, contigs, contig_names, contig_starts, out,
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
            elif kind == MATCH:
                aligned += run
            elif kind == INSERTION:
                inserted += run
            else:
                deleted += run
        strand = strands[row]
        contig = np.searchsorted(contigs, starts[row], side="right") - 1
        start = starts[row] - contigs[contig]
        at = _copy(out, at, names, name_offsets[read], name_offsets[read + 1])
        for value in (length, clips[strand], length - clips[1 - strand]):
            out[at] = 9
            at = _number(out, at + 1, value)
        out[at] = 9
        out[at + 1] = 45 if strand else 43
        out[at + 2] = 9
        at = _copy(out, at + 3, contig_names, contig_starts[contig], contig_starts[contig + 1])
        matches = aligned - (edits[row] - inserted - deleted)
        for value in (
            contigs[contig + 1] - contigs[contig], start, start + aligned + deleted, matches,
            aligned + inserted + deleted, np.int64(mapqs[row]),
        ):  # fmt: skip
            out[at] = 9
            at = _number(out, at + 1, value)
        for char in (9, 116, 112, 58, 65, 58, 83 if flags[row] & SECONDARY else 80):  # tp:A:P or S
            out[at] = char
            at += 1
        at = _tag(out, at, 78, 77, edits[row])
        at = _tag(out, at, 65, 83, scores[row])
        for char in (9, 99, 103, 58, 90, 58):  # cg:Z:
            out[at] = char
            at += 1
        # cg covers the aligned part only (PAF specification): the clips are in the read's start and end
        first += cigars[first] & 15 == SOFT_CLIP
        last -= cigars[last - 1] & 15 == SOFT_CLIP
        at = _cigar(out, at, cigars, first, last)
        out[at] = 10
        at += 1
    return at
