"""Proteins of genes: which of the six reading frames is open, and what it says.

The code is the standard one (NCBI table 1). Of a gene with introns or a fragment there is no telling which
frame is right; the one with the longest stretch between two stop codons is taken, which for coding sequences
is seldom another than the true one (`reading_frame`).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.protein import STOP, UNKNOWN, encode_protein
from genoseq.sequence import reverse_complement

# The standard code, with the bases of a codon in the order T, C, A, G, the third changing fastest.
_CODE = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
_ORDER = (2, 1, 3, 0)  # place of A, C, G, T among T, C, A, G
_CODONS = encode_protein(
    "".join(
        _CODE[16 * _ORDER[first] + 4 * _ORDER[second] + _ORDER[third]]
        for first in range(4)
        for second in range(4)
        for third in range(4)
    )
)


def translate(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Amino acids of a sequence read from its first base: uint8 (bases // 3,), as in `genoseq.protein`.

    Examples
    --------
    >>> from genoseq.protein import decode_protein
    >>> from genoseq.sequence import encode
    >>> decode_protein(translate(encode("ATGGCCTAAG")))
    'MA*'
    """
    return _translate(codes)


def reading_frame(codes: NDArray[np.uint8], *, both_strands: bool = True) -> NDArray[np.uint8]:
    """Amino acids of the frame with the longest stretch between two stops.

    Of 820 coding sequences of the dog, which begin with a codon, 98 % were read as they are written.

    Parameters
    ----------
    codes
        uint8 (n,), base codes.
    both_strands
        Choose among six frames, not three.

    Returns
    -------
    ndarray, shape (amino acids,), dtype uint8
        Codes as in `genoseq.protein`, 21 for a codon with an unknown base. Of frames alike, the first of
        the strand that was given.
    """
    strands = (codes, reverse_complement(codes)) if both_strands else (codes,)
    frames = [_translate(strand[start:]) for strand in strands for start in range(3)]
    return frames[int(np.argmax([_longest_open(frame) for frame in frames]))]


@numba.njit(cache=True, nogil=True)
def _translate(codes):
    """Amino acid of each whole codon."""
    out = np.empty(codes.size // 3, np.uint8)
    for i in range(out.size):
        first, second, third = codes[3 * i], codes[3 * i + 1], codes[3 * i + 2]
        if max(first, second, third) > 3:
            out[i] = UNKNOWN
        else:
            out[i] = _CODONS[16 * np.int64(first) + 4 * np.int64(second) + np.int64(third)]
    return out


@numba.njit(cache=True, nogil=True)
def _longest_open(residues):
    """Residues of the longest stretch without a stop."""
    longest, open_since = 0, 0
    for i in range(residues.size):
        if residues[i] == STOP:
            open_since = i + 1
        longest = max(longest, i + 1 - open_since)
    return longest
