"""Product quantisation of seed embeddings: the rotation that goes into the tables, and the codebook that
ships.

An index keeps 4 bits for each of 16 pieces of 4 numbers (8 bytes an anchor). The codebook is learned once,
here, from contexts of the training genomes, so building an index trains nothing. The rotation (OPQ, Ge et
al. 2013) spreads the variance over the pieces; it is folded into the tables, where it costs nothing.
"""

from __future__ import annotations

import faiss
import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError

SUBSPACES = 16  # pieces of an embedding: 8 bytes an anchor at 4 bits each
CENTROIDS = 16  # 4 bits


def learn_rotation(
    embeddings: NDArray[np.float32], subspaces: int = SUBSPACES, iterations: int = 10
) -> NDArray[np.float32]:
    """The OPQ rotation of embeddings (n, d): float32 (d, d), to be applied as ``rotation @ z``."""
    dimension = _pieces(embeddings, subspaces)
    opq = faiss.OPQMatrix(dimension, subspaces)
    opq.niter, opq.niter_pq = iterations, 4
    quantizer = faiss.ProductQuantizer(dimension, subspaces, 4)
    opq.pq = quantizer
    opq.train(np.ascontiguousarray(embeddings, np.float32))
    opq.pq = None  # faiss would otherwise free the quantizer that Python owns
    return faiss.vector_to_array(opq.A).reshape(dimension, dimension).copy()


def learn_codebook(embeddings: NDArray[np.float32], subspaces: int = SUBSPACES) -> NDArray[np.float32]:
    """k-means of every piece of embeddings (n, d): float32 (subspaces, 16, d // subspaces)."""
    dimension = _pieces(embeddings, subspaces)
    quantizer = faiss.ProductQuantizer(dimension, subspaces, 4)
    quantizer.train(np.ascontiguousarray(embeddings, np.float32))
    return faiss.vector_to_array(quantizer.centroids).reshape(subspaces, CENTROIDS, -1).copy()


def reconstruct(embeddings: NDArray[np.float32], codebook: NDArray[np.float32]) -> NDArray[np.float32]:
    """What an index remembers of embeddings: each piece as its nearest centroid, float32 (n, d)."""
    out = np.empty(embeddings.shape, np.float32)
    _nearest(np.ascontiguousarray(embeddings, np.float32), codebook, out)
    return out


def _pieces(embeddings: NDArray[np.float32], subspaces: int) -> int:
    if embeddings.ndim != 2 or embeddings.shape[1] % subspaces:
        raise UsageError(
            f"embeddings of shape {embeddings.shape} cannot be cut into {subspaces} equal pieces"
        )
    return int(embeddings.shape[1])


@numba.njit(cache=True, nogil=True, fastmath=True)
def _nearest(embeddings, codebook, out):
    subspaces, centroids, width = codebook.shape
    for a in range(embeddings.shape[0]):
        for m in range(subspaces):
            best = 0
            least = np.float32(np.inf)
            for c in range(centroids):
                distance = np.float32(0)
                for j in range(width):
                    step = embeddings[a, m * width + j] - codebook[m, c, j]
                    distance += step * step
                if distance < least:
                    least = distance
                    best = c
            for j in range(width):
                out[a, m * width + j] = codebook[m, best, j]
