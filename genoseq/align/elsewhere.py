"""Elsewhere: the tags of a SAM line that name other lines of its read (SA), or other places of it (XA)."""

from __future__ import annotations

import numba
import numpy as np

from genoseq.align.fields import write_cigar, write_copy, write_number, write_text_tag
from genoseq.align.flags import SECONDARY


@numba.njit(cache=True, nogil=True)
def room_of_others(reads, flags, counts, each):
    """Upper bound of the bytes of SA and XA; an alignment takes `each` and its CIGAR."""
    total = 0
    row = 0
    while row < reads.shape[0]:
        end = row
        parts, others, size, other_size = 0, 0, 0, 0
        while end < reads.shape[0] and reads[end] == reads[row]:
            if flags[end] & SECONDARY:
                others += 1
                other_size += each + 11 * counts[end]
            else:
                parts += 1
                size += each + 11 * counts[end]
            end += 1
        total += other_size + (parts - 1) * size
        row = end
    return total


@numba.njit(cache=True, nogil=True)
def write_others(
    out, at, row, first, last, bit, starts, strands, flags, mapqs, edits, cigars,
    cigar_starts, cigar_counts, contigs, contig_names, contig_starts,
):  # fmt: skip
    """Write SA, the other parts of the read among its rows ``first:last``, or XA, its rows with `bit`."""
    begun = False
    for other in range(first, last):
        if other == row or flags[other] & SECONDARY != bit:
            continue
        if not begun:
            begun = True
            at = write_text_tag(out, at, 88 if bit else 83, 65)
        contig = np.searchsorted(contigs, starts[other], side="right") - 1
        at = write_copy(out, at, contig_names, contig_starts[contig], contig_starts[contig + 1])
        out[at] = 44
        at += 1
        sign = 45 if strands[other] else 43
        if bit:  # XA: the strand is the sign of the position
            out[at] = sign
            at += 1
        at = write_number(out, at, starts[other] - contigs[contig] + 1)
        out[at] = 44
        at += 1
        if not bit:
            out[at], out[at + 1] = sign, 44
            at += 2
        at = write_cigar(
            out, at, cigars, cigar_starts[other], cigar_starts[other] + cigar_counts[other], False
        )
        out[at] = 44
        at += 1
        if not bit:
            at = write_number(out, at, mapqs[other])
            out[at] = 44
            at += 1
        at = write_number(out, at, edits[other])
        out[at] = 59
        at += 1
    return at
