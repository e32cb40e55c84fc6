"""Statistics: what a report tells of a run, added up batch by batch.

Reads are counted by their primary lines, coverage by primary and supplementary ones. Everything is a whole
number in an array whose size depends on the genome at most: memory does not grow with the reads, and sums are
the same in any order. Each contig has its aligned bases; the largest ones have them in bins as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.aligner import AlignedBatch
from genoseq.align.cigar import DELETION, DIFFERENT, INSERTION, MATCH, SAME, SOFT_CLIP
from genoseq.align.flags import NOT_PRIMARY, PROPER, SECONDARY, SUPPLEMENTARY, UNMAPPED
from genoseq.align.histogram import LONGEST, Histogram, round_up, slot
from genoseq.index.reference import Reference

PAIR_KINDS = ("proper", "one_contig", "two_contigs", "one_mate", "no_mate")
"""Pairs: proper; others with both mates on one contig; mates on two contigs; one mate placed; none placed."""
PLOTTED = 24
"""Contigs with bins, the largest: as many as a human genome has."""
LISTED = 100
"""Contigs that a report lists, the largest; it adds up the others."""
_BINS = 300  # of a contig
_FAR = 6  # fragments longer than the quartile by so many interquartile ranges are counted, but not shown
_PARTS = 1000  # identity is counted in thousandths
_BARS = 50  # of identity, at most


class Coverage(NamedTuple):
    """Aligned bases of the contigs; insertions, deletions and clips do not cover.

    Attributes
    ----------
    contigs : ndarray, shape (contigs + 1,), dtype int64
        Where each begins, concatenated coordinates.
    bases : ndarray, shape (contigs,), dtype int64
    widths : ndarray, shape (contigs,), dtype int64
        Width of the bins of each, bp; 0 for contigs without.
    firsts : ndarray, shape (contigs,), dtype int64
        The first bin of each in `bins`.
    bins : ndarray, dtype int64
        Aligned bases in each bin.
    """

    contigs: NDArray[np.int64]
    bases: NDArray[np.int64]
    widths: NDArray[np.int64]
    firsts: NDArray[np.int64]
    bins: NDArray[np.int64]

    @classmethod
    def none(cls, contigs: NDArray[np.int64]) -> Coverage:
        """Nothing covered yet, of contigs at these borders."""
        lengths = np.diff(contigs)
        widths = np.zeros(len(lengths), np.int64)
        chosen = largest(lengths, PLOTTED)
        widths[chosen] = -(-lengths[chosen] // _BINS)
        counts = np.where(widths > 0, -(-lengths // np.maximum(widths, 1)), 0)
        firsts = np.cumsum(counts) - counts
        return cls(
            contigs, np.zeros(len(lengths), np.int64), widths, firsts, np.zeros(int(counts.sum()), np.int64)
        )

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length of each contig, bp."""
        return np.diff(self.contigs)

    @property
    def depths(self) -> NDArray[np.float64]:
        """Mean depth of each contig."""
        return self.bases / np.maximum(self.lengths, 1)

    @property
    def mean_depth(self) -> float:
        """Mean depth of the genome."""
        return float(self.bases.sum() / max(int(self.lengths.sum()), 1))

    @property
    def plotted(self) -> NDArray[np.int64]:
        """Numbers of the contigs that have bins, in the order of the reference."""
        return np.flatnonzero(self.widths)

    def along(self, contig: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Borders of the bins of a contig (0-based, bp) and the mean depth in each."""
        length, width = int(self.lengths[contig]), int(self.widths[contig])
        edges = np.append(np.arange(0, length, width), length)
        first = int(self.firsts[contig])
        return edges, self.bins[first : first + len(edges) - 1] / np.diff(edges)


def largest(lengths: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Numbers of the longest contigs, at most so many, in their own order; none that is empty."""
    chosen = np.sort(np.argsort(-lengths, kind="stable")[:most])
    return chosen[lengths[chosen] > 0]


@dataclass(frozen=True)
class Statistics:
    """Counts over all reads of a run.

    Attributes
    ----------
    coverage : Coverage
    lengths : Histogram
        Lengths of reads, bp.
    mapqs : ndarray, shape (256,), dtype int64
        Mapped reads by MAPQ.
    identities : ndarray, shape (1001,), dtype int64
        Mapped reads by 1 - NM / columns of the alignment, in thousandths, rounded down.
    sums : ndarray, shape (2,), dtype int64
        Columns of all these alignments, and their NM.
    clips : tuple of two Histogram
        Soft-clipped bases at the start and at the end of each mapped read, as the read was given.
    inserts : Histogram
        Length of the fragments of pairs with both mates on one contig, |TLEN| bp.
    pairs : ndarray, shape (5,), dtype int64
        By `PAIR_KINDS`.
    """

    coverage: Coverage
    lengths: Histogram = field(default_factory=Histogram)
    mapqs: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    identities: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_PARTS + 1, np.int64))
    sums: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    clips: tuple[Histogram, Histogram] = field(default_factory=lambda: (Histogram(), Histogram()))
    inserts: Histogram = field(default_factory=Histogram)
    pairs: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(PAIR_KINDS), np.int64))

    @classmethod
    def of(cls, reference: Reference) -> Statistics:
        """Nothing counted yet."""
        return cls(Coverage.none(reference.offsets))

    def add(self, batch: AlignedBatch) -> None:
        """Count the reads of one batch."""
        rows, a = batch.rows, batch.alignments
        self.lengths.add(batch.reads.lengths)
        _count_alignments(
            rows.flags, rows.mapqs, a.strands, a.starts, a.edits, a.cigars, a.cigar_starts, a.cigar_counts,
            self.coverage, self.mapqs, self.identities, self.sums, self.clips[0].counts, self.clips[1].counts,
        )  # fmt: skip
        firsts = batch.reads.pairs
        if len(firsts):
            self._add_pairs(rows.flags, rows.tlens, firsts)

    def _add_pairs(
        self, flags: NDArray[np.int32], tlens: NDArray[np.int64], firsts: NDArray[np.int64]
    ) -> None:
        row = np.flatnonzero((flags & NOT_PRIMARY) == 0)  # of each read
        flags, other, tlens = flags[row[firsts]], flags[row[firsts + 1]], np.abs(tlens[row[firsts]])
        placed = 2 - ((flags & UNMAPPED) > 0) - ((other & UNMAPPED) > 0)
        kinds = np.where(placed < 2, 4 - placed, np.where(tlens > 0, 1, 2))
        kinds[(flags & PROPER) > 0] = 0
        self.pairs[:] += np.bincount(kinds, minlength=len(PAIR_KINDS))
        self.inserts.add(tlens[(placed == 2) & (tlens > 0)])

    @property
    def identity(self) -> float:
        """Share of matching columns of all alignments (0-1); NaN if there is none."""
        columns, edits = self.sums.tolist()
        return (columns - edits) / columns if columns else float("nan")

    def median_identity(self) -> float:
        """Median of the identity of alignments (0-1, to a thousandth); NaN if there is none."""
        sums = np.cumsum(self.identities)
        return float(np.searchsorted(sums, (sums[-1] + 1) // 2)) / _PARTS if sums[-1] else float("nan")

    def identity_bins(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Borders of bins of identity (thousandths, the last inclusive) and the mapped reads in each.

        Reads of one length have few different identities. A bin is wide enough for two of them: else bins
        with one and without any would take turns.
        """
        some = np.flatnonzero(self.identities)
        if not len(some):
            return some, some
        length = max(self.lengths.quantile(0.5), 1)
        width = round_up(max(2 * _PARTS / length, (_PARTS - some[0]) / _BARS))
        edges = np.arange((min(some[0], _PARTS - 1)) // width * width, _PARTS + width, width)
        edges[-1] = _PARTS
        sums = np.concatenate([[0], np.cumsum(self.identities)])
        sums[_PARTS] = sums[-1]
        return edges, np.diff(sums[edges])

    def clipped(self, end: int) -> tuple[int, int]:
        """Mapped reads with something clipped at their start (0) or end (1), and all mapped reads."""
        total = self.clips[end].total
        return total - int(self.clips[end].counts[0]), total

    def insert_edges(self) -> NDArray[np.int64]:
        """Borders of bins to show the fragments in, without those that are far too long."""
        lower, upper = (self.inserts.quantile(share) for share in (0.25, 0.75))
        return self.inserts.edges(limit=upper + _FAR * (upper - lower))

    def to_dict(self, names: list[str]) -> dict[str, Any]:
        """Everything as numbers, lists and texts for JSON; `names` are those of the contigs."""
        coverage = self.coverage
        edges, counts = self.identity_bins()
        told: dict[str, Any] = {
            "mapq": np.trim_zeros(self.mapqs, "b"),
            "identity": {
                "mean": self.identity,
                "median": self.median_identity(),
                "edges": edges / _PARTS,
                "counts": counts,
            },
            "read_length": _told(self.lengths, self.lengths.edges()),
            "soft_clips": {},
            "coverage": {
                "mean_depth": coverage.mean_depth,
                "contigs": [
                    {"name": names[i], "length": coverage.lengths[i], "depth": coverage.depths[i]}
                    for i in largest(coverage.lengths, LISTED)
                ],
            },
        }
        for end, name in enumerate(("start", "end")):
            some = self.clips[end].without(0)
            told["soft_clips"][name] = {"reads": some.total} | _told(some, some.edges())
        if self.pairs.any():
            told["pair_kinds"] = dict(zip(PAIR_KINDS, self.pairs.tolist(), strict=True))
            told["insert_size"] = _told(self.inserts, self.insert_edges())
        return told


def _told(histogram: Histogram, edges: NDArray[np.int64]) -> dict[str, Any]:
    return {
        "median": histogram.quantile(0.5),
        "mean": histogram.mean,
        "longest": histogram.longest,
        "edges": edges,
        "counts": histogram.binned(edges),
    }


@numba.njit(cache=True, nogil=True)
def _cover(coverage, contig, start, end):
    """Count the bases `start:end` of a contig as covered once more."""
    coverage.bases[contig] += end - start
    width = coverage.widths[contig]
    while width and start < end:
        number = start // width
        border = min(end, (number + 1) * width)
        coverage.bins[coverage.firsts[contig] + number] += border - start
        start = border


@numba.njit(cache=True, nogil=True)
def _count_alignments(
    flags, mapqs, strands, starts, edits, cigars, cigar_starts, cigar_counts, coverage, quality, identities,
    sums, clips_start, clips_end,
):  # fmt: skip
    for row in range(flags.shape[0]):
        if flags[row] & (UNMAPPED | SECONDARY):
            continue
        contig = np.searchsorted(coverage.contigs, starts[row], side="right") - 1
        at = starts[row] - coverage.contigs[contig]
        columns = np.int64(0)
        left, right = np.int64(0), np.int64(0)
        first, last = cigar_starts[row], cigar_starts[row] + cigar_counts[row]
        for o in range(first, last):
            run = np.int64(cigars[o] >> 4)
            kind = cigars[o] & 15
            if kind in (MATCH, SAME, DIFFERENT):
                _cover(coverage, contig, at, at + run)
                at += run
                columns += run
            elif kind == DELETION:
                at += run
                columns += run
            elif kind == INSERTION:
                columns += run
            elif kind == SOFT_CLIP and columns:
                right = run
            elif kind == SOFT_CLIP:
                left = run
        if flags[row] & SUPPLEMENTARY:
            continue
        quality[mapqs[row]] += 1
        identities[_PARTS * (columns - edits[row]) // columns] += 1
        sums[0] += columns
        sums[1] += edits[row]
        if strands[row]:
            left, right = right, left
        clips_start[slot(min(left, LONGEST))] += 1
        clips_end[slot(min(right, LONGEST))] += 1
