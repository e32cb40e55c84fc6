"""Auto: the preset that fits the reads, from a look at the first of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genoseq.align.aligner import AlignedBatch, Aligner
from genoseq.align.cigar import SOFT_CLIP
from genoseq.align.presets import LONG, default_preset, preset
from genoseq.index.store import Index
from genoseq.io.batch import ReadBatch

_SAMPLE = 500
_SENSITIVE_BELOW = 0.85
"""Identity below which the last stage of `sensitive` finds more reads than it costs (docs/benchmarks.md)."""


class Suggestion(NamedTuple):
    """A preset, and why.

    Attributes
    ----------
    preset : str
    length : int, optional
        Median of the reads, bp; None if none were looked at.
    identity : float, optional
        Median of the alignments of a sample; None for long reads, and where nothing was placed.
    """

    preset: str
    length: int | None = None
    identity: float | None = None


def suggest_preset(reads: ReadBatch, index: Index) -> Suggestion:
    """The preset for reads like these (the first batch of a file).

    `long` if one of them is longer than the presets for short reads take; else the one that the index was
    made for; but `sensitive` where the identity of a sample is low and the index has two words.
    """
    name = default_preset(index.parameters.words)
    if not len(reads):
        return Suggestion(name)
    lengths = reads.lengths
    median = int(np.median(lengths))
    if not len(reads.pairs) and lengths.max() > preset(name).max_length:
        return Suggestion(LONG, median)
    chosen = np.unique(np.linspace(0, len(reads) - 1, _SAMPLE).astype(np.int64))
    sample = reads.select(chosen[lengths[chosen] <= preset(name).max_length])
    identity = identity_of(Aligner(index, name).align(sample))
    if index.parameters.words > 1 and identity is not None and identity < _SENSITIVE_BELOW:
        name = "sensitive"
    return Suggestion(name, median, identity)


def identity_of(aligned: AlignedBatch) -> float | None:
    """Median identity of the primary alignments: 1 - edits / aligned columns; None if nothing was placed."""
    a = aligned.alignments
    rows = np.flatnonzero(aligned.primary & (a.starts >= 0))
    if not len(rows):
        return None
    kinds, lengths = a.cigars & 15, (a.cigars >> 4).astype(np.int64)
    sums = np.concatenate([[0], np.cumsum(np.where(kinds == SOFT_CLIP, 0, lengths))])
    first, last = a.cigar_starts[rows], a.cigar_starts[rows] + a.cigar_counts[rows]
    return float(np.median(1 - a.edits[rows] / (sums[last] - sums[first])))
