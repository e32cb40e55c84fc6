"""The aligner: batches of reads in, batches of alignments out; embed, search, verify, extend, judge.

`Aligner.align` returns arrays for one batch; `Aligner.stream` runs many batches through a pool of threads and
gives the results back in the order of the input, so that output does not depend on the number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import faiss
import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.alignment import Alignment, alignments_of
from genoseq.align.cascade import find_loci
from genoseq.align.extend import Alignments, extend
from genoseq.align.loci import LOCI, Loci
from genoseq.align.mapq import mapping_quality
from genoseq.align.presets import AlignmentParameters, preset
from genoseq.align.records import REVERSE, SECONDARY, UNMAPPED, Rows, contig_table, format_paf, format_sam
from genoseq.errors import InputError
from genoseq.index.store import Index
from genoseq.io.batch import ReadBatch

Item = TypeVar("Item")
Result = TypeVar("Result")

SHORTEST = 20
"""Reads below this length (bp) hold no context to search for and are reported as unmapped."""
_RIVAL = 0.15  # a verified locus at most this share of the read further away is aligned for XS


@dataclass(frozen=True)
class AlignedBatch:
    """Alignments of one batch of reads.

    Attributes
    ----------
    reads : ReadBatch
    alignments : Alignments
        One row a read (unmapped ones too), then its secondary ones.
    rows : Rows
        FLAG, MAPQ and second score of each row.
    loci : Loci
        What the search found for each read.
    """

    reads: ReadBatch
    alignments: Alignments
    rows: Rows
    loci: Loci

    @property
    def primary(self) -> NDArray[np.bool_]:
        """Whether each row is the primary one of its read, shape (n,)."""
        return (self.rows.flags & SECONDARY) == 0

    @property
    def mapped(self) -> NDArray[np.bool_]:
        """Whether each read is mapped, shape (reads,)."""
        return (self.rows.flags[self.primary] & UNMAPPED) == 0

    @property
    def too_short(self) -> NDArray[np.bool_]:
        """Whether each read is too short to hold a usable anchor, shape (reads,)."""
        return self.reads.lengths < SHORTEST

    def without_unmapped(self) -> AlignedBatch:
        """The batch with the rows of unmapped reads left out."""
        keep = np.flatnonzero((self.rows.flags & UNMAPPED) == 0)
        a, r = self.alignments, self.rows
        alignments = Alignments(
            a.reads[keep], a.strands[keep], a.starts[keep], a.scores[keep], a.edits[keep],
            a.cigars, a.cigar_starts[keep], a.cigar_counts[keep],
        )  # fmt: skip
        return AlignedBatch(
            self.reads, alignments, Rows(r.flags[keep], r.mapqs[keep], r.seconds[keep]), self.loci
        )


class Aligner:
    """Aligns reads to an index.

    Parameters
    ----------
    index : Index
    parameters : AlignmentParameters or str, optional
        Parameters or the name of a preset; by default the preset that the index was made for.
    secondary : int
        Secondary alignments to report for each read at most.
    """

    def __init__(
        self, index: Index, parameters: AlignmentParameters | str | None = None, *, secondary: int = 0
    ) -> None:
        if parameters is None:
            parameters = "sr" if index.parameters.words == 1 else "divergent"
        self.index = index
        self.parameters = preset(parameters) if isinstance(parameters, str) else parameters
        self.secondary = min(secondary, LOCI - 1)
        self._contigs = contig_table(index.reference)

    def align(self, reads: ReadBatch) -> AlignedBatch:
        """Align one batch of reads.

        Raises
        ------
        InputError
            If a read is longer than the preset handles.
        """
        faiss.omp_set_num_threads(1)  # of this thread: genoseq's own threads take batches
        lengths = reads.lengths
        if len(reads) and lengths.max() > self.parameters.max_length:
            longest = int(lengths.argmax())
            raise InputError(
                f"read {reads.name(longest)} has {lengths[longest]} bp; this preset aligns reads of up to "
                f"{self.parameters.max_length} bp, and the preset 'long' for longer ones is still to come"
            )
        loci = find_loci(reads.codes, reads.offsets, self.index, self.parameters)
        rows, ranks = _rows_to_extend(loci, lengths, max(self.secondary, 1))
        aligned = extend(
            reads.codes, reads.offsets, rows, loci.keys[rows, ranks], loci.distances[rows, ranks],
            self.index.reference, self.parameters,
        )  # fmt: skip
        return self._judged(reads, loci, aligned)

    def _judged(self, reads: ReadBatch, loci: Loci, aligned: Alignments) -> AlignedBatch:
        """Choose primary and secondary alignments, decide what is unmapped, and give MAPQ."""
        number = len(reads)
        if not len(aligned):  # no read of the batch has a locus
            none = np.full(number, -1, np.int64)
            table = Rows(
                np.full(number, UNMAPPED, np.int32), np.zeros(number, np.int32), none.astype(np.int32)
            )
            return AlignedBatch(reads, _take(aligned, none, np.arange(number)), table, loci)
        lengths = reads.lengths
        perfect = self.parameters.scoring.match * lengths
        good = (aligned.starts >= 0) & (
            aligned.scores >= self.parameters.min_identity_score * perfect[aligned.reads]
        )
        # rows by read, in each the best first, equal ones in an order of their own for each read
        lots = np.empty(len(aligned), np.uint64)
        _draw_lots(reads.names, reads.name_offsets, aligned.reads, aligned.starts, lots)
        order = np.lexsort((lots, -np.where(good, aligned.scores, -1), aligned.reads))
        readers = aligned.reads[order]
        first = np.searchsorted(readers, np.arange(number))
        places = np.arange(len(order)) - first[readers]
        best, second = (_at_place(place, order, readers, places, number) for place in (0, 1))
        mapped = (best >= 0) & good[best]
        scores = np.where(mapped, aligned.scores[best], 0)
        rivals = np.where(second >= 0, np.maximum(aligned.scores[second], 0), -1)
        quality = mapping_quality(lengths, perfect, scores, rivals, loci, self.parameters.certainty)

        wanted = (places == 0) | ((places <= self.secondary) & good[order])
        without = np.flatnonzero(best < 0)
        owners = np.concatenate([readers[wanted], without])
        rows = np.concatenate([order[wanted], np.full(len(without), -1)])
        primary = np.concatenate([places[wanted] == 0, np.ones(len(without), bool)])
        turn = np.argsort(owners, kind="stable")
        owners, rows, primary = owners[turn], rows[turn], primary[turn]
        placed = ~primary | mapped[owners]
        flags = np.where(placed, REVERSE * aligned.strands[rows].astype(np.int32), UNMAPPED)
        flags += np.where(primary, 0, SECONDARY)
        mapqs = np.where(primary & placed, quality[owners], 0)
        table = Rows(
            *(part.astype(np.int32) for part in (flags, mapqs, np.where(primary, rivals[owners], -1)))
        )
        return AlignedBatch(reads, _take(aligned, np.where(placed, rows, -1), owners), table, loci)

    def stream(self, batches: Iterable[ReadBatch], *, threads: int = 1) -> Iterator[AlignedBatch]:
        """Align batches in a pool of threads; results come in the order of the input."""
        yield from ordered(self.align, batches, threads=threads)

    def records(self, batch: AlignedBatch) -> Iterator[Alignment]:
        """One record for each row of an aligned batch: for eyes and notebooks, arrays are faster."""
        return alignments_of(batch, self.index.reference)

    def sam(self, batch: AlignedBatch, *, read_group: str = "") -> NDArray[np.uint8]:
        """SAM lines of an aligned batch."""
        return format_sam(
            batch.reads, batch.alignments, batch.rows, self.index.reference, self._contigs, read_group
        )

    def paf(self, batch: AlignedBatch) -> NDArray[np.uint8]:
        """PAF lines of an aligned batch."""
        return format_paf(batch.reads, batch.alignments, batch.rows, self.index.reference, self._contigs)


def _at_place(
    place: int, order: NDArray[np.int64], readers: NDArray[np.int64], places: NDArray[np.int64], reads: int
) -> NDArray[np.int64]:
    """The row of each read that stands at a place of its list, shape (reads,); -1 if its list is shorter."""
    row = np.full(reads, -1, np.int64)
    there = places == place
    row[readers[there]] = order[there]
    return row


@numba.njit(cache=True, nogil=True)
def _draw_lots(names, name_offsets, reads, starts, lots):
    """A number for each alignment, from the name of its read and its place: repeats share their reads."""
    for row in range(reads.shape[0]):
        value = np.uint64(0xCBF29CE484222325)  # FNV-1a over the name
        for i in range(name_offsets[reads[row]], name_offsets[reads[row] + 1]):
            value = (value ^ np.uint64(names[i])) * np.uint64(0x100000001B3)
        value ^= np.uint64(starts[row])
        for _ in range(2):  # the finaliser of MurmurHash3
            value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
        lots[row] = value ^ (value >> np.uint64(33))


def ordered(work: Callable[[Item], Result], items: Iterable[Item], *, threads: int) -> Iterator[Result]:
    """Apply `work` to items in threads, yield results in order; at most two items a thread are in flight."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _rows_to_extend(
    loci: Loci, lengths: NDArray[np.int64], rivals: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Loci to align, (read, rank): the best of each read, and up to `rivals` more nearly as close."""
    limit = loci.distances[:, :1] + _RIVAL * lengths[:, None]
    rank = np.arange(LOCI)
    close = loci.distances <= loci.distances[:, :1] + 1
    wanted = (loci.distances <= limit) & (rank < loci.counts[:, None]) & ((rank < 1 + rivals) | close)
    reads, ranks = np.nonzero(wanted)
    return reads, ranks


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
