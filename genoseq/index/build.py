"""Building an index: anchors, cells and codes of a reference, piece by piece.

Two passes over the reference: the first finds the anchors and their near bases and grows the cell tree; the
second embeds each anchor's context and quantises it. Memory is about 35 bytes an anchor (some 8 bytes/bp with
two words) at the peak; embeddings exist only for one piece at a time (all of them for an exact index, which
is for small references). Each pass can be had for a stretch of the reference alone; wherever it is cut, the
stretches one after the other are the whole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from genoseq.encoder.anchors import AnchorWords, find_anchors
from genoseq.encoder.seed import SeedEncoder, encode_contexts
from genoseq.index.cells import NEAR, CellTree, pack_near
from genoseq.index.reference import Reference
from genoseq.index.vectors import quantise

BuildProgress = Callable[[str, int, int], None]
_PIECE = 1 << 18  # bp


def encode_reference(
    reference: Reference,
    encoder: SeedEncoder,
    words: int,
    capacity: int,
    *,
    exact: bool,
    progress: BuildProgress | None = None,
) -> tuple[CellTree, NDArray[np.int32], NDArray[np.uint8], NDArray[np.int64]]:
    """Anchors of a reference as cells, codes and ids.

    Returns
    -------
    tree : CellTree
    leaf : ndarray, shape (n,), dtype int32
    codes : ndarray, shape (n, bytes), dtype uint8
    ids : ndarray, shape (n,), dtype int64
        ``2 * position + orientation``.
    """
    used = AnchorWords(encoder.words.words[:words])
    ids, kinds, near = anchors_between(reference, used, 0, len(reference), progress)
    tree, leaf = CellTree.build(near, kinds >> np.uint8(1), words, capacity)
    del near
    codes = codes_between(reference, encoder, ids, kinds, 0, len(reference), exact=exact, progress=progress)
    return tree, leaf, codes, ids


def anchors_between(
    reference: Reference,
    words: AnchorWords,
    start: int,
    end: int,
    progress: BuildProgress | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint32]]:
    """Anchors that begin in a stretch of the reference, in order of position.

    Parameters
    ----------
    start, end : int
        Concatenated coordinates, half-open.

    Returns
    -------
    ids : ndarray, shape (n,), dtype int64
        ``2 * position + orientation``.
    kinds : ndarray, shape (n,), dtype uint8
        ``2 * word + orientation``.
    near : ndarray, shape (n,), dtype uint32
        Near bases, as `genoseq.index.cells.pack_near` packs them; they may lie outside the stretch.
    """
    rule, length = words.rule(), words.length
    margin = NEAR // 2 + length
    positions, kinds = np.empty(_PIECE + 2 * margin, np.int64), np.empty(_PIECE + 2 * margin, np.uint8)
    parts: tuple[list[NDArray[np.int64]], list[NDArray[np.uint8]], list[NDArray[np.uint32]]] = (
        [np.empty(0, np.int64)], [np.empty(0, np.uint8)], [np.empty(0, np.uint32)]
    )  # fmt: skip
    for first, last, low, high in reference.chunks(_PIECE, margin, start, end):
        codes = reference.codes(low, high)
        # a word that begins in this piece may end in the next: it belongs here
        count = find_anchors(
            codes, first - low, min(last - low + length - 1, len(codes)), rule, length, positions, kinds
        )
        near = np.empty(count, np.uint32)
        pack_near(codes, 0, len(codes), positions, kinds, count, length, near)
        parts[0].append(((positions[:count] + low) << 1) | (kinds[:count] & 1))
        parts[1].append(kinds[:count].copy())
        parts[2].append(near)
        if progress:
            progress("anchors", last - start, end - start)
    return np.concatenate(parts[0]), np.concatenate(parts[1]), np.concatenate(parts[2])


def codes_between(
    reference: Reference,
    encoder: SeedEncoder,
    ids: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    start: int,
    end: int,
    *,
    exact: bool,
    progress: BuildProgress | None = None,
) -> NDArray[np.uint8]:
    """Code of each anchor of a stretch of the reference, as `anchors_between` found them.

    Returns
    -------
    ndarray, shape (n, bytes), dtype uint8
        `quantise`, or the bytes of the embedding if `exact`.
    """
    out = np.empty((len(ids), code_bytes(encoder, exact=exact)), np.uint8)
    centroids = np.ascontiguousarray(encoder.codebook.transpose(0, 2, 1))
    half_norms = ((encoder.codebook**2).sum(2) / 2).astype(np.float32)
    done = 0
    for first, last, low, high in reference.chunks(_PIECE, encoder.context, start, end):
        until = done + int(np.searchsorted(ids[done : done + last - first], 2 * last))
        codes = reference.codes(low, high)
        count = until - done
        embeddings = np.empty((count, encoder.dimension), np.float32)
        encode_contexts(
            codes,
            (ids[done:until] >> 1) - low,
            kinds[done:until],
            np.zeros(count, np.int64),
            np.full(count, len(codes)),
            encoder.flank,
            encoder.words.length,
            encoder.table,
            embeddings,
        )
        if exact:
            out[done:until] = embeddings.view(np.uint8)
        else:
            quantise(embeddings, centroids, half_norms, out[done:until])
        done = until
        if progress:
            progress("embeddings", last - start, end - start)
    return out


def code_bytes(encoder: SeedEncoder, *, exact: bool) -> int:
    """Length of the code of an anchor."""
    return 4 * encoder.dimension if exact else encoder.codebook.shape[0] // 2
