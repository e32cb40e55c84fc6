"""Clusters of sequences that resemble each other, so that no test sequence has a near-twin in training.

Families of genes, isoforms, alleles and copies from other species make a random split easy: to look the
answer up is enough. Two sequences are linked here if the one with fewer k-mers shares a given part of them
with the other, on either strand, and clusters are what is linked, directly or through others (single
linkage). A split that keeps clusters together (`genoseq.supervised.splits`) then asks for what a family has
in common.

If two sequences differ by substitutions at a rate d, they share about (1 - d)^k of their k-mers: with the
defaults, a tenth of the 12-mers, they are linked up to about 17 % of differences. By chance, sequences of
10 kb share a thousandth, those of 1 Mb a tenth: take longer words for these. Proteins are compared by words
of amino acids (`protein_clusters`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from genoseq.errors import UsageError
from genoseq.sequence import kmers, reverse_complement

__all__ = ["homology_clusters", "protein_clusters"]

_SHORTEST, _LONGEST = 8, 31
_SHORTEST_PROTEIN, _LONGEST_PROTEIN = 3, 14
_AMINO_ACIDS = 20
_BLOCK = 512  # sequences that are compared with all others at once: bounds the memory

Numbers = npt.NDArray[np.int64]


def homology_clusters(codes: Sequence[npt.NDArray[np.uint8]], *, k: int = 12, share: float = 0.1) -> Numbers:
    """Number of the cluster of each sequence, in the order of their first members.

    Parameters
    ----------
    codes
        Base codes of the sequences.
    k
        8..31. Below 12, long sequences share many by chance.
    share
        Above 0 and up to 1: of the distinct k-mers of the sequence that has fewer, those that the other has
        as well.

    Returns
    -------
    ndarray, shape (n,), dtype int64
        A sequence without a k-mer is alone.

    Raises
    ------
    UsageError
        For what is out of range.

    Examples
    --------
    >>> from genoseq.sequence import encode
    >>> texts = "ACGGTTACGATCAAT", "TTTTGGGAACGCGCA", "ATTGATCGTAACCGT"
    >>> homology_clusters([encode(text) for text in texts]).tolist()
    [0, 1, 0]
    """
    if not _SHORTEST <= k <= _LONGEST:
        raise UsageError(f"k is {k}; {_SHORTEST}..{_LONGEST} is expected")
    return _linked((_both_strands(each, k) for each in codes), share)


def protein_clusters(residues: Sequence[npt.NDArray[np.uint8]], *, k: int = 5, share: float = 0.1) -> Numbers:
    """Number of the cluster of each protein, as `homology_clusters` has them.

    With the defaults, a tenth of the 5-mers, proteins are linked up to about 37 % of differences.

    Parameters
    ----------
    residues
        Codes of the proteins, of which 0..19 are amino acids and others are not known.
    k
        3..14. Below 5, proteins share many by chance.
    share
        Above 0 and up to 1.

    Returns
    -------
    ndarray, shape (n,), dtype int64
        A sequence without a k-mer is alone.

    Raises
    ------
    UsageError
        For what is out of range.
    """
    if not _SHORTEST_PROTEIN <= k <= _LONGEST_PROTEIN:
        raise UsageError(f"k is {k}; {_SHORTEST_PROTEIN}..{_LONGEST_PROTEIN} is expected")
    words = (np.unique(kmers(each, k, letters=_AMINO_ACIDS)) for each in residues)
    return _linked((each[each >= 0] for each in words), share)


def _linked(words_of_each: Iterable[Numbers], share: float) -> Numbers:
    """Clusters of sequences with these distinct words."""
    if not 0 < share <= 1:
        raise UsageError(f"a share of {share:g}; above 0 and up to 1 is expected")
    from scipy.sparse import coo_matrix, csr_matrix
    from scipy.sparse.csgraph import connected_components

    words = list(words_of_each)
    sizes = np.array([len(each) for each in words], np.int64)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    _, columns = np.unique(np.concatenate([*words, np.empty(0, np.int64)]), return_inverse=True)
    shape = (len(words), int(columns.max(initial=0)) + 1)
    table = csr_matrix((np.ones(len(columns), np.int32), columns, ends), shape=shape)
    other = table.T.tocsr()
    rows, partners = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for first in range(0, len(words), _BLOCK):
        shared = (table[first : first + _BLOCK] @ other).tocoo()
        row, partner = shared.row + first, shared.col
        is_linked = shared.data >= share * np.minimum(sizes[row], sizes[partner])
        rows.append(row[is_linked])
        partners.append(partner[is_linked])
    found, linked = np.concatenate(rows), np.concatenate(partners)
    links = coo_matrix((np.ones(len(found), bool), (found, linked)), shape=(len(words), len(words)))
    _, clusters = connected_components(links, directed=False)
    return clusters.astype(np.int64)


def _both_strands(codes: npt.NDArray[np.uint8], k: int) -> Numbers:
    """The distinct k-mers, each as the lower number of the two that it has on the two strands."""
    forward, backward = kmers(codes, k), kmers(reverse_complement(codes), k)[::-1]
    words = np.minimum(forward, backward)
    return np.unique(words[words >= 0])
