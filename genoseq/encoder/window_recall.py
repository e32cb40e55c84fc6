"""Recall of whole-window embeddings, with exact search: the published way, measured by the published and by
our rule.

The reference is cut into windows at a stride, each is embedded and stored; a read is embedded as it is and
reverse-complemented, and the K closest windows of both are its candidates.

* ``published`` (DNA-ESA): a candidate counts if its window overlaps the place of the read, whatever its
  strand. Windows are long, so this is lenient.
* ``placed``: a candidate counts if its strand is right and its middle lies within 60 bp + half a stride of
  the middle of the read: as near as windows at that stride can tell.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from genoseq.encoder.window import WindowEncoder
from genoseq.errors import UsageError
from genoseq.sequence import reverse_complement

TOLERANCE = 60  # bp, as for alignments


@dataclass(frozen=True)
class PlacedReads:
    """Reads whose place is known.

    Attributes
    ----------
    codes, offsets : ndarray
        Bases of all reads, int64 (n + 1) bounds.
    starts, ends : ndarray, shape (n,), dtype int64
        Place on the reference, 0-based half-open.
    reverse : ndarray, shape (n,), dtype bool
        The read is the reverse complement of its place.
    """

    codes: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    reverse: NDArray[np.bool_]


@dataclass(frozen=True)
class WindowRecall:
    """Recall among the K closest windows.

    Attributes
    ----------
    hits : int
        K, windows of both strands together.
    published, placed : float
        Share of the reads found, by the two rules of this module.
    windows : int
        Windows of the reference.
    embed_seconds, search_seconds : float
        CPU seconds for all reads.
    """

    hits: int
    published: float
    placed: float
    windows: int
    embed_seconds: float
    search_seconds: float


def window_recall(
    encoder: WindowEncoder,
    reference: NDArray[np.uint8],
    reads: PlacedReads,
    *,
    window: int = 256,
    stride: int = 128,
    hits: Sequence[int] = (1, 20, 50, 100),
) -> list[WindowRecall]:
    """Recall@K of an encoder on placed reads.

    Parameters
    ----------
    encoder : WindowEncoder
    reference : ndarray, dtype uint8
        Codes of one contig; windows that are mostly unknown bases are left out.
    reads : PlacedReads
    window, stride : int
        Of the windows of the reference, bp.
    hits : sequence of int
        The Ks.

    Raises
    ------
    UsageError
        If the reference is shorter than a window, or a number is not positive.
    """
    if min(window, stride, *hits) < 1:
        raise UsageError(f"window {window}, stride {stride} and hits {tuple(hits)} must be positive")
    if len(reference) < window:
        raise UsageError(f"the reference has {len(reference)} bp, less than a window of {window}")
    starts = _window_starts(reference, window, stride)
    stored = _embed_windows(encoder, reference, starts, window)
    index = faiss.IndexFlatIP(encoder.dim)
    index.add(stored)
    before = time.process_time()
    forward = encoder.encode(reads.codes, reads.offsets)
    backward = encoder.encode(_reverse_reads(reads), reads.offsets)
    embedded = time.process_time()
    most = min(max(hits), len(starts))
    scores, rows = index.search(np.concatenate([forward, backward]), most)
    searched = time.process_time()
    n = len(reads.starts)
    both = np.concatenate([scores[:n], scores[n:]], 1)
    order = np.argsort(-both, 1, kind="stable")
    candidate = np.take_along_axis(starts[np.concatenate([rows[:n], rows[n:]], 1)], order, 1)
    reversed_ = order >= most
    overlaps = (candidate < reads.ends[:, None]) & (candidate + window > reads.starts[:, None])
    middle = 0.5 * (reads.starts + reads.ends)
    near = np.abs(candidate + 0.5 * window - middle[:, None]) <= TOLERANCE + 0.5 * stride
    placed = near & (reversed_ == reads.reverse[:, None])
    return [
        WindowRecall(
            k,
            float(overlaps[:, :k].any(1).mean()),
            float(placed[:, :k].any(1).mean()),
            len(starts),
            embedded - before,
            searched - embedded,
        )
        for k in hits
    ]


def _window_starts(reference: NDArray[np.uint8], window: int, stride: int) -> NDArray[np.int64]:
    starts = np.arange(0, len(reference) - window + 1, stride, dtype=np.int64)
    unknown = np.concatenate([[0], np.cumsum(reference > 3, dtype=np.int64)])
    return starts[unknown[starts + window] - unknown[starts] <= window // 2]


def _embed_windows(
    encoder: WindowEncoder, reference: NDArray[np.uint8], starts: NDArray[np.int64], window: int
) -> NDArray[np.float32]:
    out = np.empty((len(starts), encoder.dim), np.float32)
    for lo in range(0, len(starts), 4096):
        part = starts[lo : lo + 4096]
        codes = reference[part[:, None] + np.arange(window)].reshape(-1)
        out[lo : lo + len(part)] = encoder.encode(codes, np.arange(len(part) + 1, dtype=np.int64) * window)
    return out


def _reverse_reads(reads: PlacedReads) -> NDArray[np.uint8]:
    """Every read reverse-complemented, at the same offsets."""
    whole = reverse_complement(reads.codes)  # the reads come out in reverse order; put them back
    out = np.empty_like(reads.codes)
    total = len(whole)
    for lo, hi in zip(reads.offsets[:-1], reads.offsets[1:], strict=True):
        out[lo:hi] = whole[total - hi : total - lo]
    return out
