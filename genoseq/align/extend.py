"""Extend: the final alignment of a read at its locus, with affine gaps and soft clips.

If the mismatches along the diagonal equal the edit distance and are scattered, there is nothing to gain from
gaps, and the best stretch of the diagonal is found in one pass. Otherwise a band around the diagonal is
filled (`genoseq.align.gotoh`). If the band leaves an end of the read over, a wider one is tried: there may be
a long gap. A close read is aligned by scores of its own, for which edits are rare; its score is told on the
scale of all reads.

An alignment may begin and end within the read: reaching an end is worth `Scoring.end_bonus`, so that a few
unlucky bases at the end are not clipped, but an adapter or a breakpoint is. It begins and ends with an
aligned pair, never with a gap, and never leaves its contig.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.cigar import INSERTION, MATCH, bases_of, write_clipped
from genoseq.align.ends import FEW, clip_ends
from genoseq.align.gotoh import NEVER, banded
from genoseq.align.presets import AlignmentParameters, Scoring
from genoseq.align.vote import key_position, key_strand
from genoseq.index.reference import Reference

_START_BITS = 42  # of a reference position and a strand
CLOSE = Scoring(match=2, mismatch=8, gap_open=12, gap_extend=2, end_bonus=10)
"""Scores that decide the path of a close read: those of bwa mem, doubled. The scores for divergent reads
force the last bases beside an indel into mismatches and small gaps, which a caller of variants takes for
alleles (docs/variants.md)."""
CLOSE_SHARE = 0.12
"""Edit distance (share of the read) up to which a read is a close one: 5 % of divergence and a long indel."""
NONE = -1.0
"""No read is a close one: so the loci of a read are compared, and only what is taken is told by `CLOSE`."""
WIDE = 50
"""Longest gap that is looked for in a read of which an end is left over, bp."""
_CLIPPED = 12  # bases of an end that are left over, from which on that is tried
_DENSE, _FEW = 2, 2  # mismatches that outnumber matches by 2 in some stretch, 2 in all: a gap may score more


@dataclass(frozen=True)
class Alignments:
    """Alignments of a batch, one a row; rows of one read follow each other, the primary first.

    Attributes
    ----------
    reads : ndarray, shape (n,), dtype int64
        Read of each row.
    strands : ndarray, shape (n,), dtype uint8
        1 if the reverse complement of the read is aligned.
    starts : ndarray, shape (n,), dtype int64
        Concatenated reference position of the first aligned base; -1 if there is no alignment.
    scores : ndarray, shape (n,), dtype int32
        Alignment score (without end bonus).
    edits : ndarray, shape (n,), dtype int32
        Edit distance of the aligned part (NM).
    cigars : ndarray, dtype uint32
        Operations of all rows; row ``i`` has ``cigar_counts[i]`` of them from ``cigar_starts[i]`` on.
    cigar_starts, cigar_counts : ndarray, shape (n,), dtype int64
    """

    reads: NDArray[np.int64]
    strands: NDArray[np.uint8]
    starts: NDArray[np.int64]
    scores: NDArray[np.int32]
    edits: NDArray[np.int32]
    cigars: NDArray[np.uint32]
    cigar_starts: NDArray[np.int64]
    cigar_counts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.reads)


def extend(
    codes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    keys: NDArray[np.int64],
    distances: NDArray[np.int32],
    reference: Reference,
    parameters: AlignmentParameters,
    *,
    close: float = NONE,
    wide: int = WIDE,
) -> Alignments:
    """Align reads at given loci.

    Parameters
    ----------
    rows : ndarray, shape (n,), dtype int64
        Read of each row.
    keys, distances : ndarray, shape (n,)
        The locus (see `genoseq.align.vote`) and the edit distance verified there.
    close : float
        Edit distance (share of the read) up to which `CLOSE` scores decide the path.
    wide : int
        Room on both sides of the locus for a read that is clipped, bp; not less than the usual slack.
    """
    count = len(rows)
    room = 2 * (offsets[rows + 1] - offsets[rows]) + 2
    cigar_starts = np.concatenate([[0], np.cumsum(room)]).astype(np.int64)
    out = Alignments(
        rows,
        np.empty(count, np.uint8),
        np.full(count, -1, np.int64),
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
        np.empty(int(cigar_starts[-1]), np.uint32),
        cigar_starts[:-1],
        np.zeros(count, np.int64),
    )
    is_close = (distances <= close * (offsets[rows + 1] - offsets[rows])).astype(np.int64)
    schemes = np.array([_scores(parameters.scoring), _scores(CLOSE)], np.int32)
    _extend_all(
        codes, offsets, rows, keys, distances, reference.words, reference.offsets, reference.exceptions,
        is_close, schemes, parameters.slack, max(wide, parameters.slack),
        out.strands, out.starts, out.scores, out.edits, out.cigars, out.cigar_starts, out.cigar_counts,
    )  # fmt: skip
    _forget_copies(out)
    return out


def _scores(scoring: Scoring) -> tuple[int, ...]:
    return scoring.match, scoring.mismatch, scoring.gap_open, scoring.gap_extend, scoring.end_bonus


def _forget_copies(out: Alignments) -> None:
    """Of alignments of a read that begin at one base keep the best: both sides of a long gap lead to it."""
    names = out.reads << _START_BITS | out.strands.astype(np.int64) << (_START_BITS - 1) | out.starts
    order = np.lexsort((-out.scores, names))
    copies = order[1:][names[order[1:]] == names[order[:-1]]]
    out.starts[copies], out.scores[copies], out.edits[copies], out.cigar_counts[copies] = -1, 0, 0, 0


@numba.njit(cache=True, nogil=True)
def reference_window(
    words: NDArray[np.uint64],
    exceptions: NDArray[np.int64],
    start: int,
    end: int,
    lo: int,
    hi: int,
    out: NDArray[np.uint8],
) -> None:
    """Base codes of ``start:end`` into `out`: 4 for letters but ACGT, 5 outside the contig ``lo:hi``."""
    for i in range(end - start):
        at = start + i
        if lo <= at < hi:
            out[i] = (words[at >> 5] >> np.uint64(2 * (at & 31))) & np.uint64(3)
        else:
            out[i] = 5
    if exceptions.shape[0]:
        run = np.searchsorted(exceptions[:, 1], start, side="right")
        while run < exceptions.shape[0] and exceptions[run, 0] < end:
            for at in range(max(exceptions[run, 0], start), min(exceptions[run, 1], end)):
                if lo <= at < hi:
                    out[at - start] = 4
            run += 1


@numba.njit(cache=True, nogil=True)
def oriented(
    codes: NDArray[np.uint8],
    lo: int,
    hi: int,
    strand: int,
    out: NDArray[np.uint8],
) -> None:
    """The read ``codes[lo:hi]``, reverse complemented if `strand`, into `out`."""
    if strand:
        for i in range(hi - lo):
            base = codes[hi - 1 - i]
            out[i] = 3 - base if base < 4 else base
    else:
        for i in range(hi - lo):
            out[i] = codes[lo + i]


@numba.njit(cache=True, nogil=True)
def _extend_all(
    codes, offsets, rows, keys, distances, words, contigs, exceptions, is_close, schemes, slack, wide,
    strands, starts, scores, edits, cigars, cigar_starts, cigar_counts,
):  # fmt: skip
    longest = 1
    for row in range(rows.shape[0]):
        longest = max(longest, offsets[rows[row] + 1] - offsets[rows[row]])
    read = np.empty(longest, np.uint8)
    target = np.empty(longest + 2 * wide + 2, np.uint8)
    table = np.empty((3, longest + 1, 2 * slack + 2), np.int32)
    wide_table = np.empty((3, longest + 1, 2 * wide + 2), np.int32)
    operations = np.empty(2 * longest, np.uint32)  # a deletion after every base at most
    for row in range(rows.shape[0]):
        lo, hi = offsets[rows[row]], offsets[rows[row] + 1]
        length = hi - lo
        strand = key_strand(keys[row])
        position = key_position(keys[row])
        contig = np.searchsorted(contigs, position + length // 2, side="right") - 1
        first, last = contigs[contig], contigs[contig + 1]
        oriented(codes, lo, hi, strand, read)
        start = position - slack
        reference_window(words, exceptions, start, position + length + slack, first, last, target)
        mismatches = 0
        for i in range(length):
            mismatches += read[i] != target[slack + i] or read[i] > 3
        inside = position >= first and position + length <= last
        scheme = schemes[is_close[row]]
        match, mismatch, gap_open, gap_extend, bonus = scheme[0], scheme[1], scheme[2], scheme[3], scheme[4]
        plain = inside and mismatches <= distances[row]
        if plain and (mismatches < _FEW or not _dense(read, length, target, slack)):
            begin, end = _best_stretch(read, length, target, slack, match, mismatch, bonus)
            operations[0] = (end - begin) << 4 | MATCH
            count = 1
            at = slack + begin
        else:
            begin, end, at, count = banded(
                read, length, target, slack, match, mismatch, gap_open, gap_extend, bonus, table, operations
            )  # fmt: skip
        if begin >= _CLIPPED or length - end >= _CLIPPED:
            start = position - wide
            reference_window(words, exceptions, start, position + length + wide, first, last, target)
            begin, end, at, count = banded(
                read, length, target, wide, match, mismatch, gap_open, gap_extend, bonus, wide_table,
                operations,
            )  # fmt: skip
        strands[row] = strand
        if count:
            path = operations[:count]
            scores[row], edits[row] = _score(read, begin, target, at, path, schemes[0])
            if edits[row] >= FEW:
                before = begin, end, count
                begin, at, o, last = clip_ends(read[:length], begin, target, at, path)
                path = operations[o:last]
                end = begin + bases_of(path)
                if (begin, end, last - o) != before:
                    scores[row], edits[row] = _score(read, begin, target, at, path, schemes[0])
            starts[row] = start + at
            room = cigars[cigar_starts[row] : cigar_starts[row] + path.shape[0] + 2]
            cigar_counts[row] = write_clipped(path, begin, length - end, room)


@numba.njit(cache=True, nogil=True)
def _dense(read, length, target, shift):
    """Whether mismatches outnumber matches by `_DENSE` in some stretch of the diagonal."""
    running = 0
    for i in range(length):
        same = read[i] == target[shift + i] and read[i] < 4
        running = max(running - 1, 0) if same else running + 1
        if running >= _DENSE:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _score(read, i, target, j, operations, scheme):
    """Score and edits of an alignment that begins at base `i` of the read and `j` of the window."""
    match, mismatch, gap_open, gap_extend = scheme[0], scheme[1], scheme[2], scheme[3]
    score = 0
    edits = 0
    for o in range(operations.shape[0]):
        run = int(operations[o] >> 4)
        kind = operations[o] & 15
        if kind == MATCH:
            for step in range(run):
                if read[i + step] == target[j + step] and read[i + step] < 4:
                    score += match
                else:
                    score -= mismatch
                    edits += 1
            i += run
            j += run
        else:
            score -= gap_open + gap_extend * run
            edits += run
            if kind == INSERTION:
                i += run
            else:
                j += run
    return score, edits


@numba.njit(cache=True, nogil=True)
def _best_stretch(read, length, target, shift, match, mismatch, bonus):
    """Best stretch of the diagonal: half-open in the read."""
    running = bonus
    begin = 0
    best = NEVER
    best_begin, best_end = 0, length
    for i in range(length):
        if running < 0:
            running = 0
            begin = i
        running += match if read[i] == target[shift + i] and read[i] < 4 else -mismatch
        value = running + bonus if i == length - 1 else running
        if value >= best:
            best = value
            best_begin, best_end = begin, i + 1
    return best_begin, best_end
