"""Records: a batch of alignments as SAM text, formatted in one pass over arrays (PAF: `genoseq.align.paf`).

Coordinates are turned from concatenated, 0-based to contig, 1-based here and nowhere else. Sequence and
qualities of a reverse-strand alignment are written reverse complemented, as SAM wants them; supplementary
lines carry the bases that they align, secondary ones ``*`` or, if asked for, theirs. MD and NM agree with
``samtools calmd``. The lines of a read that is aligned in parts name each other (SA).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.cigar import DELETION, clips
from genoseq.align.elsewhere import room_of_others, write_others
from genoseq.align.extend import Alignments
from genoseq.align.fields import write_cigar, write_copy, write_md, write_number, write_tag, write_text_tag
from genoseq.align.flags import FAILED, MATE_UNMAPPED, NOT_PRIMARY, PAIRED, SECONDARY, SUPPLEMENTARY, UNMAPPED
from genoseq.index.reference import Reference
from genoseq.io.batch import ReadBatch, starts_of
from genoseq.io.origin import NO_GROUP
from genoseq.sequence import COMPLEMENT_TABLE

_NO_BASES = np.frombuffer(b"*\t*", np.uint8)


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
    return _end_to_end([name.encode() for name in reference.names])


def _end_to_end(texts: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return np.frombuffer(b"".join(texts), np.uint8), starts_of(np.array([len(t) for t in texts], np.int64))


def format_sam(
    batch: ReadBatch,
    alignments: Alignments,
    rows: Rows,
    reference: Reference,
    contig_names: tuple[NDArray[np.uint8], NDArray[np.int64]],
    read_group: str = "",
    *,
    comments: bool = False,
    soft_clip: bool = False,
    alternatives: bool = False,
    mark_split: bool = False,
    secondary_seq: bool = False,
) -> NDArray[np.uint8]:
    """SAM lines of a batch.

    Parameters
    ----------
    contig_names
        From `contig_table` (made once a run).
    read_group : str
        Value of the RG tag; if empty, reads of SAM and BAM keep theirs (`ReadBatch.origin`).
    comments : bool
        Add the comments of the reads to their lines, as they are.
    soft_clip : bool
        Give supplementary lines, and secondary ones that have bases, the whole read, too.
    alternatives : bool
        Name the secondary alignments in a tag of the primary line (XA), instead of in lines of their own.
    mark_split : bool
        Flag supplementary lines as secondary (256 instead of 2048), for programs that do not know them; all
        else of them stays.
    secondary_seq : bool
        Give secondary lines bases and qualities.

    Returns
    -------
    ndarray, dtype uint8
        Whole lines.
    """
    groups, group_tags = _group_tags(batch, read_group)
    failed = np.zeros(len(batch), np.bool_) if batch.origin is None else batch.origin.failed
    room = line_room(batch, alignments, int(np.diff(group_tags[1]).max(initial=0)), contig_names)
    room += 11 * int(alignments.cigar_counts[rows.mates[rows.mates >= 0]].sum())  # MC
    texts = batch.comment_offsets if comments else np.zeros(len(batch) + 1, np.int64)
    room += int((texts[alignments.reads + 1] - texts[alignments.reads] + 1).sum())
    each = int(np.diff(contig_names[1]).max(initial=0)) + 40
    room += room_of_others(alignments.reads, rows.flags, alignments.cigar_counts, each)
    out = np.empty(room, np.uint8)
    sums = _quality_sums(batch.quals, batch.offsets) if (rows.mates >= 0).any() else np.empty(0, np.int64)
    used = _sam_lines(
        batch.names, batch.name_offsets, batch.comments, texts, batch.letters, batch.quals, batch.offsets,
        batch.codes, alignments.reads, alignments.strands, alignments.starts, alignments.scores,
        alignments.edits, alignments.cigars, alignments.cigar_starts, alignments.cigar_counts, rows.flags,
        rows.mapqs,
        rows.seconds, rows.mates, rows.tlens, reference.words, reference.exceptions, reference.offsets,
        contig_names[0], contig_names[1], COMPLEMENT_TABLE, groups, *group_tags, failed, not soft_clip,
        alternatives, mark_split, secondary_seq, sums, out,
    )  # fmt: skip
    return out[:used]


def _group_tags(
    batch: ReadBatch, read_group: str
) -> tuple[NDArray[np.int32], tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """The read group of each read by number, -1 for none, and the tags RG as one text with offsets."""
    if read_group:
        groups, names = np.zeros(len(batch), np.int32), [read_group]
    elif batch.origin is not None:
        groups, names = batch.origin.groups, list(batch.origin.ids)
    else:
        groups, names = np.full(len(batch), NO_GROUP, np.int32), []
    return groups, _end_to_end([f"\tRG:Z:{name}".encode() for name in names])


def line_room(
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
        + len(reads) * (280 + tag + 2 * longest)
    )


@numba.njit(cache=True, nogil=True)
def _quality_sums(quals, offsets):
    """Sum of the qualities of 15 and more of each read (ms): `samtools markdup` keeps the best copy by it."""
    sums = np.zeros(offsets.shape[0] - 1, np.int64)
    if quals.shape[0]:
        for read in range(sums.shape[0]):
            for i in range(offsets[read], offsets[read + 1]):
                sums[read] += quals[i] - 33 if quals[i] >= 48 else 0
    return sums


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
def _place(out, at, where, contigs, contig_names, contig_starts):
    r"""Write ``RNAME\tPOS``, "*" and 0 if `where` is negative; also returns the contig, or -1."""
    if where < 0:
        for char in (42, 9, 48):
            out[at] = char
            at += 1
        return at, np.int64(-1)
    contig = np.searchsorted(contigs, where, side="right") - 1
    at = write_copy(out, at, contig_names, contig_starts[contig], contig_starts[contig + 1])
    out[at] = 9
    return write_number(out, at + 1, where - contigs[contig] + 1), contig


@numba.njit(cache=True, nogil=True)
def _bases(out, at, letters, quals, lo, hi, left, right, turned, complement):
    r"""Write ``SEQ\tQUAL`` of the read ``lo:hi`` as the line has it, without `left` and `right` bases."""
    before, after = (right, left) if turned else (left, right)
    lo, hi = lo + before, hi - after
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
def _mate_tags(out, at, cigars, first, last, mapq, quality_sum):
    """Write MC, MQ and ms: CIGAR ``first:last`` of the mate, its MAPQ, the sum of its qualities."""
    at = write_cigar(out, write_text_tag(out, at, 77, 67), cigars, first, last, False)
    return write_tag(out, write_tag(out, at, 77, 81, mapq), 109, 115, quality_sum)


@numba.njit(cache=True, nogil=True)
def _sam_lines(
    names, name_offsets, comments, comment_offsets, letters, quals, offsets, codes, reads, strands, starts,
    scores, edits, cigars, cigar_starts, cigar_counts, flags, mapqs, seconds, mates, tlens, words, exceptions,
    contigs, contig_names, contig_starts, complement, groups, group_tags, group_offsets,
    failed, hard, alternatives, mark_split, secondary_seq, sums, out,
):  # fmt: skip
    at = 0
    home = np.int64(-1)
    begin, end = 0, 0  # rows of the read
    for row in range(reads.shape[0]):
        read, flag = reads[row], flags[row]
        lo, hi = offsets[read], offsets[read + 1]
        if row == end:
            begin = row
            while end < reads.shape[0] and reads[end] == read:
                end += 1
        if flag & SECONDARY and alternatives:
            continue
        starred = flag & SECONDARY and not secondary_seq
        cut = hard and flag & NOT_PRIMARY and not starred
        at = write_copy(out, at, names, name_offsets[read], name_offsets[read + 1])
        out[at] = 9
        shown = flag ^ NOT_PRIMARY if mark_split and flag & SUPPLEMENTARY else flag
        at = write_number(out, at + 1, shown + FAILED * failed[read])
        out[at] = 9
        at += 1
        first, last = cigar_starts[row], cigar_starts[row] + cigar_counts[row]
        start, mate = starts[row], mates[row]
        mate_start = starts[mate] if mate >= 0 and not flag & MATE_UNMAPPED else np.int64(-1)
        if not flag & NOT_PRIMARY:
            home = start  # there an unmapped mate stands too, so that sorting keeps them together
        at, contig = _place(
            out, at, mate_start if flag & UNMAPPED else start, contigs, contig_names, contig_starts
        )
        out[at] = 9
        at = write_number(out, at + 1, mapqs[row])
        out[at] = 9
        at += 1
        at = write_cigar(out, at, cigars, first, last, cut)
        at = _next(
            out, at, mate_start if mate_start >= 0 or not flag & PAIRED else home, contig, tlens[row],
            contigs, contig_names, contig_starts,
        )  # fmt: skip
        if starred:
            at = write_copy(out, at, _NO_BASES, 0, _NO_BASES.shape[0])
        else:
            left, right = clips(cigars, first, last) if cut else (0, 0)
            turned = strands[row] and not flag & UNMAPPED
            at = _bases(out, at, letters, quals, lo, hi, left, right, turned, complement)
        if not flag & UNMAPPED:
            at = write_tag(out, at, 78, 77, edits[row])
            at = write_text_tag(out, at, 77, 68)
            at = write_md(out, at, codes, lo, hi, strands[row], start, cigars, first, last, words, exceptions)
            at = write_tag(out, at, 65, 83, scores[row])
            if seconds[row] >= 0:
                at = write_tag(out, at, 88, 83, seconds[row])
        if mate_start >= 0:
            begun = cigar_starts[mate]
            at = _mate_tags(
                out, at, cigars, begun, begun + cigar_counts[mate], mapqs[mate], sums[reads[mate]]
            )
        if not flag & (SECONDARY | UNMAPPED):
            at = write_others(
                out, at, row, begin, end, 0, starts, strands, flags, mapqs, edits, cigars, cigar_starts,
                cigar_counts, contigs, contig_names, contig_starts,
            )  # fmt: skip
            if alternatives and not flag & SUPPLEMENTARY:
                at = write_others(
                    out, at, row, begin, end, SECONDARY, starts, strands, flags, mapqs, edits, cigars,
                    cigar_starts, cigar_counts, contigs, contig_names, contig_starts,
                )  # fmt: skip
        if comment_offsets[read + 1] > comment_offsets[read]:
            out[at] = 9
            at = write_copy(out, at + 1, comments, comment_offsets[read], comment_offsets[read + 1])
        group = groups[read]  # last, where samtools merge puts it
        if group >= 0:
            at = write_copy(out, at, group_tags, group_offsets[group], group_offsets[group + 1])
        out[at] = 10
        at += 1
    return at
