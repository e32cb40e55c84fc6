"""How alike two peptides are: 1 minus their edit distance by the length of the longer one.

Peptides that are closed head to tail have no first letter: all rotations of one are compared with the other,
and the nearest counts (turning one of them is enough: Maes 1990, Information Processing Letters 35).
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["distinct", "identities"]

_CHUNK = 1 << 16  # known peptides that are compared at once


def identities(peptide: str, others: Sequence[str], *, cyclic: bool = False) -> NDArray[np.float64]:
    """Of a peptide and each of others: float64 (n,); `cyclic`: closed head to tail.

    Examples
    --------
    >>> identities("ACDE", ["ACDE", "CDEF", "WWWW"]).tolist()
    [1.0, 0.5, 0.0]
    >>> identities("ACDE", ["DEAC"], cyclic=True).tolist()
    [1.0]
    """
    if cyclic and len(peptide) > 1:
        turns = [peptide[at:] + peptide[:at] for at in range(len(peptide))]
        return np.max([identities(turn, others) for turn in turns], axis=0)
    out = np.empty(len(others))
    for at in range(0, len(others), _CHUNK):
        some = others[at : at + _CHUNK]
        letters = np.frombuffer("".join(some).encode("latin-1", "replace"), np.uint8)
        ends = np.cumsum([0, *map(len, some)])
        _identities(np.frombuffer(peptide.encode("latin-1", "replace"), np.uint8), letters, ends, out[at:])
    return out


def distinct(peptides: Sequence[str], most: float, *, cyclic: bool = False) -> list[int]:
    """Numbers of peptides, in their order, that are no more alike than `most` to any that was taken before.

    Examples
    --------
    >>> distinct(["ACDE", "ACDF", "WWWW", "ACDE"], 0.7)
    [0, 2]
    """
    taken: list[int] = []
    for number, peptide in enumerate(peptides):
        alike = identities(peptide, [peptides[each] for each in taken], cyclic=cyclic)
        if alike.max(initial=0) < 1 and alike.max(initial=0) <= most:
            taken.append(number)
    return taken


@numba.njit(cache=True, nogil=True)
def _identities(peptide, letters, ends, out):
    """Edit distances by dynamic programming, a row at a time."""
    row = np.empty(peptide.size + 1, np.int64)
    for number in range(ends.size - 1):
        other = letters[ends[number] : ends[number + 1]]
        for i in range(row.size):
            row[i] = i
        for j in range(other.size):
            diagonal, row[0] = row[0], j + 1
            for i in range(peptide.size):
                above = row[i + 1]
                row[i + 1] = min(diagonal + (peptide[i] != other[j]), above + 1, row[i] + 1)
                diagonal = above
        longest = max(peptide.size, other.size)
        out[number] = 1 - row[peptide.size] / longest if longest else 1.0
