"""Vectors: embeddings of the reference's anchors in one FAISS index whose cells we choose ourselves.

The index is an inverted file (IVF): one list for each leaf of the cell tree, holding for every anchor a short
code and an id. The id is ``2 * position + orientation``, so that no other array is needed to turn a hit into
a diagonal. Two forms, named as in FAISS's factory:

``PQ16x4fs``
    16 sub-spaces of 4 bits, 8 bytes an anchor, scanned 32 codes at a time in registers (fast scan). The
    default.
``Flat``
    The embeddings themselves, 256 bytes an anchor: exact, for small references.

Because the leaf is given (``search_preassigned``), FAISS never compares a centroid. The lists live in one
file, laid out as FAISS's on-disk inverted lists, and are memory-mapped: opening costs nothing and processes
share the pages.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import faiss
import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.errors import IndexFileError, UsageError

INDEX_FILE = "cells.faiss"
LISTS_FILE = "lists.bin"
FACTORIES = ("PQ16x4fs", "Flat")
_BLOCK = 32  # codes that a fast scan takes at a time; FAISS pads lists to it
_TOGETHER = 512  # queries of one cell each that FAISS takes at a time
_ALIGN = 64  # lists start on a cache line
_AT_ONCE = 1 << 20  # anchors whose lists are made in memory at a time
_REBUILD = "rebuild the index with 'genoseq index'"


@dataclass(frozen=True)
class VectorIndex:
    """Inverted lists of codes, searched in given cells.

    Attributes
    ----------
    ivf : faiss.IndexIVF
    lists : faiss.OnDiskInvertedLists
        The mapped lists; `ivf` uses them and does not own them.
    exact : bool
        Whether the embeddings themselves are stored.
    limit : int
        Ids are below it. Those that are not, from lists damaged since they were checked, are no hits.
    """

    ivf: faiss.IndexIVF
    lists: faiss.OnDiskInvertedLists
    exact: bool
    limit: int

    @classmethod
    def open(
        cls,
        folder: Path,
        sizes: NDArray[np.int32],
        codebook: NDArray[np.float32],
        *,
        exact: bool,
        positions: int,
    ) -> VectorIndex:
        """Memory-map the index in `folder`, whose lists hold `sizes` anchors of `positions` bp.

        Raises
        ------
        IndexFileError
            If FAISS cannot read it, or it is another index than these sizes and this codebook give.
        """
        part = INDEX_FILE
        try:
            ivf = faiss.read_index(str(folder / INDEX_FILE))
            if not _has_form(ivf, sizes, codebook, exact=exact):
                raise IndexFileError(f"{folder}: {part} is not as 'genoseq index' writes it; {_REBUILD}")
            lists = faiss.OnDiskInvertedLists()
            lists.nlist, lists.code_size, lists.read_only = len(sizes), ivf.code_size, True
            rooms, offsets = _layout(sizes, ivf.code_size, padded=not exact)
            lists.filename, lists.totsize = str(folder / LISTS_FILE), int(offsets[-1])
            lists.lists.resize(len(sizes))
            table = np.stack([sizes, rooms, offsets[:-1]], 1).astype(
                np.uint64
            )  # OnDiskOneList: size, capacity, offset
            ctypes.memmove(int(lists.lists.data().this), table.ctypes.data, table.nbytes)
            part = LISTS_FILE
            if (folder / part).stat().st_size != lists.totsize:
                raise IndexFileError(f"{folder}: {part} does not hold the anchors of the cells; {_REBUILD}")
            lists.do_mmap()
            ivf.replace_invlists(lists, False)
        except RuntimeError as err:
            raise IndexFileError(
                f"{folder / part}: FAISS cannot read it ({_last_words(err)}); {_REBUILD}"
            ) from err
        except FileNotFoundError as err:
            raise IndexFileError(f"{folder}: {part} is missing; {_REBUILD}") from err
        return cls(ivf, lists, exact, 2 * positions)

    def search(
        self, embeddings: NDArray[np.float32], cells: NDArray[np.int64], hits: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Nearest anchors of each query within its cells.

        Parameters
        ----------
        embeddings : ndarray, shape (n, 64), dtype float32
            Unit rows.
        cells : ndarray, shape (n, probes), dtype int64
            Lists to scan; -1 for none.
        hits : int
            How many to return for each query.

        Returns
        -------
        similarities : ndarray, shape (n, hits), dtype float32
            Cosine similarity (of the codes), best first; undefined where the id is -1.
        ids : ndarray, shape (n, hits), dtype int64
            ``2 * position + orientation`` of the anchor, or -1.
        """
        distances = np.empty((len(embeddings), hits), np.float32)
        ids = np.empty((len(embeddings), hits), np.int64)
        if cells.shape[1] > 1:
            self._search(embeddings, cells, distances, ids)
        else:  # neighbours in one cell, few at a time: lists and FAISS's tables stay in the cache
            order = np.argsort(cells[:, 0], kind="stable")
            embeddings, cells = embeddings[order], cells[order]
            found, where = np.empty_like(distances), np.empty_like(ids)
            for low in range(0, len(order), _TOGETHER):
                part = slice(low, low + _TOGETHER)
                self._search(embeddings[part], cells[part], found[part], where[part])
            distances[order], ids[order] = found, where
        np.putmask(ids, ids.view(np.uint64) >= self.limit, -1)
        distances *= -0.5
        distances += 1
        return distances, ids

    def _search(
        self,
        embeddings: NDArray[np.float32],
        cells: NDArray[np.int64],
        distances: NDArray[np.float32],
        ids: NDArray[np.int64],
    ) -> None:
        """Search with FAISS; squared distances and ids go into the last two arrays."""
        unused = np.zeros(
            cells.shape, np.float32
        )  # distances to centroids, which do not enter without residuals
        # the C++ method: the Python wrapper takes no parameters, and threads share the index and its nprobe
        self.ivf.search_preassigned_c(
            len(embeddings), faiss.swig_ptr(embeddings), ids.shape[1], faiss.swig_ptr(cells),
            faiss.swig_ptr(unused), faiss.swig_ptr(distances), faiss.swig_ptr(ids), False,
            faiss.SearchParametersIVF(nprobe=cells.shape[1]),
        )  # fmt: skip


