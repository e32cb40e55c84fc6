"""Candidates: the loci of short reads that come into question, aligned."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genoseq.align.cascade import find_loci
from genoseq.align.extend import Alignments, extend
from genoseq.align.loci import LOCI, Loci
from genoseq.align.pair import Pairs
from genoseq.align.presets import AlignmentParameters
from genoseq.align.profile import step
from genoseq.index.store import Index
from genoseq.io.batch import ReadBatch

_RIVAL = 0.15  # a verified locus at most this share of the read further away is aligned for XS
_KEY_BITS = 42  # of a key (`genoseq.align.vote`)


class Candidates(NamedTuple):
    """Alignments of a batch, before any is chosen.

    Attributes
    ----------
    loci : Loci
        What the search found.
    aligned : Alignments
        Of the loci below, in that order.
    keys, distances : ndarray, shape (rows,)
        Their loci, and the edit distances verified there.
    deciding : ndarray, shape (rows,), dtype bool
        Which of them decide.
    pairs : Pairs, optional
        The mates among the reads.
    """

    loci: Loci
    aligned: Alignments
    keys: NDArray[np.int64]
    distances: NDArray[np.int32]
    deciding: NDArray[np.bool_]
    pairs: Pairs | None


def find_candidates(
    reads: ReadBatch,
    index: Index,
    parameters: AlignmentParameters,
    *,
    secondary: int = 0,
    pairs: Pairs | None = None,
) -> Candidates:
    """Search reads, and align them where they may belong.

    Parameters
    ----------
    secondary : int
        Secondary alignments of a read that will be asked for at most.
    pairs : Pairs, optional
        The mates among the reads.
    """
    loci = find_loci(reads.codes, reads.offsets, index, parameters, pairs)
    rows, keys, distances, deciding = _loci_to_extend(loci, reads.lengths, secondary, pairs)
    with step("extend"):
        aligned = extend(reads.codes, reads.offsets, rows, keys, distances, index.reference, parameters)
    return Candidates(loci, aligned, keys, distances, deciding, pairs)


def _loci_to_extend(
    loci: Loci, lengths: NDArray[np.int64], secondary: int, pairs: Pairs | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
    """Loci to align: read, key, edit distance, and whether the locus decides.

    Those that decide are the best two of a read, those as close, and those of its unions with its mate. The
    others can only become secondary alignments, so that asking for these changes nothing else.
    """
    limit = loci.distances[:, :1] + _RIVAL * lengths[:, None]
    rank = np.arange(LOCI)
    decides = (rank < 2) | (loci.distances <= loci.distances[:, :1] + 1)
    wanted = (rank <= secondary) | decides
    reads, ranks = np.nonzero(wanted & (loci.distances <= limit) & (rank < loci.counts[:, None]))
    keys, edits, deciding = loci.keys[reads, ranks], loci.distances[reads, ranks], decides[reads, ranks]
    if pairs is None:
        return reads, keys, edits, deciding
    more, more_keys, more_edits = _loci_of_unions(loci, pairs)
    names, known = more << _KEY_BITS | more_keys, reads << _KEY_BITS | keys
    deciding |= np.isin(known, names)
    _, first = np.unique(names, return_index=True)
    new = first[~np.isin(names[first], known)]
    return (
        np.concatenate([reads, more[new]]),
        np.concatenate([keys, more_keys[new]]),
        np.concatenate([edits, more_edits[new]]),
        np.concatenate([deciding, np.ones(len(new), np.bool_)]),
    )


def _loci_of_unions(
    loci: Loci, pairs: Pairs
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Read, key and edits of the places in unions; those that are the best of a read anyway are left out."""
    unions = pairs.unions
    reads = np.broadcast_to(pairs.firsts[:, None, None] + np.arange(2), unions.keys.shape)
    there = (np.arange(unions.keys.shape[1]) < unions.counts[:, None])[:, :, None]
    there = there & (unions.keys != loci.keys[reads, 0])
    return reads[there], unions.keys[there], unions.edits[there]
