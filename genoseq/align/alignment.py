"""Alignments as records, for eyes, notebooks and small jobs; arrays (`AlignedBatch`) are for all else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genoseq.align.flags import NOT_PRIMARY, REVERSE, SUPPLEMENTARY, UNMAPPED

if TYPE_CHECKING:
    from genoseq.align.aligner import AlignedBatch
    from genoseq.index.reference import Reference


class Alignment(NamedTuple):
    """One alignment of a read; of a read that was not placed, `contig` is empty and the numbers are 0.

    Attributes
    ----------
    name
        Name of the read.
    contig
        Name of the contig.
    start, end
        0-based half-open interval on the contig (bp).
    strand
        `+` or `-`.
    mapq
        0 to 60.
    cigar
        As in SAM.
    score, edits
        Alignment score (AS) and edit distance of the aligned part (NM).
    primary
        False for another place of the read, and for a part of it that lies elsewhere.
    supplementary
        True for such a part.
    """

    name: str
    contig: str = ""
    start: int = 0
    end: int = 0
    strand: str = "+"
    mapq: int = 0
    cigar: str = "*"
    score: int = 0
    edits: int = 0
    primary: bool = True
    supplementary: bool = False

    @property
    def mapped(self) -> bool:
        """Whether the read was placed."""
        return bool(self.contig)


def alignments_of(batch: AlignedBatch, reference: Reference) -> Iterator[Alignment]:
    """The rows of a batch, one record each, in their order."""
    rows, flags = batch.alignments, batch.rows.flags
    for i in range(len(rows)):
        name = batch.reads.name(int(rows.reads[i]))
        if flags[i] & UNMAPPED:
            yield Alignment(name)
            continue
        operations = rows.cigars[rows.cigar_starts[i] :][: rows.cigar_counts[i]]
        lengths, kinds = operations >> 4, operations & 15
        contig = int(np.searchsorted(reference.offsets, rows.starts[i], side="right")) - 1
        start = int(rows.starts[i] - reference.offsets[contig])
        yield Alignment(
            name,
            reference.names[contig],
            start,
            start + int(lengths[(kinds == 0) | (kinds == 2)].sum()),  # M and D take bases of the reference
            "-" if flags[i] & REVERSE else "+",
            int(batch.rows.mapqs[i]),
            "".join(f"{length}{'MID_S'[kind]}" for length, kind in zip(lengths, kinds, strict=True)),
            int(rows.scores[i]),
            int(rows.edits[i]),
            not flags[i] & NOT_PRIMARY,
            bool(flags[i] & SUPPLEMENTARY),
        )
