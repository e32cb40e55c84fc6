"""The aligner: batches of reads in, batches of alignments out; embed, search, verify, extend, judge.

`Aligner.align` returns arrays for one batch; `Aligner.stream` runs many batches through a pool of threads and
gives the results back in the order of the input, so that output does not depend on the number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray

from genoseq.align.alignment import Alignment, alignments_of
from genoseq.align.candidates import Candidates, find_candidates
from genoseq.align.extend import Alignments
from genoseq.align.five_prime import five_prime_first
from genoseq.align.flags import NOT_PRIMARY, UNMAPPED
from genoseq.align.insert import UNKNOWN, InsertSize
from genoseq.align.loci import LOCI, SHORTEST
from genoseq.align.long import place, rows_of
from genoseq.align.matches import split_matches
from genoseq.align.outcome import outcome
from genoseq.align.paf import format_paf
from genoseq.align.pair import Pairs
from genoseq.align.presets import AlignmentParameters, LongParameters, default_preset, parameters_of
from genoseq.align.profile import step
from genoseq.align.records import Rows, contig_table, format_sam
from genoseq.align.split import add_supplementary
from genoseq.errors import InputError, UsageError
from genoseq.index.store import Index
from genoseq.io.batch import ReadBatch

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class AlignedBatch:
    """Alignments of one batch of reads.

    Attributes
    ----------
    reads : ReadBatch
    alignments : Alignments
        One row a read (unmapped ones too), then its secondary ones.
    rows : Rows
        FLAG, MAPQ and second score of each row, and its mate.
    stages : ndarray, shape (reads,)
        Stage of the search that settled each read; the number of stages if none did.
    insert : InsertSize, optional
        Of the pairs of the batch: learned from them, or what was assumed.
    """

    reads: ReadBatch
    alignments: Alignments
    rows: Rows
    stages: NDArray[np.int8]
    insert: InsertSize | None = None

    @property
    def primary(self) -> NDArray[np.bool_]:
        """Whether each row is the primary one of its read, shape (n,)."""
        return (self.rows.flags & NOT_PRIMARY) == 0

    @property
    def mapped(self) -> NDArray[np.bool_]:
        """Whether each read is mapped, shape (reads,)."""
        return (self.rows.flags[self.primary] & UNMAPPED) == 0

    @property
    def too_short(self) -> NDArray[np.bool_]:
        """Whether each read is too short to be searched for, shape (reads,)."""
        return self.reads.lengths < SHORTEST

    def without_unmapped(self) -> AlignedBatch:
        """The batch with the rows of unmapped reads left out."""
        keep = np.flatnonzero((self.rows.flags & UNMAPPED) == 0)
        a, r = self.alignments, self.rows
        alignments = Alignments(
            a.reads[keep], a.strands[keep], a.starts[keep], a.scores[keep], a.edits[keep],
            a.cigars, a.cigar_starts[keep], a.cigar_counts[keep],
        )  # fmt: skip
        new_row = np.full(len(a) + 1, -1, np.int64)  # the last: no mate
        new_row[keep] = np.arange(len(keep))
        rows = Rows(r.flags[keep], r.mapqs[keep], r.seconds[keep], new_row[r.mates[keep]], r.tlens[keep])
        return AlignedBatch(self.reads, alignments, rows, self.stages, self.insert)


class Aligner:
    """Aligns reads to an index.

    Parameters
    ----------
    index : Index
    parameters : AlignmentParameters or LongParameters or str, optional
        Parameters or the name of a preset; by default the preset for short reads that the index was made for.
    secondary : int
        Secondary alignments to report for each read at most.
    insert : InsertSize, optional
        Fragments of pairs; by default each batch learns them from its pairs.
    primary_5 : bool
        Of a read that is aligned in parts, let the one nearest to its 5' end be primary instead of the one
        that scores most.
    """

    def __init__(
        self,
        index: Index,
        parameters: AlignmentParameters | LongParameters | str | None = None,
        *,
        secondary: int = 0,
        insert: InsertSize | None = None,
        primary_5: bool = False,
    ) -> None:
        if parameters is None:
            parameters = default_preset(index.parameters.words)
        self.index = index
        self.parameters = parameters_of(parameters) if isinstance(parameters, str) else parameters
        self.secondary = min(secondary, LOCI - 1)
        self.insert = insert or UNKNOWN
        self.insert_source = "assumed" if insert is None else "given"
        self.primary_5 = primary_5
        self._contigs = contig_table(index.reference)

    def align(self, reads: ReadBatch) -> AlignedBatch:
        """Align one batch of reads; mates (`ReadBatch.mates`) are placed together.

        Raises
        ------
        InputError
            If a read is longer than the preset handles.
        UsageError
            If there are pairs, which the preset for long reads does not know.
        """
        faiss.omp_set_num_threads(1)  # of this thread: genoseq's own threads take batches
        lengths = reads.lengths
        if len(reads) and lengths.max() > self.parameters.max_length:
            longest = int(lengths.argmax())
            single = isinstance(self.parameters, AlignmentParameters) and not len(reads.pairs)
            raise InputError(
                f"read {reads.name(longest)!r} has {lengths[longest]} bp; this preset aligns reads of up to "
                f"{self.parameters.max_length} bp" + (", the preset 'long' longer ones" if single else ""),
                read=reads.first + longest,
            )
        if isinstance(self.parameters, LongParameters):
            if len(reads.pairs):
                raise UsageError("the preset 'long' aligns single reads, not pairs")
            placed, stages = place(reads, self.index, self.parameters)
            alignments, rows = rows_of(placed, reads, self.parameters, self.secondary)
            if self.primary_5:
                alignments, rows = five_prime_first(reads, alignments, rows, self.index.reference, None)
            return AlignedBatch(reads, alignments, rows, stages)
        found = self.candidates(reads)
        with step("choose"):
            alignments, rows = outcome(reads, found, self.index.reference, self.parameters, self.secondary)
        insert = None if found.pairs is None else found.pairs.insert
        with step("split"):
            alignments, rows = add_supplementary(reads, alignments, rows, self.index, self.parameters)
            if self.primary_5:
                alignments, rows = five_prime_first(reads, alignments, rows, self.index.reference, insert)
        return AlignedBatch(reads, alignments, rows, found.loci.stage, insert)

    def candidates(self, reads: ReadBatch) -> Candidates:
        """Search and extend, before anything is chosen (the study behind the mapping quality looks at it).

        Only of short reads.
        """
        if isinstance(self.parameters, LongParameters):
            raise UsageError("long reads have no candidates: they are placed by chains")
        firsts = reads.pairs
        pairs = Pairs(firsts, self.insert, fixed=self.insert_source == "given") if len(firsts) else None
        return find_candidates(reads, self.index, self.parameters, secondary=self.secondary, pairs=pairs)

    def learn_insert(self, reads: ReadBatch, *, most: int = 4096) -> InsertSize | None:
        """Learn the insert size from the first pairs of a batch, for batches that have too few of their own.

        Returns
        -------
        InsertSize or None
            What was learned; None, and nothing is changed, if there are too few pairs that are surely placed.
        """
        if self.insert_source == "given" or not len(reads.pairs):
            return None
        last = reads.pairs[:most][-1] + 2
        some = reads.select(np.arange(last))
        aligned = self.align(replace(some, mates=None if reads.mates is None else reads.mates[:last]))
        if aligned.insert is None or aligned.insert is self.insert:
            return None
        self.insert = aligned.insert
        self.insert_source = "learned"
        return self.insert

    def stream(self, batches: Iterable[ReadBatch], *, threads: int = 1) -> Iterator[AlignedBatch]:
        """Align batches in a pool of threads; results come in the order of the input."""
        yield from ordered(self.align, batches, threads=threads)

    def records(self, batch: AlignedBatch) -> Iterator[Alignment]:
        """One record for each row of an aligned batch: for eyes and notebooks, arrays are faster."""
        return alignments_of(batch, self.index.reference)

    def sam(
        self,
        batch: AlignedBatch,
        *,
        read_group: str = "",
        eqx: bool = False,
        comments: bool = False,
        soft_clip: bool = False,
        alternatives: bool = False,
        mark_split: bool = False,
        secondary_seq: bool = False,
    ) -> NDArray[np.uint8]:
        """SAM lines of an aligned batch.

        Parameters
        ----------
        read_group : str
            Value of the RG tag; if empty, reads of SAM and BAM keep theirs, which the header must describe
            (`ReadBatch.origin`).
        eqx : bool
            CIGAR with = and X instead of M.
        comments : bool
            Add the comments of the reads, which must be SAM tags (`genoseq.io.tags`).
        soft_clip : bool
            Give supplementary (and secondary) lines the whole read, not only the bases that they align.
        alternatives : bool
            Name secondary alignments in a tag of the primary line (XA), not in lines of their own.
        mark_split : bool
            Flag supplementary lines as secondary (256 instead of 2048).
        secondary_seq : bool
            Give secondary lines bases and qualities, too.
        """
        with step("format"):
            return format_sam(
                batch.reads, self._shown(batch, eqx=eqx), batch.rows, self.index.reference, self._contigs,
                read_group, comments=comments, soft_clip=soft_clip, alternatives=alternatives,
                mark_split=mark_split, secondary_seq=secondary_seq,
            )  # fmt: skip

    def paf(self, batch: AlignedBatch, *, eqx: bool = False, differences: bool = False) -> NDArray[np.uint8]:
        """PAF lines of an aligned batch; `eqx` as for `sam`, `differences` adds the tag cs."""
        with step("format"):
            return format_paf(
                batch.reads, self._shown(batch, eqx=eqx), batch.rows, self.index.reference, self._contigs,
                differences=differences,
            )  # fmt: skip

    def _shown(self, batch: AlignedBatch, *, eqx: bool) -> Alignments:
        if not eqx:
            return batch.alignments
        reads = batch.reads
        return split_matches(batch.alignments, reads.codes, reads.offsets, self.index.reference)


def ordered(work: Callable[[Item], Result], items: Iterable[Item], *, threads: int) -> Iterator[Result]:
    """Apply `work` to items in threads, yield results in order; at most two items a thread are in flight.

    When the caller stops early, or an item fails, what is running is not waited for.
    """
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
