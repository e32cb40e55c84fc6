"""Search: the anchors of the reads, in the order in which they are used, and their nearest anchors of the
reference.

The anchors of a batch of reads are found once, with the near bases that lead to their cells. Each stage of
the cascade then takes the anchors it wants, embeds them and asks FAISS. Within a read (and word) anchors are
ranked so that few of them tell most: whole contexts before those cut by an end of the read, ordinary cells
before crowded ones, and spread over the read (van der Corput order: middle, quarters, eighths, ...). Of long
reads a *sample* is searched: in each stretch of some bases the anchor with the smallest cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.presets import Stage
from genoseq.encoder.anchors import AnchorWords, find_anchors
from genoseq.encoder.seed import encode_contexts
from genoseq.index.cells import leaf_of, leaves_nearby, near_bases
from genoseq.index.store import Index


class Sample(NamedTuple):
    """How densely the anchors of a long read are searched.

    Attributes
    ----------
    least : int
        Stretches into which a read is divided, if they are not
    shortest, longest : int
        shorter or longer than this, bp.
    """

    least: int = 64
    shortest: int = 12
    longest: int = 48


@dataclass(frozen=True)
class BatchAnchors:
    """Anchors of a batch of reads, grouped by read.

    Attributes
    ----------
    positions : ndarray, shape (n,), dtype int64
        First base of the word, index into the batch's concatenated codes.
    kinds : ndarray, shape (n,), dtype uint8
        ``2 * word + orientation``.
    near : ndarray, shape (n,), dtype uint64
        Near bases (see `genoseq.index.cells.near_bases`).
    leaf : ndarray, shape (n,), dtype int32
        The cell, or -1 if the read ends on the way to it.
    rank : ndarray, shape (n,), dtype int32
        Order of use among the anchors of one read and word.
    starts : ndarray, shape (reads + 1,), dtype int64
        Anchors of read ``i`` are ``starts[i]:starts[i + 1]``.
    """

    positions: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    near: NDArray[np.uint64]
    leaf: NDArray[np.int32]
    rank: NDArray[np.int32]
    starts: NDArray[np.int64]


def batch_anchors(
    codes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    index: Index,
    edge: int,
    words: int,
    reads: NDArray[np.int64],
    *,
    sample: Sample | None = None,
) -> BatchAnchors:
    """Find and rank the anchors of a batch.

    Parameters
    ----------
    codes, offsets : ndarray
        Concatenated base codes; read ``i`` at ``offsets[i]:offsets[i + 1]``.
    edge : int
        Anchors closer than this to an end of the read are left out, bp.
    words : int
        How many of the index's words.
    reads : ndarray
        Numbers of the reads to look at; the others get no anchors.
    sample : Sample, optional
        Rank 0 to the anchors of the sample, 1 to the others, instead of an order of use.
    """
    used = AnchorWords(index.encoder.words.words[:words])
    wanted = np.zeros(len(offsets) - 1, np.bool_)
    wanted[reads] = True
    room = len(codes)
    positions, kinds = np.empty(room, np.int64), np.empty(room, np.uint8)
    starts = np.empty(len(offsets), np.int64)
    count = _all_anchors(codes, offsets, wanted, used.rule(), used.length, edge, positions, kinds, starts)
    near, leaf = np.empty(count, np.uint64), np.empty(count, np.int32)
    rank = np.empty(count, np.int32)
    tree = index.tree
    _cells(
        codes,
        offsets,
        starts,
        positions,
        kinds,
        used.length,
        tree.roots,
        tree.children,
        tree.columns,
        near,
        leaf,
    )
    if sample is None:
        crowded = 4 * index.parameters.capacity
        _ranks(
            offsets, starts, positions, kinds, leaf, used.length, index.encoder.flank, words,
            index.cell_sizes, crowded, rank,
        )  # fmt: skip
    else:
        _rounds(offsets, starts, positions, kinds, leaf, words, index.cell_sizes, sample, rank)
    return BatchAnchors(positions[:count], kinds[:count], near, leaf, rank, starts)


@numba.njit(cache=True, nogil=True)
def _all_anchors(codes, offsets, wanted, rule, length, edge, positions, kinds, starts):
    count = 0
    for read in range(offsets.shape[0] - 1):
        starts[read] = count
        if not wanted[read]:
            continue
        count += find_anchors(
            codes,
            offsets[read] + edge,
            offsets[read + 1] - edge,
            rule,
            length,
            positions[count:],
            kinds[count:],
        )
    starts[offsets.shape[0] - 1] = count
    return count


@numba.njit(cache=True, nogil=True)
def _cells(codes, offsets, starts, positions, kinds, length, roots, children, columns, near, leaf):
    for read in range(offsets.shape[0] - 1):
        lo, hi = offsets[read], offsets[read + 1]
        for a in range(starts[read], starts[read + 1]):
            near[a] = near_bases(codes, lo, hi, positions[a], kinds[a] & 1, length)
            leaf[a] = leaf_of(near[a], roots[kinds[a] >> 1], children, columns)


@numba.njit(cache=True, nogil=True)
def _ranks(offsets, starts, positions, kinds, leaf, length, flank, words, sizes, crowded, rank):
    order = np.empty(4096, np.int64)
    for read in range(offsets.shape[0] - 1):
        lo, hi = offsets[read], offsets[read + 1]
        for word in range(words):
            used = 0
            for grade in range(3):  # whole contexts in ordinary cells, cut contexts, the rest
                count = 0
                for a in range(starts[read], starts[read + 1]):
                    if kinds[a] >> 1 != word or count == order.shape[0]:
                        continue
                    whole = positions[a] - flank >= lo and positions[a] + length + flank <= hi
                    plain = leaf[a] >= 0 and sizes[leaf[a]] <= crowded
                    if grade == (2 if not plain else (0 if whole else 1)):
                        order[count] = a
                        count += 1
                bits = 0
                while (1 << bits) < count:
                    bits += 1
                for turn in range(1 << bits):
                    mirrored = 0
                    for b in range(bits):
                        mirrored |= ((turn >> b) & 1) << (bits - 1 - b)
                    mirrored = (mirrored + (1 << bits) // 2) % (1 << bits)
                    if mirrored < count:
                        rank[order[mirrored]] = used
                        used += 1


@numba.njit(cache=True, nogil=True)
def _rounds(offsets, starts, positions, kinds, leaf, words, sizes, sample, rank):
    for read in range(offsets.shape[0] - 1):
        stretch = (offsets[read + 1] - offsets[read]) // sample.least
        stretch = min(max(stretch, sample.shortest), sample.longest)
        for word in range(words):
            best, end = -1, offsets[read]
            for a in range(starts[read], starts[read + 1]):
                rank[a] = 1 if kinds[a] >> 1 == word else rank[a]
                if kinds[a] >> 1 != word or leaf[a] < 0:
                    continue
                if positions[a] >= end:
                    end += (1 + (positions[a] - end) // stretch) * stretch
                    best = -1
                if best < 0 or sizes[leaf[a]] < sizes[leaf[best]]:
                    if best >= 0:
                        rank[best] = 1
                    rank[a] = 0
                    best = a


@dataclass(frozen=True)
class Hits:
    """Answers of the index for the anchors of some reads, grouped by read.

    Attributes
    ----------
    anchors : ndarray, shape (n,), dtype int64
        Index of each searched anchor in the batch.
    starts : ndarray, shape (live + 1,), dtype int64
        Searched anchors of the ``i``-th live read are ``starts[i]:starts[i + 1]``.
    similarities : ndarray, shape (n, hits), dtype float32
    ids : ndarray, shape (n, hits), dtype int64
        ``2 * position + orientation``, -1 where there is none.
    """

    anchors: NDArray[np.int64]
    starts: NDArray[np.int64]
    similarities: NDArray[np.float32]
    ids: NDArray[np.int64]


def search_anchors(
    codes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    index: Index,
    anchors: BatchAnchors,
    live: NDArray[np.int64],
    stage: Stage,
) -> Hits:
    """Embed the anchors of the `live` reads that `stage` wants and search them in FAISS."""
    chosen = np.empty(int((anchors.starts[live + 1] - anchors.starts[live]).sum()), np.int64)
    bounds = np.empty((2, len(chosen)), np.int64)
    starts = np.empty(len(live) + 1, np.int64)
    count = _choose(
        live, anchors.starts, anchors.kinds, anchors.rank, anchors.leaf, offsets,
        stage.word, stage.first, stage.last, stage.probes, chosen, bounds, starts,
    )  # fmt: skip
    chosen = chosen[:count]
    embeddings = np.empty((count, index.encoder.dimension), np.float32)
    encoder = index.encoder
    kinds = anchors.kinds[chosen]
    encode_contexts(
        codes, anchors.positions[chosen], kinds, bounds[0], bounds[1],
        encoder.flank, encoder.words.length, encoder.table, embeddings,
    )  # fmt: skip
    if stage.probes == 1:
        cells = anchors.leaf[chosen].astype(np.int64)[:, None]
    else:
        cells = np.full((count, stage.probes), -1, np.int64)
        tree = index.tree
        _nearby(anchors.near[chosen], kinds, tree.roots, tree.children, tree.columns, cells)
    similarities, ids = index.vectors.search(embeddings, cells, stage.hits)
    return Hits(chosen, starts, similarities, ids)


@numba.njit(cache=True, nogil=True)
def _choose(
    live, anchor_starts, kinds, rank, leaf, offsets, word, first, last, probes, chosen, bounds, starts
):
    count = 0
    for i in range(live.shape[0]):
        read = live[i]
        starts[i] = count
        for a in range(anchor_starts[read], anchor_starts[read + 1]):
            if (
                (word < 0 or kinds[a] >> 1 == word)
                and first <= rank[a] < last
                and (leaf[a] >= 0 or probes > 1)
            ):
                chosen[count] = a
                bounds[0, count] = offsets[read]
                bounds[1, count] = offsets[read + 1]
                count += 1
    starts[live.shape[0]] = count
    return count


@numba.njit(cache=True, nogil=True)
def _nearby(near, kinds, roots, children, columns, cells):
    for a in range(near.shape[0]):
        leaves_nearby(near[a], roots[kinds[a] >> 1], children, columns, cells[a])
