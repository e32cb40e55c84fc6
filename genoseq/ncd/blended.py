"""Context models of many classes at once, out of counts of words.

The words of k bases hold what followed each context of k - 1 bases. From the shortest words to the longest,

    p_k(x) = (count(context x) + PRIOR * p(x)) / (count(context) + PRIOR),

with `p` from the next shorter words and 1/4 before the shortest: what `genoseq.ncd.markov` does, without the
lengths that were not counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError
from genoseq.ncd.cost import known_bases
from genoseq.ncd.words import WordCounts

PRIOR = 4.0
"""Counts that the shorter words are worth. Of 1, 4, 16 and 64, 4 costs least on 164 genes of the dog, 656
others were learned: 1.78 bits/base under the best class, with the words of `CODING`."""


def blended_bits(
    codes: NDArray[np.uint8], tables: Sequence[WordCounts], *, both_strands: bool = False
) -> NDArray[np.float64]:
    """Bits/base of a sequence under each class: float64 (classes,).

    Parameters
    ----------
    codes
        uint8 (n,), base codes.
    tables
        Of words of DNA, the shortest first.
    both_strands
        Whether they were counted so that a word and its reverse complement are one.

    Raises
    ------
    InputError
        If no base is known.
    """
    known = known_bases(codes)
    if not known:
        raise InputError("no base is known (A, C, G or T): there is nothing to score")
    shares = np.full((codes.size, 4, len(tables[0].totals)), 0.25)
    for table in tables:
        _blend(codes, table.kind.length, table.directory, table.counts, both_strands, PRIOR, shares)
    places = np.flatnonzero(codes < 4)
    return -np.log2(shares[places, codes[places]]).sum(0) / known


@numba.njit(cache=True, nogil=True)
def _blend(codes, length, directory, counts, both_strands, prior, shares):
    """Blend what was counted of one length of words into the distributions `shares` (n, 4, classes)."""
    mask = (1 << 2 * length) - 1
    context, other, known = 0, 0, 0  # of the other strand: the complement, read backwards, in high places
    high = 2 * (length - 1)
    rows = np.zeros(4, np.int64)
    for i in range(codes.size):
        if codes[i] > 3:
            context, other, known = 0, 0, 0
            continue
        if known >= length - 1:
            for x in range(4):
                word = (context << 2 | x) & mask
                if both_strands:
                    word = min(word, other >> 2 | (3 - x) << high)
                rows[x] = directory[word]
            for c in range(shares.shape[2]):
                total = prior
                for x in range(4):
                    total += counts[rows[x], c]
                for x in range(4):
                    shares[i, x, c] = (counts[rows[x], c] + prior * shares[i, x, c]) / total
        base = np.int64(codes[i])
        context = (context << 2 | base) & mask
        other = other >> 2 | (3 - base) << high
        known += 1
