"""Five prime: of a read that is aligned in parts the one nearest to its 5' end as the primary line.

By default the part that scores most is primary. What is done with Hi-C and other ligated fragments needs the
place where the read begins; bwa mem has the option -5 for them. The primary and the supplementary line change
places; what mates say of each other (TLEN, proper pair, strand of the mate) follows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from genoseq.align.choose import are_proper, spans
from genoseq.align.extend import Alignments
from genoseq.align.flags import (
    MATE_REVERSE,
    NOT_PRIMARY,
    PROPER,
    REVERSE,
    SECONDARY,
    SUPPLEMENTARY,
    UNMAPPED,
)
from genoseq.align.insert import InsertSize
from genoseq.align.outcome import fragment_lengths
from genoseq.align.records import Rows
from genoseq.align.split import aligned_parts
from genoseq.index.reference import Reference
from genoseq.io.batch import ReadBatch


def five_prime_first(
    reads: ReadBatch, alignments: Alignments, rows: Rows, reference: Reference, insert: InsertSize | None
) -> tuple[Alignments, Rows]:
    """The same alignments, with that part of each read as primary that begins first in the read.

    Parameters
    ----------
    alignments, rows
        By read, the primary one first.
    insert : InsertSize, optional
        Of the pairs, if there are any.
    """
    before, after = _exchanged(reads, alignments, rows)
    if not len(before):
        return alignments, rows
    turn = np.arange(len(alignments))
    turn[before], turn[after] = after, before
    a = alignments
    alignments = Alignments(
        a.reads, a.strands[turn], a.starts[turn], a.scores[turn], a.edits[turn], a.cigars,
        a.cigar_starts[turn], a.cigar_counts[turn],
    )  # fmt: skip
    flags = rows.flags[turn]
    flags[after] = flags[after] & ~PROPER | SUPPLEMENTARY
    flags[before] &= ~SUPPLEMENTARY
    rows = replace(rows, flags=flags, mapqs=rows.mapqs[turn], seconds=rows.seconds[turn])
    if insert is None:
        return alignments, rows
    return alignments, _mates_told(alignments, rows, before, reference, insert)


def _exchanged(
    reads: ReadBatch, alignments: Alignments, rows: Rows
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Primary rows, and the supplementary row of the same read that shall be primary instead of each."""
    in_parts = np.zeros(len(reads), np.bool_)
    in_parts[alignments.reads[(rows.flags & SUPPLEMENTARY) > 0]] = True
    parts = np.flatnonzero(in_parts[alignments.reads] & ((rows.flags & (UNMAPPED | SECONDARY)) == 0))
    begins = aligned_parts(
        parts, alignments.reads, alignments.strands, alignments.cigars, alignments.cigar_starts,
        alignments.cigar_counts, reads.offsets,
    )[:, 0]  # fmt: skip
    owners = alignments.reads[parts]
    order = np.lexsort((parts, begins, owners))  # of two that begin together the primary one stays
    first = parts[order[np.searchsorted(owners, np.unique(owners))]]
    primary = parts[(rows.flags[parts] & SUPPLEMENTARY) == 0]
    moved = first != primary
    return primary[moved], first[moved]


def _mates_told(
    alignments: Alignments,
    rows: Rows,
    changed: NDArray[np.int64],
    reference: Reference,
    insert: InsertSize,
) -> Rows:
    """The rows with what follows for pairs from the new primary rows `changed`."""
    flags, mates = rows.flags, rows.mates
    span, whole = np.empty((2, len(alignments), 2), np.int64)
    spans(alignments.starts, alignments.cigars, alignments.cigar_starts, alignments.cigar_counts, span, whole)
    turned = np.where(flags[mates] & REVERSE, MATE_REVERSE, 0)
    flags = np.where(mates >= 0, flags & ~MATE_REVERSE | turned, flags)
    counted = (flags & (UNMAPPED | NOT_PRIMARY)) == 0
    changed = changed[(mates[changed] >= 0) & counted[mates[changed]]]
    others = mates[changed]
    proper = are_proper(changed, others, whole, reference.offsets, alignments, insert)
    for mate in (changed, others):
        flags[mate] = flags[mate] & ~PROPER | np.where(proper, PROPER, 0)
    tlens = fragment_lengths(alignments.reads, np.arange(len(alignments)), counted, mates, span, reference)
    return replace(rows, flags=flags.astype(np.int32), tlens=tlens)