def write_vectors(
    folder: Path,
    codes: NDArray[np.uint8],
    ids: NDArray[np.int64],
    leaf: NDArray[np.int32],
    leaves: int,
    codebook: NDArray[np.float32],
    *,
    exact: bool,
) -> None:
    """Write the FAISS index of a reference into `folder`.

    Parameters
    ----------
    codes : ndarray, shape (n, bytes), dtype uint8
        Code of each anchor: `quantise`, or the bytes of its embedding if `exact`.
    ids : ndarray, shape (n,), dtype int64
    leaf : ndarray, shape (n,), dtype int32
        The cell of each anchor.
    leaves : int
        Number of cells.
    codebook : ndarray, shape (16, 16, 4), dtype float32
    """
    order, starts = by_leaf(leaf, leaves)

    def anchors(first: int, last: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        chosen = order[starts[first] : starts[last]]
        return codes[chosen], ids[chosen]

    write_lists(folder, np.diff(starts), anchors, codebook, exact=exact)


def write_lists(
    folder: Path,
    sizes: NDArray[np.integer],
    anchors: Callable[[int, int], tuple[NDArray[np.uint8], NDArray[np.int64]]],
    codebook: NDArray[np.float32],
    *,
    exact: bool,
) -> None:
    """Write the FAISS index into `folder`, the lists of some cells at a time.

    Parameters
    ----------
    sizes : ndarray, shape (cells,)
        Anchors in each cell.
    anchors : callable
        ``anchors(first, last)`` gives codes and ids of the anchors of cells ``first:last``, cell after cell.
        It is asked for each of the groups of `cell_groups`, in order.
    codebook : ndarray, shape (16, 16, 4), dtype float32
    """
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    nothing = np.zeros(len(starts), np.int64)
    empty = _in_cells(np.empty((0, 0), np.uint8), np.empty(0, np.int64), nothing, codebook, exact=exact)
    empty.ntotal = int(starts[-1])
    rooms, offsets = _layout(np.diff(starts), empty.code_size, padded=not exact)
    groups = cell_groups(sizes).tolist()
    with (folder / LISTS_FILE).open("wb") as handle:
        for first, last in pairwise(groups):  # FAISS has two copies of what is in memory
            own = starts[first : last + 1] - starts[first]
            part = _in_cells(*anchors(first, last), own, codebook, exact=exact)
            _write_lists(part, np.diff(own), rooms[first:last], offsets[first:last], handle)
        handle.truncate(int(offsets[-1]))
    no_lists = faiss.ArrayInvertedLists(len(sizes), empty.code_size)
    empty.replace_invlists(no_lists, False)
    faiss.write_index(empty, str(folder / INDEX_FILE))


def cell_groups(sizes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Borders of groups of consecutive cells with a million anchors, or one larger cell, each.

    Returns
    -------
    ndarray, shape (groups + 1,), dtype int64
        Group ``i`` is cells ``groups[i]:groups[i + 1]``.
    """
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    borders = [0]
    while borders[-1] < len(sizes):
        last = int(np.searchsorted(starts, starts[borders[-1]] + _AT_ONCE, side="right")) - 1
        borders.append(max(last, borders[-1] + 1))
    return np.array(borders, np.int64)


def _in_cells(
    codes: NDArray[np.uint8],
    ids: NDArray[np.int64],
    starts: NDArray[np.int64],
    codebook: NDArray[np.float32],
    *,
    exact: bool,
) -> faiss.IndexIVF:
    """A FAISS index in memory; cell ``i`` holds anchors ``starts[i]:starts[i + 1]``."""
    dimension, cells = codebook.shape[0] * codebook.shape[2], len(starts) - 1
    quantiser = faiss.IndexFlatL2(dimension)
    if exact:
        ivf = faiss.IndexIVFFlat(quantiser, dimension, cells)
    else:
        ivf = faiss.IndexIVFPQ(quantiser, dimension, cells, codebook.shape[0], 4)
        ivf.by_residual = False
        faiss.copy_array_to_vector(np.ascontiguousarray(codebook, np.float32).ravel(), ivf.pq.centroids)
    ivf.is_trained = True
    for cell in np.flatnonzero(np.diff(starts)).tolist():
        low, high = int(starts[cell]), int(starts[cell + 1])
        ivf.invlists.add_entries(
            cell, high - low, faiss.swig_ptr(ids[low:high]), faiss.swig_ptr(codes[low:high])
        )
    ivf.ntotal = len(ids)
    return ivf if exact else faiss.IndexIVFPQFastScan(ivf)


def _has_form(
    ivf: faiss.Index, sizes: NDArray[np.int32], codebook: NDArray[np.float32], *, exact: bool
) -> bool:
    """Whether an index that was read is what `write_vectors` writes, but for the lists."""
    spaces, words, width = codebook.shape
    if type(ivf) is not (faiss.IndexIVFFlat if exact else faiss.IndexIVFPQFastScan):
        return False
    found = (ivf.d, ivf.nlist, ivf.ntotal, ivf.metric_type, ivf.is_trained, ivf.by_residual, ivf.code_size)
    size = 4 * spaces * width if exact else spaces // 2
    expected = (
        spaces * width,
        len(sizes),
        int(sizes.sum(dtype=np.int64)),
        faiss.METRIC_L2,
        True,
        False,
        size,
    )
    if exact:
        return found[:5] + found[6:] == expected[:5] + expected[6:]
    if ivf.implem != 0 or ivf.qbs2 != 0:  # ways of searching, which FAISS chooses
        return False
    form = (ivf.M, ivf.nbits, ivf.ksub, ivf.M2, ivf.bbs, ivf.pq.M, ivf.pq.nbits, ivf.pq.d)
    if found != expected or form != (spaces, 4, words, spaces, _BLOCK, spaces, 4, spaces * width):
        return False
    return np.array_equal(faiss.vector_to_array(ivf.pq.centroids), codebook.ravel())


def _layout(
    sizes: NDArray[np.integer], code_size: int, *, padded: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Room (codes with padding) of each list, and where each starts in the file, with the file's end."""
    rooms = sizes.astype(np.int64)
    if padded:
        rooms = -(-rooms // _BLOCK) * _BLOCK
    spans = -(-(rooms * (code_size + 8)) // _ALIGN) * _ALIGN
    offsets = np.concatenate([[0], np.cumsum(spans)])
    offsets[-1] = max(offsets[-1], _ALIGN)  # an empty file cannot be mapped
    return rooms, offsets


def _write_lists(
    index: faiss.IndexIVF,
    sizes: NDArray[np.int64],
    rooms: NDArray[np.int64],
    offsets: NDArray[np.int64],
    handle: BinaryIO,
) -> None:
    """Lay lists out in a file as FAISS's on-disk lists: codes, then ids, list after list."""
    lists, code_size = index.invlists, index.code_size
    for cell in np.flatnonzero(sizes).tolist():
        handle.seek(int(offsets[cell]))
        handle.write(faiss.rev_swig_ptr(lists.get_codes(cell), int(rooms[cell]) * code_size))
        handle.write(faiss.rev_swig_ptr(lists.get_ids(cell), int(sizes[cell])))


def by_leaf(leaf: NDArray[np.int32], leaves: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order of the anchors by cell (stable), and where each cell starts in it."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(leaf, minlength=leaves))])
    order = np.empty(len(leaf), np.int64)
    _counting_sort(leaf, starts[:-1].copy(), order)
    return order, starts


@numba.njit(cache=True, nogil=True)
def _counting_sort(leaf, cursor, order):
    for i in range(leaf.shape[0]):
        order[cursor[leaf[i]]] = i
        cursor[leaf[i]] += 1


@numba.njit(cache=True, nogil=True, fastmath=True)
def quantise(
    embeddings: NDArray[np.float32],
    centroids: NDArray[np.float32],
    half_norms: NDArray[np.float32],
    out: NDArray[np.uint8],
) -> None:
    """Product-quantiser codes: two 4-bit centroid numbers a byte, the even sub-space in the low half.

    Parameters
    ----------
    embeddings : ndarray, shape (n, d), dtype float32
    centroids : ndarray, shape (m, d // m, 16), dtype float32
        Centroids with the 16 alternatives last, so that one vector instruction compares them all.
    half_norms : ndarray, shape (m, 16), dtype float32
        Half the squared norm of each centroid.
    out : ndarray, shape (n, m // 2), dtype uint8
    """
    spaces, width, _ = centroids.shape
    score = np.empty(16, np.float32)
    for i in range(embeddings.shape[0]):
        for m in range(spaces):
            for k in range(16):
                score[k] = -half_norms[m, k]
            for j in range(width):
                value = embeddings[i, m * width + j]
                for k in range(16):
                    score[k] += value * centroids[m, j, k]
            best = 0
            for k in range(1, 16):
                if score[k] > score[best]:
                    best = k
            if m & 1:
                out[i, m >> 1] |= np.uint8(best << 4)
            else:
                out[i, m >> 1] = np.uint8(best)


def check_factory(factory: str) -> str:
    """The factory, if it is one that genoseq builds; otherwise UsageError."""
    if factory not in FACTORIES:
        raise UsageError(f"unknown index factory {factory!r}; choose from {', '.join(FACTORIES)}")
    return factory


def _last_words(err: Exception) -> str:
    return str(err).strip().splitlines()[-1].strip() if str(err).strip() else type(err).__name__
