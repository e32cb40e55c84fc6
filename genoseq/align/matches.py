"""Matches: alignments whose CIGAR tells matches (=) from mismatches (X), as `--eqx` asks for."""

from __future__ import annotations

import dataclasses

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.cigar import DELETION, DIFFERENT, MATCH, SAME
from genoseq.align.extend import Alignments
from genoseq.align.fields import letter_at
from genoseq.index.reference import Reference
from genoseq.sequence import LETTERS


def split_matches(
    alignments: Alignments, codes: NDArray[np.uint8], offsets: NDArray[np.int64], reference: Reference
) -> Alignments:
    """The alignments with every M cut into = and X; letters other than A, C, G, T match nothing.

    Parameters
    ----------
    codes, offsets : ndarray
        The batch: concatenated base codes, read ``i`` at ``offsets[i]:offsets[i + 1]``.
    """
    room = alignments.cigar_counts + offsets[alignments.reads + 1] - offsets[alignments.reads]
    starts = np.concatenate([[0], np.cumsum(room)]).astype(np.int64)
    cigars, counts = np.empty(int(starts[-1]), np.uint32), np.zeros(len(room), np.int64)
    _split(
        alignments.reads, alignments.strands, alignments.starts, alignments.cigars, alignments.cigar_starts,
        alignments.cigar_counts, codes, offsets, reference.words, reference.exceptions, starts, cigars,
        counts,
    )  # fmt: skip
    return dataclasses.replace(alignments, cigars=cigars, cigar_starts=starts[:-1], cigar_counts=counts)


@numba.njit(cache=True, nogil=True)
def _split(
    reads, strands, starts, cigars, cigar_starts, cigar_counts, codes, offsets, words, exceptions,
    new_starts, new_cigars, new_counts,
):  # fmt: skip
    for row in range(reads.shape[0]):
        lo, hi = offsets[reads[row]], offsets[reads[row] + 1]
        i, where, at = np.int64(0), starts[row], new_starts[row]
        for o in range(cigar_starts[row], cigar_starts[row] + cigar_counts[row]):
            length, kind = np.int64(cigars[o] >> 4), cigars[o] & 15
            if kind != MATCH:
                new_cigars[at] = cigars[o]
                at += 1
                if kind == DELETION:
                    where += length
                else:
                    i += length
                continue
            before, run = SAME, 0
            for step in range(length):
                base = codes[hi - 1 - i - step] if strands[row] else codes[lo + i + step]
                if strands[row] and base < 4:
                    base = 3 - base
                same = base < 4 and letter_at(words, exceptions, where + step) == LETTERS[base]
                here = SAME if same else DIFFERENT
                if run and here != before:
                    new_cigars[at] = run << 4 | before
                    at += 1
                    run = 0
                before = here
                run += 1
            new_cigars[at] = run << 4 | before
            at += 1
            i += length
            where += length
        new_counts[row] = at - new_starts[row]
